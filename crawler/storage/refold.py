"""
Folding articles anew, from all their fetches: for what comes late, for a better reader, for an empty database.

The rows that the fetches come to are compared with those that are stored, and only what differs is written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Table, and_, select, update

from crawler.errors import RowsDisagree
from crawler.fold.look import Row
from crawler.fold.whole import Whole
from crawler.items import Author, Exchange, Fetch, Recorded
from crawler.site import Edition
from crawler.storage.authors import latest_states, renew_authors, save_authors
from crawler.storage.bulk import Writes, delete_rows, insert_rows, update_rows
from crawler.storage.dialects import portions
from crawler.storage.recorded import recorded, recorded_one
from crawler.storage.schema import (
    article_states,
    articles,
    comment_states,
    comments,
    fetches,
    rating_states,
    visits,
)

#: Reads recorded exchanges again from the archive, in the order of their numbers.
Reread = Callable[[Sequence[Recorded]], Iterable[Exchange]]

#: The tables whose rows are folded, in an order in which they can be inserted; with the column that names the article.
FOLDED: Final[Mapping[str, tuple[Table, str | None]]] = {
    "articles": (articles, "id"),
    "article_states": (article_states, "article_id"),
    "comments": (comments, "article_id"),
    "comment_states": (comment_states, None),
    "rating_states": (rating_states, None),
    "visits": (visits, "article_id"),
}


@dataclass(slots=True)
class Changes:
    """How the rows of a table differ from those that the fetches come to."""

    #: Rows that are missing.
    inserted: list[Row] = field(default_factory=list)
    #: Rows that should not be there.
    deleted: list[Row] = field(default_factory=list)
    #: Rows that say something else: as stored, as they should be.
    updated: list[tuple[Row, Row]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.inserted or self.deleted or self.updated)


@dataclass(slots=True, kw_only=True)
class Difference:
    """How what is stored of some articles differs from what their fetches come to."""

    edition: Edition
    article_ids: tuple[int, ...]
    whole: Whole
    tables: dict[str, Changes]
    #: As recorded, as read now: those that were understood otherwise or by another reader.
    fetches: list[tuple[Recorded, Fetch]]
    reader_version: int | None
    #: Numbers of all fetches that were folded.
    fetch_ids: tuple[int, ...]


def family(connection: Connection, edition: Edition, article_ids: Iterable[int]) -> list[int]:
    """The articles, and all those with which they share a comment that has moved, however indirectly."""
    found: set[int] = set()
    new = set(article_ids)
    while new:
        found |= new
        ids: set[int] = set()
        for some in portions(sorted(new)):
            for table, name in ((comments, "id"), (comment_states, "comment_id")):
                here = and_(table.c.article_id.in_(some), table.c.edition_id == edition.id)
                elsewhere = comment_states if table is comments else comments
                other = elsewhere.c["comment_id" if table is comments else "id"]
                query = (
                    select(elsewhere.c.article_id)
                    .join(table, (table.c[name] == other) & (table.c.edition_id == elsewhere.c.edition_id))
                    .where(here, elsewhere.c.article_id != table.c.article_id)
                )
                ids.update(connection.scalars(query))
        new = ids - found
    return sorted(found)


def difference(
    connection: Connection,
    edition: Edition,
    article_ids: Iterable[int],
    known: Sequence[Recorded],
    exchanges: Iterable[Exchange],
    *,
    reader_version: int | None,
) -> Difference:
    """
    How what is stored of the articles differs from what their fetches come to.

    Args:
        article_ids: A whole `family`.

        known: All its recorded exchanges.

        exchanges: The same, as they are read now.
    """
    ids = tuple(sorted(article_ids))
    whole = Whole(edition)
    by_id = {one.fetch.id: one for one in known}
    other: list[tuple[Recorded, Fetch]] = []
    for exchange in exchanges:
        fetch = exchange.fetch
        assert fetch is not None
        one = by_id[fetch.id]
        whole.add(exchange, crawl_id=one.crawl_id, reader_version=reader_version)
        version = reader_version if fetch.was_read else None
        said = (one.fetch.outcome, one.fetch.detail, one.reader_version)
        if said != (fetch.outcome, fetch.detail, version):
            other.append((one, fetch))
    whole.finish()
    new: dict[str, list[Row]] = {name: [] for name in FOLDED}
    for name, row in whole.rows():
        new[name].append(row)
    numbers = sorted({row["id"] for row in new["comments"]} | set(_stored_ids(connection, edition, ids)))
    tables = {}
    for name, (table, column) in FOLDED.items():
        where, values = (column, ids) if column is not None else ("comment_id", numbers)
        tables[name] = _changes(table, _rows(connection, table, where, values, edition), new[name])
    return Difference(
        edition=edition,
        article_ids=ids,
        whole=whole,
        tables=tables,
        fetches=other,
        reader_version=reader_version,
        fetch_ids=tuple(by_id),
    )


def _stored_ids(connection: Connection, edition: Edition, article_ids: Sequence[int]) -> list[int]:
    return [
        id
        for some in portions(article_ids)
        for id in connection.scalars(
            select(comments.c.id).where(comments.c.article_id.in_(some), comments.c.edition_id == edition.id)
        )
    ]


def _rows(
    connection: Connection, table: Table, column: str, values: Sequence[int], edition: Edition
) -> list[Row]:
    return [
        dict(row)
        for some in portions(values)
        for row in connection.execute(
            select(table).where(table.c[column].in_(some), table.c.edition_id == edition.id)
        ).mappings()
    ]


def _changes(table: Table, old: Iterable[Row], new: Iterable[Row]) -> Changes:
    names = [column.name for column in table.primary_key]
    stored = {tuple(row[name] for name in names): row for row in old}
    changes = Changes()
    for row in new:
        before = stored.pop(tuple(row[name] for name in names), None)
        if before is None:
            changes.inserted.append(row)
        elif before != row:
            changes.updated.append((before, row))
    changes.deleted = list(stored.values())
    return changes


def fold_anew(
    connection: Connection,
    edition: Edition,
    article_ids: Iterable[int],
    reread: Reread,
    *,
    reader_version: int | None,
) -> Difference:
    """
    Fold articles anew, with all those with which they share comments, and write what differs.

    The caller owns the transaction. Returns what differed.
    """
    ids = family(connection, edition, article_ids)
    known = recorded(connection, edition, ids)
    told = reread(known)
    return fold_told(
        connection, edition, ids, known, told, reread=reread, reader_version=reader_version, apply=True
    )


def fold_told(
    connection: Connection,
    edition: Edition,
    article_ids: Iterable[int],
    known: Sequence[Recorded],
    told: Iterable[Exchange],
    *,
    reread: Reread,
    reader_version: int | None,
    apply: bool,
) -> Difference:
    """
    Compare what is stored of a whole family of articles with what its fetches say now; write what differs, on demand.

    Where a comment shows now that it has stood in other articles too, their fetches are read and folded with them.

    Args:
        known: All its recorded exchanges.

        told: The same, as they are read now.

        reread: For pages of other articles, of which an author may have to be taken.

    Raises:
        RowsDisagree: A fetch is of another article than its visit. What such fetches come to could not be stored, or
            would take from an article what was seen of it.
    """
    _require_agreement(connection, edition, article_ids)
    found = difference(connection, edition, article_ids, known, told, reader_version=reader_version)
    while others := _elsewhere(connection, found):
        wider = family(connection, edition, {*found.article_ids, *others})
        _require_agreement(connection, edition, wider)
        known = recorded(connection, edition, wider)
        found = difference(connection, edition, wider, known, reread(known), reader_version=reader_version)
    if apply:
        write(connection, found, reread)
    return found


def _require_agreement(connection: Connection, edition: Edition, article_ids: Iterable[int]) -> None:
    """Raise RowsDisagree where a fetch and its visit are not of the same article, and one of them is of these."""
    moved = (
        select(fetches.c.id, fetches.c.article_id, visits.c.article_id.label("of_visit"))
        .join(visits, visits.c.id == fetches.c.visit_id)
        .where(fetches.c.article_id.is_distinct_from(visits.c.article_id))
        .order_by(fetches.c.id)
    )
    for some in portions(sorted(article_ids)):
        for table in (fetches, visits):
            row = connection.execute(
                moved.where(table.c.article_id.in_(some), table.c.edition_id == edition.id)
            ).first()
            if row is not None:
                raise RowsDisagree(
                    f"fetch {row.id} is of article {row.article_id} in the table fetches, and its visit of article "
                    f"{row.of_visit}. Somebody changed rows by hand: `crawler verify` tells which, and its record in "
                    "the archive (Archive-Article-Id) which article is right."
                )


def _elsewhere(connection: Connection, found: Difference) -> set[int]:
    """The other articles of which comments are stored that the fetches show in these."""
    ids = sorted(row["id"] for row in found.tables["comments"].inserted)
    return {
        article_id
        for some in portions(ids)
        for article_id in connection.scalars(
            select(comments.c.article_id).where(
                comments.c.id.in_(some), comments.c.edition_id == found.edition.id
            )
        )
    }


def write(connection: Connection, found: Difference, reread: Reread) -> None:
    """Make what is stored agree with the fetches, in the caller's transaction."""
    edition, whole, tables = found.edition, found.whole, found.tables
    keys = _author_keys(tables)
    # Of the others nothing is taken back: what they gain is stored as a new page stores it.
    losing = _author_keys(tables, inserted=False)
    before = latest_states(connection, edition, losing)
    for name in ("articles", "visits"):
        _insert_and_update(connection, name, tables[name])
    if keys or whole.named:
        writes = Writes(connection)
        save_authors(writes, edition, [one for one in whole.named if one.author.key in keys])
        writes.send()
    for name in ("rating_states", "comment_states", "article_states"):
        delete_rows(connection, FOLDED[name][0], tables[name].deleted)
    _insert_and_update(connection, "comments", tables["comments"])
    delete_rows(connection, comments, tables["comments"].deleted)
    for name in ("article_states", "comment_states", "rating_states"):
        _insert_and_update(connection, name, tables[name])
    for name in ("visits", "articles"):
        delete_rows(connection, FOLDED[name][0], tables[name].deleted)
    for one, fetch in found.fetches:
        version = found.reader_version if fetch.was_read else None
        connection.execute(
            update(fetches)
            .where(fetches.c.id == one.fetch.id)
            .values(outcome=fetch.outcome, detail=fetch.detail, reader_version=version)
        )
    here = {one.order: one.author for one in whole.named}

    def author_at(fetch_id: int, comment_id: int) -> Author | None:
        known = here.get((fetch_id, comment_id))
        return known or _author_elsewhere(connection, fetch_id, comment_id, reread)

    states = [tables["comments"], tables["comment_states"]]
    taken = [row for changes in states for row in (*changes.deleted, *(old for old, _ in changes.updated))]
    given = [row for changes in states for row in (*changes.inserted, *(new for _, new in changes.updated))]
    renew_authors(
        connection, edition, before, losing, taken, given, author_at, whole.renamed, found.fetch_ids
    )


def _insert_and_update(connection: Connection, name: str, changes: Changes) -> None:
    table, _ = FOLDED[name]
    insert_rows(connection, table, changes.inserted)
    columns = [column.name for column in table.columns if not column.primary_key]
    update_rows(connection, table, [new for _, new in changes.updated], columns)


def _author_elsewhere(
    connection: Connection, fetch_id: int, comment_id: int, reread: Reread
) -> Author | None:
    """The author of a comment as a page of an article that was not folded shows them."""
    for exchange in reread([recorded_one(connection, fetch_id)]):
        for comment in exchange.normal.comments if exchange.normal else ():
            if comment.written.id == comment_id:
                return comment.author
    return None


def _author_keys(tables: Mapping[str, Changes], *, inserted: bool = True) -> set[str]:
    """
    The authors of all states that come or go.

    Args:
        inserted: Whether those count that only come.
    """
    keys: set[str] = set()
    for name in ("comments", "comment_states"):
        changes = tables[name]
        rows = [*changes.deleted, *(row for pair in changes.updated for row in pair)]
        rows += changes.inserted if inserted else ()
        keys.update(row["author_key"] for row in rows if row["author_key"] is not None)
    return keys
