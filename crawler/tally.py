"""What a crawl of one edition has done so far, and in the end what it came to."""

from collections.abc import Mapping
from dataclasses import dataclass

from crawler.errors import (
    OBSTACLES,
    AlreadyRunning,
    BadArgument,
    CannotStore,
    NotUnderstood,
    SiteRefuses,
    Stop,
)
from crawler.items import Exchange, Fetch
from crawler.storage.ledger import CrawlState
from crawler.storage.pages import Saved

#: A crawl fails when more pages than this are not understood, and more than this share of all.
NOT_UNDERSTOOD_PAGES = 3
NOT_UNDERSTOOD_SHARE = 0.05
NOT_UNDERSTOOD_EXIT_CODE = 5

#: After so many pages in a row that a guard or a notice stood in for, a crawl asks for no more.
OBSTACLES_IN_A_ROW = 5


@dataclass(slots=True)
class Tally:
    """What a crawl of one edition has done so far."""

    #: Pages that were answered and understood.
    pages: int = 0
    #: Whether the site answered anything that tells of a site: a page, or that there is none.
    answered: bool = False
    articles: int = 0
    comments_new: int = 0
    comments_changed: int = 0
    comments_gone: int = 0
    #: Exchanges that failed, for whatever reason but "there is no such page".
    errors: int = 0
    not_understood: int = 0
    #: Visits that came to their end.
    visits: int = 0
    #: Visits that are to be done, as far as is known.
    planned: int = 0
    #: Pages in a row in whose place something stood between us and the site, such as a check for humans.
    obstacles: int = 0
    #: Why the site would not have us, or did not answer; None while it does.
    refusal: str | None = None
    #: What the latest failure was, in words.
    last_failure: str | None = None

    def add(self, exchange: Exchange, saved: Saved) -> None:
        """Count an exchange that was stored."""
        self.articles += saved.articles_new
        self.comments_new += saved.comments_new
        self.comments_changed += saved.comments_changed
        self.comments_gone += saved.comments_gone
        self.visits += exchange.ends is not None
        if exchange.fetch is not None:
            self.pages += exchange.fetch.outcome == "ok"
            self.judge(exchange.fetch)

    def judge(self, fetch: Fetch) -> None:
        """Take account of how an exchange went, whatever it was for."""
        match fetch.outcome:
            case "ok":
                self.answered = True
                self.obstacles = 0
            case "moved" | "not_found":
                self.answered = True
            case "not_understood":
                self.answered = True
                self.not_understood += 1
                self.fail(f"{fetch.url}: {fetch.outcome} ({fetch.detail})")
            case _:
                self.fail(f"{fetch.url}: {fetch.outcome} ({fetch.detail})")

    def met(self, error: NotUnderstood) -> None:
        """Take account of what came in place of a page."""
        self.obstacles = self.obstacles + 1 if error.kind in OBSTACLES else 0

    @property
    def has_enough(self) -> bool:
        """Whether to ask the site for no more: it refuses, or shows us nothing but obstacles."""
        return self.refusal is not None or self.obstacles >= OBSTACLES_IN_A_ROW

    def fail(self, what: str) -> None:
        """Count a failure."""
        self.errors += 1
        self.last_failure = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a crawl of one edition came to: the state of its row, its exit code, and why."""

    state: CrawlState
    exit_code: int
    reason: str


def verdict(tally: Tally, *, stopped_by: Stop | None, close_reason: str) -> Verdict:
    """
    What a crawl came to.

    Args:
        stopped_by: What ended it early, where something did.

        close_reason: Scrapy's word for why the spider closed: "finished", "shutdown" after a signal …
    """
    if isinstance(stopped_by, Stop) and not isinstance(stopped_by, SiteRefuses):
        return Verdict(state="failed", exit_code=stopped_by.exit_code, reason=str(stopped_by))
    if tally.refusal is not None:
        return Verdict(state="failed", exit_code=SiteRefuses.exit_code, reason=tally.refusal)
    if not tally.answered and tally.errors:
        reason = f"The site gave no page at all; the last try was {tally.last_failure}. Try again later."
        return Verdict(state="failed", exit_code=SiteRefuses.exit_code, reason=reason)
    read = tally.pages + tally.not_understood
    if tally.not_understood >= NOT_UNDERSTOOD_PAGES and tally.not_understood > NOT_UNDERSTOOD_SHARE * read:
        reason = (
            f"{tally.not_understood} of {read} pages were not understood: the site may have a new layout. "
            f"The last one was {tally.last_failure}."
        )
        return Verdict(state="degraded", exit_code=NOT_UNDERSTOOD_EXIT_CODE, reason=reason)
    if close_reason == "shutdown":
        return Verdict(
            state="stopped", exit_code=0, reason="stopped by a signal; the next crawl goes on from here"
        )
    if close_reason != "finished":
        return Verdict(state="degraded", exit_code=0, reason=close_reason)
    if tally.errors:
        return Verdict(
            state="degraded", exit_code=0, reason=f"finished; the last failure was {tally.last_failure}"
        )
    return Verdict(state="finished", exit_code=0, reason="finished")


def worst(verdicts: Mapping[int, Verdict]) -> Verdict | None:
    """The verdict that decides the exit code: the first that applies of 2, 75, 3, 4, 5, 0."""
    order = [kind.exit_code for kind in (BadArgument, AlreadyRunning, CannotStore, SiteRefuses)]
    order += [NOT_UNDERSTOOD_EXIT_CODE, 0]
    return min(verdicts.values(), key=lambda end: order.index(end.exit_code), default=None)
