"""The command `crawler`: its verbs. What they do is done elsewhere; here it is asked for and shown."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from crawler.environment import Environment
from crawler.errors import BadArgument, Stop
from crawler.storage import database, queries
from crawler.thread_tree import day_and_time, tree_lines


class Commands(click.Group):
    """Lists the verbs in the order in which a newcomer meets them, and shows errors as one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Stop as stop:
            click.echo(f"crawler: {stop}", err=True)
            ctx.exit(stop.exit_code)


def example(*lines: str) -> str:
    """The examples under a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, times in UTC, for other programs."
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="discussion-archive")
def main() -> None:
    """An archive of online discussion: news articles with their whole comment threads, kept for years.

    The database is the one that DATABASE_URL names; by default crawler.db in this folder.
    """


@main.command(epilog=example("crawler sample", "crawler sample --serve"))
@click.option(
    "--serve", is_flag=True, help="Only serve the sample site, to crawl it yourself; Ctrl-C ends it."
)
@click.option(
    "--edition", default="en", show_default=True, type=click.Choice(["en", "ru"]), help="With --serve."
)
@click.option(
    "--folder", default="sample-run", show_default=True, type=click.Path(path_type=Path, file_okay=False)
)
def sample(serve: bool, edition: str, folder: Path) -> None:
    """Try everything on a small made-up site, without the network.

    Serves the sample site on this machine, crawls both its editions into a database of its own under sample-run/, and
    shows what was stored. Your own database is not touched.
    """
    from crawler import sample_run as run  # only this verb needs the sample site

    if serve:
        run.serve(edition, click.echo)
        return
    run.crawl(folder, click.echo)
    url = run.database_url(folder)
    click.echo("\nStored articles:")
    _show_articles(url, edition=None, limit=30)
    click.echo(f"\nOne thread, in the order of reading (crawler thread {run.SHOWN_ARTICLE}):\n")
    _show_thread(url, run.SHOWN_ARTICLE, edition="en")
    click.echo(run.next_steps(folder))


@main.command(
    epilog=example(
        "crawler migrate", "DATABASE_URL=postgresql+psycopg://me@localhost/archive crawler migrate"
    )
)
def migrate() -> None:
    """Make the tables, or bring them to the version that this program needs."""
    url = Environment().database_url
    database.migrate(url)
    click.echo(f"{database.shown(url)} has schema version {database.head_revision()}.")


@main.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=example(
        "crawler crawl",
        "crawler crawl military_review -a edition=en -a ids=128836",
        "crawler crawl military_review -a since=2017-11-01 -a until=2017-11-30 -s LOG_LEVEL=INFO",
    ),
)
@click.argument(
    "arguments", nargs=-1, type=click.UNPROCESSED, metavar="[SPIDER] [-a NAME=VALUE]… [-s SETTING=VALUE]…"
)
def crawl(arguments: Sequence[str]) -> None:
    """Crawl once: discover articles, visit those that are due, store them, stop.

    The same as `scrapy crawl`, from any folder; the spider is military_review unless another is named. README.md lists
    the arguments and exit codes.
    """
    from scrapy.cmdline import execute  # importing Scrapy takes half a second that other verbs need not wait

    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "crawler.settings")
    spider = [] if arguments and not arguments[0].startswith("-") else ["military_review"]
    execute(["scrapy", "crawl", *spider, *arguments])


@main.command(epilog=example("crawler articles --limit 5", "crawler articles --edition ru --json"))
@click.option("--edition", help="Only this edition, such as en.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@as_json
def articles(edition: str | None, limit: int, as_json: bool) -> None:
    """Stored articles, newest first, with how many of their comments are stored."""
    _show_articles(Environment().database_url, edition=edition, limit=limit, as_json=as_json)


@main.command(epilog=example("crawler thread 128836", "crawler thread 128836 --edition ru --json"))
@click.argument("article_id", type=click.IntRange(min=1), metavar="ID")
@click.option("--edition", help="Which edition, such as en; by default the first that has the article.")
@as_json
def thread(article_id: int, edition: str | None, as_json: bool) -> None:
    """The comment thread of the article ID, as a tree."""
    _show_thread(Environment().database_url, article_id, edition=edition, as_json=as_json)


@main.command(epilog=example("crawler crawls", "crawler crawls --limit 1 --json"))
@click.option("--limit", default=10, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@as_json
def crawls(limit: int, as_json: bool) -> None:
    """Crawls, newest first: what each did and how it ended."""
    with database.reading(Environment().database_url) as connection:
        rows = queries.newest_crawls(connection, limit=limit)
    if as_json:
        _print_json([dict(row) for row in rows])
        return
    now = datetime.now(UTC)
    _print_table(
        [
            "crawl",
            "edition",
            "state",
            "started",
            "minutes",
            "pages",
            "articles",
            "new",
            "changed",
            "errors",
            "why it ended",
        ],
        (
            [
                row["id"],
                row["edition"],
                row["state"],
                day_and_time(row["started_at"], ZoneInfo(row["time_zone"])),
                f"{((row['finished_at'] or now) - row['started_at']).total_seconds() / 60:.1f}",
                row["pages"],
                row["articles"],
                row["comments_new"],
                row["comments_changed"],
                row["errors"],
                row["finish_reason"] or "",
            ]
            for row in rows
        ),
        nothing="No crawl yet. `crawler crawl` starts one.",
    )


@main.command(epilog=example("crawler doctor", "crawler doctor --site"))
@click.option(
    "--site", is_flag=True, help="Ask the live site what nobody knows of it yet; about 20 polite requests."
)
@click.option("--edition", default="en", show_default=True, help="With --site: which edition to ask first.")
@click.option("--base-url", help="With --site: where the requests go instead of the edition's own host.")
@click.option(
    "--folder", default="site-answers", show_default=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option(
    "--delay",
    type=click.FloatRange(min=0),
    help="With --site: seconds between requests; under 1 on this machine only.",
)
@as_json
def doctor(
    site: bool, edition: str, base_url: str | None, folder: Path, delay: float | None, as_json: bool
) -> None:
    """Check what a crawl needs: database, schema, archive folder, disk space, clock; say what to do."""
    if site:
        # Importing Scrapy takes half a second that the other checks need not wait.
        from crawler.survey import ask_site

        sys.exit(ask_site(edition, base_url, folder, click.echo, delay_s=delay))

    from crawler import doctor as checks

    findings = checks.findings(Environment())
    if as_json:
        _print_json([finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            click.echo(finding.line)
    sys.exit(checks.exit_code(findings))


delay = click.option(
    "--delay",
    "delay_s",
    type=click.FloatRange(min=0),
    help="Seconds between requests; under 1 on this machine only.",
)


@main.command(
    epilog=example(
        "crawler probe https://en.topwar.ru/128836-irakskaya-armiya.html",
        "crawler probe site-answers/article.en.html --json",
        "crawler probe page.html --url https://en.topwar.ru/128836-irakskaya-armiya.html --save irak_2017",
    )
)
@click.argument("place", metavar="URL|FILE")
@click.option("--edition", help="Which edition; by default the one whose host the address has.")
@click.option("--url", help="The address of a FILE that does not name its own.")
@click.option("--save", metavar="CASE", help="Keep the page as a test case of this name.")
@click.option("--force", is_flag=True, help="With --save: write over a case of this name.")
@delay
@as_json
def probe(
    place: str,
    edition: str | None,
    url: str | None,
    save: str | None,
    force: bool,
    delay_s: float | None,
    as_json: bool,
) -> None:
    """Look closely at one page: what is read, by which selector, and what is not.

    FILE may be the folder of a test case. For comments in a skin that nobody has seen one is proposed. Ends with 0
    where the page is understood, 5 where it is not.
    """
    from crawler import probe as probing

    found, folder = probing.probe(place, url=url, edition=edition, delay_s=delay_s, save=save, force=force)
    if as_json:
        _print_json(probing.as_dict(found))
    else:
        for line in probing.lines(found):
            click.echo(line)
    if folder is not None:
        click.echo(f"Saved in {folder}: correct expected.json by hand.", err=True)
    sys.exit(found.exit_code)


@main.command(epilog=example("crawler save-page https://en.topwar.ru/128836-irakskaya-armiya.html irak_2017"))
@click.argument("url")
@click.argument("case")
@click.option("--edition", help="Which edition; by default the one whose host the address has.")
@click.option("--force", is_flag=True, help="Write over a case of this name.")
@delay
def save_page(url: str, case: str, edition: str | None, force: bool, delay_s: float | None) -> None:
    """Keep the page at URL as the test case CASE, with a draft of what should be read from it.

    Ends with 0 where the page is understood, 5 where it is not; it is saved in either case.
    """
    from crawler import probe as probing

    found, folder = probing.probe(url, edition=edition, delay_s=delay_s, save=case, force=force)
    click.echo(f"{folder}: {found.stopped_by or found.kind}. Correct expected.json by hand.")
    sys.exit(found.exit_code)


def _show_articles(url: str, *, edition: str | None, limit: int, as_json: bool = False) -> None:
    with database.reading(url) as connection:
        _require_edition(connection, edition)
        rows = queries.newest_articles(connection, edition=edition, limit=limit)
    if as_json:
        _print_json([dict(row) for row in rows])
        return
    _print_table(
        ["article", "edition", "published", "comments", "stated", "title"],
        (
            [
                row["id"],
                row["edition"],
                day_and_time(row["published_at"], ZoneInfo(row["time_zone"])),
                row["comments_stored"],
                "?" if row["comments_stated"] is None else row["comments_stated"],
                row["title"],
            ]
            for row in rows
        ),
        nothing="No article is stored yet. `crawler crawl` fetches some.",
    )


def _show_thread(url: str, article_id: int, *, edition: str | None, as_json: bool = False) -> None:
    with database.reading(url) as connection:
        _require_edition(connection, edition)
        stored = queries.editions_with(connection, article_id)
        wanted = [row for row in stored if edition in (None, row["code"])]
        if not wanted:
            where = f" in the edition {edition}" if edition else ""
            raise click.ClickException(
                f"The article {article_id} is not stored{where}. `crawler articles` lists those that are; "
                f"`crawler crawl military_review -a ids={article_id}` fetches it."
            )
        its_edition = wanted[0]
        article = queries.article(connection, article_id, its_edition["id"])
        comments = [dict(row) for row in queries.thread(connection, article_id, its_edition["id"])]
    assert article is not None  # the edition was found by it
    if as_json:
        _print_json({"article": dict(article), "comments": comments})
        return
    zone = ZoneInfo(its_edition["time_zone"])
    stated = (
        "" if article["comments_stated"] is None else f", {article['comments_stated']} stated by the site"
    )
    click.echo(article["title"])
    click.echo(f"{day_and_time(article['published_at'], zone)} · {its_edition['code']} · {article['url']}")
    click.echo(
        f"{article['comments_stored']} comments stored{stated}; times are those of the site ({zone.key})\n"
    )
    for line in tree_lines(comments, zone=zone, width=shutil.get_terminal_size((100, 40)).columns):
        click.echo(line)


def _require_edition(connection: Any, edition: str | None) -> None:
    if edition is not None and queries.edition_id(connection, edition) is None:
        raise BadArgument(f"--edition {edition}: nothing of such an edition is stored here.")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_json_value))


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise TypeError(f"{value!r} has no form in JSON")


def _print_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, nothing: str) -> None:
    """Columns as wide as their widest cell; the last one is cut at the edge of the terminal."""
    table = [[str(cell) for cell in row] for row in rows]
    if not table:
        click.echo(nothing)
        return
    widths = [max(len(row[column]) for row in [list(head), *table]) for column in range(len(head) - 1)]
    room = max(20, shutil.get_terminal_size((120, 40)).columns - sum(widths) - 2 * len(widths))
    numbers = {column for column in range(len(widths)) if all(_is_number(row[column]) for row in table)}
    for row in [list(head), *table]:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        last = row[-1] if len(row[-1]) <= room else row[-1][: room - 1] + "…"
        click.echo("  ".join([*cells, last]).rstrip())


def _is_number(text: str) -> bool:
    return text == "?" or text.replace(".", "", 1).replace("-", "", 1).isdigit()


if __name__ == "__main__":
    main()
