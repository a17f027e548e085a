"""Who was forgotten, as keyed hashes, and taking them out of the tables."""

import sqlite3
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from crawler.errors import BadRecord
from crawler.normalise.erasure import ErasureKind
from crawler.normalise.nicknames import nickname
from crawler.site import Edition
from crawler.storage.database import engine
from crawler.storage.dialects import portions, upsert
from crawler.storage.recorded import recorded
from crawler.storage.refold import Reread, family, fold_anew
from crawler.storage.schema import (
    article_states,
    articles,
    author_names,
    authors,
    comment_states,
    comments,
    erasures,
    fetches,
)


def erased(connection: Connection, edition_ids: Iterable[int]) -> dict[int, dict[str, ErasureKind]]:
    """What is stored of who was forgotten, by edition: hash → kind. Editions in which nobody was are absent."""
    found: dict[int, dict[str, ErasureKind]] = {}
    query = select(erasures.c.edition_id, erasures.c.author_hash, erasures.c.kind)
    for edition_id, hash, kind in connection.execute(
        query.where(erasures.c.edition_id.in_(list(edition_ids)))
    ):
        known: dict[str, ErasureKind] = {name: name for name in get_args(ErasureKind)}
        found.setdefault(edition_id, {})[hash] = known[kind]
    return found


def save_erasures(
    connection: Connection, edition_id: int, hashes: Mapping[str, ErasureKind], *, now: datetime, reason: str
) -> None:
    """Note who is forgotten from now on; noting it again changes nothing."""
    rows = [
        {"author_hash": hash, "edition_id": edition_id, "kind": kind, "erased_at": now, "reason": reason}
        for hash, kind in hashes.items()
    ]
    upsert(connection, erasures, rows, update=())


def spellings(connection: Connection, edition_id: int, key: str) -> set[str]:
    """All that a person is known to be called: every spelling of the nickname, and the name of the profile."""
    names = select(author_names.c.nickname_raw).where(
        author_names.c.author_key == key, author_names.c.edition_id == edition_id
    )
    known = select(authors.c.nickname, authors.c.profile_name).where(
        authors.c.key == key, authors.c.edition_id == edition_id
    )
    found = set(connection.scalars(names))
    for row in connection.execute(known):
        found.update(name for name in row if name)
    return found


def articles_of(connection: Connection, edition_id: int, key: str) -> set[int]:
    """The articles in which a person has ever been the author of a comment."""
    found: set[int] = set()
    for table in (comments, comment_states):
        query = select(table.c.article_id).where(table.c.author_key == key, table.c.edition_id == edition_id)
        found.update(connection.scalars(query.distinct()))
    return found


def renames_of(connection: Connection, edition_id: int, key: str) -> int:
    """How many other authors a person was renamed from or to."""
    renamed = or_(authors.c.renamed_to == key, and_(authors.c.key == key, authors.c.renamed_to.is_not(None)))
    query = select(func.count()).select_from(authors).where(renamed, authors.c.edition_id == edition_id)
    return connection.scalar(query) or 0


