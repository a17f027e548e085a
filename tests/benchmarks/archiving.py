"""
What the archive costs a crawl: `make bench-storing` prints it, and so does this file by itself.

The same crawl, with the archive and without, each in a process of its own, taking turns; the CPU time of the process
from its first moment as a crawl to its last, so without what it takes to start Python; of all turns the least, because
the share is a small difference of two large figures, and what else goes on in a machine only adds to them. The site is
on loopback in another process and packs what it sends, as the real one does. Each page is archived with one fsync.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings

from crawler.sample import SampleSite
from crawler.storage import database
from tests.benchmarks.pages import article_with
from tests.benchmarks.stores import say, say_ratio
from tests.crawling import PROJECT, environment

COMMENTS = 30
TURNS = 7


def crawl(base_url: str, wanted: str, *, archived: bool) -> float:
    """Crawl in this process; returns the seconds of CPU that it took."""
    settings = get_project_settings()
    settings.set("DOWNLOAD_DELAY", 0)
    if not archived:
        middlewares = settings.getdict("DOWNLOADER_MIDDLEWARES")
        settings.set(
            "DOWNLOADER_MIDDLEWARES", middlewares | {"crawler.fetching.archiving.ArchiveFirst": None}
        )
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler("military_review")
    clock: dict[str, float] = {}

    def opened() -> None:
        clock["opened"] = time.process_time()

    def closed() -> None:
        clock["closed"] = time.process_time()

    crawler.signals.connect(opened, signals.spider_opened)
    crawler.signals.connect(closed, signals.spider_closed)
    process.crawl(crawler, base_url=base_url, url=f"@{wanted}")
    process.start()
    return clock["closed"] - clock["opened"]


def archive_share(pages: int) -> None:
    """Print what part of a crawl's CPU time the archive takes."""
    articles = tuple(article_with(COMMENTS, number=n, first_id=n * 1000) for n in range(1, pages + 1))
    took: dict[str, list[float]] = {"with": [], "without": []}
    with SampleSite(edition="en", articles=articles) as site, tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted")
        wanted.write_text("\n".join(site.url + article.path for article in articles))
        for turn in range(TURNS):
            for how in took:
                address = f"sqlite:///{folder}/{how}-{turn}.db"
                database.migrate(address)
                done = subprocess.run(
                    [sys.executable, "-m", "tests.benchmarks.archiving", site.url, str(wanted), how],
                    env=environment(address, WARC_DIR=f"{folder}/{how}-{turn}"),
                    cwd=PROJECT,
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                took[how].append(float(done.stdout.split()[-1]))
        size = sum(file.stat().st_size for file in Path(folder, "with-0").iterdir())
    with_archive, without = min(took["with"]), min(took["without"])
    say(
        f"A crawl of {pages} pages of {COMMENTS} comments, {size / pages / 1024:.1f} KiB a page in the archive"
    )
    say(
        f"  with the archive {1000 * with_archive / pages:6.2f} ms CPU a page, without {1000 * without / pages:6.2f}"
    )
    say_ratio("share of the archive", (with_archive - without) / with_archive, most=0.1)


def main() -> None:
    if len(sys.argv) == 1:
        archive_share(400)
        return
    base_url, wanted, how = sys.argv[1:]
    took = crawl(base_url, wanted, archived=how == "with")
    say(f"\n{took}")


if __name__ == "__main__":
    main()
