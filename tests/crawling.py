"""Crawls for tests: a real `scrapy crawl` in a process of its own, and the rows that it left."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from crawler.sample import SampleSite, sample_articles
from crawler.storage import database
from crawler.storage.schema import metadata
from tests.forked import Ended, Forked

PROJECT = Path(__file__).resolve().parents[1]

EDITION_IDS = {"en": 1, "ru": 2}
#: Two articles of the sample site: the one with the longest thread, and one with a short one.
BIG = max(sample_articles(), key=lambda article: len(article.comments))
SMALL = next(article for article in sample_articles() if len(article.comments) == 4)

#: Seconds that no crawl of the sample site takes.
PATIENCE_S = 120


def environment(url: str, **more: str) -> dict[str, str]:
    """The environment of a crawl into this database."""
    return os.environ | {"DATABASE_URL": url, "SCRAPY_SETTINGS_MODULE": "crawler.settings"} | more


def crawl_command(base_url: str | None, *arguments: str, delay: str = "0") -> list[str]:
    """`scrapy crawl military_review` with these arguments (-a is added), without a delay."""
    asked = [*([f"base_url={base_url}"] if base_url else []), *arguments]
    options = [part for argument in asked for part in ("-a", argument)]
    return [
        sys.executable,
        "-m",
        "scrapy",
        "crawl",
        "military_review",
        *options,
        "-s",
        f"DOWNLOAD_DELAY={delay}",
    ]


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path = PROJECT) -> Ended:
    """Run a command to its end. `python -m …` need not import anew what others have imported."""
    match command:
        case [sys.executable, "-m", module, *arguments]:
            return Forked(module, *arguments, env=env, cwd=cwd).ended(PATIENCE_S)
    done = subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def crawl(
    url: str,
    base_url: str | None,
    *arguments: str,
    delay: str = "0",
    later: timedelta | None = None,
    **more: str,
) -> Ended:
    """Crawl into this database, perhaps at a later time; `more` is environment."""
    command = crawl_command(base_url, *arguments, delay=delay)
    if later is not None:
        python, _, *module = command
        command = [python, "-m", "tests.later", str(later.total_seconds()), *module]
    return run(command, env=environment(url, **more))


def crawler(url: str, *arguments: str, **more: str) -> Ended:
    """Run the command `crawler` on this database; `more` is environment."""
    return run([sys.executable, "-m", "crawler.cli", *arguments], env=environment(url, **more))


def rows(url: str, sql: str, **values: Any) -> list[dict[str, Any]]:
    """The rows that a query gives."""
    with database.engine(url).connect() as connection:
        return [dict(row) for row in connection.execute(text(sql), values).mappings()]


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that pages say, without what moves at every visit: all rows of the content tables, in order."""
    with database.engine(url).connect() as connection:
        return {name: _dump(connection, name) for name in CONTENT_TABLES}


CONTENT_TABLES = (
    "articles",
    "article_states",
    "authors",
    "author_names",
    "comments",
    "comment_states",
    "rating_states",
)


def _dump(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    table = metadata.tables[name]
    moving = {"last_seen_at", "last_fetch_id"} if name == "articles" else set()
    columns = [column for column in table.columns if column.name not in moving]
    return [tuple(row) for row in connection.execute(select(*columns).order_by(*table.primary_key))]


def article_ids(url: str) -> set[int]:
    return {row["id"] for row in rows(url, "SELECT id FROM articles")}


def begun(url: str, site: SampleSite, *arguments: str, **more: str) -> "subprocess.Popen[str]":
    """A crawl that is under way: it has asked for its first article. `more` is environment."""
    process = subprocess.Popen(
        crawl_command(site.url, *arguments),
        env=environment(url, **more),
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    paths = {article.path for article in sample_articles()}
    while not paths & {request.path for request in list(site.requests)}:
        assert time.monotonic() < deadline, "the crawl asked for no article"
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)
    return process


def slow(site: SampleSite) -> None:
    """From now on the site takes half a second for an article."""
    for article in sample_articles():
        answer = site.answer(article.path)
        site.answers[article.path] = replace(answer, delay_s=0.5)


def utc(value: datetime | str) -> datetime:
    """A stored time; SQLite gives text."""
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
