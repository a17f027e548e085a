"""Fetches as the archive should have them."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, func, select

from crawler.items import Recorded
from crawler.site import Edition
from crawler.storage.dialects import portions
from crawler.storage.recorded import recorded_row
from crawler.storage.schema import articles, fetches, visits


def fetches_by_file(connection: Connection, edition_ids: Sequence[int] | None) -> dict[str | None, int]:
    """How many fetches, of these editions or of all, stand in each file; under None those that name no file."""
    query = select(fetches.c.warc_file, func.count().label("number")).group_by(fetches.c.warc_file)
    if edition_ids is not None:
        query = query.where(fetches.c.edition_id.in_(edition_ids))
    return {row.warc_file: row.number for row in connection.execute(query)}


def fetches_in(
    connection: Connection, edition_ids: Sequence[int], file: str | None
) -> Iterator[tuple[int, int | None]]:
    """Number and place of each fetch that stands in a file."""
    query = (
        select(fetches.c.id, fetches.c.warc_offset)
        .where(fetches.c.edition_id.in_(edition_ids), fetches.c.warc_file.is_not_distinct_from(file))
        .order_by(fetches.c.id)
        .execution_options(yield_per=1000)
    )
    for row in connection.execute(query):
        yield row.id, row.warc_offset


def fetches_of(connection: Connection, fetch_ids: Collection[int]) -> dict[int, Recorded]:
    """Those of these fetches that are stored, by their numbers."""
    return {
        row["id"]: recorded_row(row)
        for some in portions(sorted(fetch_ids))
        for row in connection.execute(select(fetches).where(fetches.c.id.in_(some))).mappings()
    }


def open_visits(connection: Connection, edition: Edition) -> set[int]:
    """The articles that are being visited just now."""
    query = select(visits.c.article_id).where(visits.c.edition_id == edition.id, visits.c.outcome.is_(None))
    return set(connection.scalars(query))


def stored_articles(connection: Connection, edition: Edition) -> list[int]:
    """The articles that were ever asked for or stored."""
    stored = select(articles.c.id).where(articles.c.edition_id == edition.id)
    asked = select(fetches.c.article_id).where(
        fetches.c.edition_id == edition.id, fetches.c.article_id.is_not(None)
    )
    return sorted(connection.scalars(stored.union(asked)))
