"""
Who is forgotten, without saying who: keyed hashes of authors' keys.

Whoever holds the database alone cannot tell who was forgotten, not even by trying names; whoever holds FORGET_KEY can
only ask whether a given one was. The key of an author is that of `crawler.normalise.nicknames.author`; spellings of
their names that are not part of it are kept as `crawler.dle.persons.alias_key`.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

ErasureKind = Literal["member", "guest", "unknown", "alias", "check"]
"""
member, guest, unknown   an author of this kind was forgotten
alias                    another spelling of the name of one who was: quotations name people so
check                    nobody: it shows whether a key is the one that all others were made with
"""

NOBODY: Final = ""
"""What no author is called: the key of the row that shows whether a secret is that of then."""


def author_hash(secret: bytes, key: str) -> str:
    """What is stored of an author: HMAC-SHA-256 of their key, in hexadecimal."""
    return hmac.digest(secret, key.encode(errors="surrogatepass"), "sha256").hex()


def check_hash(secret: bytes) -> str:
    """What is stored so that another secret is noticed."""
    return author_hash(secret, NOBODY)


def kind_of(key: str) -> ErasureKind:
    """What kind of author a key is that of."""
    if key.startswith("guest:"):
        return "guest"
    return "unknown" if key.startswith("unknown:") else "member"


@dataclass(frozen=True, slots=True)
class Erasures:
    """
    Who is forgotten in an edition.

    Args:
        secret: FORGET_KEY.

        hashes: Of authors and spellings.

        guests: Whether anybody but members may be among them.
    """

    secret: bytes = field(repr=False)
    hashes: frozenset[str]
    guests: bool

    def __call__(self, key: str) -> bool:
        """Whether the author with this key is forgotten."""
        return bool(key) and _hash(self.secret, key) in self.hashes

    @classmethod
    def of(cls, secret: bytes, rows: Mapping[str, ErasureKind]) -> "Erasures":
        """
        Those that are stored.

        Args:
            rows: Hash → kind.
        """
        hashes = frozenset(hash for hash, kind in rows.items() if kind != "check")
        return cls(secret, hashes, any(kind not in ("member", "check") for kind in rows.values()))


@lru_cache(maxsize=20_000)
def _hash(secret: bytes, key: str) -> str:
    return author_hash(secret, key)
