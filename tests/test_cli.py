"""The command `crawler`: what it prints, and how it says no."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner

from crawler.cli import shown
from crawler.cli.shown import WORTH_A_PROCESS
from crawler.sample import SampleComment, SampleSite, sample_articles
from crawler.sample.content import EDITIONS
from crawler.storage import database
from tests.crawling import PROJECT, crawl, crawler, environment, rows, run
from tests.forked import Ended

NINE = next(article for article in sample_articles() if len(article.comments) == 9)
BIG = max(sample_articles(), key=lambda article: len(article.comments))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with both editions of the sample site."""
    url = f"sqlite:///{tmp_path_factory.mktemp('cli')}/crawler.db"
    database.migrate(url)
    for edition in EDITIONS:
        with SampleSite(edition=edition) as site:
            assert crawl(url, site.url, f"edition={edition}", "depth=0").code == 0
    return url


def test_a_thread_is_shown_as_a_tree(stored: str) -> None:
    ended = crawler(stored, "thread", str(NINE.id))
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == NINE.text["en"].title
    assert "9 comments stored, 9 stated by the site" in lines[2]
    for comment in NINE.comments:
        [line] = [
            line for line in lines if f"{comment.author.nickname['en']} · " in line and _time(comment) in line
        ]
        stem = line[: line.index(comment.author.nickname["en"])]
        assert len(stem) == 3 * comment.depth
        assert stem.endswith(("└─ ", "├─ ")) == (comment.depth > 0)


def _time(comment: SampleComment) -> str:
    local = comment.posted_at.astimezone(ZoneInfo("Europe/Moscow"))
    return f"{local.day} {local:%b %Y %H:%M}"


def test_a_thread_as_json_is_complete_and_in_utc(stored: str) -> None:
    ended = crawler(stored, "thread", str(BIG.id), "--edition", "ru", "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert told["article"]["title"] == BIG.text["ru"].title
    assert len(told["comments"]) == len(BIG.comments)
    first = BIG.comments[0]
    [row] = [row for row in told["comments"] if row["id"] == first.id]
    assert row["posted_at"] == first.posted_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert row["body"] == first.body("ru")


@pytest.mark.parametrize("as_json", [False, True])
def test_what_an_output_cannot_take_is_escaped(stored: str, *, as_json: bool) -> None:
    # A process of its own: one that is forked has the output of the one before it.
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "crawler.cli",
            "thread",
            str(BIG.id),
            "--edition",
            "ru",
            *["--json"] * as_json,
        ],
        env=environment(stored, PYTHONUTF8="0", PYTHONIOENCODING="latin-1"),
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    out = done.stdout.decode("latin-1")
    title = BIG.text["ru"].title
    if as_json:
        assert json.loads(out)["article"]["title"] == title
    else:
        assert out.splitlines()[0] == title.encode("latin-1", "backslashreplace").decode("latin-1")


