"""
Mistakes that a writer could make, one at a time: a test that catches none of them proves nothing.

This is the one place where our own functions are replaced: the question is not what the program does but whether the
test would notice if it did something else. A mistake is put where both the fast path and the folding of what comes late
go through it, wherever there is such a place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, delete

from crawler.fold import articles, comments, readings, sweeps, whole
from crawler.fold.articles import ArticleStep
from crawler.fold.comments import CommentStep
from crawler.fold.look import Look, Row
from crawler.items import Change, Exchange
from crawler.site import Edition
from crawler.storage import authors, pages, refold, standing, visits, writer
from crawler.storage import comments as stored_comments
from crawler.storage.bulk import Writes
from crawler.storage.pages import Saved
from crawler.storage.schema import comment_states, rating_states
from crawler.storage.schema import comments as comments_table
from crawler.storage.standing import Standing

Patch = tuple[ModuleType, str, Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, as what stands in the place of which names."""

    name: str
    patches: tuple[Patch, ...]

    def __str__(self) -> str:
        return self.name


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """The program with this mistake."""
    right = [(module, name, getattr(module, name)) for module, name, _ in mutant.patches]
    for module, name, wrong in mutant.patches:
        setattr(module, name, wrong)
    try:
        yield
    finally:
        for module, name, original in right:
            setattr(module, name, original)


_save = writer._save


def _article_as_read(*known: Any, **others: Any) -> tuple[Saved, Standing]:
    return _save(*known, **(others | {"as_read": True}))


def _nothing(*_: Any, **__: Any) -> None:
    pass


def _nobody(*_: Any, **__: Any) -> set[str]:
    return set()


# --- the order of fetches -------------------------------------------------------------------------------------------


def _late_is_ignored(*_: Any) -> Saved:
    return Saved()


def _alone(_: Connection, __: Edition, article_ids: Any) -> list[int]:
    return sorted(article_ids)


_standing, _save_visit = standing.standing, visits.save_visit


def _never_recorded(*args: Any, **kwargs: Any) -> Standing:
    return replace(_standing(*args, **kwargs), recorded=False)


def _committed(writes: Writes, *args: Any, **kwargs: Any) -> Saved:
    saved = _save_visit(writes, *args, **kwargs)
    writes.send()
    writes.connection.exec_driver_sql("COMMIT")
    writes.connection.exec_driver_sql("BEGIN")
    return saved


# --- histories ------------------------------------------------------------------------------------------------------

_seen, _rated, _unseen = comments.seen, comments.rated, comments.unseen
_article_seen, _absent = articles.seen, articles.absent


def _seen_without_history(*args: Any) -> CommentStep:
    return _seen(*args)._replace(state=None)


def _rated_without_history(*args: Any) -> CommentStep:
    return _rated(*args)._replace(rating=None)


def _rated_as_edit(old: Row, rating: int | None, look: Look) -> CommentStep:
    step = _rated(old, rating, look)
    return step if step.row is old else step._replace(row=step.row | {"changed_at": look.at})


def _returned_unnoticed(old: Row, *args: Any) -> CommentStep:
    return _seen(old, *args) if old["state"] == "live" else CommentStep(old)


def _seen_first_now(old: Row, said: Row, rating: int | None, look: Look, path: Any) -> CommentStep:
    step = _seen(old, said, rating, look, path)
    return step if step.row is old else step._replace(row=step.row | {"first_seen_at": look.at})


def _article_seen_first_now(old: Row | None, said: Row, written: Any, look: Look) -> ArticleStep:
    step = _article_seen(old, said, written, look)
    return replace(step, row=step.row | {"first_seen_at": look.at})


def _article_seen_without_history(*args: Any) -> ArticleStep:
    return replace(_article_seen(*args), state=None)


# --- readings -------------------------------------------------------------------------------------------------------

_change_of_comment, _keep_better_date = readings.change_of_comment, readings._keep_better_date


def _correction_is_change(said: Row, old: Row, look: Look, path: Callable[[int], str]) -> Change | None:
    return _change_of_comment(said, old, replace(look, reader_version=old["reader_version"]), path)


def _newest_parent(said: Row, old: Row, *_: Any) -> bool:
    return bool(said["parent_id"] != old["parent_id"])


def _newest_date(name: Any, said: Row, old: Row, *, trusted: bool) -> bool:
    newest = {column: said[column] for column in (f"{name}_at", f"{name}_raw", f"{name}_precision")}
    contradicts = _keep_better_date(name, said, old, trusted=trusted)
    said |= newest
    return contradicts


