"""The row of a visit, exchange by exchange."""

from datetime import datetime

from crawler.fold.look import Row
from crawler.fold.sweeps import Swept
from crawler.items import Exchange


def visit_after(
    old: Row | None, exchange: Exchange, *, crawl_id: int | None, comments_new: int, comments_changed: int
) -> Row:
    """
    A visit after one more exchange.

    Args:
        old: Its row before, None at its first exchange.

        comments_new: How many comments the exchange's page brought.

        comments_changed: How many of those that were known it changed.
    """
    fetch, visit = exchange.fetch, exchange.visit
    assert fetch is not None
    assert visit is not None
    if old is None:
        row = visit_begun(
            visit.id,
            crawl_id=crawl_id,
            edition_id=exchange.edition.id,
            article_id=visit.article_id,
            fetch_id=fetch.id,
            at=fetch.fetched_at,
        )
    else:
        row = old | {"finished_at": fetch.fetched_at, "last_fetch_id": fetch.id}
    if exchange.normal is not None:
        said = exchange.normal.written.comments
        row["pages_read"] += 1
        row["comments_seen"] += exchange.seen_first
        row["comments_new"] += comments_new
        row["comments_changed"] += comments_changed
        for column, value in (("pages_expected", said.pages), ("comments_stated", said.stated)):
            if value is not None:
                row[column] = value
    if exchange.ends is not None:
        row["outcome"] = exchange.ends
    return row


def visit_swept(row: Row, proves: Swept) -> Row:
    """A visit that saw the end of its thread, after it is known what that proves."""
    return row | {
        "outcome": proves.outcome,
        "sweep": proves.outcome == "swept",
        "unseen": None if proves.unseen is None else list(proves.unseen),
        "comments_missing": len(proves.missing),
    }


def visit_begun(
    visit_id: int, *, crawl_id: int | None, edition_id: int, article_id: int, fetch_id: int, at: datetime
) -> Row:
    """A visit that has just begun, at the moment of its first exchange."""
    return {
        "id": visit_id,
        "crawl_id": crawl_id,
        "edition_id": edition_id,
        "article_id": article_id,
        "started_at": at,
        "finished_at": at,
        "sweep": False,
        "pages_expected": None,
        "pages_read": 0,
        "comments_stated": None,
        "comments_seen": 0,
        "comments_new": 0,
        "comments_changed": 0,
        "comments_missing": 0,
        "unseen": None,
        "outcome": None,
        "last_fetch_id": fetch_id,
    }
