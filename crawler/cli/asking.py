"""The verbs that ask what is stored."""

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any
from zoneinfo import ZoneInfo

import click

from crawler.cli import moments
from crawler.cli.shown import NUMBER, as_json, example, print_json, print_table
from crawler.environment import Environment
from crawler.errors import BadArgument
from crawler.storage import database, queries
from crawler.thread_tree import day_and_time, is_marked, tree_lines


@click.command(epilog=example("crawler articles --limit 5", "crawler articles --edition ru --json"))
@click.option("--edition", help="Only this edition, such as en.")
@click.option("--limit", default=20, show_default=True, type=NUMBER, help="At most so many.")
@as_json
def articles(edition: str | None, limit: int, as_json: bool) -> None:
    """Stored articles, newest first, with how many of their comments are stored."""
    show_articles(Environment().database_url, edition=edition, limit=limit, as_json=as_json)


@click.command(
    epilog=example(
        "crawler thread 128836",
        "crawler thread 128836 --edition ru --json",
        "crawler thread 128836 --as-of 2017-11-04T10:00",
        "crawler thread 128836 --as-of 2017-11-04",
    )
)
@click.argument("article_id", type=NUMBER, metavar="ID")
@click.option("--edition", help="Which edition, such as en; by default the first that has the article.")
@click.option("--as-of", metavar="MOMENT", help="The thread as it stood then.")
@as_json
def thread(article_id: int, edition: str | None, as_of: str | None, as_json: bool) -> None:
    """The comment thread of the article ID, as a tree.

    Comments that are missing (the last visit that read the whole thread did not find them) or gone (nor did another
    one) are kept and say so; #NUMBER stands where `crawler history NUMBER` tells more.

    With --as-of the thread is shown as our looks until then had found it: words, names, ratings and places of that
    time, without those that were gone. MOMENT is in the site's time if it names no zone; a day alone means its end, a
    time without seconds the end of that minute. Ends with 1 where the thread was not known yet.
    """
    url = Environment().database_url
    if as_of is None:
        show_thread(url, article_id, edition=edition, as_json=as_json)
    else:
        _show_thread_as_of(url, article_id, as_of, edition=edition, as_json=as_json)


def show_articles(url: str, *, edition: str | None, limit: int, as_json: bool = False) -> None:
    with database.reading(url) as connection:
        require_edition(connection, edition)
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
        its_edition = _edition_of(connection, article_id, edition)
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
    _show_head(dict(article), its_edition)
    click.echo(f"{article['comments_stored']} comments stored{stated}; {whose_times(zone)}")
    away = Counter(comment["state"] for comment in comments)
    del away["live"]
    if away:
        told = ", ".join(f"{count} {state}" for state, count in sorted(away.items(), reverse=True))
        click.echo(f"Kept besides: {told}")
    _show_tree(comments, zone)


def _show_thread_as_of(url: str, article_id: int, text: str, *, edition: str | None, as_json: bool) -> None:
    with database.reading(url) as connection:
        its_edition = _edition_of(connection, article_id, edition)
        zone = ZoneInfo(its_edition["time_zone"])
        moment = moments.as_of("--as-of", text, zone)
        found = queries.thread_as_of(connection, article_id, its_edition["id"], moment)
        article = queries.article(connection, article_id, its_edition["id"])
    assert article is not None  # the edition was found by it
    if found is None:
        raise click.ClickException(
            f"The thread of the article {article_id} is known since "
            f"{day_and_time(article['first_seen_at'], zone)}, not yet as of {day_and_time(moment, zone)} ({zone.key})."
        )
    if as_json:
        print_json(
            {"as_of": moment}
            | {field.name: getattr(found, field.name) for field in fields(found)}
            | {"article": dict(found.article)}
        )
        return
    _show_head(dict(found.article), its_edition)
    missing = sum(comment["state"] == "missing" for comment in found.comments)
    click.echo(
        f"As of {day_and_time(moment, zone)}: {len(found.comments)} comments"
        + (f", {missing} of them missing" if missing else "")
        + (
            f"; {len(found.gone)} more {'was' if len(found.gone) == 1 else 'were'} gone by then"
            if found.gone
            else ""
        )
        + f"; {whose_times(zone)}"
    )
    click.echo(
        f"Last read before that {day_and_time(found.last_look_at, zone)}"
        + (f", to its end {day_and_time(found.last_sweep_at, zone)}" if found.last_sweep_at else "")
        + (f"; next {day_and_time(found.next_look_at, zone)}" if found.next_look_at else "; not since")
    )
    _show_tree(found.comments, zone, gone=found.gone)


def _show_head(article: Mapping[str, Any], its_edition: Mapping[str, Any]) -> None:
    zone = ZoneInfo(its_edition["time_zone"])
    click.echo(article["title"])
    click.echo(f"{day_and_time(article['published_at'], zone)} · {its_edition['code']} · {article['url']}")
    if article["state"] != "live":
        click.echo(f"The article is {article['state']} since {day_and_time(article['seen_at'], zone)}")


def _show_tree(comments: Sequence[Mapping[str, Any]], zone: ZoneInfo, gone: Collection[int] = ()) -> None:
    click.echo()
    width = shutil.get_terminal_size((100, 40)).columns
    for line in tree_lines(comments, zone=zone, width=width, gone=gone):
        click.echo(line)
    if any(is_marked(comment) for comment in comments):
        click.echo("\n`crawler history NUMBER` shows all that a comment marked #NUMBER ever was.")


def whose_times(zone: ZoneInfo) -> str:
    return f"times are those of the site ({zone.key})"


def _edition_of(connection: Any, article_id: int, edition: str | None) -> Mapping[str, Any]:
    """The edition that is asked for, or the first that has the article."""
    require_edition(connection, edition)
    stored = queries.editions_with(connection, article_id)
    wanted = [row for row in stored if edition in (None, row["code"])]
    if not wanted:
        where = f" in the edition {edition}" if edition else ""
        raise click.ClickException(
            f"The article {article_id} is not stored{where}. `crawler articles` lists those that are; "
            f"`crawler crawl military_review -a ids={article_id}` fetches it."
        )
    return dict(wanted[0])


def require_edition(connection: Any, edition: str | None) -> None:
    if edition is not None and queries.edition_id(connection, edition) is None:
        raise BadArgument(f"--edition {edition}: nothing of such an edition is stored here.")
