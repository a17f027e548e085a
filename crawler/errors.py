"""
Everything that can go wrong, grouped by what to do about it.

    CrawlerError
    ├── NotUnderstood            the page (or a part of it) is not what we think: keep it, count it, go on
    │   └── UnreadableDate
    ├── BadRecord                a record of the archive is missing or damaged: name it, count it, go on
    └── Stop                     the crawl or command cannot go on; each kind has its exit code
        ├── BadArgument      2   what was asked for makes no sense: correct it, ask again
        ├── AlreadyRunning  75   another crawl of this edition holds the lock: come back later
        ├── CannotStore      3   the database or the archive cannot be used: mend it first
        │   ├── UnreadableValue  a row holds what nobody can read: `crawler verify` tells which
        │   └── RowsDisagree     somebody changed one row and not the others: likewise
        └── SiteRefuses      4   the site is unreachable or does not want us: come back later

What passes by itself (a time-out, a 503) is not an error but an outcome of a fetch: see
`crawler.items.FetchOutcome`.
"""

from typing import ClassVar, Literal

PageKind = Literal[
    "article",  # an article with a page of its comments
    "answer",  # a page of comments alone, as it is loaded by script
    "listing",  # a list of articles: section, day, front page
    "feed",
    "sitemap",
    "print",  # an article made for paper: it says nothing of comments
    "not_found",  # the site says that there is nothing here, whatever the status
    "moved",  # leads on to another page, or shows another article
    "login",  # for members only
    "check",  # a check for humans or browsers: captcha, proof of work, "checking your browser"
    "blocked",  # somebody in front of the site does not let us in
    "maintenance",  # the site is closed for now
    "database_error",  # the engine cannot reach its database
    "parked",  # the host has no site: domain for sale, account suspended
    "garbled",  # the letters were decoded wrongly before they came to us
]
"""What a page is. The last nine come in place of the page that was asked for, often with status 200."""

OBSTACLES: frozenset[PageKind] = frozenset(("check", "blocked", "maintenance", "database_error", "parked"))
"""Kinds that stand between us and the site: nothing is to be mended in the reader, come back later."""


class CrawlerError(Exception):
    """Base of all our errors; its text is one sentence or two for the person at the terminal."""


class NotUnderstood(CrawlerError):
    """A page is not the page that we think it is; the text names what was missing and the address."""

    #: What it is instead; None where nobody knows, such as a page of a new layout.
    kind: PageKind | None

    def __init__(self, message: str, *, kind: PageKind | None = None) -> None:
        super().__init__(message)
        self.kind = kind


class UnreadableDate(NotUnderstood):
    """The words of a date are of no known form, or name a moment that cannot be."""


class BadRecord(CrawlerError):
    """A record of the archive cannot be read; the text says where it stands and what is wrong with it."""

    def __init__(self, file: str, offset: int, problem: str) -> None:
        super().__init__(f"{file} at byte {offset}: {problem}")
        #: The file, relative to the archive's folder.
        self.file = file
        #: Where the record begins, in bytes.
        self.offset = offset
        self.problem = problem

    def __reduce__(self) -> tuple[type["BadRecord"], tuple[str, int, str]]:
        # Exceptions travel between processes by their text alone, if nothing else is said.
        return BadRecord, (self.file, self.offset, self.problem)


class Stop(CrawlerError):
    """The crawl or the command cannot go on."""

    exit_code: ClassVar[int] = 1


class BadArgument(Stop):
    """An argument or setting makes no sense."""

    exit_code = 2


class AlreadyRunning(Stop):
    """Another crawl of this edition is running."""

    exit_code = 75


class CannotStore(Stop):
    """The database or the archive cannot be used."""

    exit_code = 3


class UnreadableValue(CannotStore):
    """A row of the database holds what is no time, no JSON or no text; SQLite lets anything in."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The database cannot be used: {problem}. `crawler verify` tells where.")
        self.problem = problem


class RowsDisagree(CannotStore):
    """Rows of the database name different articles for one and the same thing; the text says which."""


class SiteRefuses(Stop):
    """The site cannot be reached or does not want to be crawled."""

    exit_code = 4
