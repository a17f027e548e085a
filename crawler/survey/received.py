"""What came of each request of the survey, and where it is kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from crawler.errors import CannotStore, NotUnderstood
from crawler.items import ArticlePage, CommentAnswer, ListingPage
from crawler.reading import PageReaders, read
from crawler.site import Edition, Site

Purpose = Literal[
    "robots",
    "front",
    "feed",
    "sitemap",
    "article",  # one with many comments, of the front page
    "comments",  # its second comment page
    "beyond",  # the comment page behind its last
    "ajax",  # its second comment page, as a script would ask for it
    "seed",  # an article of 2017 whose thread is known
    "old",  # an article from the time before threads were trees
]
"""What a page was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came of one request: an answer, or the reason why there is none."""

    edition: Edition
    purpose: Purpose
    #: The address as asked.
    url: str
    at: datetime
    #: The server's clock where it is sane, else `at`: relative dates count from it.
    seen_at: datetime
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    #: Why there is no answer, in words.
    failure: str | None = None
    #: Whether a request was really sent for it.
    sent: bool = False
    #: Name of the file that the body is kept in; None where there was no answer.
    file: str | None = None

    @property
    def text(self) -> str:
        """The body as UTF-8, whatever it is: for looking into, not for storing."""
        return self.body.decode(errors="replace")

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class NothingReceived(Exception):
    """A page that a question needs did not come; the text says why."""


@dataclass(slots=True, kw_only=True)
class Survey:
    """All that was received, and what is needed to read it."""

    site: Site
    readers: PageReaders
    #: The edition that is asked most; the others follow.
    editions: Sequence[Edition]
    user_agent: str
    #: In the order in which it came.
    received: list[Received] = field(default_factory=list)
    #: What ended it early; None where nothing did.
    stopped_by: Exception | None = None

    @property
    def main(self) -> Edition:
        return self.editions[0]

    @property
    def asked(self) -> list[Received]:
        """What was really sent, robots.txt included."""
        return [each for each in self.received if each.sent]

    @property
    def answered(self) -> int:
        """How many answers came, whatever they were."""
        return sum(each.status is not None for each in self.received)

    def all(self, purpose: Purpose | None = None) -> Iterator[Received]:
        """What was received, in the order in which it came."""
        return (each for each in self.received if purpose in (None, each.purpose))

    def found(self, purpose: Purpose, edition: Edition | None = None) -> Received | None:
        """The last answer with status 200 to what was asked for this purpose; None where none came."""
        wanted = edition or self.main
        good = [each for each in self.all(purpose) if each.edition == wanted and each.status == 200]
        return good[-1] if good else None

    def page(self, purpose: Purpose, edition: Edition | None = None) -> Received:
        """The same. Raises NothingReceived where none came."""
        wanted = edition or self.main
        found = self.found(purpose, wanted)
        if found is not None:
            return found
        tried = [each for each in self.all(purpose) if each.edition == wanted]
        if not tried:
            raise NothingReceived(f"the page for it ({purpose}) was not asked for")
        raise NothingReceived(f"{tried[-1].url} {tried[-1].failure or f'answered {tried[-1].status}'}")

    def read(self, page: Received) -> ArticlePage | ListingPage | CommentAnswer:
        """What the page says. Raises NotUnderstood."""
        return read(
            page.body,
            url=page.url,
            fetched_at=page.at,
            edition=page.edition,
            charset=self.site.charset,
            pages=self.readers,
        )

    def article(self, page: Received) -> ArticlePage:
        """What the article page says. Raises NotUnderstood."""
        what = self.read(page)
        if not isinstance(what, ArticlePage):
            raise NotUnderstood(f"{page.url} shows a list where an article was expected")
        return what


def file_name(purpose: Purpose, edition: Edition, content_type: str, number: int) -> str:
    """
    The name of the file for a page: "article.en.html", "ajax-2.en.json".

    Args:
        number: 1 for the first answer that came for this purpose in this edition, 2 for the next …
    """
    suffix = next((suffix for suffix in ("html", "xml", "json") if suffix in content_type.lower()), "txt")
    return f"{purpose}{'' if number == 1 else f'-{number}'}.{edition.code}.{suffix}"


def keep(folder: Path, page: Received) -> None:
    """
    Write a page into the folder, and what is known of it beside it; a later survey writes over it.

    Raises:
        CannotStore: The folder cannot be written.
    """
    if page.file is None:
        return
    about = {
        "url": page.url,
        "status": page.status,
        "received_at": f"{page.at:%Y-%m-%dT%H:%M:%SZ}",
        "headers": page.headers,
    }
    write(folder / page.file, page.body)
    write(folder / f"{page.file}.meta.json", json.dumps(about, ensure_ascii=False, indent=2).encode() + b"\n")


def write(path: Path, body: bytes) -> None:
    """Write a file of the survey. Raises CannotStore."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except OSError as error:
        raise CannotStore(
            f"{path} cannot be written: {error.strerror}. Name another folder: crawler doctor --site --folder …"
        ) from error