# --- what is missing ------------------------------------------------------------------------------------------------


def _partial_is_whole(writes: Writes, exchange: Exchange, *args: Any, **kwargs: Any) -> Saved:
    if exchange.ends == "partial":
        shown = exchange.normal.comments if exchange.normal else ()
        ids = frozenset(comment.written.id for comment in shown)
        exchange = replace(exchange, ends="swept", seen=ids)
    return _save_visit(writes, exchange, *args, **kwargs)


def _gone_at_once(old: Row, look: Look) -> CommentStep:
    step = _unseen(old, look)
    return step._replace(row=step.row | {"state": "gone", "gone_at": look.at, "change": "gone"})


def _deleted(connection: Connection, edition: Edition, ids: Sequence[int], _: Look) -> None:
    for table, column in (
        (comment_states, comment_states.c.comment_id),
        (rating_states, rating_states.c.comment_id),
        (comments_table, comments_table.c.id),
    ):
        connection.execute(delete(table).where(column.in_(ids), table.c.edition_id == edition.id))


def _none_missing(*_: Any) -> bool:
    return False


def _no_drift(*_: Any) -> int:
    return 0


# --- people and places ----------------------------------------------------------------------------------------------


def _no_renames(*_: Any) -> Mapping[str, str]:
    return {}


def _no_states(*_: Any) -> Mapping[str, Any]:
    return {}


def _same_name(*_: Any) -> bool:
    return False


def _no_threads(*_: Any, **__: Any) -> Sequence[int]:
    return []


MUTANTS: Sequence[Mutant] = (
    Mutant("last_writer_wins", ((pages, "_refuse_late", _nothing),)),
    Mutant("late_is_ignored", ((writer, "_fold_anew", _late_is_ignored),)),
    Mutant(
        "late_is_folded_without_its_family", ((refold, "family", _alone), (refold, "_elsewhere", _no_states))
    ),
    Mutant("stored_twice", ((writer, "standing", _never_recorded),)),
    Mutant("commit_before_the_end", ((writer, "save_visit", _committed),)),
    Mutant("no_history", ((comments, "seen", _seen_without_history),)),
    Mutant("no_article_history", ((articles, "seen", _article_seen_without_history),)),
    Mutant(
        "no_rating_history",
        ((comments, "rated", _rated_without_history), (stored_comments, "rated", _rated_without_history)),
    ),
    Mutant(
        "rating_is_an_edit", ((comments, "rated", _rated_as_edit), (stored_comments, "rated", _rated_as_edit))
    ),
    Mutant("return_is_not_noticed", ((comments, "seen", _returned_unnoticed),)),
    Mutant("first_seen_is_not_kept", ((comments, "seen", _seen_first_now),)),
    Mutant("first_seen_of_articles_is_not_kept", ((articles, "seen", _article_seen_first_now),)),
    Mutant("correction_is_a_change", ((comments, "change_of_comment", _correction_is_change),)),
    Mutant("correction_of_an_article_is_a_change", ((writer, "_save", _article_as_read),)),
    Mutant("weaker_parent_replaces_stronger", ((readings, "_keep_better_parent", _newest_parent),)),
    Mutant("coarser_date_replaces_exact", ((readings, "_keep_better_date", _newest_date),)),
    Mutant("gone_on_partial", ((writer, "save_visit", _partial_is_whole),)),
    Mutant("gone_at_once", ((comments, "unseen", _gone_at_once), (stored_comments, "unseen", _gone_at_once))),
    Mutant("gone_within_the_hour", ((sweeps, "APART", timedelta.min),)),
    Mutant("delete_missing", ((visits, "save_unseen", _deleted),)),
    Mutant("suspect_marks_at_once", ((sweeps, "_too_many", _none_missing),)),
    Mutant("drift_is_believed_at_once", ((sweeps, "_drift", _no_drift),)),
    Mutant("article_gone_within_the_week", ((articles, "NOT_FOUND_FOR", timedelta.min),)),
    Mutant("rename_is_forgotten", ((whole, "renames", _no_renames),)),
    Mutant("better_read_author_is_not_stored", ((whole, "_names_another", _same_name),)),
    Mutant("misread_author_stays", ((stored_comments, "renew_authors", _nothing),)),
    Mutant("first_look_that_is_taken_back_stays", ((authors, "_unsure", _nobody),)),
    Mutant("subtree_is_left_behind", ((stored_comments, "threads_below", _no_threads),)),
)
