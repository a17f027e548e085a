"""
What a page says, as frozen values.

Two families. What reading returns is as written on the page: `Article`, `Comment`, `CommentPage`,
`ArticlePage`, `ListingPage`. What normalising makes of it is ready to be stored: `NormalArticle`,
`NormalComment`, each holding the written value it was made from, so that raw stands beside
understood all the way into the database.

A field without a default is always there: reading a page that lacks it raises `NotUnderstood`.
A field that may be None is one that a page may lack.
"""

from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from typing import Any, Literal, TypeVar, cast

from crawler.site import Edition

ParentSource = Literal["root", "tree", "recovered", "capped", "mention", "quote"]
"""
How a comment's parent is known.

root       it answers no comment
tree       nested on the page
recovered  proved from the raw tokens, where HTML parsers lose it
capped     the page flattens below its depth limit: the deepest ancestor that the page proves
mention    inferred from a mention of the answered author at the start of the text
quote      inferred from a quotation
"""

AuthorKind = Literal["member", "guest", "unknown"]
"""member: has a profile link · guest: has none, on a page that we understand · unknown: neither is sure"""

Precision = Literal["minute", "hour", "day"]
"""How exactly a date is known: "3 hours ago" is known to the hour."""

Change = Literal[
    "new",  # seen for the first time
    "edit",  # other words, links or pictures, or another date
    "merge",  # words added at the end and a later date: the engine joins what an author writes in a row
    "translation",  # other words in an edition that is a translation: possibly only translated anew
    "rename",  # another author or another spelling, the same words
    "move",  # a comment below another parent or article; an article at another address
    "missing",  # not there any more
    "gone",  # still not there
    "return",  # there again
]
"""How a state of a comment or article came about: what the site did."""

FetchKind = Literal["robots", "feed", "listing", "archive", "sitemap", "number", "article", "comments"]
"""What was asked for; number: an article by its number alone · archive: the articles of a day"""

FetchOutcome = Literal[
    "ok",  # understood
    "moved",  # a redirect
    "not_found",  # 404 or 410
    "refused",  # another 4xx: 401, 403, 429 …
    "server_error",  # 5xx
    "not_understood",  # answered, but not the page that we think it is
    "incomplete",  # the body is shorter than it should be, or damaged
    "too_big",  # longer than we read
    "dns_error",  # the host's name has no address
    "tls_error",  # no trusted encryption
    "timeout",  # no answer in time
    "unreachable",  # connection refused or lost
    "failed",  # anything else: see detail
]
"""What came of one HTTP exchange."""

FetchSource = Literal["live", "import"]
"""live: we asked the site · import: taken out of somebody else's archive"""

