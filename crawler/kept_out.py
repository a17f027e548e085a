"""
Those who are to be forgotten, kept out of everything that is stored from now on.

The crawl asks before an answer goes to the disk, reparse and import before a page is read. What is cut, and how, is
`crawler.dle.redaction`; who it is, `crawler.normalise.erasure`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from crawler.dle.redaction import beginning, redacted
from crawler.dle.skins import Skin
from crawler.errors import BadArgument, CannotStore, NotUnderstood
from crawler.fetching.rewriting import NEW, destroy
from crawler.normalise.erasure import Erasures, check_hash
from crawler.reading import MAX_BYTES, refuse_pathological
from crawler.storage.erasures import erased, names_file
from crawler.visiting import SiteReader

JOURNAL: Final = "forgetting.json"
"""The file in the archive's folder that tells of a forgetting that is not finished."""

MIN_SECRET: Final = 16
"""Shortest FORGET_KEY, in characters: a shorter one could be found by trying."""

NOT_OVERWRITTEN: Final = (
    "The files of the database still hold what was deleted, as somebody uses it or its disk is full: "
    "forget that person once more when nobody does."
)
"""What to tell where the database has not given up what deleted rows have left in its files."""


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Who is to be forgotten, by edition; and how the pages of each edition are read."""

    erasures: Mapping[int, Erasures]
    readers: Mapping[int, SiteReader]

    def __bool__(self) -> bool:
        return any(some.hashes for some in self.erasures.values())

    def without(self, edition_id: int, url: str, body: bytes) -> bytes:
        """
        A page of an edition without those who are forgotten there; the very same object where it shows none.

        Args:
            body: The whole answer, after content decoding.
        """
        some = self.erasures.get(edition_id)
        if some is None or not some.hashes:
            return body
        reader = self.readers[edition_id]
        return redacted_body(
            body,
            some,
            url=url,
            charset=reader.site.charset,
            skins=reader.pages.comment_skins,
            guests=some.guests,
        )

    def reading(self, readers: Mapping[int, SiteReader]) -> dict[int, SiteReader]:
        """The readers, so that they see nothing of those who are forgotten."""
        return {
            id: SiteReader(site=reader.site, pages=reader.pages, without=self.without if self else None)
            for id, reader in readers.items()
        }


def redacted_body(
    body: bytes,
    is_forgotten: Callable[[str], bool],
    *,
    url: str,
    charset: str,
    skins: tuple[Skin, ...],
    guests: bool,
) -> bytes:
    """
    A page's bytes without those who are forgotten; the very same object where it shows none of them.

    One that is not written as the site's pages are is looked at in two ways: with its undecodable bytes left out of
    account, and as pages were written before UTF-8.
    """

    def without(text: str) -> str:
        readable = len(body) <= MAX_BYTES
        if readable and not beginning(text).startswith("{"):
            try:
                refuse_pathological(text, url)
            except NotUnderstood:
                readable = False
        return redacted(text, is_forgotten, url=url, skins=skins, guests=guests, readable=readable)

    try:
        text = body.decode(charset)
    except UnicodeDecodeError:
        pass
    else:
        new = without(text)
        return body if new is text else new.encode(charset)
    text = body.decode("utf-8", "surrogateescape").translate(_STANDING_IN)
    new = without(text)
    if new is not text:
        body = new.translate(_STOOD_FOR).encode("utf-8", "surrogateescape")
    text = body.decode("windows-1251", "surrogateescape").translate(_STANDING_IN)
    new = without(text)
    return body if new is text else new.translate(_STOOD_FOR).encode("windows-1251", "surrogateescape")


#: What Python makes of a byte that cannot be decoded, which no parser takes; and what stands in for it, characters of
#: private use that no page has.
_STANDING_IN: Final = {0xDC00 + byte: 0x10FE00 + byte for byte in range(0x80, 0x100)}
_STOOD_FOR: Final = {there: byte for byte, there in _STANDING_IN.items()}


def loaded(
    run: Callable[..., Any],
    edition_ids: Iterable[int],
    readers: Mapping[int, SiteReader],
    secret: str | None,
) -> KeptOut:
    """
    Those who are forgotten in these editions.

    Args:
        run: Calls a function of `storage` with a connection first.

        secret: FORGET_KEY.

    Raises:
        BadArgument: Somebody is, and FORGET_KEY is missing or not the one with which they were.
    """
    rows: Mapping[int, Mapping[str, Any]] = run(erased, sorted(edition_ids))
    if not rows:
        return KeptOut({}, readers)
    if not secret:
        raise BadArgument(
            "People were forgotten in this archive, and without FORGET_KEY they would come back. "
            "Set FORGET_KEY to the key with which they were."
        )
    key = secret.encode()
    for some in rows.values():
        if check_hash(key) not in some:
            raise BadArgument(
                "FORGET_KEY is not the key with which people were forgotten in this archive; with another one they "
                "would come back. Set it to the one of then."
            )
    return KeptOut({id: Erasures.of(key, some) for id, some in rows.items()}, readers)


def finished(
    folder: Path, run: Callable[..., Any], edition_ids: Collection[int], overwrite: Callable[[], object]
) -> bool | None:
    """
    Finish what a forgetting that was cut short has left in the archive; see `crawler.forget`.

    Args:
        run: Calls a function of `storage` with a connection first.

        edition_ids: The editions of which the caller holds the locks. One in which somebody was to be forgotten is
            enough: nobody forgets there any more. What concerns others alone is left alone.

        overwrite: Lets the database give up what deleted rows have left in its files.

    Returns:
        None where there was nothing to do. True where the old files were still to be destroyed; False where the
        database had not yet heard of the new ones: then those are, and somebody has to forget once more.
    """
    journal = folder / JOURNAL
    try:
        text = journal.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    told = json.loads(text)
    hashes = {int(id): hash for id, hash in told["hashes"].items()}
    if hashes.keys().isdisjoint(edition_ids):
        return None
    known = run(erased, list(hashes))
    if any(hash not in known.get(id, {}) for id, hash in hashes.items()):
        return None  # it was another database that was to forget
    new = told["new"]
    if run(names_file, told["old"]):
        destroy(folder, [*new, *(name + NEW for name in new)])
        _closed(journal, text)
        return False
    # What only the archive knew has no row that could tell; but the new files are whole.
    for name in new:
        with suppress(FileNotFoundError):
            (folder / (name + NEW)).rename(folder / name)
    missing = [name for name in new if not (folder / name).exists()]
    if missing:
        raise CannotStore(f"The archive lacks {missing[0]}, which is to take the place of an older file.")
    destroy(folder, told["old"])
    overwrite()
    _closed(journal, text)
    return True


def _closed(journal: Path, text: str) -> None:
    """Remove a journal. Who holds the lock of another edition may have done so meanwhile, and begun the next."""
    with suppress(FileNotFoundError):
        if journal.read_text(encoding="utf-8") == text:
            destroy(journal.parent, [JOURNAL])
