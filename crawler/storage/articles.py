"""Writing articles."""

from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from crawler.items import Fetch, NormalArticle
from crawler.site import Edition
from crawler.storage.readings import dates_agree, keep_better_date
from crawler.storage.schema import article_states, articles
from crawler.storage.types import images_json

_ARTICLE_CONTENT = [
    column.name
    for column in article_states.columns
    if column.name not in {"article_id", "edition_id", "seen_at", "until", "state", "fetch_id"}
]


#: A date may be read better or be relative ("Today, 22:00"): it is compared by what it means.
_ARTICLE_WORDS = [name for name in _ARTICLE_CONTENT if not name.startswith("published_")]


def save_article(
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
        "images": images_json(written.images),
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
    other_date = not dates_agree("published", content, stored)
    keep_better_date("published", content, stored)
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
