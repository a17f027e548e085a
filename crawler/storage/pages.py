"""
Writing what a page says: its article, the authors, the comments with their places in the thread.

One indexed look at what is stored, then only what is new or different is written. A state that is superseded moves
to its history first. Storing a page again changes nothing; an older page never overwrites a newer one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from crawler.errors import NotUnderstood
from crawler.items import (
    Author,
    Fetch,
    Image,
    NormalArticle,
    NormalComment,
    NormalPage,
    ParentSource,
    Precision,
)
from crawler.normalise.threads import SEGMENT_WIDTH, Place, places, segment
from crawler.site import Edition
from crawler.storage.dialects import IDS_AT_ONCE, upsert
from crawler.storage.schema import (
    article_states,
    articles,
    author_names,
    authors,
    comment_states,
    comments,
    rating_states,
)
from crawler.storage.types import json_text

#: How much a way of knowing a parent is worth: a weaker one never replaces a stronger one.
STRENGTH: Mapping[ParentSource, int] = {
    "root": 3,
    "tree": 3,
    "recovered": 3,
    "capped": 2,
    "mention": 1,
    "quote": 1,
}

#: Two readings of a date agree when they differ by less than what the coarser one leaves open.
LEFT_OPEN: Mapping[Precision, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}

#: A longer name than the site allows is cut: it is part of a key, and Postgres bounds those.
NICKNAME_RAW_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What storing a page changed."""

    articles_new: int = 0
    comments_new: int = 0
    comments_changed: int = 0


def save_page(connection: Connection, edition: Edition, page: NormalPage, fetch: Fetch) -> Saved:
    """
    Store a page: all that it says about its article and about the comments on it.

    A page older than what is stored of its article adds what was never seen, and changes nothing else.

    The caller owns the transaction and stores the fetch itself in the same one.

    Raises:
        NotUnderstood: The page holds a number that no article, comment, counter or rating can have. Nothing of this
            transaction may be kept.
    """
    _require_possible_numbers(page)
    standing = _save_article(connection, edition, page.article, fetch)
    new, changed = _save_comments(connection, edition, page, fetch, older=standing == "older")
    return Saved(articles_new=int(standing == "new"), comments_new=new, comments_changed=changed)


def _require_possible_numbers(page: NormalPage) -> None:
    """Raise NotUnderstood where a number does not fit its column: one bad page must not end the crawl."""
    article, comments_said = page.article.written, page.written.comments
    wide = [article.id, article.views]
    narrow = [article.rating, article.comments_stated, comments_said.stated, comments_said.pages]
    for comment in page.comments:
        segment(comment.written.id)
        if comment.written.parent_id is not None:
            segment(comment.written.parent_id)
        wide.append(comment.written.site_user_id)
        narrow.append(comment.written.rating)
    for numbers, bits in ((wide, 64), (narrow, 32)):
        for number in numbers:
            if number is not None and not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
                raise NotUnderstood(f"The article {article.id} shows the number {number}, which cannot be.")


# --- articles ---------------------------------------------------------------------------------------------------

_ARTICLE_CONTENT = [
    column.name
    for column in article_states.columns
    if column.name not in {"article_id", "edition_id", "seen_at", "until", "state", "fetch_id"}
]


#: A date may be read better or be relative ("Today, 22:00"): it is compared by what it means.
_ARTICLE_WORDS = [name for name in _ARTICLE_CONTENT if not name.startswith("published_")]


