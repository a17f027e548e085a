"""
What the archive costs a crawl: `make bench-storing` prints it, and so does this file by itself.

One crawl archives ten answers and lets the next ten pass, in turns, so that a machine which is slower for a while is
slower for both; told is the median of the CPU time that pages of either kind take. The site is on loopback in another
process and packs what it sends, as the real one does. Each page that is archived costs one fsync, whose work in the
system counts as well.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scrapy import Request
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy.utils.project import get_project_settings

from crawler.fetching.archiving import ArchiveFirst
from crawler.sample import SampleSite
from crawler.storage import database
from tests.benchmarks.pages import article_with
from tests.benchmarks.stores import say, say_ratio
from tests.crawling import PROJECT, environment

COMMENTS = 30
#: Answers of one kind that follow upon each other.
TURN = 10
#: Turns before anything is measured.
WARM_UP = 4


class InTurns(ArchiveFirst):
    """Archives the answers of every other turn, and notes the CPU time of the process at each."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: list[float] = []

    def process_response(self, request: Request, response: Response) -> Response:
        turn, _ = divmod(len(self.clock), TURN)
        self.clock.append(time.process_time())
        return response if turn % 2 else super().process_response(request, response)

    def turns(self) -> tuple[list[float], list[float]]:
        """Seconds of CPU for a page: in the turns with the archive, and in those without."""
        took: tuple[list[float], list[float]] = ([], [])
        for turn in range(WARM_UP, len(self.clock) // TURN):
            first = turn * TURN
            # From its first answer to its last: what follows upon that one belongs to the next turn as well.
            seconds = self.clock[first + TURN - 1] - self.clock[first]
            took[turn % 2].append(seconds / (TURN - 1))
        return took


def crawl(base_url: str, wanted: str) -> tuple[float, float]:
    """Crawl in this process; returns the seconds of CPU that a page takes with the archive, and without."""
    settings = get_project_settings()
    settings.set("DOWNLOAD_DELAY", 0)
    middlewares = settings.getdict("DOWNLOADER_MIDDLEWARES")
    place = middlewares["crawler.fetching.archiving.ArchiveFirst"]
    others = {name: where for name, where in middlewares.items() if where != place}
    settings.set("DOWNLOADER_MIDDLEWARES", others | {InTurns: place})
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler("military_review")
    process.crawl(crawler, base_url=base_url, url=f"@{wanted}")
    process.start()
    in_turns = crawler.get_downloader_middleware(InTurns)
    assert in_turns is not None
    with_archive, without = in_turns.turns()
    return statistics.median(with_archive), statistics.median(without)


def archive_share(pages: int) -> None:
    """Print what part of a crawl's CPU time the archive takes."""
    articles = tuple(article_with(COMMENTS, number=n, first_id=n * 1000) for n in range(1, pages + 1))
    with SampleSite(edition="en", articles=articles) as site, tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted")
        wanted.write_text("\n".join(site.url + article.path for article in articles))
        address = f"sqlite:///{folder}/crawl.db"
        database.migrate(address)
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.archiving", site.url, str(wanted)],
            env=environment(address, WARC_DIR=f"{folder}/warc"),
            cwd=PROJECT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        with_archive, without = map(float, done.stdout.split()[-2:])
        size = sum(file.stat().st_size for file in Path(folder, "warc").iterdir())
    say(
        f"A crawl of {pages} pages of {COMMENTS} comments, {size / pages / 512:.1f} KiB a page in the archive"
    )
    say(f"  with the archive {1000 * with_archive:6.2f} ms CPU a page, without {1000 * without:6.2f}")
    say_ratio("share of the archive", (with_archive - without) / with_archive, most=0.1)


def main() -> None:
    if len(sys.argv) == 1:
        archive_share(2000)
        return
    with_archive, without = crawl(*sys.argv[1:])
    say(f"\n{with_archive} {without}")


if __name__ == "__main__":
    main()