def names_file(connection: Connection, files: Iterable[str]) -> bool:
    """Whether any fetch stands in one of these files of the archive."""
    return any(
        connection.scalar(select(fetches.c.id).where(fetches.c.warc_file.in_(some)).limit(1)) is not None
        for some in portions(sorted(files))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An exchange that stands elsewhere in the archive now."""

    fetch_id: int
    edition_id: int
    article_id: int | None
    #: File and offset.
    old_place: tuple[str, int]
    place: tuple[str, int]
    #: Length and digest of the body as it is archived now, where that was changed.
    body: tuple[int, str | None] | None = None


def let_go(
    connection: Connection,
    editions: Mapping[int, Edition],
    key: str,
    moves: Collection[Move],
    files: Mapping[str, str],
    reread: Reread,
    *,
    reader_version: int,
) -> tuple[int, dict[str, str]]:
    """
    Know the archive as it stands now, from which a person was cut out, and nothing of that person any more.

    The caller owns the transaction.

    Args:
        moves: All exchanges that stand elsewhere; those that only the archive knows among them.

        files: Old name → new name of all files that were written anew.

    Returns:
        How many articles were folded anew; and those that cannot be read again, with the reason: their rows are
        rid of the person's comments and of quotations from them all the same.
    """
    _move_fetches(connection, moves)
    _move_lost(connection, files)
    concerned = {id: articles_of(connection, id, key) for id in editions}
    for move in moves:
        if move.body is not None and move.article_id is not None:
            concerned[move.edition_id].add(move.article_id)
    unread: dict[str, str] = {}
    count = 0
    for edition_id, edition in editions.items():
        names, numbers = _names_of(connection, edition_id, key), _comments_of(connection, edition_id, key)
        lost: dict[int, str] = {}
        left = concerned[edition_id]
        while left:
            members = family(connection, edition, [min(left)])
            left -= {*members}
            count += len(members)
            try:
                fold_anew(connection, edition, members, reread, reader_version=reader_version)
            except BadRecord as error:
                lost |= dict.fromkeys(members, str(error))
        # What is still quoted was somebody else's with that name, or nobody can read the pages any more.
        for article_id in _quoting(connection, edition_id, names, numbers) - lost.keys():
            try:
                deque(reread(recorded(connection, edition, [article_id])), maxlen=0)
            except BadRecord as error:
                lost[article_id] = str(error)
        _cut_quotations(connection, edition_id, sorted(lost), names, numbers)
        unread |= {f"{edition.code} {id}": problem for id, problem in sorted(lost.items())}
        _erase_author(connection, edition_id, key)
    return count, unread


def _names_of(connection: Connection, edition_id: int, key: str) -> set[str]:
    """What quotations may call a person, casefolded."""
    names = {nickname(name).casefold() for name in spellings(connection, edition_id, key)}
    return names | {key.removeprefix("guest:").removeprefix("unknown:")}


def _comments_of(connection: Connection, edition_id: int, key: str) -> set[int]:
    """The numbers of all comments of which a person has ever been the author."""
    found: set[int] = set()
    for table, id in ((comments, comments.c.id), (comment_states, comment_states.c.comment_id)):
        mine = (table.c.author_key == key) & (table.c.edition_id == edition_id)
        found.update(connection.scalars(select(id).where(mine)))
    return found


def _quoting(connection: Connection, edition_id: int, names: Set[str], numbers: Set[int]) -> set[int]:
    """The articles with rows that quote a person."""
    found: set[int] = set()
    for table in (comments, comment_states):
        query = select(table.c.article_id, table.c.quotes).where(table.c.edition_id == edition_id)
        some = query.where(table.c.quotes != []).execution_options(yield_per=10_000)
        for article_id, quotes in connection.execute(some):
            if _without(quotes, names, numbers) != quotes:
                found.add(article_id)
    return found


def _cut_quotations(
    connection: Connection,
    edition_id: int,
    article_ids: Sequence[int],
    names: Set[str],
    numbers: Set[int],
) -> None:
    """Take the words of a person out of the quotations in these articles, of which no page can be read again."""
    for table in (comments, comment_states):
        for some in portions(article_ids):
            here = (table.c.edition_id == edition_id) & table.c.article_id.in_(some) & (table.c.quotes != [])
            for row in connection.execute(select(*table.primary_key, table.c.quotes).where(here)).all():
                quotes = _without(row.quotes, names, numbers)
                if quotes != row.quotes:
                    this = and_(*(column == getattr(row, column.name) for column in table.primary_key))
                    connection.execute(update(table).where(this).values(quotes=quotes))


def _without(
    quotes: Sequence[Mapping[str, Any]], names: Set[str], numbers: Set[int]
) -> list[Mapping[str, Any]]:
    """Quotations without a person's words; in one that names nobody are those of whom the one around it quotes."""
    kept: list[Mapping[str, Any]] = []
    around: list[bool] = []  # whether the quotations around are the person's
    for quote in quotes:
        del around[quote["level"] - 1 :]
        if quote["author"] is None and quote["comment_id"] is None:
            theirs = bool(around) and around[-1]
        else:
            theirs = quote["comment_id"] in numbers or nickname(quote["author"] or "").casefold() in names
        around.append(theirs)
        kept.append({**quote, "author": None, "text": ""} if theirs else quote)
    return kept


def _move_fetches(connection: Connection, moves: Iterable[Move]) -> None:
    here = (
        (fetches.c.id == bindparam("fetch_id"))
        & (fetches.c.warc_file == bindparam("old_file"))
        & (fetches.c.warc_offset == bindparam("old_offset"))
    )
    place: dict[str, Any] = {"warc_file": bindparam("file"), "warc_offset": bindparam("offset")}
    body: dict[str, Any] = {"bytes": bindparam("new_bytes"), "digest": bindparam("new_digest")}
    moved: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for move in moves:
        row: dict[str, Any] = {"fetch_id": move.fetch_id}
        row |= dict(zip(("old_file", "old_offset"), move.old_place, strict=True))
        row |= dict(zip(("file", "offset"), move.place, strict=True))
        if move.body is None:
            moved.append(row)
        else:
            changed.append(row | dict(zip(("new_bytes", "new_digest"), move.body, strict=True)))
    if moved:
        connection.execute(update(fetches).where(here).values(place), moved)
    if changed:
        connection.execute(update(fetches).where(here).values(place | body), changed)


def _move_lost(connection: Connection, files: Mapping[str, str]) -> None:
    """
    Let fetches whose records old files did not have name the new ones, which do not have them either.

    Nothing must name an old file any more: by that is known whether it may be destroyed.
    """
    for some in portions(sorted(files)):
        query = select(fetches.c.warc_file).where(fetches.c.warc_file.in_(some)).distinct()
        for old in connection.scalars(query).all():
            here = fetches.c.warc_file == old
            connection.execute(update(fetches).where(here).values(warc_file=files[old]))


def _erase_author(connection: Connection, edition_id: int, key: str) -> None:
    """
    Take a person out of all rows that still name them, after their articles were folded anew.

    Where the archive could be read nothing is left to do but to forget that somebody was renamed to them.
    """
    nothing: dict[str, Any] = {"author_key": None, "nickname_raw": "", "body": ""}
    nothing |= {"quotes": [], "links": [], "images": []}
    for table in (comments, comment_states):
        mine = (table.c.author_key == key) & (table.c.edition_id == edition_id)
        connection.execute(update(table).where(mine).values(nothing))
    connection.execute(
        update(authors)
        .where(authors.c.renamed_to == key, authors.c.edition_id == edition_id)
        .values(renamed_to=None, renamed_fetch_id=None)
    )
    connection.execute(
        delete(author_names).where(author_names.c.author_key == key, author_names.c.edition_id == edition_id)
    )
    connection.execute(delete(authors).where(authors.c.key == key, authors.c.edition_id == edition_id))


#: The tables in which people are.
_PEOPLED: Final = (comments, comment_states, authors, author_names, articles, article_states)


def overwrite_freed(url: str) -> bool:
    """
    Let the database give up what deleted and superseded rows have left in its files.

    Returns:
        Whether it did. On Postgres that takes each table for itself; it is not done while somebody else uses one. On
        SQLite the file keeps what it held while somebody reads it.
    """
    made = engine(url)
    try:
        if made.dialect.name == "sqlite":
            with closing(made.raw_connection()) as connection:
                assert isinstance(connection.driver_connection, sqlite3.Connection)
                for statement in ("PRAGMA secure_delete = ON", "VACUUM"):
                    connection.driver_connection.execute(statement)
                busy, _, _ = connection.driver_connection.execute(
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                ).fetchone()
                if busy:
                    return False
        else:
            with made.connect().execution_options(isolation_level="AUTOCOMMIT") as tables:
                for table in _PEOPLED:
                    tables.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table.name}")
                # What ANALYZE has taken back: the server keeps the commonest values of each column.
                tables.exec_driver_sql("VACUUM (FULL) pg_statistic")
    except (sqlite3.OperationalError, DBAPIError):
        return False
    finally:
        made.dispose()
    return True
