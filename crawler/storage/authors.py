"""
Writing authors and every spelling of their names.

Both follow from the states of comments, in whatever order these are stored: an author is described as the latest live
state of a comment of theirs shows them, and a spelling is known since the earliest state that has it. Only the number
of a member stays known when a page no longer shows it (it may stand in the address of an avatar): it never changes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    func,
    select,
    union_all,
    update,
)

from crawler.fold.whole import Named, Renamed
from crawler.items import Author
from crawler.normalise import nicknames
from crawler.site import Edition
from crawler.storage.bulk import Writes, update_rows
from crawler.storage.dialects import portions, sought, upsert
from crawler.storage.schema import author_names, authors, comment_states, comments
from crawler.storage.statements import Statement

#: What a page shows of an author.
FACTS = ("nickname", "kind", "profile_name", "full_name", "skeleton", "site_user_id")

#: Authors, each as often as there are spellings of their name.
_AUTHORS = sought(
    (*authors.columns, author_names.c.nickname_raw, author_names.c.fetch_id),
    authors.c.key,
    "keys",
    authors.c.edition_id == bindparam("edition"),
    source=authors.outerjoin(
        author_names,
        (author_names.c.author_key == authors.c.key) & (author_names.c.edition_id == authors.c.edition_id),
    ),
)

_SPELLINGS = sought(
    (author_names.c.author_key, author_names.c.nickname_raw, author_names.c.fetch_id),
    author_names.c.author_key,
    "keys",
    author_names.c.edition_id == bindparam("edition"),
)


def _latest(table: Table, comment_id: Column[int]) -> Statement:
    """One look into the index, however many comments are theirs: a busy author has tens of thousands."""
    return Statement(
        select(table.c.fetch_id, comment_id.label("comment_id"))
        .where(table.c.author_key == bindparam("key"), table.c.edition_id == bindparam("edition"))
        .where(table.c.state == "live")
        .order_by(table.c.fetch_id.desc(), comment_id.desc())
        .limit(1)
    )


_LATEST: Final = (_latest(comments, comments.c.id), _latest(comment_states, comment_states.c.comment_id))

_facts = attrgetter(*FACTS)
_order = attrgetter("fetch_id", "comment_id")

_NEVER: Final = datetime.max.replace(tzinfo=UTC)

#: Finds the author of a comment as a fetch shows them; arguments are the numbers of the fetch and of the comment.
AuthorAt = Callable[[int, int], Author | None]


def save_authors(writes: Writes, edition: Edition, named: Collection[Named]) -> None:
    """
    Store the authors of new and changed comments, and every spelling of their names.

    To be called before the states themselves are stored.
    """
    connection = writes.connection
    latest: dict[str, Named] = {}
    spellings: dict[tuple[str, str], Named] = {}
    first_seen: dict[str, datetime] = {}
    for one in sorted(named, key=_order):
        key, at = one.author.key, one.at
        # By the clock, which may have gone back: the first one is not always the one with the earliest time.
        if key not in latest or at < first_seen[key]:
            first_seen[key] = at
        latest[key] = one
        spellings.setdefault((key, one.nickname_raw), one)
    found = _AUTHORS.all(connection, keys=list(latest), edition=edition.id)
    stored = {row.key: row for row in found}
    new, rows = [], []
    for key, one in latest.items():
        old, first = stored.get(key), first_seen[key]
        if old is None:
            new.append(_row(edition, one.author, first))
            continue
        author = _numbered(one.author, old)
        same = _facts(old) == _facts(author)
        if same and first >= old.first_seen_at:
            continue
        first = min(first, old.first_seen_at)
        # Another page may have been stored that is later and shows the author as they are stored.
        if same or latest_states(connection, edition, [key]).get(key, (0, 0)) > one.order:
            row = {name: getattr(old, name) for name in ("key", "edition_id", *FACTS)}
            rows.append(row | {"first_seen_at": first, "site_user_id": author.site_user_id})
        else:
            rows.append(_row(edition, author, first))
    known = {(row.key, row.nickname_raw): row.fetch_id for row in found}
    unknown, earlier = [], []
    for (key, raw), one in spellings.items():
        since = known.get((key, raw))
        if since is None:
            unknown.append(_name(edition, key, raw, one.at, one.fetch_id))
        elif one.fetch_id < since:
            earlier.append(_name(edition, key, raw, one.at, one.fetch_id))
    writes.insert(authors, new)
    writes.insert(author_names, unknown)
    update_rows(connection, authors, rows, [*FACTS, "first_seen_at"])
    update_rows(connection, author_names, earlier, ["first_seen_at", "fetch_id"])


def save_renames(connection: Connection, edition: Edition, renamed: Iterable[Renamed]) -> None:
    """Note which authors have taken another name; the latest page that shows it counts."""
    for one in renamed:
        known = authors.c.renamed_fetch_id
        connection.execute(
            update(authors)
            .where(authors.c.key == one.old_key, authors.c.edition_id == edition.id)
            .where(known.is_(None) | (known < one.fetch_id))
            .values(renamed_to=one.new_key, renamed_fetch_id=one.fetch_id)
        )


def latest_states(
    connection: Connection, edition: Edition, keys: Collection[str]
) -> dict[str, tuple[int, int]]:
    """The latest live state of each author's comments: number of the fetch that began it, number of the comment."""
    found: dict[str, tuple[int, int]] = {}
    for some in portions(sorted(keys)):
        asked = [(key, latest) for key in some for latest in _LATEST]
        values = ((latest, {"key": key, "edition": edition.id}) for key, latest in asked)
        for (key, _), rows in zip(asked, Statement.each(connection, *values), strict=True):
            for row in rows:
                found[key] = max(found.get(key, (0, 0)), tuple(row))
    return found


