"""Storing what an exchange brought: all of it in one transaction, or nothing."""

import logging
from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, select

from crawler.errors import BadRecord, CannotStore
from crawler.fold.look import look
from crawler.items import Exchange
from crawler.storage.bulk import Writes
from crawler.storage.frontier import save_entries, save_visit_end
from crawler.storage.ledger import fetch_row
from crawler.storage.pages import Late, ReadOtherwise, Saved, save_page
from crawler.storage.refold import Reread, fold_anew
from crawler.storage.schema import fetches, visits
from crawler.storage.standing import Standing, standing
from crawler.storage.visits import save_visit

logger = logging.getLogger(__name__)


def save_exchange(
    connection: Connection,
    exchange: Exchange,
    *,
    crawl_id: int | None,
    now: datetime,
    reread: Reread,
    reader_version: int | None = None,
    commits: bool = False,
) -> Saved:
    """
    Store an exchange: the fetch, what its page says, what it means for its visit and for the frontier.

    The caller owns the transaction. Storing it again changes nothing: a transaction is repeated where the connection
    broke while it was committed, and nobody knows whether it was. What is older than something that is stored of the
    same article is late: then the article is folded anew, from all its fetches; so it is where another version of the
    reader has read the article otherwise.

    Args:
        reread: Reads recorded exchanges again, where that must be. Raises BadRecord.

        commits: Whether nothing else belongs to the transaction: it may then be committed here, where that saves a
            round trip, and nothing is left to do for whoever ends it.

    Raises:
        CannotStore: It is late, and what was fetched before cannot be read again.
    """
    edition, fetch, visit = exchange.edition, exchange.fetch, exchange.visit
    saved = Saved(outcome=exchange.ends)
    writes = Writes(connection)
    known: Standing | None = None
    if fetch is not None:
        visit_id = visit.id if visit else None
        shown = [] if exchange.normal is None else [one.written.id for one in exchange.normal.comments]
        known = standing(connection, edition, _article_id(exchange), visit_id, fetch.id, shown)
        if known.recorded:
            return Saved()
        version = reader_version if fetch.was_read else None
        row = fetch_row(fetch, crawl_id=crawl_id, visit_id=visit_id, reader_version=version)
        writes.insert(fetches, [row])
        if exchange.entries:
            save_entries(connection, edition, exchange.entries, via=fetch.kind, now=now)
        saved, known = _save_or_fold(writes, exchange, known, reread, crawl_id, reader_version)
    # That a visit could not go on is for the frontier alone to know: the visit is what its fetches tell. One that goes
    # on is to the frontier as if it were stopped here: a crawl may be killed before its end.
    if visit is not None:
        known = known or standing(connection, edition, visit.article_id)
        outcome = (saved.outcome or exchange.ends) if exchange.ends is not None else "stopped"
        url = edition.base_url + visit.path
        save_visit_end(writes, edition, visit.article_id, known, url, outcome, now=now)
    writes.send(commits=commits)
    return saved


def _article_id(exchange: Exchange) -> int | None:
    """The article that the page shows, or that was asked for."""
    if exchange.normal is not None:
        return exchange.normal.article.written.id
    return exchange.visit.article_id if exchange.visit else None


def _save_or_fold(
    writes: Writes,
    exchange: Exchange,
    known: Standing,
    reread: Reread,
    crawl_id: int | None,
    reader_version: int | None,
    *,
    as_read: bool = False,
) -> tuple[Saved, Standing | None]:
    """
    Store what an exchange brought; where all fetches must be read again for that, from those.

    Returns:
        What that changed, and how things stand now; None where nobody has looked.
    """
    connection, version = writes.connection, reader_version
    try:
        return _save(writes, exchange, known, crawl_id=crawl_id, reader_version=version, as_read=as_read)
    except Late as found:
        late = found
    writes.send()  # the fetch itself is folded, too
    try:
        with connection.begin_nested():
            return _fold_anew(connection, exchange, late, reread, version), None
    except BadRecord as error:  # archive files may have been carried away
        if not isinstance(late, ReadOtherwise):
            raise CannotStore(
                f"The archive is damaged: {error}. `crawler verify` tells what else is."
            ) from error
        logger.warning(
            "Articles %s are read otherwise than by an earlier version of the reader, and their pages cannot be "
            "read again (%s): what differs counts as a change.",
            sorted(late.article_ids),
            error,
        )
    return _save_or_fold(writes, exchange, known, reread, crawl_id, version, as_read=True)


def _save(
    writes: Writes,
    exchange: Exchange,
    known: Standing,
    *,
    crawl_id: int | None,
    reader_version: int | None,
    as_read: bool,
) -> tuple[Saved, Standing]:
    """
    Store what is not late.

    Returns:
        What that changed, and how things stand now, for the visit where there is one.

    Raises:
        Late: A later fetch of the visit or of the article is stored; nothing of the article was written.
        ReadOtherwise: See `save_page`.
    """
    edition, fetch, page, visit = exchange.edition, exchange.fetch, exchange.normal, exchange.visit
    assert fetch is not None
    saved = Saved()
    if visit is not None and known.visit is not None and known.visit["last_fetch_id"] > fetch.id:
        raise Late({visit.article_id})
    if page is not None:
        saved = save_page(writes, edition, page, fetch, known, reader_version=reader_version, as_read=as_read)
    if visit is None:
        return saved, known
    if known.article_id != visit.article_id:  # the page shows another article than was asked for
        known = standing(writes.connection, edition, visit.article_id, visit.id)
    now = look(edition, fetch, reader_version)
    return save_visit(writes, exchange, saved, now, known, crawl_id=crawl_id), known


def _fold_anew(
    connection: Connection, exchange: Exchange, late: Late, reread: Reread, reader_version: int | None
) -> Saved:
    """Fold the articles anew for which an exchange came late, or by another reader; it is recorded already."""
    assert exchange.fetch is not None
    found = fold_anew(connection, exchange.edition, late.article_ids, reread, reader_version=reader_version)
    # Of the rows that differ now many are but read better.
    states = (*found.whole.comments.values(), *found.whole.comment_states)
    began = Counter(row["change"] for row in states if row["fetch_id"] == exchange.fetch.id)
    outcome = None
    if exchange.visit is not None:
        outcome = connection.scalar(select(visits.c.outcome).where(visits.c.id == exchange.visit.id))
    return Saved(
        articles_new=len(found.tables["articles"].inserted),
        comments_new=len(found.tables["comments"].inserted),
        comments_changed=began.total() - sum(began[change] for change in ("new", "missing", "gone")),
        comments_missing=began["missing"],
        comments_gone=began["gone"],
        outcome=outcome,
    )
