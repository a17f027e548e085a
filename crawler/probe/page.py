"""The page that is probed: where it comes from, and how it is kept as a test case."""

import dataclasses
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from crawler.errors import BadArgument, CannotStore
from crawler.items import ArticlePage, CommentAnswer, ListingPage
from crawler.reading import MAX_BYTES
from crawler.site import Edition
from crawler.sites.military_review import SITE

#: Where the saved pages of a site are, in the project's folder.
CASES = Path("tests/sites")

_CASE = re.compile(r"[a-z0-9][a-z0-9_]{0,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it came, and what must be known to read it."""

    url: str
    edition: Edition
    #: When it was served, aware: relative dates count from here.
    at: datetime
    body: bytes
    #: HTTP status; None for a page from a file.
    status: int | None = None
    #: Where it redirects to, if it does.
    location: str | None = None


def edition_of(url: str | None, code: str | None) -> Edition:
    """
    The edition with this code; for None the one whose host the address has, or else the site's first.

    Raises:
        BadArgument: There is no such edition.
    """
    if code is not None:
        try:
            return SITE.edition(code)
        except KeyError:
            codes = ", ".join(edition.code for edition in SITE.editions)
            raise BadArgument(f"--edition {code}: {SITE.title} has the editions {codes}.") from None
    by_host = {urlsplit(edition.base_url).hostname: edition for edition in SITE.editions}
    return by_host.get(_host(url), SITE.editions[0])


def page_of_file(path: Path, *, url: str | None, edition: str | None) -> Page:
    """
    The page in a file.

    Its address, edition and day are what was given, or else what stands beside it: in source.txt as in a test
    case, or in the .meta.json of `crawler doctor --site`. Without these the address is the one that the page
    itself names, and the day that of the file.

    Args:
        path: The file, or the folder of a test case.

    Raises:
        BadArgument: There is no such file, no such edition, or nothing says what the page's address is.
    """
    if path.is_dir():
        path = path / "page.html"
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)  # one more, so that a page that is too long is seen to be
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise BadArgument(f"{path} cannot be read: {error.strerror}.") from error
    beside = _beside(path)
    place = url or beside.get("url") or _own_address(body)
    if place is None:
        if _is_text(body):
            raise BadArgument(f"{path} does not name its own address: say it with --url.")
        place = str(path)  # It will not be understood under any address.
    return Page(
        url=place,
        edition=edition_of(place, edition or beside.get("edition")),
        at=_moment(beside["fetched"], path) if "fetched" in beside else written,
        body=body,
    )


def _beside(path: Path) -> dict[str, str]:
    """What the files beside a page say of it: url, edition, fetched, as far as they do."""
    source = path.with_name("source.txt")
    about = path.with_name(f"{path.name}.meta.json")
    try:
        if path.name == "page.html" and source.is_file():
            lines = source.read_text(encoding="utf-8").splitlines()
            return dict(line.split(": ", 1) for line in lines[:3] if ": " in line)
        if about.is_file():
            told = json.loads(about.read_text(encoding="utf-8"))
            return {"url": str(told["url"]), "fetched": str(told["received_at"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadArgument(f"What stands beside {path} cannot be read: {error!r}.") from error
    return {}


def _moment(text: str, path: Path) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadArgument(f"Beside {path} stands {text!r}: write such a moment as 2027-02-02T10:00:00+00:00.")
    return moment


def _own_address(body: bytes) -> str | None:
    """The address that a page names as its own."""
    head = LexborHTMLParser(body[:100_000].decode(SITE.charset, errors="replace")).head
    if head is None:
        return None
    for node in head.css("link[rel='canonical'], meta[property='og:url']"):
        place = (node.attributes.get("href") or node.attributes.get("content") or "").strip()
        if _host(place):
            return place
    return None


def _is_text(body: bytes) -> bool:
    try:
        body.decode(SITE.charset)
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def case_folder(name: str, *, force: bool) -> Path:
    """
    The folder of a test case that is to be saved.

    Raises:
        BadArgument: That is no name for a case, there is one of this name, or this is not the project's folder.
    """
    if not _CASE.fullmatch(name):
        raise BadArgument(f"{name}: name a case in small letters, digits and _, such as comments_2027.")
    if not CASES.is_dir():
        raise BadArgument(
            f"There is no folder {CASES} here: saved pages belong to the project, run this in it."
        )
    folder = CASES / SITE.name / "pages" / name
    if folder.exists() and not force:
        raise BadArgument(f"{folder} exists. Take another name, or --force to write over it.")
    return folder


def save_case(
    folder: Path, page: Page, read: ArticlePage | ListingPage | CommentAnswer | None, stopped_by: str | None
) -> None:
    """
    Keep a page as a test case; what was read from it is the draft of what should be.

    Raises:
        CannotStore: The folder cannot be written.
    """
    expected = {"error": stopped_by} if read is None else _draft(dataclasses.asdict(read))
    source = (
        f"url: {page.url}\nedition: {page.edition.code}\nfetched: {page.at.isoformat(timespec='seconds')}\n\n"
        f"Saved on {datetime.now(UTC):%Y-%m-%d}. Say here what this page is there to show.\n"
        "expected.json is what was read on that day: correct it by hand, and leave out what does not matter.\n"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "page.html").write_bytes(page.body)
        (folder / "source.txt").write_text(source, encoding="utf-8")
        told = json.dumps(expected, ensure_ascii=False, indent=2)
        (folder / "expected.json").write_text(told + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotStore(f"{folder} cannot be written: {error.strerror}.") from error


def _draft(value: Any) -> Any:
    """A value without the hashes of markup, which say nothing to a person who corrects it."""
    if isinstance(value, dict):
        return {key: _draft(inner) for key, inner in value.items() if key != "source_hash"}
    if isinstance(value, list | tuple):
        return [_draft(inner) for inner in value]
    return value