@pytest.mark.parametrize(
    "arguments", [["articles", "--limit", "100"], ["thread", str(BIG.id), "--json"], ["thread", "-h"], ["-h"]]
)
def test_an_output_that_nobody_reads_ends_it_quietly(stored: str, arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = _ended_with_output(stored, write, *arguments)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    "arguments", [["articles", "--limit", "100"], ["thread", str(BIG.id), "--json"], ["thread", "-h"], ["-h"]]
)
def test_an_output_that_cannot_be_written(stored: str, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = _ended_with_output(stored, full.fileno(), *arguments)
        assert done.returncode == 3
        assert done.stderr == "crawler: The output cannot be written: No space left on device.\n"
        # Where it cannot even be said, the exit code is the same.
        done = _ended_with_output(stored, full.fileno(), *arguments, errors=full.fileno())
        assert done.returncode == 3


def _ended_with_output(
    url: str, output: int, *arguments: str, errors: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crawler.cli", *arguments],
        env=environment(url),
        cwd=PROJECT,
        stdout=output,
        stderr=errors,
        text=True,
        check=False,
    )


def test_articles_and_crawls(stored: str) -> None:
    articles = json.loads(crawler(stored, "articles", "--edition", "en", "--limit", "100", "--json").out)
    assert [row["id"] for row in articles] == [
        article.id for article in sorted(sample_articles(), key=lambda a: a.published_at, reverse=True)
    ]
    assert str(NINE.id) in crawler(stored, "articles", "--limit", "100").out
    crawls = json.loads(crawler(stored, "crawls", "--json").out)
    assert [(row["edition"], row["state"]) for row in crawls] == [("ru", "finished"), ("en", "finished")]
    assert "finished" in crawler(stored, "crawls").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["thread", "77"], 1, "is not stored"),
        (["thread", "word"], 2, "'word' is not a valid number"),
        (["thread", "1", "--edition", "xx"], 2, "nothing of such an edition"),
        (["articles", "--limit", "0"], 2, "--limit"),
        (["fly"], 2, "No such command"),
    ],
)
def test_a_question_that_cannot_be_answered(stored: str, arguments: list[str], code: int, said: str) -> None:
    ended = crawler(stored, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("verb", ["articles", "thread 1", "crawls"])
def test_without_a_database(tmp_path: Path, verb: str) -> None:
    ended = crawler(f"sqlite:///{tmp_path}/none.db", *verb.split())
    assert ended.code == 3
    assert "There is no database" in ended.err
    assert not (tmp_path / "none.db").exists()


def test_without_a_server() -> None:
    ended = crawler("postgresql://nobody@127.0.0.1:1/none", "articles")
    assert (ended.code, ended.out) == (3, "")
    assert "refused. Is the server running" in ended.err
    assert ended.err.endswith("connections? `crawler doctor` looks for the reason.\n")


def test_an_empty_database(database_url: str) -> None:
    before = crawler(database_url, "articles")
    assert before.code == 3
    assert crawler(database_url, "migrate").code == 0
    assert crawler(database_url, "migrate").code == 0
    assert "No article is stored yet" in crawler(database_url, "articles").out
    assert json.loads(crawler(database_url, "crawls", "--json").out) == []


def test_an_address_that_is_none() -> None:
    for url in ("nonsense", "mysql://me@host/db", "sqlite:///:memory:"):
        ended = crawler(url, "articles")
        assert ended.code == 2, ended.err
        assert "DATABASE_URL" in ended.err


@pytest.mark.parametrize(
    "verb",
    [
        "",
        "sample",
        "migrate",
        "crawl",
        "articles",
        "thread",
        "history",
        "changes",
        "crawls",
        "doctor",
        "probe",
        "save-page",
        "reparse",
        "verify",
        "import",
        "forget",
    ],
)
def test_help_has_an_example(tmp_path: Path, verb: str) -> None:
    ended = crawler(f"sqlite:///{tmp_path}/none.db", *verb.split(), "--help")
    assert ended.code == 0
    assert verb == "" or f"crawler {verb}" in ended.out.partition("Example:")[2]
    assert "..." not in ended.out.partition("Commands:")[2]  # every verb with its whole sentence


def sample_run(folder: Path) -> Ended:
    env = environment(f"sqlite:///{folder}/untouched.db")
    return run([sys.executable, "-m", "crawler.cli", "sample", "--folder", str(folder / "run")], env=env)


def test_the_sample_run_shows_a_thread_and_touches_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):  # again, over what the first left
        ended = sample_run(tmp_path)
        assert ended.code == 0, ended.err
        assert NINE.text["en"].title in ended.out
        assert "What to try next" in ended.out
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_a_sample_run_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    ended = sample_run(tmp_path)
    assert ended.code != 0
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("size", "arguments", "processes"),
    [
        (0, [], 1),
        (WORTH_A_PROCESS, [], 1),
        (1000 * WORTH_A_PROCESS, [], os.cpu_count()),
        (0, ["{folder}/theirs"], os.cpu_count()),
        (0, ["{folder}/theirs", "--processes", "3"], 3),
    ],
    ids=["no archive", "a small one", "a large one", "a large file that is named", "as asked"],
)
def test_as_many_processes_as_there_is_work_for(
    tmp_path: Path, size: int, arguments: list[str], processes: int
) -> None:
    @click.command()
    @click.argument("files", nargs=-1, type=click.Path(path_type=Path))
    @shown.processes("work")
    def verb(processes: int, **_: Any) -> None:
        click.echo(processes)

    for name, length in (("1.warc.gz", size), ("theirs", 1000 * WORTH_A_PROCESS)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(length)  # no room is taken for what nobody writes
    asked = [each.format(folder=tmp_path) for each in arguments]
    ended = CliRunner().invoke(verb, asked, env={"WARC_DIR": str(tmp_path)})
    assert ended.output == f"{processes}\n"


def test_what_is_installed_needs_nothing_of_the_repository(tmp_path: Path) -> None:
    """As a wheel lays it out, in a folder with a difficult name."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    installed = tmp_path / "Мои пакеты, 100%"
    for folder in wheel["only-include"]:
        shutil.copytree(PROJECT / folder, installed / wheel["sources"].get(folder, folder))
    done = subprocess.run(
        [sys.executable, "-m", "crawler.cli", "migrate"],
        env=environment("sqlite:///crawler.db", PYTHONPATH=str(installed)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(f"sqlite:///{tmp_path}/crawler.db", "SELECT version_num FROM alembic_version") == [
        {"version_num": database.HEAD}
    ]
