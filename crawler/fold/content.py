"""What a page says of an article and of a comment, as the columns that hold it."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from crawler.fold.look import Row
from crawler.items import Image, Link, NormalArticle, NormalComment, Quote
from crawler.site import Edition

#: A longer name than the site allows is cut: it is part of a key, and Postgres bounds those.
NICKNAME_RAW_LENGTH: Final = 256

#: The columns that a comment shares with its superseded states.
COMMENT_CONTENT: Final = (
    "article_id",
    "parent_id",
    "parent_source",
    "author_key",
    "nickname_raw",
    "posted_at",
    "posted_raw",
    "posted_precision",
    "body",
    "quotes",
    "links",
    "images",
    "source_hash",
)

#: The columns that an article shares with its superseded states.
ARTICLE_CONTENT: Final = (
    "url",
    "title",
    "lead",
    "body",
    "footnotes",
    "section",
    "byline",
    "source_credit",
    "tags",
    "images",
    "published_at",
    "published_raw",
    "published_precision",
)

# One for all, as json.dumps with options builds a new one at every call.
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def json_text(value: Any) -> str:
    """JSON as we write it: Cyrillic as itself, no spaces."""
    return _encoder.encode(value)


def comment_content(comment: NormalComment, article_id: int) -> Row:
    """The content columns of a comment, and the hash of its words."""
    written, author, posted, body = comment.written, comment.author, comment.posted, comment.body
    author_key = author.key if author else None
    nickname = written.nickname_raw[:NICKNAME_RAW_LENGTH]
    # The hash of the words and of who wrote them; not of date and place, which are known better or worse.
    words = f"{author_key or ''}\0{nickname}\0{body}"  # no text holds a NUL
    # Most comments have none of these.
    for quote in comment.quotes:
        words += f"\0quotes\0{quote.author}\0{quote.comment_id}\0{quote.level}\0{quote.text}"
    for link in written.links:
        words += f"\0links\0{link.text}\0{link.url}"
    for image in written.images:
        words += f"\0images\0{image.caption}\0{image.url}"
    return {
        "article_id": article_id,
        "parent_id": written.parent_id,
        "parent_source": written.parent_source,
        "author_key": author_key,
        "nickname_raw": nickname,
        "posted_at": posted.at if posted else None,
        "posted_raw": written.posted_raw or written.posted_machine,
        "posted_precision": posted.precision if posted else None,
        "body": body,
        "quotes": _quotes_json(comment.quotes) if comment.quotes else [],
        "links": _links_json(written.links) if written.links else [],
        "images": images_json(written.images) if written.images else [],
        "source_hash": written.source_hash,
        "content_hash": blake2b(words.encode(), digest_size=16).hexdigest(),
    }


def article_content(article: NormalArticle, edition: Edition) -> Row:
    """The content columns of an article."""
    written = article.written
    return {
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


def _quotes_json(quotes: Iterable[Quote]) -> list[dict[str, Any]]:
    return [
        {"author": quote.author, "text": quote.text, "level": quote.level, "comment_id": quote.comment_id}
        for quote in quotes
    ]


def _links_json(links: Iterable[Link]) -> list[dict[str, str]]:
    return [{"text": link.text, "url": link.url} for link in links]


def images_json(images: Iterable[Image]) -> list[dict[str, str | None]]:
    """Images as the columns `images` hold them."""
    return [{"url": image.url, "caption": image.caption} for image in images]
