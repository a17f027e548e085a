"""
Does a crawl's memory stay flat, and how fast is it: 2,000 pages of 30 comments from loopback: `make bench`.

Prints the resident memory of the crawling process at every tenth of the way. Linux only: it looks into /proc.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crawler.sample import SampleSite
from crawler.storage import database
from tests.benchmarks.pages import article_with
from tests.crawling import PROJECT, crawl_command, environment

PAGES = 2000
COMMENTS = 30


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main(url: str | None) -> None:
    articles = tuple(article_with(COMMENTS, number=n, first_id=n * 1000) for n in range(1, PAGES + 1))
    paths = {article.path for article in articles}
    with tempfile.TemporaryDirectory() as folder, SampleSite(edition="en", articles=articles) as site:
        address = url or f"sqlite:///{folder}/bench.db"
        database.migrate(address)
        wanted = Path(folder, "wanted")
        wanted.write_text("\n".join(site.url + article.path for article in articles))
        begin = time.monotonic()
        process = subprocess.Popen(
            crawl_command(site.url, f"url=@{wanted}"),
            env=environment(address, WARC_DIR=f"{folder}/archive"),
            cwd=PROJECT,
        )
        tenth = 1
        while process.poll() is None:
            done = sum(request.path in paths for request in list(site.requests))
            if done >= tenth * PAGES / 10:
                sys.stdout.write(f"{done:5} pages  {resident_mib(process.pid):6.1f} MiB\n")
                sys.stdout.flush()
                tenth += 1
            time.sleep(0.05)
        elapsed = time.monotonic() - begin
    sys.stdout.write(
        f"{PAGES} pages of {COMMENTS} comments in {elapsed:.0f} s: {PAGES / elapsed:.0f} pages/s\n"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
