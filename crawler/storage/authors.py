"""Writing authors and every spelling of their names."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from crawler.items import Author, Fetch, NormalComment
from crawler.site import Edition
from crawler.storage.dialects import portions, upsert
from crawler.storage.schema import author_names, authors

#: A longer name than the site allows is cut: it is part of a key, and Postgres bounds those.
NICKNAME_RAW_LENGTH = 256

_AUTHOR = ["nickname", "kind", "profile_name", "full_name", "skeleton", "site_user_id"]


def save_authors(
    connection: Connection,
    edition: Edition,
    written: Iterable[NormalComment],
    fetch: Fetch,
    *,
    replace: bool,
) -> None:
    """Store the authors of new and changed comments, and every spelling of their names."""
    seen: dict[str, Author] = {}
    names: set[tuple[str, str]] = set()
    for comment in written:
        if comment.author is not None:
            seen[comment.author.key] = comment.author
            names.add((comment.author.key, comment.written.nickname_raw[:NICKNAME_RAW_LENGTH]))
    stored = {
        row["key"]: row
        for keys in portions(sorted(seen))
        for row in connection.execute(
            select(authors).where(authors.c.key.in_(keys), authors.c.edition_id == edition.id)
        ).mappings()
    }
    rows = []
    for key, author in seen.items():
        row = {name: getattr(author, name) for name in _AUTHOR}
        old = stored.get(key)
        if old is not None:  # what this page does not show is still known
            row |= {name: old[name] for name, value in row.items() if value is None}
            if not replace or all(old[name] == value for name, value in row.items()):
                continue
        rows.append(row | {"key": key, "edition_id": edition.id, "first_seen_at": fetch.fetched_at})
    upsert(connection, authors, rows, update=_AUTHOR)
    spellings = [
        {
            "author_key": key,
            "edition_id": edition.id,
            "nickname_raw": nickname_raw,
            "first_seen_at": fetch.fetched_at,
            "fetch_id": fetch.id,
        }
        for key, nickname_raw in names
    ]
    upsert(connection, author_names, spellings, update=())
