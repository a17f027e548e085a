"""One look at what an exchange meets: itself, its article, its visit, the article's row in the frontier, comments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, case, exists, func, literal, select, text
from sqlalchemy.sql.elements import ColumnElement

from crawler.fold.look import Row
from crawler.site import Edition
from crawler.storage.dialects import sought
from crawler.storage.schema import articles, comments, fetches, frontier, visits
from crawler.storage.statements import Statement

#: What is looked at of comments, which tells whether a page brings anything new.
Stored = Mapping[int, Any]


@dataclass(slots=True)
class Standing:
    """How things stand. Who writes a row puts it here as well."""

    #: None where the exchange asks for no article.
    article_id: int | None
    #: Whether the fetch is stored already.
    recorded: bool
    #: None where it was never seen.
    article: Row | None
    #: None where nothing of it was stored yet, or there is no visit.
    visit: Row | None
    #: The article's row in the frontier; None where it is not known there.
    frontier: Row | None
    #: Whether any comment of the article is missing or gone.
    not_live: bool
    #: Number of the newest recorded fetch that asked for the article; None where there is none, or it was seen.
    newest_fetch: int | None
    #: Those of the page's comments that are stored, by their numbers.
    comments: Stored


def standing(
    connection: Connection,
    edition: Edition,
    article_id: int | None,
    visit_id: int | None = None,
    fetch_id: int | None = None,
    comment_ids: Sequence[int] = (),
) -> Standing:
    """How things stand for an article, a visit of it, a fetch of that, and the comments that it shows."""
    asked = {"article": article_id, "edition": edition.id, "visit": visit_id, "fetch": fetch_id}
    if comment_ids:
        comments_asked = {"ids": comment_ids, "edition": edition.id}
        [row], found = Statement.each(connection, (_STANDING, asked), (_COMMENTS, comments_asked))
    else:
        [row], found = _STANDING.all(connection, **asked), []
    article, visit, known = (_row(row, place) for place in (0, 1, 2))
    recorded, not_live, newest_fetch = row[-3:]
    stored = {comment.id: comment for comment in found}
    return Standing(article_id, bool(recorded), article, visit, known, bool(not_live), newest_fetch, stored)


_TABLES: Final = (articles, visits, frontier)
_NAMES: Final = tuple(tuple(column.name for column in table.columns) for table in _TABLES)
_STARTS: Final = tuple(accumulate(map(len, _NAMES), initial=0))


def _row(found: Sequence[Any], place: int) -> Row | None:
    """The row of one of the tables in what was found; None where it has none."""
    start = _STARTS[place]
    return None if found[start] is None else dict(zip(_NAMES[place], found[start:], strict=False))


def _this(table: Table, **values: str) -> ColumnElement[bool]:
    """The row of a table in which these columns have the values of these parameters."""
    first, *others = (table.c[name] == bindparam(parameter) for name, parameter in values.items())
    for other in others:
        first &= other
    return first


#: The index knows the comments that are not live, so the words for that must be its own.
NOT_LIVE: Final = text("comments.state <> 'live'")

_STANDING: Final = Statement(
    select(
        *(column.label(f"{table.name}_{column.name}") for table in _TABLES for column in table.columns),
        exists().where(_this(fetches, id="fetch")).label("recorded"),
        exists()
        .where(_this(comments, article_id="article", edition_id="edition"), NOT_LIVE)
        .label("any_not_live"),
        case(
            (
                articles.c.id.is_(None),
                select(func.max(fetches.c.id))
                .where(_this(fetches, article_id="article", edition_id="edition"))
                .scalar_subquery(),
            )
        ).label("newest_fetch"),
    ).select_from(
        select(literal(1))
        .subquery("always")
        .outerjoin(articles, _this(articles, id="article", edition_id="edition"))
        .outerjoin(visits, _this(visits, id="visit"))
        .outerjoin(frontier, _this(frontier, article_id="article", edition_id="edition"))
    )
)

#: The long texts stay where they are.
_LOOKED_AT: Final = [
    comments.c.id,
    comments.c.edition_id,
    comments.c.article_id,
    comments.c.parent_id,
    comments.c.parent_source,
    comments.c.author_key,
    comments.c.root_id,
    comments.c.depth,
    comments.c.path,
    comments.c.posted_at,
    comments.c.posted_precision,
    comments.c.rating,
    comments.c.rated_at,
    comments.c.rating_fetch_id,
    comments.c.state,
    comments.c.source_hash,
    comments.c.reader_version,
]

_COMMENTS: Final = sought(_LOOKED_AT, comments.c.id, "ids", comments.c.edition_id == bindparam("edition"))
