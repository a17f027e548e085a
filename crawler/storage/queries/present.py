"""Things as they stand: articles, threads, crawls, and how much of each there is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select, text

from crawler.storage.schema import (
    articles,
    authors,
    comments,
    crawls,
    editions,
    fetches,
    frontier,
    hosts,
    visits,
)


def edition_id(connection: Connection, code: str) -> int | None:
    """The number of an edition by its code; None where nothing of it was ever crawled."""
    return connection.scalar(select(editions.c.id).where(editions.c.code == code))


def editions_with(connection: Connection, article_id: int) -> Sequence[RowMapping]:
    """The editions in which an article is stored: id, code, base_url, time_zone."""
    query = (
        select(editions)
        .join(articles, articles.c.edition_id == editions.c.id)
        .where(articles.c.id == article_id)
        .order_by(editions.c.id)
    )
    return connection.execute(query).mappings().all()


def editions_with_comment(connection: Connection, comment_id: int) -> Sequence[RowMapping]:
    """The editions in which a comment is stored: id, code, base_url, time_zone."""
    query = (
        select(editions)
        .join(comments, comments.c.edition_id == editions.c.id)
        .where(comments.c.id == comment_id)
        .order_by(editions.c.id)
    )
    return connection.execute(query).mappings().all()


def stored_editions(connection: Connection) -> Sequence[RowMapping]:
    """All editions of which anything was ever crawled: id, code, base_url, time_zone."""
    return connection.execute(select(editions).order_by(editions.c.id)).mappings().all()


def newest_articles(connection: Connection, *, edition: str | None, limit: int) -> Sequence[RowMapping]:
    """Stored articles, newest first, with edition code, last visit and last sweep."""
    query = (
        select(
            articles.c.id,
            editions.c.code.label("edition"),
            editions.c.time_zone,
            articles.c.title,
            articles.c.section,
            articles.c.byline,
            articles.c.published_at,
            articles.c.comments_stated,
            articles.c.comments_stored,
            articles.c.state,
            articles.c.url,
            frontier.c.last_visit_at,
            frontier.c.last_sweep_at,
        )
        .join(editions, editions.c.id == articles.c.edition_id)
        .outerjoin(
            frontier,
            (frontier.c.article_id == articles.c.id) & (frontier.c.edition_id == articles.c.edition_id),
        )
        .order_by(articles.c.published_at.desc().nulls_last(), articles.c.id.desc(), articles.c.edition_id)
        .limit(limit)
    )
    if edition is not None:
        query = query.where(editions.c.code == edition)
    return connection.execute(query).mappings().all()


def article(connection: Connection, article_id: int, edition: int) -> RowMapping | None:
    """One stored article, all columns."""
    query = select(articles).where(articles.c.id == article_id, articles.c.edition_id == edition)
    return connection.execute(query).mappings().first()


def thread(connection: Connection, article_id: int, edition: int) -> Sequence[RowMapping]:
    """
    The comments of an article in reading order: each before its answers, siblings by number.

    Columns of `thread_view`, and the raw nickname and date beside them; also those that are missing or gone.
    """
    query = text(
        """
        SELECT t.comment_id AS id, t.parent_id, c.parent_source, t.root_id, t.depth, t.path, t.author_key, t.nickname,
               c.nickname_raw, t.posted_at, c.posted_raw, t.posted_precision, t.body, t.quotes, c.links, c.images,
               t.rating, t.state, c.change, c.seen_at, c.changed_at
        FROM thread_view t
        JOIN comments c ON c.id = t.comment_id AND c.edition_id = t.edition_id
        WHERE t.article_id = :article AND t.edition_id = :edition
          AND c.article_id = :article -- the same, so that only the thread is read of both
        ORDER BY t.path
        """
    ).columns(
        **{
            name: comments.c[name].type
            for name in ("posted_at", "seen_at", "changed_at", "quotes", "links", "images")
        },
    )
    return connection.execute(query, {"article": article_id, "edition": edition}).mappings().all()


def newest_crawls(connection: Connection, *, limit: int) -> Sequence[RowMapping]:
    """Crawls, newest first, with edition code and time zone."""
    query = (
        select(crawls, editions.c.code.label("edition"), editions.c.time_zone)
        .join(editions, editions.c.id == crawls.c.edition_id)
        .order_by(crawls.c.id.desc())
        .limit(limit)
    )
    return connection.execute(query).mappings().all()


def totals(connection: Connection) -> dict[str, int]:
    """How many rows each relation has that grows with crawling; frontier counts the articles known of."""
    tables = (articles, comments, authors, visits, fetches, frontier, hosts, crawls)
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables
    }


def newest_moment(connection: Connection) -> datetime | None:
    """When anything was last fetched; None in an empty archive. Tells a clock that runs behind."""
    newest = select(func.max(fetches.c.id)).scalar_subquery()
    return connection.scalar(select(fetches.c.fetched_at).where(fetches.c.id == newest))