def renew_authors(
    connection: Connection,
    edition: Edition,
    before: Mapping[str, tuple[int, int]],
    keys: set[str],
    taken: Iterable[Mapping[str, Any]],
    given: Iterable[Mapping[str, Any]],
    author_at: AuthorAt,
    renamed: Iterable[Renamed],
    fetch_ids: Collection[int],
) -> None:
    """
    Bring authors into step with the states of comments, after some of those were taken back.

    Args:
        before: `latest_states` before.

        keys: The authors that may be concerned.

        taken: The states that were taken back, as rows of `comments` or `comment_states`.

        given: Those that have come; what `save_authors` has made of them is stored.

        renamed: All renames that the fetches of `fetch_ids` show.

        fetch_ids: The fetches that were folded anew.
    """
    after = latest_states(connection, edition, keys)
    stored = stored_authors(connection, edition, keys)
    unsure = _unsure(connection, edition, keys, stored, _Firsts(taken), _Firsts(given))
    spellings, first_seen = _spellings(connection, edition, sorted(unsure & after.keys()))
    folded = set(fetch_ids)
    rows, names = [], []
    for key in sorted(keys & after.keys()):
        old = stored.get(key)
        first_seen_at = first_seen[key] if old is None or key in unsure else old.first_seen_at
        place = after[key]
        author = None
        if old is None or before.get(key) != place or place[0] in folded:
            author = author_at(*place)
            if old is not None and (author is None or author.key != key):
                author = _author_by_name(connection, edition, place, old)
        if author is not None and author.key == key:
            author = _numbered(author, old)
            rows.append(_row(edition, author, first_seen_at))
        elif old is not None:
            rows.append({name: getattr(old, name) for name in ("key", "edition_id", *FACTS)})
            rows[-1]["first_seen_at"] = first_seen_at
        names += [_name(edition, key, raw, at, fetch_id) for raw, at, fetch_id in spellings.get(key, ())]
    for some in portions(sorted(unsure | (keys - after.keys()))):
        mine = author_names.c.author_key.in_(some) & (author_names.c.edition_id == edition.id)
        connection.execute(delete(author_names).where(mine))
    upsert(connection, authors, rows, update=[*FACTS, "first_seen_at"])
    upsert(connection, author_names, names, update=())
    for some in portions(sorted(keys - after.keys())):
        mine = authors.c.key.in_(some) & (authors.c.edition_id == edition.id)
        connection.execute(delete(authors).where(mine))
    for some in portions(sorted(folded)):
        connection.execute(
            update(authors)
            .where(authors.c.renamed_fetch_id.in_(some), authors.c.edition_id == edition.id)
            .values(renamed_to=None, renamed_fetch_id=None)
        )
    save_renames(connection, edition, renamed)


class _Firsts:
    """The first of some states that are live: of each spelling by the number of its fetch, of each author by time."""

    def __init__(self, states: Iterable[Mapping[str, Any]]) -> None:
        self.fetch_ids: dict[tuple[str, str], int] = {}
        self.moments: dict[str, datetime] = {}
        for state in states:
            key, fetch_id, at = state["author_key"], state["fetch_id"], state["seen_at"]
            if key is None or state["state"] != "live":
                continue
            spelling = key, state["nickname_raw"]
            self.fetch_ids[spelling] = min(fetch_id, self.fetch_ids.get(spelling, fetch_id))
            self.moments[key] = min(at, self.moments.get(key, at))


def _unsure(
    connection: Connection,
    edition: Edition,
    keys: set[str],
    stored: Mapping[str, Any],
    taken: _Firsts,
    given: _Firsts,
) -> set[str]:
    """The authors of whom the first look, or the first at a spelling, was taken back, and none as early has come."""
    unsure = set(keys - stored.keys())
    for key, at in taken.moments.items():
        if key in stored and at <= stored[key].first_seen_at < given.moments.get(key, _NEVER):
            unsure.add(key)
    known = _SPELLINGS.all(connection, keys=list(keys), edition=edition.id)
    since = {(row.author_key, row.nickname_raw): row.fetch_id for row in known}
    for spelling, fetch_id in taken.fetch_ids.items():
        if spelling not in since or fetch_id <= since[spelling] < given.fetch_ids.get(spelling, inf):
            unsure.add(spelling[0])
    return unsure


