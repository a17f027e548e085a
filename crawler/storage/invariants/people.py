"""Authors and every spelling of their names follow from the states of comments; who was forgotten is nowhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Row, Subquery, and_, func, or_, select, union_all

from crawler.fold.whole import Named
from crawler.normalise.erasure import NOBODY
from crawler.normalise.nicknames import MAX_LENGTH, nickname, skeleton
from crawler.storage.authors import FACTS, latest_states, stored_authors
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.refold import Difference
from crawler.storage.schema import author_names, authors, comment_states, comments, erasures

#: The keyed hash by which `erasures` knows a person of an edition; arguments are the edition's number and the key.
PersonHash = Callable[[int, str], str]

_STATE: Final = ("author_key", "edition_id", "nickname_raw", "fetch_id", "seen_at")


def _live(inspection: Inspection) -> Subquery:
    """All live states, also superseded ones, that have an author."""
    current, states = comments.c, comment_states.c
    both: CompoundSelect[Any] = union_all(
        select(current.id.label("comment_id"), *(current[name] for name in _STATE)).where(
            inspection.mine(comments), current.state == "live", current.author_key.is_not(None)
        ),
        select(states.comment_id, *(states[name] for name in _STATE)).where(
            inspection.mine(comment_states), states.state == "live", states.author_key.is_not(None)
        ),
    )
    return both.subquery()


def described(inspection: Inspection, tell: Tell) -> Seen:
    """Every author of a comment has a row, named as their latest comment has it; nobody else has one."""
    live = _live(inspection)
    theirs = (live.c.author_key, live.c.edition_id)
    newest = (live.c.fetch_id.desc(), live.c.comment_id.desc())
    first_at = func.min(live.c.seen_at, type_=live.c.seen_at.type)
    ranked = select(
        *live.c,
        func.row_number().over(partition_by=theirs, order_by=newest).label("rank"),
        # By the clock, which may have gone back in between.
        first_at.over(partition_by=theirs).label("first_at"),
    ).subquery()
    latest = select(ranked).where(ranked.c.rank == 1).subquery()
    query = (
        select(*authors.c, latest.c.nickname_raw, latest.c.first_at)
        .outerjoin(
            latest, and_(latest.c.author_key == authors.c.key, latest.c.edition_id == authors.c.edition_id)
        )
        .where(inspection.mine(authors))
    )
    for row in inspection.rows(query):
        what = _not_as_shown(row)
        if what is not None:
            tell(Wrong(inspection.named("author", row.key, row.edition_id), what))
    # Of present states the keys of the database see to it.
    nobody = (
        select(comment_states.c.comment_id, comment_states.c.edition_id, comment_states.c.author_key)
        .outerjoin(
            authors,
            and_(
                authors.c.key == comment_states.c.author_key,
                authors.c.edition_id == comment_states.c.edition_id,
            ),
        )
        .where(inspection.mine(comment_states), comment_states.c.author_key.is_not(None))
        .where(authors.c.key.is_(None))
    )
    for row in inspection.rows(nobody):
        what = f"a former state is by the author {row.author_key!r}, who has no row"
        tell(Wrong(inspection.named("comment", row.comment_id, row.edition_id), what))
    return Seen(over=inspection.count(authors))


def _not_as_shown(row: Row[Any]) -> str | None:
    """What is wrong with an author's row, given the latest spelling of their name; None where it is right."""
    if row.nickname_raw is None:
        return "no comment is theirs"
    name = nickname(row.nickname_raw) or nickname(row.profile_name or "") or row.profile_name
    if row.nickname != name:
        return f"the nickname is {row.nickname!r}, and their latest comment says {name!r}"
    if row.skeleton != skeleton(row.nickname)[:MAX_LENGTH]:
        return f"the skeleton {row.skeleton!r} is not that of {row.nickname!r}"
    own = row.profile_name if row.kind == "member" else f"{row.kind}:{row.nickname}"
    if row.key != (own or "").casefold()[:MAX_LENGTH]:
        return f"the key is not that of the {row.kind} {own!r}"
    if row.first_seen_at != row.first_at:
        return "they were first seen at another time than any of their comments"
    if (row.renamed_to is None) != (row.renamed_fetch_id is None):
        return "they were renamed without a fetch that shows it"
    return None


