"""`scrapy crawl` with an honest exit code: Scrapy's own ends with 0 even when every page failed."""

import argparse
import os
import sys

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.exceptions import UsageError

from crawler.errors import BadArgument, Stop
from crawler.extensions import CrawlRecords
from crawler.spider import ThreadSpider
from crawler.tally import worst


class Command(ScrapyCrawl):
    """
    Run a spider; exit with the first that applies.

    2 bad arguments or settings · 75 another crawl of this edition is running · 3 database or archive cannot be used ·
    4 site unreachable or refusing · 5 too many pages not understood · 1 stopped at once by a second signal ·
    0 finished, or stopped by a signal
    """

    def short_desc(self) -> str:
        return "Crawl a site: discover articles, visit those that are due, store them"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("Name one spider, such as: scrapy crawl military_review")
        process = self.crawler_process
        if not isinstance(process, AsyncCrawlerProcess):
            self._fail(
                BadArgument("This crawler needs Scrapy's asyncio reactor: leave TWISTED_REACTOR as it is.")
            )
            return
        try:
            crawler = process.create_crawler(args[0])
        except KeyError:
            names = ", ".join(process.spider_loader.list())
            self._fail(BadArgument(f"There is no spider {args[0]!r}. There is: {names}."))
            return
        task = process.crawl(crawler, **opts.spargs)
        process.start()
        if not task.done():
            sys.stderr.write(
                "crawl: stopped at once by a second signal; what is stored is whole, and the next crawl goes on\n"
            )
            sys.stderr.flush()
            # Python itself would wait for the thread that stores, and that perhaps for a server that hangs.
            os._exit(1)
        error = task.exception()
        if isinstance(error, Stop):
            self._fail(error)
        elif error is not None:
            raise error
        else:
            self._report(crawler)

    def _fail(self, error: Stop) -> None:
        self.exitcode = error.exit_code
        sys.stderr.write(f"crawl: {error}\n")

    def _report(self, crawler: Crawler) -> None:
        """One line on what was done; a second on what went wrong, if anything did."""
        records = crawler.get_extension(CrawlRecords)
        end = worst(records.verdicts) if records else None
        if end is None:
            return
        tallies = ThreadSpider.of(crawler).tallies.values()
        sys.stderr.write(
            f"crawl: {end.state}: {sum(t.pages for t in tallies)} pages,"
            f" {sum(t.articles for t in tallies)} new articles, {sum(t.comments_new for t in tallies)} new and"
            f" {sum(t.comments_changed for t in tallies)} changed comments, {sum(t.errors for t in tallies)} errors\n"
        )
        if end.reason != "finished":
            sys.stderr.write(f"crawl: {end.reason}\n")
        self.exitcode = end.exit_code
