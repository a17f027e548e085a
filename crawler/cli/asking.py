"""The verbs that ask what is stored."""

import shutil
from typing import Any
from zoneinfo import ZoneInfo

import click

from crawler.cli.shown import as_json, example, print_json, print_table
from crawler.environment import Environment
from crawler.errors import BadArgument
from crawler.storage import database, queries
from crawler.thread_tree import day_and_time, tree_lines


@click.command(epilog=example("crawler articles --limit 5", "crawler articles --edition ru --json"))
@click.option("--edition", help="Only this edition, such as en.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@as_json
def articles(edition: str | None, limit: int, as_json: bool) -> None:
    """Stored articles, newest first, with how many of their comments are stored."""
    show_articles(Environment().database_url, edition=edition, limit=limit, as_json=as_json)


@click.command(epilog=example("crawler thread 128836", "crawler thread 128836 --edition ru --json"))
@click.argument("article_id", type=click.IntRange(min=1), metavar="ID")
@click.option("--edition", help="Which edition, such as en; by default the first that has the article.")
@as_json
def thread(article_id: int, edition: str | None, as_json: bool) -> None:
    """The comment thread of the article ID, as a tree."""
    show_thread(Environment().database_url, article_id, edition=edition, as_json=as_json)


def show_articles(url: str, *, edition: str | None, limit: int, as_json: bool = False) -> None:
    with database.reading(url) as connection:
        _require_edition(connection, edition)
        rows = queries.newest_articles(connection, edition=edition, limit=limit)
    if as_json:
        print_json([dict(row) for row in rows])
        return
    print_table(
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


def show_thread(url: str, article_id: int, *, edition: str | None, as_json: bool = False) -> None:
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
        print_json({"article": dict(article), "comments": comments})
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