def spelled(inspection: Inspection, tell: Tell) -> Seen:
    """Every spelling of a name has its row, by the fetch that was the first to show it; nothing else has one."""
    live = _live(inspection)
    shown = (
        select(
            live.c.author_key,
            live.c.edition_id,
            live.c.nickname_raw,
            func.min(live.c.fetch_id).label("fetch_id"),
        )
        .group_by(live.c.author_key, live.c.edition_id, live.c.nickname_raw)
        .subquery()
    )
    same = and_(
        author_names.c.author_key == shown.c.author_key,
        author_names.c.edition_id == shown.c.edition_id,
        author_names.c.nickname_raw == shown.c.nickname_raw,
    )
    lacking = (
        select(*shown.c, author_names.c.fetch_id.label("stored"))
        .select_from(shown.outerjoin(author_names, same))
        .where(or_(author_names.c.fetch_id.is_(None), author_names.c.fetch_id != shown.c.fetch_id))
    )
    for row in inspection.rows(lacking):
        what = f"the spelling {row.nickname_raw!r} was first shown by the fetch {row.fetch_id}"
        what += ", and has no row" if row.stored is None else f", and its row says {row.stored}"
        tell(Wrong(inspection.named("author", row.author_key, row.edition_id), what))
    nobodys = (
        select(author_names.c.author_key, author_names.c.edition_id, author_names.c.nickname_raw)
        .select_from(author_names.outerjoin(shown, same))
        .where(inspection.mine(author_names), shown.c.author_key.is_(None))
    )
    for row in inspection.rows(nobodys):
        what = f"no comment has the spelling {row.nickname_raw!r}"
        tell(Wrong(inspection.named("author", row.author_key, row.edition_id), what))
    return Seen(over=inspection.count(author_names))


def forgotten(inspection: Inspection, tell: Tell, person_hash: PersonHash | None) -> Seen:
    """No row says who wrote it where that person was forgotten."""
    over = inspection.count(erasures)
    if not over["erasures"]:
        return Seen(over=over)
    if person_hash is None:
        return Seen(over=over, told=("without FORGET_KEY nobody can tell who they are: not looked at",))
    stored = inspection.rows(
        select(erasures.c.edition_id, erasures.c.author_hash, erasures.c.kind).where(
            inspection.mine(erasures)
        )
    )
    kinds = {(row.edition_id, row.author_hash): row.kind for row in stored}
    hashes = kinds.keys()
    checks = {hash for hash, kind in kinds.items() if kind == "check"}
    if any((id, person_hash(id, NOBODY)) not in checks for id, _ in checks):
        return Seen(over=over, told=("FORGET_KEY is not the one of then, so nobody can tell: not looked at",))
    for table, key in ((authors, "key"), (author_names, "author_key"), (comment_states, "author_key")):
        column = table.c[key]
        query = select(column.label("key"), table.c.edition_id).where(
            inspection.mine(table), column.is_not(None)
        )
        for row in inspection.rows(query.distinct()):
            if (row.edition_id, person_hash(row.edition_id, row.key)) in hashes:
                tell(Wrong(inspection.named("author", row.key, row.edition_id), f"still in {table.name}"))
    return Seen(over=over | inspection.count(authors))


@dataclass(frozen=True, slots=True)
class Likeness:
    """Authors who were compared with pages of theirs."""

    compared: int
    #: The keys of those who are described otherwise, and what differs.
    other: tuple[tuple[str, str], ...]


def likeness(connection: Connection, found: Difference) -> Likeness:
    """
    Whether authors are described as the latest page of theirs shows them.

    Args:
        found: Some articles, read again. An author whose latest comment stands in another article is not looked at.
    """
    edition, whole = found.edition, found.whole
    shown: dict[str, Named] = {}
    for one in whole.named:
        former = shown.get(one.author.key)
        if former is None or former.order < one.order:
            shown[one.author.key] = one
    latest = latest_states(connection, edition, shown.keys())
    rows = stored_authors(connection, edition, shown.keys())
    compared, differing = 0, list(_renamed_otherwise(connection, found))
    for key, one in sorted(shown.items()):
        row = rows.get(key)
        if row is None or latest.get(key) != one.order:
            continue
        compared += 1
        names = [name for name in FACTS if not _agree(name, getattr(row, name), getattr(one.author, name))]
        if names:
            differing.append((key, f"other than on the page of fetch {one.fetch_id}: {', '.join(names)}"))
    return Likeness(compared, tuple(differing))


def _agree(name: str, stored: Any, shown: Any) -> bool:
    # A number stays known when a page no longer shows it.
    return stored == shown or (name == "site_user_id" and stored is not None and stored > (shown or 0))


def _renamed_otherwise(connection: Connection, found: Difference) -> Iterator[tuple[str, str]]:
    latest = {one.old_key: one for one in sorted(found.whole.renamed, key=lambda one: one.fetch_id)}
    rows = stored_authors(connection, found.edition, latest.keys())
    for key, one in latest.items():
        row = rows.get(key)
        if row is None or (row.renamed_fetch_id or 0) > one.fetch_id:
            continue
        if (row.renamed_to, row.renamed_fetch_id) != (one.new_key, one.fetch_id):
            yield key, f"the fetch {one.fetch_id} shows that they are now {one.new_key!r}"
