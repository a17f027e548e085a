"""Storing what an exchange brought: all of it in one transaction, or nothing."""

from datetime import datetime

from sqlalchemy import Connection

from crawler.items import Exchange
from crawler.storage.frontier import save_entries, save_visit_end
from crawler.storage.ledger import begin_visit, end_visit, save_fetch, save_visit_page
from crawler.storage.pages import Saved, save_page


def save_exchange(
    connection: Connection,
    exchange: Exchange,
    *,
    crawl_id: int,
    now: datetime,
    reader_version: int | None = None,
) -> Saved:
    """
    Store an exchange: the fetch, what its page says, what it means for its visit and for the frontier.

    The caller owns the transaction. Storing it again changes nothing: a transaction is repeated where the connection
    broke while it was committed, and nobody knows whether it was.
    """
    edition, fetch, visit = exchange.edition, exchange.fetch, exchange.visit
    saved = Saved()
    first_time = True
    if fetch is not None:
        if visit is not None:
            begin_visit(
                connection,
                visit.id,
                crawl_id=crawl_id,
                edition_id=edition.id,
                article_id=visit.article_id,
                now=fetch.fetched_at,
            )
        first_time = save_fetch(
            connection,
            fetch,
            crawl_id=crawl_id,
            visit_id=visit.id if visit else None,
            reader_version=reader_version if fetch.outcome == "ok" and fetch.kind != "robots" else None,
        )
        if exchange.normal is not None:
            saved = save_page(connection, edition, exchange.normal, fetch)
        if exchange.entries:
            save_entries(connection, edition, exchange.entries, via=fetch.kind, now=now)
    if visit is not None and exchange.normal is not None and first_time:
        comments = exchange.normal.written.comments
        save_visit_page(
            connection,
            visit.id,
            pages_expected=comments.pages,
            comments_stated=comments.stated,
            comments_seen=exchange.seen_first,
            comments_new=saved.comments_new,
            comments_changed=saved.comments_changed,
        )
    ends = exchange.ends
    # A visit is what its fetches tell; that it could not go on is for the frontier alone to know.
    if (
        visit is not None
        and ends is not None
        and (fetch is None or end_visit(connection, visit.id, ends, now=fetch.fetched_at))
    ):
        url = edition.base_url + visit.path
        save_visit_end(connection, edition, visit.article_id, url, ends, now=now)
    return saved
