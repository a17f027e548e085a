"""Storing what an exchange brought: all of it in one transaction, or nothing."""

from datetime import datetime

from sqlalchemy import Connection, select

from crawler.fold.look import look
from crawler.items import Exchange
from crawler.storage.frontier import save_entries, save_visit_end
from crawler.storage.ledger import save_fetch
from crawler.storage.pages import Late, Saved, save_page
from crawler.storage.refold import Reread, fold_anew
from crawler.storage.schema import visits
from crawler.storage.visits import save_visit, stored_visit


def save_exchange(
    connection: Connection,
    exchange: Exchange,
    *,
    crawl_id: int | None,
    now: datetime,
    reread: Reread,
    reader_version: int | None = None,
) -> Saved:
    """
    Store an exchange: the fetch, what its page says, what it means for its visit and for the frontier.

    The caller owns the transaction. Storing it again changes nothing: a transaction is repeated where the connection
    broke while it was committed, and nobody knows whether it was. What is older than something that is stored of the
    same article is late: then the article is folded anew, from all its fetches.

    Args:
        reread: Reads recorded exchanges again, where this one is late.
    """
    edition, fetch, visit = exchange.edition, exchange.fetch, exchange.visit
    saved = Saved(outcome=exchange.ends)
    if fetch is not None:
        version = reader_version if fetch.was_read else None
        visit_id = visit.id if visit else None
        if not save_fetch(connection, fetch, crawl_id=crawl_id, visit_id=visit_id, reader_version=version):
            return Saved()
        if exchange.entries:
            save_entries(connection, edition, exchange.entries, via=fetch.kind, now=now)
        try:
            saved = _save(connection, exchange, crawl_id=crawl_id, reader_version=reader_version)
        except Late as late:
            saved = _save_late(connection, exchange, late, reread, reader_version)
    # That a visit could not go on is for the frontier alone to know: the visit is what its fetches tell.
    if visit is not None and exchange.ends is not None:
        url = edition.base_url + visit.path
        outcome = saved.outcome or exchange.ends
        save_visit_end(connection, edition, visit.article_id, url, outcome, now=now)
    return saved


def _save(
    connection: Connection, exchange: Exchange, *, crawl_id: int | None, reader_version: int | None
) -> Saved:
    edition, fetch, page = exchange.edition, exchange.fetch, exchange.normal
    assert fetch is not None
    saved = Saved()
    visit = None if exchange.visit is None else stored_visit(connection, exchange.visit, fetch)
    if page is not None:
        saved = save_page(connection, edition, page, fetch, reader_version=reader_version)
    if exchange.visit is not None:
        now = look(edition, fetch, reader_version)
        saved = save_visit(connection, exchange, visit, saved, now, crawl_id=crawl_id)
    return saved


def _save_late(
    connection: Connection, exchange: Exchange, late: Late, reread: Reread, reader_version: int | None
) -> Saved:
    """Fold the articles anew to which an exchange came late; it is recorded already."""
    found = fold_anew(connection, exchange.edition, late.article_ids, reread, reader_version=reader_version)
    changes = found.tables["comments"]
    outcome = None
    if exchange.visit is not None:
        outcome = connection.scalar(select(visits.c.outcome).where(visits.c.id == exchange.visit.id))
    return Saved(
        articles_new=len(found.tables["articles"].inserted),
        comments_new=len(changes.inserted),
        comments_changed=len(changes.updated),
        outcome=outcome,
    )
