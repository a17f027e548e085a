"""The trial behind `make sample`: the sample site served, crawled and stored in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from crawler.errors import CannotStore, Stop
from crawler.sample import SampleSite, sample_articles
from crawler.sample.content import EDITIONS, Edition
from crawler.storage import database

#: The thread that is shown: small enough for a screen, with answers, quotes and ratings.
SHOWN_ARTICLE = next(article.id for article in sample_articles() if len(article.comments) == 9)

Say = Callable[[str], object]


class TrialFailed(Stop):
    """The sample crawl did not end well."""


def database_url(folder: Path) -> str:
    """The database of the trial in this folder."""
    return f"sqlite:///{folder.absolute()}/crawler.db"


def crawl(folder: Path, say: Say) -> None:
    """
    Crawl both editions of the sample site into an empty database and archive in this folder.

    Every run begins anew: the site comes up under another port each time, and an archive takes only one address.

    Raises:
        CannotStore: The folder cannot be written, or holds things that no trial has put there.
        TrialFailed: A crawl ended with another exit code than 0.
    """
    _empty(folder)
    url = database_url(folder)
    environment = os.environ | {
        "DATABASE_URL": url,
        "WARC_DIR": str(folder.absolute() / "archive"),
        "PROXY_URL": "",  # the sample site is on this machine
        "SCRAPY_SETTINGS_MODULE": "crawler.settings",
    }
    database.migrate(url)
    for edition in EDITIONS:
        with SampleSite(edition=edition) as site:
            arguments = [
                "military_review",
                "-a",
                f"edition={edition}",
                "-a",
                f"base_url={site.url}",
                "-a",
                "depth=0",
            ]
            say(f"$ scrapy crawl {' '.join(arguments)} -s DOWNLOAD_DELAY=0")
            command = [sys.executable, "-m", "scrapy", "crawl", *arguments, "-s", "DOWNLOAD_DELAY=0"]
            done = subprocess.run(command, env=environment, check=False)
        if done.returncode != 0:
            raise TrialFailed(
                f"The crawl of the sample site ended with exit code {done.returncode}; see above."
            )


def _empty(folder: Path) -> None:
    """Make the folder, and remove what an earlier trial left in it; nothing else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (*folder.glob("crawler.db*"), *folder.glob("archive/*.warc.gz*")):
            path.unlink()
    except OSError as error:
        raise CannotStore(
            f"The folder {folder} cannot be written: {error.strerror}. Name another one: crawler sample --folder …"
        ) from error


def serve(edition: str, say: Say) -> None:
    """Serve one edition of the sample site until Ctrl-C."""
    known: dict[str, Edition] = {code: code for code in EDITIONS}
    site = SampleSite(edition=known[edition])
    say(
        f"The sample site stands at {site.url}/ until you press Ctrl-C. In another terminal, in a folder of its own:"
    )
    say(f"  crawler crawl military_review -a edition={edition} -a base_url={site.url} -s DOWNLOAD_DELAY=0")
    try:
        site.serve_forever()
    except KeyboardInterrupt:
        say("")


def next_steps(folder: Path) -> str:
    """What to try next, with commands that work as they stand."""
    url = f"sqlite:///{folder}/crawler.db"
    largest = max(sample_articles(), key=lambda article: len(article.comments))
    return f"""
All of this is in {folder}/crawler.db. What to try next:

  export DATABASE_URL={url}
  .venv/bin/crawler thread {largest.id}        {len(largest.comments)} comments over three pages
  .venv/bin/crawler thread {SHOWN_ARTICLE} --edition ru --json
  .venv/bin/crawler crawls               how each crawl ended
  .venv/bin/crawler doctor               is this machine ready for the real site?
  unset DATABASE_URL

and then the real site, politely, into ./crawler.db:

  CONTACT=you@example.org make crawl"""