def _author_by_name(
    connection: Connection, edition: Edition, place: tuple[int, int], old: Any
) -> Author | None:
    """
    The author of a state whose page today's reader reads otherwise, by the name that is stored of it.

    What else the reader of then has read of them is not stored with the state: it stays as it is known.
    """
    states = _states(edition, [old.key]).subquery()
    fetch_id, comment_id = place
    query = select(states.c.nickname_raw).where(
        states.c.fetch_id == fetch_id, states.c.comment_id == comment_id
    )
    return nicknames.author(
        nickname_raw=connection.scalars(query).one(),
        kind=old.kind,
        profile_name=old.profile_name,
        full_name=old.full_name,
        site_user_id=old.site_user_id,
    )


def stored_authors(connection: Connection, edition: Edition, keys: Iterable[str]) -> dict[str, Any]:
    """The rows of these authors, by their keys."""
    return {row.key: row for row in _AUTHORS.all(connection, keys=list(keys), edition=edition.id)}


def _states(edition: Edition, keys: Collection[str]) -> Select[Any]:
    """The live states, also superseded ones, of the comments of some authors."""
    current = select(
        comments.c.author_key,
        comments.c.nickname_raw,
        comments.c.id.label("comment_id"),
        comments.c.fetch_id,
        comments.c.seen_at,
    ).where(comments.c.author_key.in_(keys), comments.c.edition_id == edition.id, comments.c.state == "live")
    superseded = select(
        comment_states.c.author_key,
        comment_states.c.nickname_raw,
        comment_states.c.comment_id,
        comment_states.c.fetch_id,
        comment_states.c.seen_at,
    ).where(
        comment_states.c.author_key.in_(keys),
        comment_states.c.edition_id == edition.id,
        comment_states.c.state == "live",
    )
    return select(union_all(current, superseded).subquery("states"))


def _spellings(
    connection: Connection, edition: Edition, keys: Collection[str]
) -> tuple[dict[str, list[tuple[str, datetime, int]]], dict[str, datetime]]:
    """
    For each author every spelling, and when and by which fetch it was seen first; and the earliest time of all.

    The clock may have gone back in between, so that the first look at an author is not the one with the earliest time.
    """
    spellings: dict[str, list[tuple[str, datetime, int]]] = {}
    first_seen: dict[str, datetime] = {}
    for some in portions(sorted(keys)):
        states = _states(edition, some).cte("known")
        first = (
            select(
                states.c.author_key,
                states.c.nickname_raw,
                func.min(states.c.fetch_id).label("fetch_id"),
                func.min(states.c.seen_at).label("earliest"),
            )
            .group_by(states.c.author_key, states.c.nickname_raw)
            .subquery("first")
        )
        # All that began with one fetch began at one moment.
        query = (
            select(
                first.c.author_key,
                first.c.nickname_raw,
                first.c.fetch_id,
                first.c.earliest,
                func.min(states.c.seen_at).label("seen_at"),
            )
            .join(
                states,
                (states.c.author_key == first.c.author_key)
                & (states.c.nickname_raw == first.c.nickname_raw)
                & (states.c.fetch_id == first.c.fetch_id),
            )
            .group_by(first.c.author_key, first.c.nickname_raw, first.c.fetch_id, first.c.earliest)
            .order_by(first.c.author_key, first.c.nickname_raw)
        )
        for key, raw, fetch_id, earliest, seen_at in connection.execute(query):
            spellings.setdefault(key, []).append((raw, seen_at, fetch_id))
            first_seen[key] = min(earliest, first_seen.get(key, earliest))
    return spellings, first_seen


def _numbered(author: Author, old: Any | None) -> Author:
    """
    The author with the member's number, also where only the stored row has it.

    Of two numbers, which cannot be, the higher one, so that it does not matter which came first.
    """
    if old is None or author.site_user_id == old.site_user_id:
        return author
    known = [number for number in (author.site_user_id, old.site_user_id) if number is not None]
    number = max(known, default=None)
    return author if number == author.site_user_id else replace(author, site_user_id=number)


def _row(edition: Edition, author: Author, first_seen_at: datetime) -> dict[str, Any]:
    facts = dict(zip(FACTS, _facts(author), strict=True))
    return {"key": author.key, "edition_id": edition.id, **facts, "first_seen_at": first_seen_at}


def _name(edition: Edition, key: str, raw: str, at: datetime, fetch_id: int) -> dict[str, Any]:
    return {
        "author_key": key,
        "edition_id": edition.id,
        "nickname_raw": raw,
        "first_seen_at": at,
        "fetch_id": fetch_id,
    }
