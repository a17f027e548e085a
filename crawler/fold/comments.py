"""The next row of a comment, and the states that it leaves behind."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from crawler.fold.content import COMMENT_CONTENT
from crawler.fold.look import Look, Row
from crawler.fold.readings import change_of_comment
from crawler.items import Change

#: Where these agree with what is stored, nothing has to be written.
_COMPARED: Final = (
    "article_id",
    "parent_id",
    "parent_source",
    "posted_at",
    "posted_raw",
    "posted_precision",
    "source_hash",
    "content_hash",
)


class CommentStep(NamedTuple):
    """What one look made of a comment."""

    #: As it stands now, without its place in the thread; the very same object where nothing is to be written.
    row: Row
    #: The state that was superseded, a row of `comment_states`; None where it goes on.
    state: Row | None = None
    #: The rating that was superseded, a row of `rating_states`; None where it goes on.
    rating: Row | None = None
    #: What the site did; None where it did nothing.
    change: Change | None = None


def new(look: Look) -> Row:
    """What the rows of all comments have in common that a look has shown for the first time."""
    at, fetch_id = look.at, look.fetch_id
    return {
        "rated_at": at,
        "rating_fetch_id": fetch_id,
        "state": "live",
        "change": "new",
        "first_seen_at": at,
        "seen_at": at,
        "changed_at": None,
        "state_since": at,
        "gone_at": None,
        "reader_version": look.reader_version,
        "fetch_id": fetch_id,
    }


def first_seen(said: Row, rating: int | None, in_common: Row) -> CommentStep:
    """
    A comment that was not known, after a page has shown it.

    Args:
        said, rating: As of `seen`.

        in_common: What `new` gives for the look.
    """
    said["rating"] = rating
    said |= in_common
    return CommentStep(said, None, None, "new")


def seen(old: Row, said: Row, rating: int | None, look: Look, path: Callable[[int], str]) -> CommentStep:
    """
    A comment that was known, after a page has shown it.

    Args:
        old: Its row before. Of the long texts it needs only those of comments that have changed.

        said: Number, edition and content columns as the page has them; changed in place.

        rating: As the page has it, None where it shows none.

        path: Gives the path of the comment of this number as it stood before, where it is needed.
    """
    change = change_of_comment(said, old, look, path)
    new_rating = old["rating"] if rating is None else rating
    returned = old["state"] != "live"
    read_otherwise = any(said[name] != old[name] for name in _COMPARED)
    if not (read_otherwise or returned or new_rating != old["rating"]):
        return CommentStep(old)
    rating_step = rated(old, new_rating, look)
    row, superseded_rating = rating_step.row, rating_step.rating
    if read_otherwise:
        row = row | said | {"reader_version": look.reader_version}
    elif row is old:
        row = dict(old)
    if change is not None:
        row["changed_at"] = look.at
    if returned:
        row |= {"state": "live", "state_since": look.at, "gone_at": None}
        change = "return"
    if change is None:
        return CommentStep(row, rating=superseded_rating)
    row |= {"change": change, "seen_at": look.at, "fetch_id": look.fetch_id}
    return CommentStep(row, state=_comment_state(old, look), rating=superseded_rating, change=change)


def rated(old: Row, rating: int | None, look: Look) -> CommentStep:
    """A comment after a page has shown nothing new of it but perhaps this rating."""
    if rating == old["rating"]:
        return CommentStep(old)
    row = old | {"rating": rating, "rated_at": look.at, "rating_fetch_id": look.fetch_id}
    return CommentStep(row, rating=_rating_state(old, look))


def unseen(old: Row, look: Look) -> CommentStep:
    """A comment after a sweep that did not see it: one that was live is missing, one that was missing is gone."""
    change: Change = "missing" if old["state"] == "live" else "gone"
    row = old | {
        "state": change,
        "state_since": look.at,
        "gone_at": look.at if change == "gone" else None,
        "change": change,
        "seen_at": look.at,
        "fetch_id": look.fetch_id,
    }
    return CommentStep(row, state=_comment_state(old, look), change=change)


def _comment_state(old: Mapping[str, Any], look: Look) -> Row:
    """The row of `comment_states` that a look leaves behind."""
    return {
        "comment_id": old["id"],
        "edition_id": old["edition_id"],
        "seen_at": old["seen_at"],
        "until": look.at,
        **{name: old[name] for name in (*COMMENT_CONTENT, "state", "change", "fetch_id")},
    }


def _rating_state(old: Mapping[str, Any], look: Look) -> Row:
    """The row of `rating_states` that a look leaves behind."""
    return {
        "comment_id": old["id"],
        "edition_id": old["edition_id"],
        "seen_at": old["rated_at"],
        "until": look.at,
        "rating": old["rating"],
        "fetch_id": old["rating_fetch_id"],
    }