VisitOutcome = Literal[
    "swept",  # all comment pages read and understood, the end proven
    "miscounted",  # the same, but the site states another number of comments than it shows
    "suspect",  # the same, but over a fifth of the thread is missing at once
    "partial",  # some pages read, then something went wrong
    "moved",  # the article lives under another number or is the front page now
    "not_found",  # 404 or 410
    "refused",  # the site or its robots.txt does not want us there
    "not_understood",  # the first page is not the page that we think it is
    "unreachable",  # network or server trouble on the first page
    "stopped",  # the crawl ended before the visit did
]
"""What came of one try to read an article with all its comment pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quotation inside a comment: not the author's own words, so it is kept apart from the body."""

    text: str
    #: Who is quoted, as written; None where the quotation names nobody.
    author: str | None = None
    #: 1 for a quotation in the comment, 2 for one inside that one …
    level: int = 1
    #: Number of the quoted comment, where the page gives it.
    comment_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link in a text, with the address that it really leads to."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in an article or comment."""

    url: str
    caption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment as written on the page."""

    #: The site's own number.
    id: int
    #: Number of the comment that it answers; None for a root.
    parent_id: int | None
    parent_source: ParentSource
    #: The name as written, before any cleaning.
    nickname_raw: str
    author_kind: AuthorKind
    #: The name in the profile link, percent-decoded, "+" as a space, case and all else untouched.
    profile_name: str | None = None
    #: A real name that the page shows apart from the nickname.
    full_name: str | None = None
    #: The site's number of the member, where the page gives it.
    site_user_id: int | None = None
    #: The date in the visible text, as written.
    posted_raw: str | None = None
    #: A machine-readable date beside it (the attribute datetime), as written.
    posted_machine: str | None = None
    #: The author's own words as plain text: lines by line feeds, quotations taken out.
    body: str = ""
    quotes: tuple[Quote, ...] = ()
    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()
    rating: int | None = None
    #: Hash of the comment's own markup without what moves by itself (rating, relative date).
    source_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPage:
    """The comments of one page of a thread, in the order of the page."""

    #: 1 for the article's own address, 2 for /page,1,2,… and so on.
    number: int
    comments: tuple[Comment, ...]
    #: How many comments the page says the whole thread has.
    stated: int | None = None
    #: How many comment pages the page says there are.
    pages: int | None = None
    #: Path of the next comment page, where the page links to it.
    next_path: str | None = None
    #: True where the page says that no more comments are accepted.
    closed: bool = False
    #: True where the page shows no tree: that a comment seems to answer none then proves nothing.
    flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article as written on its page."""

    id: int
    #: Path on the site, the same in every edition: "/128836-slug.html".
    path: str
    title: str
    lead: str | None = None
    body: str = ""
    #: Notes that the site puts under the text, such as the list of banned organisations.
    footnotes: tuple[str, ...] = ()
    section: str | None = None
    byline: str | None = None
    source_credit: str | None = None
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    published_raw: str | None = None
    published_machine: str | None = None
    views: int | None = None
    rating: int | None = None
    comments_stated: int | None = None
    #: Which page of an article that is divided into pages this is: `body` is the text of this one alone.
    part: int = 1
    #: How many pages the article is divided into.
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePage:
    """A page that shows an article and one page of its comments."""

    article: Article
    comments: CommentPage
    #: Name of the skin whose selectors fitted; "unknown" where only the engine's ids did.
    skin: str
    #: What was noticed and did not stop the reading, in words: "comment 17 stands twice".
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentAnswer:
    """A page of comments alone, as the engine answers the script that loads them."""

    article_id: int
    comments: CommentPage
    #: As in `ArticlePage`.
    skin: str
    #: As in `ArticlePage`.
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An article that a listing, feed, archive or sitemap points to."""

    id: int
    #: Path on the site: "/128836-slug.html".
    path: str
    title: str | None = None
    #: Date as written there, best machine-readable.
    published_raw: str | None = None
    comments_stated: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """A page that points to articles."""

    entries: tuple[Entry, ...]
    #: Path of the next page of the same listing, where there is one.
    next_path: str | None = None
    #: Paths of further lists, where this page is an index of lists, as of sitemaps.
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """One identity within an edition."""

    #: Casefolded profile name of a member, "guest:" and casefolded nickname of a guest.
    key: str
    nickname: str
    kind: AuthorKind
    #: UTS #39 confusable skeleton of the nickname, to find look-alikes.
    skeleton: str
    profile_name: str | None = None
    full_name: str | None = None
    site_user_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A date that was read, and how exactly it is known."""

    #: Aware, in UTC.
    at: datetime
    precision: Precision

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"a moment needs a time zone, {self.at} has none")


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalComment:
    """A comment ready to be stored: what was understood beside what was written."""

    written: Comment
    #: None where the page names no author.
    author: Author | None
    #: None where the date cannot be read: never a guess.
    posted: Moment | None
    #: The written texts, cleaned: what is stored.
    body: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalArticle:
    """An article ready to be stored: what was understood beside what was written."""

    written: Article
    title: str
    lead: str | None
    body: str
    published: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPage:
    """An article page ready to be stored."""

    article: NormalArticle
    comments: tuple[NormalComment, ...]
    written: ArticlePage


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One HTTP exchange."""

    #: Grows with time and is unique over the whole archive: the order of all that was ever seen.
    id: int
    edition_id: int
    kind: FetchKind
    #: The address as asked.
    url: str
    fetched_at: datetime
    #: HTTP status; None where there was no answer.
    status: int | None = None
    #: Length of the body as sent, in bytes.
    bytes: int = 0
    #: SHA-256 of the body, in hexadecimal; None where there was none.
    digest: str | None = None
    outcome: FetchOutcome = "ok"
    #: One line on what happened, where the outcome is not "ok".
    detail: str | None = None
    #: The article that was asked for.
    article_id: int | None = None
    #: The comment page that was asked for.
    page: int | None = None
    #: File in which the answer is archived, relative to WARC_DIR; None before it is.
    warc_file: str | None = None
    #: Where its record begins in that file, in bytes.
    warc_offset: int | None = None
    source: FetchSource = "live"

    @property
    def was_read(self) -> bool:
        """Whether a reader looked at what came, understood or not."""
        answered = self.status is not None and 200 <= self.status < 300
        return self.kind != "robots" and (
            self.outcome in ("ok", "not_understood") or (answered and self.outcome in ("not_found", "failed"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An exchange as it stands in the table `fetches`."""

    fetch: Fetch
    crawl_id: int | None
    visit_id: int | None
    #: Version of the reader that read it, None where none did.
    reader_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One try to read an article with all its comment pages."""

    #: Grows with time and is unique over the whole archive, as that of a fetch is.
    id: int
    edition: Edition
    article_id: int
    #: The article's path on the site: what its page says, or as asked until that is read.
    path: str
    #: When its first fetch was made; until then, when it was begun.
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """
    What one HTTP exchange brought: the one item that the spider yields for each, stored in one transaction.

    A visit yields several, the last of them with `ends`. A request that was never sent (robots.txt forbids it, the
    site asked us to wait) has no fetch.
    """

    edition: Edition
    fetch: Fetch | None
    #: The article page that was read.
    page: ArticlePage | None = None
    #: The same, normalised.
    normal: NormalPage | None = None
    #: The server's clock when it answered: relative dates count from it.
    seen_at: datetime | None = None
    #: The articles that a listing, feed, archive or sitemap points to.
    entries: tuple[Entry, ...] = ()
    visit: Visit | None = None
    #: Comments of this page that no earlier page of the visit had.
    seen_first: int = 0
    #: What came of the visit, where it ends with this exchange.
    ends: VisitOutcome | None = None
    #: Numbers of all comments that the visit saw, where it ends as "swept".
    seen: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What we must remember of a host to be polite to it, also after a restart."""

    host: str
    #: "rules": a robots.txt was read · "none": there is none, all is allowed ·
    #: "unavailable": it could not be had, nothing is allowed · "unknown": not asked yet
    robots_state: Literal["unknown", "rules", "none", "unavailable"] = "unknown"
    robots_text: str | None = None
    robots_fetched_at: datetime | None = None
    #: Crawl-delay of robots.txt, in seconds.
    crawl_delay: float | None = None
    last_request_at: datetime | None = None
    #: Nothing may be asked before this moment (Retry-After, or our own backing off).
    paused_until: datetime | None = None
    #: Refusals and failures in a row.
    failures: int = 0


