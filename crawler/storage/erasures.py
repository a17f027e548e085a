"""Who was forgotten, as keyed hashes, and taking them out of the tables."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import get_args

from sqlalchemy import Connection, select

from crawler.normalise.erasure import ErasureKind
from crawler.storage.dialects import upsert
from crawler.storage.schema import erasures


def erased(connection: Connection, edition_ids: Iterable[int]) -> dict[int, dict[str, ErasureKind]]:
    """What is stored of who was forgotten, by edition: hash → kind. Editions in which nobody was are absent."""
    found: dict[int, dict[str, ErasureKind]] = {}
    query = select(erasures.c.edition_id, erasures.c.author_hash, erasures.c.kind)
    for edition_id, hash, kind in connection.execute(
        query.where(erasures.c.edition_id.in_(list(edition_ids)))
    ):
        known: dict[str, ErasureKind] = {name: name for name in get_args(ErasureKind)}
        found.setdefault(edition_id, {})[hash] = known[kind]
    return found


def save_erasures(
    connection: Connection, edition_id: int, hashes: Mapping[str, ErasureKind], *, now: datetime, reason: str
) -> None:
    """Note who is forgotten from now on; noting it again changes nothing."""
    rows = [
        {"author_hash": hash, "edition_id": edition_id, "kind": kind, "erased_at": now, "reason": reason}
        for hash, kind in hashes.items()
    ]
    upsert(connection, erasures, rows, update=())