def _save_article(
    connection: Connection, edition: Edition, article: NormalArticle, fetch: Fetch
) -> Literal["new", "known", "older"]:
    """Store the article; returns whether it is new, or known, or the fetch older than what is stored of it."""
    written = article.written
    content = {
        "url": edition.base_url + written.path,
        "title": article.title,
        "lead": article.lead,
        "body": article.body,
        "footnotes": list(written.footnotes),
        "section": written.section,
        "byline": written.byline,
        "source_credit": written.source_credit,
        "tags": list(written.tags),
        "images": _images(written.images),
        "published_at": article.published.at if article.published else None,
        "published_raw": written.published_raw or written.published_machine,
        "published_precision": article.published.precision if article.published else None,
    }
    this = (articles.c.id == written.id) & (articles.c.edition_id == edition.id)
    stored = connection.execute(select(articles).where(this)).mappings().first()
    if stored is None:
        row = content | {
            "id": written.id,
            "edition_id": edition.id,
            "views": written.views,
            "rating": written.rating,
            "comments_stated": written.comments_stated,
            "comments_stored": 0,
            "state": "live",
            "first_seen_at": fetch.fetched_at,
            "last_seen_at": fetch.fetched_at,
            "fetch_id": fetch.id,
        }
        connection.execute(insert(articles).values(row))
        return "new"
    if fetch.id <= stored["fetch_id"]:
        return "known" if fetch.id == stored["fetch_id"] else "older"
    other_date = not _dates_agree("published", content, stored)
    _keep_better_date("published", content, stored)
    values: dict[str, Any] = {
        "views": written.views if written.views is not None else stored["views"],
        "rating": written.rating if written.rating is not None else stored["rating"],
        "comments_stated": (
            written.comments_stated if written.comments_stated is not None else stored["comments_stated"]
        ),
        "last_seen_at": fetch.fetched_at,
        "fetch_id": fetch.id,
    }
    if other_date or any(stored[name] != content[name] for name in _ARTICLE_WORDS):
        superseded = {name: stored[name] for name in _ARTICLE_CONTENT} | {
            "article_id": written.id,
            "edition_id": edition.id,
            "seen_at": stored["changed_at"] or stored["first_seen_at"],
            "until": fetch.fetched_at,
            "state": stored["state"],
            "fetch_id": stored["fetch_id"],
        }
        connection.execute(insert(article_states).values(superseded))
        values["changed_at"] = fetch.fetched_at
    connection.execute(
        update(articles).where(this).values(values | content | {"state": "live", "gone_at": None})
    )
    return "known"


# --- comments ---------------------------------------------------------------------------------------------------

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


