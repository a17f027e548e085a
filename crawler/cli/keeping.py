"""Verbs that keep the archive in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.shown import NUMBER, as_json, example, print_json, processes, say
from crawler.environment import Environment
from crawler.errors import BadArgument, CannotStore
from crawler.normalise.erasure import author_hash
from crawler.site import Edition

if TYPE_CHECKING:
    from crawler.reparse import Summary
    from crawler.verify.results import Result

#: Characters of a value that are shown where it differs.
SHOWN = 60


@click.command(
    epilog=example(
        "crawler reparse",
        "crawler reparse --article 128836 --apply",
        "crawler reparse --day 2017-11-03 --edition en --json",
    )
)
@click.option("--article", "article_ids", multiple=True, type=NUMBER, help="Only this article.")
@click.option("--crawl", "crawl_id", type=NUMBER, help="Only what this crawl asked for.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only what was asked for on this day (UTC).")
@click.option("--edition", help="Only this edition, such as en; by default all.")
@click.option("--apply", is_flag=True, help="Write what differs; otherwise it is only shown.")
@click.option("--again", is_flag=True, help="Read again also what this version of the reader has read.")
@processes("read pages")
@as_json
def reparse(
    article_ids: tuple[int, ...],
    crawl_id: int | None,
    day: datetime | None,
    edition: str | None,
    apply: bool,
    again: bool,
    processes: int,
    as_json: bool,
) -> None:
    """Read the archive again with today's reader, and show what that changes.

    An article is read again as a whole, from all that was ever fetched of it. Without --article, --crawl or --day all
    articles are, and what only the archive knows is found: on an empty database --apply makes all rows anew. It may be
    ended and started again.
    """
    from crawler import reparse as reparsing  # other verbs need not wait for it

    environment = Environment()
    choice = reparsing.Choice(
        editions=chosen_editions(edition),
        article_ids=article_ids,
        crawl_id=crawl_id,
        day=day.date() if day else None,
        again=again,
    )
    summary = reparsing.reparse(
        environment.database_url,
        environment.warc_dir,
        choice,
        apply=apply,
        processes=processes,
        say=say,
        secret=environment.forget_secret,
    )
    if as_json:
        print_json(_as_dict(summary))
    else:
        for line in _lines(summary):
            click.echo(line)
    if summary.unread:
        sys.exit(CannotStore.exit_code)


@click.command(
    epilog=example(
        "crawler verify", "crawler verify --edition en --all-articles", "crawler verify --no-archive --json"
    )
)
@click.option("--edition", help="Only this edition, such as en; by default all.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    metavar="N",
    help="So many articles of each edition, taken at random, are read again from the archive; by default 200.",
)
@click.option("--all-articles", is_flag=True, help="All articles are read again.")
@click.option("--no-archive", is_flag=True, help="Look at the database alone.")
@processes("read the archive")
@as_json
def verify(
    edition: str | None,
    sample: int | None,
    all_articles: bool,
    no_archive: bool,
    processes: int,
    as_json: bool,
) -> None:
    """Look whether everything holds that should, in the database and in the archive. Nothing is changed.

    A crawl may go on meanwhile. Ends with 0 where all holds, with 1 where something does not, with 3 where database or
    archive cannot be used.
    """
    from crawler.verify import results as verifying  # other verbs need not wait for it

    if all_articles and (sample is not None or no_archive):
        raise BadArgument("--all-articles goes neither with --sample nor with --no-archive.")
    environment = Environment()
    chosen = verifying.SAMPLE if sample is None else sample
    choice = verifying.Choice(
        editions=chosen_editions(edition), sample=None if all_articles else chosen, archive=not no_archive
    )
    results = []
    for result in verifying.results(
        environment.database_url,
        environment.warc_dir,
        choice,
        processes=processes,
        person_hash=_person_hash(environment),
        say=say,
    ):
        results.append(result)
        if not as_json:
            for line in _result_lines(result):
                click.echo(line)
    holds = all(result.holds for result in results)
    if as_json:
        print_json({"holds": holds, "checks": [result.as_dict() for result in results]})
    if not holds:
        sys.exit(1)


@click.command(
    epilog=example(
        "crawler forget vasya --dry-run",
        "crawler forget guest:vasya --edition en --reason 'letter of 3 November'",
    )
)
@click.argument("key")
@click.option("--edition", help="Only in this edition, such as en; by default in all.")
@click.option("--reason", default="", help="Is kept, with the day. It should not say who it is.")
@click.option("--dry-run", is_flag=True, help="Only count what would be written anew.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@processes("search the archive")
@as_json
def forget(
    key: str,
    edition: str | None,
    reason: str,
    dry_run: bool,
    yes: bool,
    processes: int,
    as_json: bool,
) -> None:
    """Forget the author KEY: cut them out of database and archive, for good.

    KEY is that of the table authors: the name in a member's profile, or guest: and a guest's nickname. All that pages
    mark as that person goes, their comments too; those keep their places, so that answers keep theirs. Other people's
    words stay, also those that name the person. FORGET_KEY must be set, and stay the same.
    """
    from crawler import forget as forgetting  # other verbs need not wait for it
    from crawler.kept_out import NOT_OVERWRITTEN

    environment = Environment()
    if not (dry_run or yes):
        click.confirm("What is forgotten cannot be brought back. Go on?", abort=True, err=True)
    summary = forgetting.forget(
        environment.database_url,
        environment.warc_dir,
        key,
        chosen_editions(edition),
        secret=environment.forget_secret,
        reason=reason,
        apply=not dry_run,
        processes=processes,
        say=say,
    )
    if as_json:
        print_json(asdict(summary))
    else:
        done = ("are", "was") if summary.applied else ("would be", "would be")
        click.echo(
            f"{summary.answers} archived answers show this person. {summary.rewritten} of {summary.files} files"
            f" {done[0]} written anew."
        )
        for which, problem in summary.unread.items():
            click.echo(f"{which}: cannot be read again: {problem}")
        if summary.renames:
            click.echo(
                f"{summary.renames} other keys were once this person's: see authors.renamed_to, and forget them, too."
            )
        if summary.applied:
            click.echo(f"{summary.articles} articles were folded anew. The person is forgotten.")
    if not summary.overwritten:
        click.echo(NOT_OVERWRITTEN, err=True)
    if summary.unread or not summary.overwritten:
        sys.exit(CannotStore.exit_code)


def _person_hash(environment: Environment) -> Callable[[int, str], str] | None:
    """How the table erasures knows people, where FORGET_KEY is set."""
    secret = environment.forget_secret
    return None if secret is None else lambda _, key: author_hash(secret.encode(), key)


def _result_lines(result: Result) -> Iterator[str]:
    over = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in result.over.items())
    told = "".join(f"; {one}" for one in result.told)
    line = f"{'ok' if result.holds else 'WRONG':5}  {result.check.name}: {result.check.means}"
    yield f"{line} ({over}){told}" if over else f"{line}{told}"
    if result.holds:
        return
    yield from (f"         {one.where}: {one.what}" for one in result.examples)
    if result.wrong > len(result.examples):
        yield f"         … and {result.wrong - len(result.examples):,} more"
    yield f"       What to do: {result.check.remedy}"


def chosen_editions(code: str | None) -> tuple[Edition, ...]:
    """The editions that a verb is about: the one of this code, or all of all sites."""
    from crawler.sites import readers  # other verbs need not wait for the readers of all sites

    sites = {reader.site.name: reader.site for reader in readers().values()}
    editions = tuple(edition for site in sites.values() for edition in site.editions)
    chosen = tuple(edition for edition in editions if code in (None, edition.code))
    if not chosen:
        known = ", ".join(edition.code for edition in editions)
        raise BadArgument(f"--edition {code}: there is no such edition. There is: {known}.")
    return chosen


def _lines(summary: Summary) -> Iterator[str]:
    if not (summary.articles or summary.unknown or summary.unread):
        if summary.recorded:
            yield "Nothing to do: all is read by today's reader. --again reads it once more."
        else:
            yield (
                "Nothing to do: nothing of the kind is stored. `crawler articles` and `crawler crawls` list what is; "
                "the archive is the folder that WARC_DIR names."
            )
        return
    yield f"{summary.articles} articles read again from {summary.fetches} exchanges, {summary.different} differ."
    if summary.unknown:
        known = "are recorded now" if summary.applied else "would be recorded"
        yield f"{summary.unknown} exchanges were known to the archive alone and {known}."
    for (before, now), count in sorted(summary.outcomes.items()):
        yield f"fetches: {count} were {before} and are {now}"
    for name, counts in summary.tables.items():
        if counts.inserted or counts.deleted or counts.updated:
            yield f"{name}: {counts.inserted} more, {counts.deleted} fewer, {counts.updated} different rows"
            for (table, column), differing in summary.columns.items():
                if table == name:
                    yield f"  {column}: {differing.count}"
                    yield from (
                        f"    {which}: {_short(stored)} → {_short(read)}"
                        for which, stored, read in differing.examples
                    )
    for which, problem in summary.unread.items():
        yield f"{which}: cannot be read again: {problem}"
    if summary.different or summary.unknown:
        yield "Written." if summary.applied else "Nothing was written; --apply does that."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _as_dict(summary: Summary) -> dict[str, Any]:
    return {
        "applied": summary.applied,
        "articles": summary.articles,
        "fetches": summary.fetches,
        "different": summary.different,
        "unknown": summary.unknown,
        "outcomes": [
            {"before": before, "now": now, "count": count}
            for (before, now), count in sorted(summary.outcomes.items())
        ],
        "tables": {
            name: {"inserted": counts.inserted, "deleted": counts.deleted, "updated": counts.updated}
            for name, counts in summary.tables.items()
        },
        "columns": [
            {
                "table": table,
                "column": column,
                "count": differing.count,
                "examples": [
                    {"row": which, "stored": stored, "read": read}
                    for which, stored, read in differing.examples
                ],
            }
            for (table, column), differing in summary.columns.items()
        ],
        "unread": summary.unread,
    }
