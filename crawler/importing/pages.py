"""
The pages of our threads that stand in foreign files, as they are to be archived.

A revisit says only that a page was the same as another one: its body is looked for in a second reading of the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from crawler.fetching.capture import Capture
from crawler.fetching.foreign import ForeignRecord, payload_name, records
from crawler.fetching.foreign_answers import answer
from crawler.importing.captures import PageAt, capture, hosts, original_date, page_at
from crawler.importing.summary import Summary
from crawler.importing.taking import Taker
from crawler.site import Edition
from crawler.sites import readers
from crawler.work import Progress, Say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repeat:
    """A revisit: a page that was the same as one that stands elsewhere in these files."""

    page: PageAt
    #: Header Date of its own answer; empty where it has none.
    date: bytes
    #: As `payload_name` has it; None where it names no digest.
    digest: str | None
    #: Names its original: by the digest of its body, by its number, by its moment and address.
    originals: tuple[str, ...]


def take_pages(
    files: Sequence[Path],
    taker: Taker,
    editions: Sequence[Edition],
    summary: Summary,
    *,
    now: datetime,
    say: Say,
) -> None:
    """Hand on the pages that are in these files."""
    known = hosts([edition for reader in readers().values() for edition in reader.site.editions])
    chosen = {edition.id for edition in editions}
    total = sum(path.stat().st_size for path in files) / 1e6
    progress = Progress(say, "read", total, "MB")
    read = 0

    def page_of(record: ForeignRecord) -> PageAt | None:
        nonlocal read
        summary.records += 1
        progress.add(max(record.read - read, 0) / 1e6)
        read = record.read
        found: PageAt | str = "kind"
        if record.kind in ("response", "revisit"):
            found = page_at(record, known, now=now)
        if isinstance(found, PageAt) and found.edition.id not in chosen:
            found = "other_edition"
        if isinstance(found, PageAt):
            return found
        summary.pass_over(found)
        return None

    repeats: list[_Repeat] = []
    for path in files:
        read = 0
        for record, page in records(path, wanted=page_of, bad=summary.bad):
            found = _repeat(page, record) if record.kind == "revisit" else _captured(page, record)
            match found:
                case _Repeat():
                    repeats.append(found)
                case Capture():
                    taker.take(found)
                case reason:
                    summary.pass_over(reason)
    _take_repeats(files, repeats, taker, summary)
    taker.finish()


def _captured(page: PageAt, record: ForeignRecord, date: bytes | None = None) -> Capture | str:
    """What is archived of a record, or why nothing is."""
    found = answer(record.block, date=date)
    if found is not None and date is None and (own := original_date(page, found)) is not None:
        found = answer(record.block, date=own)
    if found is None:
        return "no_answer"
    if found.status != 200:
        return f"status {found.status}"
    if not found.body:
        return "empty"
    truncated = record.fields.get("warc-truncated")
    if truncated is None and "warc-segment-number" in record.fields:
        truncated = "length"  # the first part of several
    return capture(page, found, truncated=truncated)


def _repeat(page: PageAt, record: ForeignRecord) -> _Repeat | str:
    own = answer(record.block)
    if own is not None and own.status != 200:
        return f"status {own.status}"
    if "not-modified" in record.fields.get("warc-profile", ""):
        return "status 304"
    dates = own.values(b"Date") if own is not None else []
    return _Repeat(
        page=page,
        date=dates[-1] if dates else b"",
        digest=payload_name(record),
        originals=_names(record, "warc-refers-to", "warc-refers-to-date", "warc-refers-to-target-uri"),
    )


def _names(record: ForeignRecord, number: str, date: str, uri: str) -> tuple[str, ...]:
    """What names a body, by the fields that a record has of these."""
    at, where = record.fields.get(date, ""), record.fields.get(uri, "").strip("<> ")
    names = (payload_name(record), record.fields.get(number), at and where and f"{at} {where}")
    return tuple(name for name in names if name)


def _take_repeats(files: Sequence[Path], repeats: Sequence[_Repeat], taker: Taker, summary: Summary) -> None:
    """Look for the bodies of revisits, in a second reading of the files."""
    waiting: dict[str, set[int]] = {}  # their places in `repeats`
    left = set(range(len(repeats)))
    for place, repeat in enumerate(repeats):
        for name in repeat.originals:
            waiting.setdefault(name, set()).add(place)

    def repeated(record: ForeignRecord) -> set[int] | None:
        if record.kind != "response":
            return None
        digest = payload_name(record)
        found: set[int] = set()
        for name in _names(record, "warc-record-id", "warc-date", "warc-target-uri"):
            found |= waiting.get(name, set()) & left
        # Who names both should know: the body of another digest is another one.
        return {place for place in found if digest is None or repeats[place].digest in (None, digest)} or None

    for path in files if left else ():
        for record, places in records(path, wanted=repeated, bad=str):  # what is damaged was told before
            left -= places
            for place in sorted(places):
                found = _captured(repeats[place].page, record, repeats[place].date)
                if isinstance(found, Capture):
                    taker.take(found)
                else:
                    summary.pass_over(found)
    for _ in left:
        summary.pass_over("repeats")
