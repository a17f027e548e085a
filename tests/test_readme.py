"""README.md is run: every command in it, every query, its capture, and its data dictionary is complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.arguments import MEANINGS
from crawler.environment import Environment
from crawler.sample import SampleSite
from crawler.storage import database
from crawler.storage.schema import metadata
from crawler.storage.views import VIEWS
from tests.crawling import PROJECT, crawl, crawler, rows

README = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
QUERIES = [
    query for language, block in BLOCKS if language == "sql" for query in block.split(";") if query.strip()
]

#: Where nobody listens: through this proxy no command of a test reaches the real site.
NO_PROXY = "http://127.0.0.1:1"

#: They run this very suite, so only what they would run is looked at.
THE_SUITE_ITSELF = {"make test", "make check"}


def crawls_the_live_site(command: str) -> bool:
    """Whether a command asks the real site for pages."""
    return re.match(r"(scrapy|crawler) crawl\b|make crawl\b", command) is not None


def test_every_command_runs(tmp_path: Path, postgres_url: str) -> None:
    own = f"sqlite:///{tmp_path}/crawler.db"
    database.migrate(own)
    env = os.environ | {"DATABASE_URL": own, "WARC_DIR": str(tmp_path / "archive"), "PROXY_URL": NO_PROXY}
    assert len(COMMANDS) > 15
    for command in COMMANDS:
        if export := re.fullmatch(r"export (\w+)=(.*)", command):
            name, value = export.groups()
            if name == "PATH":
                value = f"{Path(sys.executable).parent}:{env['PATH']}"
            elif value.startswith("postgresql"):
                value = postgres_url
            env[name] = value
            continue
        if command in THE_SUITE_ITSELF:
            command = f"make --dry-run {command.split()[1]}"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=env,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        told = f"$ {command}\n{done.stdout}{done.stderr}"
        if crawls_the_live_site(command):
            code = 2 if command.startswith("make") else 4  # make has an exit code of its own
            assert (done.returncode, "could not be had" in done.stderr) == (code, True), told
        else:
            assert done.returncode == 0, told


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the sample site in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('readme')}/crawler.db"
    database.migrate(url)
    with SampleSite(edition="en") as site:
        assert crawl(url, site.url, "depth=0").code == 0
    return url


def test_every_query_runs_and_finds_something(sample: str) -> None:
    assert len(QUERIES) >= 4
    for query in QUERIES:
        found = rows(sample, query)
        nothing = "IS NOT TRUE" in query or "comment_changes" in query  # nothing missing, nothing edited
        assert bool(found) != nothing, query


def test_every_query_runs_on_postgres(postgres_url: str) -> None:
    database.migrate(postgres_url)
    for query in QUERIES:
        assert rows(postgres_url, query) == []


def test_the_capture_is_true(sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    [capture] = [block for language, block in BLOCKS if language == "text" and "$ crawler thread" in block]
    command, _, shown = capture.partition("\n")
    assert shown.strip() == crawler(sample, *command.removeprefix("$ crawler ").split()).out.strip()


def test_the_data_dictionary_names_every_relation_and_column() -> None:
    dictionary = README.partition("## The data")[2]
    names = set(re.findall(r"[a-z_]+", dictionary))
    relations = {*metadata.tables, *VIEWS}
    columns = {column.name for table in metadata.tables.values() for column in table.columns}
    assert (relations | columns) - names - {"article_states", "rating_states"} == set()


def test_every_argument_and_variable_is_explained() -> None:
    for name in MEANINGS:
        assert f"`{name}=" in README, name
    for variable in Environment.model_fields:
        assert f"`{variable.upper()}`" in README, variable