def _save_comments(
    connection: Connection, edition: Edition, page: NormalPage, fetch: Fetch, *, older: bool
) -> tuple[int, int]:
    """Store the comments; returns how many are new and how many changed."""
    article_id = page.article.written.id
    on_page = {comment.written.id: comment for comment in page.comments}
    stored = {
        row.id: row
        for ids in _portions(sorted(on_page))
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
        _keep_what_is_known_better(content, old)
        rating = comment.written.rating if comment.written.rating is not None else old.rating
        if rating != old.rating:
            rated.append(comment_id)
        new = content | {"rating": rating, "state": "live"}
        if any(new[name] != getattr(old, name) for name in _COMPARED):
            different[comment_id] = new

    if not fresh and not different:
        return 0, 0

    placed = _places(connection, edition, article_id, on_page, stored, fresh, different)
    threads = _threads_below(connection, edition, stored, different, placed)
    _save_authors(
        connection,
        edition,
        [on_page[comment_id] for comment_id in (*fresh, *different)],
        fetch,
        replace=not older,
    )
    _insert(connection, edition, fresh, placed, fetch)
    changed = _update(connection, edition, different, stored, placed, rated, fetch)
    _write_places(
        connection,
        edition,
        {
            comment_id: place
            for comment_id, place in placed.items()
            if comment_id not in fresh and comment_id not in different and place != _place(stored[comment_id])
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
        "images": _images(written.images),
        "source_hash": written.source_hash,
    }
    content["content_hash"] = _hash(content)
    return content


def _hash(content: Mapping[str, Any]) -> str:
    """Hash of the words, their author and their place: of all that makes another state of a comment but its date."""
    words = [content[name] for name in ("article_id", "parent_id", "author_key", "nickname_raw", "body")]
    words += [content[name] for name in ("quotes", "links", "images")]
    return blake2b(json_text(words).encode(), digest_size=16).hexdigest()


def _keep_what_is_known_better(content: dict[str, Any], old: Row[*tuple[Any, ...]]) -> None:
    """
    Put back what the stored reading knows better than the new one: the date, and how the parent is known.

    "3 hours ago" agrees with the 12:20 that was read before and must not replace it; a parent guessed from a quote
    must not replace one that the page once proved.
    """
    _keep_better_date("posted", content, old._mapping)
    weaker = STRENGTH[content["parent_source"]] < STRENGTH[old.parent_source]
    if weaker and not _contradicts(content, old):
        content |= {"parent_id": old.parent_id, "parent_source": old.parent_source}
        content["content_hash"] = _hash(content)


def _contradicts(content: Mapping[str, Any], old: Row[*tuple[Any, ...]]) -> bool:
    """
    Whether a weaker way of knowing the parent says that the stored place is wrong.

    A "capped" parent is proved to be an ancestor: where the stored place lies under another branch, the comment has
    moved. What is inferred from words proves nothing against a page that showed the parent.
    """
    if content["parent_source"] != "capped":
        return False
    ancestors = {old.path[start : start + SEGMENT_WIDTH] for start in range(0, len(old.path), SEGMENT_WIDTH)}
    return segment(content["parent_id"]) not in ancestors


def _keep_better_date(
    name: Literal["posted", "published"], content: dict[str, Any], old: Mapping[Any, Any]
) -> None:
    """Put back the stored date unless the new one contradicts it or is more exact."""
    at, precision = f"{name}_at", f"{name}_precision"
    if old[at] is None:
        return
    if content[at] is None or (
        _dates_agree(name, content, old) and LEFT_OPEN[content[precision]] >= LEFT_OPEN[old[precision]]
    ):
        content |= {column: old[column] for column in (at, f"{name}_raw", precision)}


def _dates_agree(
    name: Literal["posted", "published"], content: Mapping[str, Any], old: Mapping[Any, Any]
) -> bool:
    """Whether the two dates can be the same moment, each as exactly as it is known; an unknown one can be any."""
    at, precision = f"{name}_at", f"{name}_precision"
    if content[at] is None or old[at] is None:
        return True
    left_open = max(LEFT_OPEN[content[precision]], LEFT_OPEN[old[precision]])
    difference: timedelta = abs(content[at] - old[at])
    return difference < left_open


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
    changed = [comment_id for comment_id, new in different.items() if _is_change(new, stored[comment_id])]
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


def _is_change(new: Mapping[str, Any], old: Row[*tuple[Any, ...]]) -> bool:
    """
    Whether the site changed the comment: other words, author, parent, or a date that contradicts the stored one.

    The same markup read differently is a better reader, not a change.
    """
    if new["source_hash"] == old.source_hash:
        return False
    if new["content_hash"] != old.content_hash:
        return True
    return not _dates_agree("posted", new, old._mapping)


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
    for portion in _portions(ids):
        current = select(
            comments.c.id,
            comments.c.edition_id,
            func.coalesce(since, comments.c.first_seen_at),
            bindparam("until", until, type_=comment_states.c.until.type),
            *(comments.c[name] for name in (*_COMMENT_CONTENT, "state", "fetch_id")),
        ).where(_these(portion, edition))
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
    for portion in _portions(ids):
        current = select(
            comments.c.id,
            comments.c.edition_id,
            func.coalesce(since, comments.c.first_seen_at),
            bindparam("until", until, type_=rating_states.c.until.type),
            comments.c.rating,
            comments.c.fetch_id,
        ).where(_these(portion, edition))
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


# --- places in the thread ---------------------------------------------------------------------------------------


def _places(
    connection: Connection,
    edition: Edition,
    article_id: int,
    on_page: Mapping[int, NormalComment],
    stored: Mapping[int, Row[*tuple[Any, ...]]],
    fresh: Mapping[int, Mapping[str, Any]],
    different: Mapping[int, Mapping[str, Any]],
) -> dict[int, Place]:
    """
    Where each comment of the page stands, given the places of the parents that stand on other pages.

    A comment of the page that a newer page has seen under another article is left out.
    """
    parents = {}
    for comment_id in on_page:
        row = fresh.get(comment_id) or different.get(comment_id) or stored[comment_id]._mapping
        if row["article_id"] == article_id:
            parents[comment_id] = row["parent_id"]
    elsewhere = sorted(
        {parent for parent in parents.values() if parent is not None and parent not in parents}
    )
    known = {
        row.id: Place(root_id=row.root_id, depth=row.depth, path=row.path)
        for ids in _portions(elsewhere)
        for row in connection.execute(
            select(comments.c.id, comments.c.root_id, comments.c.depth, comments.c.path).where(
                _these(ids, edition), comments.c.article_id == article_id
            )
        )
    }
    return places(parents.items(), known)


def _threads_below(
    connection: Connection,
    edition: Edition,
    stored: Mapping[int, Row[*tuple[Any, ...]]],
    different: Mapping[int, Mapping[str, Any]],
    placed: Mapping[int, Place],
) -> list[int]:
    """
    The articles in which stored comments of other pages hang below one of this page that is new or has moved.

    Their threads get their places anew. That is rare: the engine shows a root with all its replies on one page.
    """
    moved = []
    for comment_id, place in placed.items():
        old = stored.get(comment_id)
        if old is not None and place == _place(old):
            # Another article or a parent below itself: the place may look the same, but not to those below.
            new = different.get(comment_id, old._mapping)
            if all(new[name] == old._mapping[name] for name in ("article_id", "parent_id")):
                continue
        moved.append(comment_id)
    return sorted(
        {
            row.article_id
            for ids in _portions(sorted(moved))
            for row in connection.execute(
                select(comments.c.id, comments.c.article_id).where(
                    comments.c.parent_id.in_(ids), comments.c.edition_id == edition.id
                )
            )
            if row.id not in placed
        }
    )


def place_thread(connection: Connection, edition: Edition, article_id: int) -> int:
    """Compute root, depth and path of every comment of an article anew; returns how many were wrong."""
    rows = connection.execute(
        select(
            comments.c.id, comments.c.parent_id, comments.c.root_id, comments.c.depth, comments.c.path
        ).where(comments.c.article_id == article_id, comments.c.edition_id == edition.id)
    ).all()
    right = places((row.id, row.parent_id) for row in rows)
    wrong = {row.id: right[row.id] for row in rows if right[row.id] != _place(row)}
    _write_places(connection, edition, wrong)
    return len(wrong)


def _write_places(connection: Connection, edition: Edition, placed: Mapping[int, Place]) -> None:
    if not placed:
        return
    connection.execute(
        update(comments)
        .where(comments.c.id == bindparam("its_id"), comments.c.edition_id == edition.id)
        .values(root_id=bindparam("new_root"), depth=bindparam("new_depth"), path=bindparam("new_path")),
        [
            {"its_id": number, "new_root": place.root_id, "new_depth": place.depth, "new_path": place.path}
            for number, place in sorted(placed.items())
        ],
    )


def _place(row: Row[*tuple[Any, ...]]) -> Place:
    return Place(root_id=row.root_id, depth=row.depth, path=row.path)


# --- authors ----------------------------------------------------------------------------------------------------


_AUTHOR = ["nickname", "kind", "profile_name", "full_name", "skeleton", "site_user_id"]


def _save_authors(
    connection: Connection,
    edition: Edition,
    written: Iterable[NormalComment],
    fetch: Fetch,
    *,
    replace: bool,
) -> None:
    """Store the authors of new and changed comments, and every spelling of their names."""
    seen: dict[str, Author] = {}
    names: set[tuple[str, str]] = set()
    for comment in written:
        if comment.author is not None:
            seen[comment.author.key] = comment.author
            names.add((comment.author.key, comment.written.nickname_raw[:NICKNAME_RAW_LENGTH]))
    stored = {
        row["key"]: row
        for keys in _portions(sorted(seen))
        for row in connection.execute(
            select(authors).where(authors.c.key.in_(keys), authors.c.edition_id == edition.id)
        ).mappings()
    }
    rows = []
    for key, author in seen.items():
        row = {name: getattr(author, name) for name in _AUTHOR}
        old = stored.get(key)
        if old is not None:  # what this page does not show is still known
            row |= {name: old[name] for name, value in row.items() if value is None}
            if not replace or all(old[name] == value for name, value in row.items()):
                continue
        rows.append(row | {"key": key, "edition_id": edition.id, "first_seen_at": fetch.fetched_at})
    upsert(connection, authors, rows, update=_AUTHOR)
    spellings = [
        {
            "author_key": key,
            "edition_id": edition.id,
            "nickname_raw": nickname_raw,
            "first_seen_at": fetch.fetched_at,
            "fetch_id": fetch.id,
        }
        for key, nickname_raw in names
    ]
    upsert(connection, author_names, spellings, update=())


def _images(images: Iterable[Image]) -> list[dict[str, str | None]]:
    return [{"url": image.url, "caption": image.caption} for image in images]


def _these(ids: Sequence[int], edition: Edition) -> ColumnElement[bool]:
    return comments.c.id.in_(ids) & (comments.c.edition_id == edition.id)


def _portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), IDS_AT_ONCE):
        yield values[start : start + IDS_AT_ONCE]