_Value = TypeVar("_Value")


def many(kind: type[_Value], **columns: Collection[Any]) -> list[_Value]:
    """
    Many values of one kind at once.

    A frozen value fills itself through a call of `object.__setattr__` for each field, which would be much of what
    reading a page of hundreds of comments costs. Here each field is filled in all values in one go.

    Args:
        kind: A dataclass with slots and without `__post_init__`.

        columns: What each field is in each of the values, in their order; a field that is not
            given has its default.

    Raises:
        ValueError: The columns are not of one length or not the kind's fields, or one without a default is missing.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"columns of different lengths make no values of {kind.__name__}")
    made = list(map(kind.__new__, repeat(kind, lengths.pop())))
    for name, default, fill in _fillers(cast(Any, kind)):
        column = columns.pop(name, None)
        if column is None and default is MISSING:
            raise ValueError(f"{kind.__name__} has a field {name}")
        any(map(fill, made, repeat(default) if column is None else column))  # None of them is true.
    if columns:
        raise ValueError(f"{kind.__name__} has no field {', '.join(columns)}")
    return made


@lru_cache(maxsize=64)
def _fillers(kind: type[Any]) -> tuple[tuple[str, Any, Callable[[Any, Any], None]], ...]:
    """Name, default and setter of each field."""
    return tuple((field.name, field.default, getattr(kind, field.name).__set__) for field in fields(kind))
