"""
Writing comments.

One indexed look at what is stored, then only what is new or different is written. A state that is superseded moves
to its history first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from crawler.items import Fetch, NormalComment, NormalPage, ParentSource
from crawler.normalise.threads import Place
from crawler.site import Edition
from crawler.storage.authors import NICKNAME_RAW_LENGTH, save_authors
from crawler.storage.dialects import portions, upsert
from crawler.storage.places import place_of, place_thread, places_on_page, these, threads_below, write_places
from crawler.storage.readings import STRENGTH, contradicts, is_change, keep_better_date
from crawler.storage.schema import articles, comment_states, comments, rating_states
from crawler.storage.types import images_json, json_text

#: What tells whether a page brings anything new; the long texts stay where they are.
_LOOK = [
    comments.c.id,
    comments.c.article_id,
    comments.c.parent_id,
    comments.c.parent_source,
    comments.c.root_id,
    comments.c.depth,
    comments.c.path,
    comments.c.posted_at,
    comments.c.posted_raw,
    comments.c.posted_precision,
    comments.c.rating,
    comments.c.state,
    comments.c.source_hash,
    comments.c.content_hash,
    comments.c.fetch_id,
]


_COMMENT_CONTENT = [
    column.name
    for column in comment_states.columns
    if column.name not in {"comment_id", "edition_id", "seen_at", "until", "state", "fetch_id"}
]


def save_comments(
    connection: Connection, edition: Edition, page: NormalPage, fetch: Fetch, *, older: bool
) -> tuple[int, int]:
    """Store the comments; returns how many are new and how many changed."""
    article_id = page.article.written.id
    on_page = {comment.written.id: comment for comment in page.comments}
    stored = {
        row.id: row
        for ids in portions(sorted(on_page))
        for row in connection.execute(
            select(*_LOOK).where(comments.c.id.in_(ids), comments.c.edition_id == edition.id)
        )
    }
    fresh: dict[int, dict[str, Any]] = {}
    different: dict[int, dict[str, Any]] = {}
    rated: list[int] = []
    for comment_id, comment in on_page.items():
        content = _content(comment, article_id)
        old = stored.get(comment_id)
        if old is None:
            fresh[comment_id] = content | {"rating": comment.written.rating, "state": "live"}
            continue
        if older or fetch.id <= old.fetch_id:
            continue
        _keep_what_is_known_better(content, old, flat=page.written.comments.flat)
        rating = comment.written.rating if comment.written.rating is not None else old.rating
        if rating != old.rating:
            rated.append(comment_id)
        new = content | {"rating": rating, "state": "live"}
        if any(new[name] != getattr(old, name) for name in _COMPARED):
            different[comment_id] = new

    if not fresh and not different:
        return 0, 0

    placed = places_on_page(connection, edition, article_id, on_page, stored, fresh, different)
    threads = threads_below(connection, edition, stored, different, placed)
    save_authors(
        connection,
        edition,
        [on_page[comment_id] for comment_id in (*fresh, *different)],
        fetch,
        replace=not older,
    )
    _insert(connection, edition, fresh, placed, fetch)
    changed = _update(connection, edition, different, stored, placed, rated, fetch)
    write_places(
        connection,
        edition,
        {
            comment_id: place
            for comment_id, place in placed.items()
            if comment_id not in fresh
            and comment_id not in different
            and place != place_of(stored[comment_id])
        },
    )
    _count_stored(connection, edition, article_id, fresh, different, stored)
    for number in threads:
        place_thread(connection, edition, number)
    return len(fresh), changed


#: If these agree with what is stored, nothing has to be written.
_COMPARED = [
    "content_hash",
    "parent_source",
    "posted_at",
    "posted_precision",
    "rating",
    "state",
    "source_hash",
]


def _content(comment: NormalComment, article_id: int) -> dict[str, Any]:
    """The content columns of a comment, with their hash."""
    written = comment.written
    content: dict[str, Any] = {
        "article_id": article_id,
        "parent_id": written.parent_id,
        "parent_source": written.parent_source,
        "author_key": comment.author.key if comment.author else None,
        "nickname_raw": written.nickname_raw[:NICKNAME_RAW_LENGTH],
        "posted_at": comment.posted.at if comment.posted else None,
        "posted_raw": written.posted_raw or written.posted_machine,
        "posted_precision": comment.posted.precision if comment.posted else None,
        "body": comment.body,
        "quotes": [
            {"author": quote.author, "text": quote.text, "level": quote.level, "comment_id": quote.comment_id}
            for quote in comment.quotes
        ],
        "links": [{"text": link.text, "url": link.url} for link in written.links],
        "images": images_json(written.images),
        "source_hash": written.source_hash,
    }
    content["content_hash"] = _hash(content)
    return content


def _hash(content: Mapping[str, Any]) -> str:
    """Hash of the words, their author and their place: of all that makes another state of a comment but its date."""
    words = [content[name] for name in ("article_id", "parent_id", "author_key", "nickname_raw", "body")]
    words += [content[name] for name in ("quotes", "links", "images")]
    return blake2b(json_text(words).encode(), digest_size=16).hexdigest()


def _keep_what_is_known_better(content: dict[str, Any], old: Row[*tuple[Any, ...]], *, flat: bool) -> None:
    """
    Put back what the stored reading knows better than the new one: the date, and how the parent is known.

    "3 hours ago" agrees with the 12:20 that was read before and must not replace it; a parent guessed from a quote
    must not replace one that the page once proved; nor must a page without a tree, on which all seem to be roots.
    """
    keep_better_date("posted", content, old._mapping)
    source: ParentSource = content["parent_source"]
    strength = 0 if flat and source == "root" else STRENGTH[source]
    weaker = strength < STRENGTH[old.parent_source]
    if weaker and not contradicts(content, old):
        content |= {"parent_id": old.parent_id, "parent_source": old.parent_source}
        content["content_hash"] = _hash(content)


def _insert(
    connection: Connection,
    edition: Edition,
    fresh: Mapping[int, Mapping[str, Any]],
    placed: Mapping[int, Place],
    fetch: Fetch,
) -> None:
    rows = [
        {
            **content,
            "id": comment_id,
            "edition_id": edition.id,
            "root_id": placed[comment_id].root_id,
            "depth": placed[comment_id].depth,
            "path": placed[comment_id].path,
            "first_seen_at": fetch.fetched_at,
            "state_since": fetch.fetched_at,
            "fetch_id": fetch.id,
        }
        for comment_id, content in fresh.items()
    ]
    upsert(connection, comments, rows, update=())


def _update(
    connection: Connection,
    edition: Edition,
    different: Mapping[int, Mapping[str, Any]],
    stored: Mapping[int, Row[*tuple[Any, ...]]],
    placed: Mapping[int, Place],
    rated: Sequence[int],
    fetch: Fetch,
) -> int:
    """Write what differs, moving superseded states to their histories; returns how many comments changed."""
    changed = [comment_id for comment_id, new in different.items() if is_change(new, stored[comment_id])]
    returned = [comment_id for comment_id in different if stored[comment_id].state != "live"]
    _supersede(connection, edition, sorted({*changed, *returned}), fetch.fetched_at)
    _supersede_ratings(connection, edition, sorted(rated), fetch.fetched_at)
    rows = []
    for comment_id, new in sorted(different.items()):
        row = {f"new_{name}": value for name, value in new.items()}
        place = placed[comment_id]
        row |= {"its_id": comment_id, "its_edition": edition.id, "new_fetch_id": fetch.id}
        row |= {"new_root_id": place.root_id, "new_depth": place.depth, "new_path": place.path}
        row["when_changed"] = fetch.fetched_at if comment_id in changed else None
        row["when_returned"] = fetch.fetched_at if comment_id in returned else None
        rows.append(row)
    if rows:
        connection.execute(_UPDATE, rows)
    return len(changed)


_UPDATE = (
    update(comments)
    .where(comments.c.id == bindparam("its_id"), comments.c.edition_id == bindparam("its_edition"))
    .values(
        {
            name: bindparam(f"new_{name}", type_=comments.c[name].type)
            for name in (
                *_COMMENT_CONTENT,
                "content_hash",
                "rating",
                "state",
                "fetch_id",
                "root_id",
                "depth",
                "path",
            )
        }
        | {
            "changed_at": func.coalesce(
                bindparam("when_changed", type_=comments.c.changed_at.type), comments.c.changed_at
            ),
            "state_since": func.coalesce(
                bindparam("when_returned", type_=comments.c.state_since.type), comments.c.state_since
            ),
            "gone_at": None,
        }
    )
)


def _supersede(connection: Connection, edition: Edition, ids: Sequence[int], until: datetime) -> None:
    """Copy the stored states of these comments to their history, before they are overwritten."""
    since = (
        select(func.max(comment_states.c.until))
        .where(
            comment_states.c.comment_id == comments.c.id, comment_states.c.edition_id == comments.c.edition_id
        )
        .correlate(comments)
        .scalar_subquery()
    )
    names = ["comment_id", "edition_id", "seen_at", "until", *_COMMENT_CONTENT, "state", "fetch_id"]
    for portion in portions(ids):
        current = select(
            comments.c.id,
            comments.c.edition_id,
            func.coalesce(since, comments.c.first_seen_at),
            bindparam("until", until, type_=comment_states.c.until.type),
            *(comments.c[name] for name in (*_COMMENT_CONTENT, "state", "fetch_id")),
        ).where(these(portion, edition))
        connection.execute(insert(comment_states).from_select(names, current))


def _supersede_ratings(connection: Connection, edition: Edition, ids: Sequence[int], until: datetime) -> None:
    """Copy the stored ratings of these comments to their history, before they are overwritten."""
    since = (
        select(func.max(rating_states.c.until))
        .where(
            rating_states.c.comment_id == comments.c.id, rating_states.c.edition_id == comments.c.edition_id
        )
        .correlate(comments)
        .scalar_subquery()
    )
    for portion in portions(ids):
        current = select(
            comments.c.id,
            comments.c.edition_id,
            func.coalesce(since, comments.c.first_seen_at),
            bindparam("until", until, type_=rating_states.c.until.type),
            comments.c.rating,
            comments.c.fetch_id,
        ).where(these(portion, edition))
        names = ["comment_id", "edition_id", "seen_at", "until", "rating", "fetch_id"]
        connection.execute(insert(rating_states).from_select(names, current))


def _count_stored(
    connection: Connection,
    edition: Edition,
    article_id: int,
    fresh: Iterable[int],
    different: Iterable[int],
    stored: Mapping[int, Row[*tuple[Any, ...]]],
) -> None:
    """Keep `articles.comments_stored`, the number of live comments, in step."""
    more: dict[int, int] = {article_id: sum(1 for _ in fresh)}
    for comment_id in different:
        old = stored[comment_id]
        if old.state != "live":
            more[article_id] += 1
        elif old.article_id != article_id:
            more[article_id] += 1
            more[old.article_id] = more.get(old.article_id, 0) - 1
    for number, difference in sorted(more.items()):
        if difference:
            connection.execute(
                update(articles)
                .where(articles.c.id == number, articles.c.edition_id == edition.id)
                .values(comments_stored=articles.c.comments_stored + difference)
            )
