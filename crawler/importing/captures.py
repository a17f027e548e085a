"""Which records of a foreign archive are pages of our threads, and what our archive holds of them."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, get_args
from urllib.parse import quote, urlsplit

from crawler.dle.addresses import address
from crawler.fetching.bodies import looked_at, packings
from crawler.fetching.capture import Capture, Truncation
from crawler.fetching.foreign import MAX_RECORD, ForeignRecord
from crawler.fetching.foreign_answers import ForeignAnswer
from crawler.fetching.headers import one_line
from crawler.items import ArticlePage, Fetch, FetchKind
from crawler.normalise.timestamps import TOLERANCE, named_moment
from crawler.reading import MAX_BYTES
from crawler.site import Edition, Site

#: Why a record is passed over, in words; a status other than 200 has its number behind it.
REASONS: Final[Mapping[str, str]] = {
    "kind": "no answers: requests, notes, files made from others",
    "other_site": "other sites",
    "other_edition": "other editions",
    "robots": "robots.txt",
    "no_page": "not pages of a thread",
    "print": "made for paper, without comments",
    "rewritten": "rewritten by the Wayback Machine (ask it for addresses with id_)",
    "status": "status",
    "no_answer": "no HTTP",
    "empty": "empty",
    "too_long": "longer than any page",
    "no_date": "without a date",
    "wrong_date": "from the future, or from before the Web: a clock was wrong",
    "later_years": "with dates of later years alone: the date of the capture is wrong",
    "repeats": "repeat a page that is not in these files",
}

#: The fields of a comment page, and of an article by its number alone.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Nobody archived the Web before.
_FIRST: Final = datetime(1996, 1, 1, tzinfo=UTC)
_WAYBACK: Final = re.compile(
    r"https?://web\.archive\.org(?::80|:443)?/web/([0-9]{14})([a-z]{2}_)?/(.+)", re.IGNORECASE
)
_YEAR: Final = re.compile(rb"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_COMMA: Final = re.compile("%2c", re.IGNORECASE)
_SAFE: Final = "".join(map(chr, range(33, 127)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAt:
    """A page of a thread that somebody archived."""

    edition: Edition
    #: Its address, as the edition has it today.
    url: str
    kind: FetchKind
    article_id: int
    #: Page of the comments.
    number: int
    at: datetime
    #: Where it stood in the foreign archive, see `crawler.fetching.capture.Capture`.
    origin: Mapping[str, str]
    #: Whether it was fetched from another archive, whose clock is not that of the page.
    through_archive: bool = False


def hosts(editions: Collection[Edition]) -> dict[str, Edition]:
    """The editions by their hosts."""
    return {urlsplit(edition.base_url).hostname or "": edition for edition in editions}


def page_at(record: ForeignRecord, known: Mapping[str, Edition], *, now: datetime) -> PageAt | str:
    """
    The page of a thread that a record holds; or one of `REASONS` why it is none.

    Args:
        known: All editions by their hosts.

        now: The time, to tell a capture from the future.
    """
    uri = record.fields.get("warc-target-uri", "").strip("<> ")
    date = record.fields.get("warc-date", "")
    wrapped = _WAYBACK.fullmatch(uri)
    if wrapped is not None:
        digits, uri = wrapped[1], wrapped[3]
        date = f"{digits[:8]}T{digits[8:]}Z"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "other_site"
    edition = known.get(host.rstrip(".").removeprefix("www."))
    if edition is None or parts.scheme not in ("http", "https") or port not in (None, 80, 443):
        return "other_site"
    if parts.path == "/robots.txt":
        return "robots"
    path = parts._replace(scheme="", netloc="", fragment="", path=_COMMA.sub(",", parts.path)).geturl()
    where = address(path)
    if where is None:
        return "no_page"
    if where.printed:
        return "print"
    if wrapped is not None and (wrapped[2] or "").lower() != "id_":
        return "rewritten"
    if record.length > MAX_RECORD:
        return "too_long"
    at = _moment(date)
    if at is None:
        return "no_date"
    if not _FIRST <= at <= now:
        return "wrong_date"
    kind: FetchKind = "number" if where.slug is None else "comments" if where.comment_page > 1 else "article"
    origin = {
        "File": record.file,
        "Record-Id": record.fields.get("warc-record-id", ""),
        "Uri": record.fields.get("warc-target-uri", ""),
        "Date": record.fields.get("warc-date", ""),
    }
    return PageAt(
        edition=edition,
        url=edition.base_url + quote(path, safe=_SAFE),
        kind=kind,
        article_id=where.id,
        number=where.comment_page,
        at=at,
        origin={name: one_line(value) for name, value in origin.items() if value},
        through_archive=wrapped is not None,
    )


def _moment(date: str) -> datetime | None:
    """A moment as WARC has it, which is always in UTC; None where it is none, or only a day."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return None
    if "T" not in date:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def original_date(page: PageAt, found: ForeignAnswer) -> bytes | None:
    """The Date of an answer that came through another archive, from the site's own clock; empty where it is lost."""
    if not page.through_archive:
        return None
    return next(iter(found.values(b"X-Archive-Orig-Date")), b"")


def capture(page: PageAt, found: ForeignAnswer, *, truncated: str | None) -> Capture:
    """
    What is archived of a page: with an outcome that says whether it came whole, as in a crawl.

    Its number is that of its moment; another fetch may have the same.

    Args:
        truncated: The record's own word on it, WARC-Truncated.
    """
    body = found.body
    encodings = found.values(b"Content-Encoding")
    flags = found.flags | {"dataloss"} if truncated else found.flags
    looked = looked_at(
        body, encodings=encodings, headers=len(found.headers), flags=flags, max_bytes=MAX_BYTES
    )
    outcome, detail = looked.fault or ("ok", None)
    cut: Truncation | None = None
    if outcome == "incomplete":
        cut = next((word for word in get_args(Truncation) if word == truncated), "unspecified")
    fetch = Fetch(
        id=(page.at - _EPOCH) // timedelta(microseconds=1) * 100 + page.edition.id,
        edition_id=page.edition.id,
        kind=page.kind,
        url=page.url,
        fetched_at=page.at,
        status=found.status,
        bytes=len(body),
        digest=hashlib.sha256(body).hexdigest(),
        outcome=outcome,
        detail=detail and one_line(detail),
        article_id=page.article_id,
        page=page.number,
        source="import",
    )
    return Capture(
        fetch=fetch,
        request_head=None,
        response_head=found.head,
        body=body,
        packed=bool(packings(encodings)),
        truncated=cut,
        origin=page.origin,
    )


def may_be_of_later_years(text: bytes, at: datetime) -> bool:
    """Whether a page, unpacked, has the number of a later year anywhere: only then is it worth reading for that."""
    last = (at + TOLERANCE).year
    return any(int(year) > last for year in _YEAR.findall(text))


def is_of_later_years(page: ArticlePage, at: datetime, edition: Edition, site: Site) -> bool:
    """
    Whether all dates that a page writes out are of later years than its capture, so that this cannot be its date.

    One date may be wrong on the page itself. What counts from the clock of the capture, and days without a time, are no
    evidence.
    """
    article = page.article
    written = [article.published_machine, article.published_raw]
    for comment in page.comments.comments:
        written += [comment.posted_machine, comment.posted_raw]
    words = site.date_words[edition.code]
    named = [named_moment(one, zone=site.time_zone, words=words) for one in written if one]
    last = (at + TOLERANCE).year
    years = [moment.at.year for moment in named if moment is not None]
    return bool(years) and min(years) > last
