"""The verbs that ask what was before: all that a comment was, what changed in a period."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from crawler.cli import moments
from crawler.cli.asking import require_edition, whose_times
from crawler.cli.shown import NUMBER, as_json, example, print_json
from crawler.cli.told import CONTEXT_WORDS, beginning, difference_lines, quoted, show, wrapped
from crawler.differences import differences
from crawler.environment import Environment
from crawler.errors import BadArgument
from crawler.items import Change
from crawler.normalise.nicknames import nickname
from crawler.storage import database, queries
from crawler.storage.views import ARTICLE_DIFFERS, COMMENT_DIFFERS
from crawler.thread_tree import day_and_time

#: What the kinds of changes say of a comment.
_MEANS: Final[Mapping[Change, str]] = {
    "new": "seen first",
    "edit": "other words, links or pictures, or another date",
    "merge": "joined with the next words of its author",
    "translation": "other words, perhaps only translated anew",
    "rename": "another name",
    "move": "another place in the tree, or another article",
    "missing": "a visit that read the whole thread did not find it",
    "gone": "another such visit did not find it either",
    "return": "there again",
}


@click.command(epilog=example("crawler history 7704704", "crawler history 7704704 --edition ru --json"))
@click.argument("comment_id", type=NUMBER, metavar="COMMENT_ID")
@click.option("--edition", help="Which edition, such as en; by default the first that has the comment.")
@as_json
def history(comment_id: int, edition: str | None, as_json: bool) -> None:
    """All that a comment ever was: every state, from when to when, and what changed.

    Of changed words those that are no more stand in [-…-], those that are new in {+…+}. A state begins with the look
    that showed it first: the site made the change at some moment since the look before. `crawler thread` and `crawler
    changes` show the numbers of comments. Ends with 1 where the comment is not stored.
    """
    with database.reading(Environment().database_url) as connection:
        require_edition(connection, edition)
        stored = queries.editions_with_comment(connection, comment_id)
        wanted = [row for row in stored if edition in (None, row["code"])]
        found = queries.comment_history(connection, comment_id, wanted[0]["id"]) if wanted else None
    if found is None:
        where = f" in the edition {edition}" if edition else ""
        raise click.ClickException(
            f"The comment {comment_id} is not stored{where}. `crawler thread ID --json` shows the numbers of comments."
        )
    befores = [None, *found.states]
    differs = [
        {} if before is None else differences(dict(before), dict(state), ("state", *COMMENT_DIFFERS))
        for before, state in zip(befores, found.states, strict=False)
    ]
    if as_json:
        print_json(
            {
                "comment": dict(found.comment) | {"edition": wanted[0]["code"]},
                "states": [
                    dict(state) | {"differences": _before_and_after(its)}
                    for state, its in zip(found.states, differs, strict=True)
                ],
                "ratings": [dict(rating) for rating in found.ratings],
            }
        )
        return
    _show_history(found, differs, wanted[0]["code"], ZoneInfo(wanted[0]["time_zone"]))


def _show_history(
    found: queries.CommentHistory,
    differs: Sequence[Mapping[str, tuple[Any, Any]]],
    edition: str,
    zone: ZoneInfo,
) -> None:
    width = shutil.get_terminal_size((100, 40)).columns - 2
    comment = found.comment
    count = len(found.states)
    click.echo(
        f"Comment {comment['id']} · {edition} · article {comment['article_id']} “{comment['article_title']}”"
    )
    click.echo(f"{comment['article_url']}")
    click.echo(f"{count} state{'s' if count > 1 else ''}; {whose_times(zone)}")
    for state, its in zip(found.states, differs, strict=True):
        until = "now" if state["until"] is None else day_and_time(state["until"], zone)
        click.echo(
            f"\n{day_and_time(state['seen_at'], zone)} – {until} · {state['change']}: {_MEANS[state['change']]}"
        )
        if state["change"] == "new":
            show(_first_lines(dict(state), zone, width))
        else:
            show(difference_lines(its, zone, width))
    rated = [
        f"{rating['rating']:+d} from {day_and_time(rating['seen_at'], zone)}"
        for rating in found.ratings
        if rating["rating"] is not None
    ]
    if rated:
        click.echo("\nRating: " + ", ".join(rated))


def _first_lines(state: Mapping[str, Any], zone: ZoneInfo, width: int) -> Sequence[str]:
    date = day_and_time(state["posted_at"], zone, precision=state["posted_precision"])
    answers = "" if state["parent_id"] is None else f" · answers {state['parent_id']}"
    quotes = [line for quote in state["quotes"] for line in wrapped(f"> {quoted(quote)}", width)]
    name = nickname(state["nickname_raw"]) or "(no name)"
    return [f"{name} · {date}{answers}", *quotes, *wrapped(state["body"], width)]


@click.command(
    epilog=example(
        "crawler changes --limit 5",
        "crawler changes --since 2017-11-04 --until 2017-11-05 --kind edit,merge",
        "crawler changes --article 128836 --kind missing,gone,return --oldest-first --json",
    )
)
@click.option("--since", metavar="MOMENT", help="Seen from then on: 2017-11-04, 2017-11-04T10:00.")
@click.option("--until", metavar="MOMENT", help="Seen until then; a day is included to its end.")
@click.option("--edition", help="Only this edition, such as en.")
@click.option("--kind", "kinds", metavar="KIND,…", help=f"Only these: {', '.join(queries.CHANGES)}.")
@click.option("--article", "article_id", type=NUMBER, metavar="ID", help="Only this article.")
@click.option("--oldest-first", is_flag=True, help="Instead of the newest first.")
@click.option("--limit", default=20, show_default=True, type=NUMBER, help="At most so many.")
@as_json
def changes(
    since: str | None,
    until: str | None,
    edition: str | None,
    kinds: str | None,
    article_id: int | None,
    oldest_first: bool,
    limit: int,
    as_json: bool,
) -> None:
    """What was edited, merged, renamed, moved, removed or returned in a period, with the words before and after.

    A change counts by the look that showed it: the site made it at some moment since the look before. Of removed
    comments: missing is one that a visit did not find that read the whole thread, gone one that another did not find
    either. MOMENT is in the site's time if it names no zone.
    """
    with database.reading(Environment().database_url) as connection:
        require_edition(connection, edition)
        editions = {row["id"]: dict(row) for row in queries.stored_editions(connection)}
        zones = {row["code"]: ZoneInfo(row["time_zone"]) for row in editions.values()}
        zone = zones[edition] if edition else next(iter(zones.values()), ZoneInfo("UTC"))
        begins = None if since is None else moments.moment("--since", since, zone, "beginning")
        ends = None if until is None else moments.moment("--until", until, zone, "end")
        if begins is not None and ends is not None and begins >= ends:
            raise BadArgument(f"--since {since} --until {until}: the period must not end before it begins.")
        found = queries.changes_between(
            connection,
            begins,
            ends,
            edition=None if edition is None else queries.edition_id(connection, edition),
            kinds=_kinds(kinds),
            article=article_id,
            newest_first=not oldest_first,
            limit=limit + 1,
        )
    some = found[:limit]
    if as_json:
        print_json([_as_dict(one, editions[one.edition_id]["code"]) for one in some])
        return
    if not some:
        click.echo("Nothing that is stored has changed in this period.")
        return
    for one in some:
        _show_change(one, editions[one.edition_id])
    if len(found) > limit:
        click.echo(f"\nThere are more: ask for --limit {2 * limit}, or for a shorter period.", err=True)


def _kinds(text: str | None) -> Sequence[Change]:
    if text is None:
        return queries.CHANGES
    known: dict[str, Change] = {kind: kind for kind in queries.CHANGES}
    asked = [part.strip() for part in text.split(",") if part.strip()]
    for kind in asked or [text]:
        if kind not in known:
            raise BadArgument(f"--kind {kind}: the kinds are {', '.join(known)}.")
    return [known[kind] for kind in asked]


def _differences(one: queries.ChangeSeen) -> dict[str, tuple[Any, Any]]:
    names = COMMENT_DIFFERS if one.of == "comment" else ARTICLE_DIFFERS
    return differences(one.before, one.after, ("state", *names))


def _show_change(one: queries.ChangeSeen, edition: Mapping[str, Any]) -> None:
    zone = ZoneInfo(edition["time_zone"])
    width = shutil.get_terminal_size((100, 40)).columns - 2
    if one.of == "comment":
        who = nickname(one.after["nickname_raw"]) or "(no name)"
        what = f"comment {one.id} by {who} · article {one.article_id}"
    else:
        what = f"article {one.id} “{one.after['title']}”"
    click.echo(f"{day_and_time(one.seen_at, zone)} · {edition['code']} · {one.change} · {what}")
    if one.of == "comment" and one.change in ("missing", "gone"):
        show(beginning(one.after["body"], width))
    else:
        show(difference_lines(_differences(one), zone, width, context=CONTEXT_WORDS))


def _as_dict(one: queries.ChangeSeen, edition: str) -> dict[str, Any]:
    return {
        "of": one.of,
        "id": one.id,
        "edition": edition,
        "article_id": one.article_id,
        "change": one.change,
        "seen_at": one.seen_at,
        "fetch_id": one.fetch_id,
        "differences": _before_and_after(_differences(one)),
        "after": one.after,
    }


def _before_and_after(differs: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {"before": before, "after": after} for name, (before, after) in differs.items()}
