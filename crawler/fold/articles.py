"""The next row of an article, and the state that it leaves behind."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from crawler.fold.content import ARTICLE_CONTENT
from crawler.fold.look import Look, Row
from crawler.fold.readings import change_of_article
from crawler.items import Article, Change

#: An article is gone after so many answers in a row that there is none …
NOT_FOUND_TIMES: Final = 3
#: … over so long a time.
NOT_FOUND_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ArticleStep:
    """What one look made of an article."""

    #: As it stands now.
    row: Row
    #: The state that was superseded, a row of `article_states`; None where it goes on.
    state: Row | None = None


def seen(old: Row | None, said: Row, written: Article, look: Look) -> ArticleStep:
    """
    An article after a page has shown it.

    Args:
        old: Its row before, None where it was never seen.

        said: Number, edition and content columns as the page has them; changed in place.

        written: The same as written, for what moves by itself: it is no content, has no history and does not touch
            changed_at.
    """
    moving = {
        "views": written.views,
        "rating": written.rating,
        "comments_stated": written.comments_stated,
    }
    if old is None:
        row = said | moving
        row |= {
            "comments_stored": 0,
            "state": "live",
            "change": "new",
            "not_found_times": 0,
            "changed_at": None,
        }
        row |= {"first_seen_at": look.at, "last_seen_at": look.at, "seen_at": look.at, "gone_at": None}
        row |= {"fetch_id": look.fetch_id, "last_fetch_id": look.fetch_id}
        return ArticleStep(row | {"reader_version": look.reader_version})
    change = change_of_article(said, old, look)
    row = old | said | {name: old[name] if value is None else value for name, value in moving.items()}
    row |= {"last_seen_at": max(old["last_seen_at"], look.at), "last_fetch_id": look.fetch_id}
    row |= {"not_found_times": 0, "reader_version": look.reader_version}
    if change is not None:
        row["changed_at"] = look.at
    if old["state"] != "live":
        row |= {"state": "live", "gone_at": None}
        change = "return"
    return _after(old, row, change, look)


def absent(old: Row, *, moved: bool, look: Look) -> ArticleStep:
    """
    An article after the site has answered that there is none at its address, or that it is elsewhere now.

    It is missing at once and gone after the third such answer over seven days. Its comments keep their state.
    """
    row = old | {"last_fetch_id": look.fetch_id}
    change: Change | None = None
    if moved:
        if old["state"] != "moved":
            change = "move"
            row |= {"state": "moved", "not_found_times": 0, "gone_at": None}
    elif old["state"] in ("live", "moved"):
        change = "missing"
        row |= {"state": "missing", "not_found_times": 1}
    elif old["state"] == "missing":
        row["not_found_times"] += 1
        if row["not_found_times"] >= NOT_FOUND_TIMES and look.at - old["seen_at"] >= NOT_FOUND_FOR:
            change = "gone"
            row |= {"state": "gone", "gone_at": look.at}
    return _after(old, row, change, look)


def _after(old: Row, row: Row, change: Change | None, look: Look) -> ArticleStep:
    if change is None:
        return ArticleStep(row)
    row |= {"change": change, "seen_at": look.at, "fetch_id": look.fetch_id}
    state = {
        "article_id": old["id"],
        "edition_id": old["edition_id"],
        "seen_at": old["seen_at"],
        "until": look.at,
        **{name: old[name] for name in (*ARTICLE_CONTENT, "state", "change", "fetch_id")},
    }
    return ArticleStep(row, state)
