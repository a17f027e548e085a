"""Pages made up for tests of what is stored, and the rows that they leave."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, select, text

from crawler.items import (
    Article,
    ArticlePage,
    Comment,
    CommentPage,
    Exchange,
    Fetch,
    NormalPage,
    Recorded,
    Visit,
)
from crawler.normalise import normal_page
from crawler.normalise.datewords import ENGLISH, RUSSIAN
from crawler.site import Edition, Site
from crawler.storage.pages import Saved
from crawler.storage.schema import metadata
from crawler.storage.writer import save_exchange

EN = Edition(id=1, code="en", base_url="https://en.example.org", language="en", translation_of="ru")
RU = Edition(id=2, code="ru", base_url="https://example.org", language="ru")
SITE = Site(
    name="made_up",
    title="Made up",
    editions=(EN, RU),
    time_zone=ZoneInfo("Europe/Moscow"),
    charset="utf-8",
    date_words={"en": (ENGLISH,), "ru": (RUSSIAN,)},
    sections=("news",),
)

#: A Sunday. The fetch of number n is made n minutes later.
NOON = datetime(2017, 11, 5, 12, tzinfo=UTC)

#: The article that pages are of, if nothing else is said.
ARTICLE = 7


def comment(id: int, parent: int | None = None, **fields: Any) -> Comment:
    """
    A comment as written. Its markup, and so its `source_hash`, follows from all that it says but dates and ratings.
    """
    said: dict[str, Any] = {
        "parent_id": parent,
        "parent_source": "root" if parent is None else "tree",
        "nickname_raw": "Vasya",
        "author_kind": "member",
        "profile_name": "Vasya",
        "body": f"Words of {id}.",
    } | fields
    markup = [said[name] for name in sorted(said) if name not in ("rating", "posted_raw", "posted_machine")]
    said.setdefault("source_hash", sha256(repr(markup).encode()).hexdigest())
    return Comment(id=id, **said)


def page(*comments: Comment, article: int = ARTICLE, **fields: Any) -> ArticlePage:
    """A page of an article with these comments."""
    said: dict[str, Any] = {"id": article, "path": f"/{article}-a.html", "title": "Title", "body": "Text."}
    return ArticlePage(
        article=Article(**(said | fields)),
        comments=CommentPage(number=1, comments=comments, stated=fields.get("comments_stated")),
        skin="2021",
    )


def normal(written: ArticlePage, seen_at: datetime = NOON) -> NormalPage:
    """The page as pipelines hand it to storage."""
    return normal_page(written, zone=SITE.time_zone, words=(RUSSIAN, ENGLISH), seen_at=seen_at)


def fetch(number: int, edition: Edition = EN, **fields: Any) -> Fetch:
    """The fetch of this number: later numbers are later fetches."""
    said: dict[str, Any] = {
        "id": number,
        "edition_id": edition.id,
        "kind": "article",
        "url": f"{edition.base_url}/7-a.html",
        "fetched_at": at(number),
        "article_id": ARTICLE,
        "page": 1,
    }
    return Fetch(**(said | fields))


def at(number: int) -> datetime:
    """When the fetch of this number was made."""
    return NOON + timedelta(minutes=number)


#: All that was ever stored here, by the number of its fetch: what an archive is to a crawl.
ARCHIVED: dict[int, Exchange] = {}


def reread(known: Sequence[Recorded]) -> Iterator[Exchange]:
    """The same exchanges as they were stored."""
    return (ARCHIVED[one.fetch.id] for one in known)


def store(
    connection: Connection,
    written: ArticlePage,
    number: int = 1,
    edition: Edition = EN,
    *,
    reader_version: int | None = None,
) -> Saved:
    """Store the page as brought by the fetch of this number."""
    asked = written.article.id if written.article.id < 2**63 else ARTICLE
    brought = fetch(number, edition, article_id=asked)
    exchange = Exchange(edition=edition, fetch=brought, normal=normal(written, brought.fetched_at))
    return save(connection, exchange, reader_version=reader_version)


def save(
    connection: Connection,
    exchange: Exchange,
    *,
    crawl_id: int | None = None,
    now: datetime = NOON,
    reader_version: int | None = None,
) -> Saved:
    """Store an exchange, after it was archived."""
    if exchange.fetch is not None:
        ARCHIVED[exchange.fetch.id] = exchange
    return save_exchange(
        connection, exchange, crawl_id=crawl_id, now=now, reread=reread, reader_version=reader_version
    )


def look(
    connection: Connection,
    written: ArticlePage | None,
    number: int,
    *,
    when: datetime | None = None,
    article: int = ARTICLE,
    sweeps: bool = False,
) -> None:
    """
    Visit an article, in the edition that is no translation: a page of it, or the answer that there is none.

    Args:
        when: The clock at the fetch, if it is another than that of its number.

        sweeps: Whether the page shows the whole thread.
    """
    brought = fetch(
        number,
        RU,
        article_id=article,
        fetched_at=when or at(number),
        outcome="ok" if written else "not_found",
    )
    shown = frozenset(one.id for one in written.comments.comments) if written else frozenset()
    visit = Visit(id=number * 100, edition=RU, article_id=article, path=f"/{article}-a.html", started_at=NOON)
    exchange = Exchange(
        edition=RU,
        fetch=brought,
        normal=normal(written, brought.fetched_at) if written else None,
        visit=visit,
        seen_first=len(shown),
        ends="not_found" if not written else "swept" if sweeps else "partial",
        seen=shown if sweeps else frozenset(),
    )
    save(connection, exchange, now=brought.fetched_at)


def rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    """All rows of a table, by its key."""
    query = select(table).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(query).mappings()]


def found(connection: Connection, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a question of a person gives."""
    return [tuple(row) for row in connection.execute(text(sql), values)]


def dump(connection: Connection) -> Mapping[str, list[dict[str, Any]]]:
    """Every row of every table but the fetches, which grow with each page that is asked."""
    return {
        table.name: rows(connection, table) for table in metadata.sorted_tables if table.name != "fetches"
    }
