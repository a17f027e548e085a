"""What an import came to, counted as it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from crawler.errors import BadRecord, CrawlerError
from crawler.site import Edition
from crawler.storage.refold import Difference

#: Of what cannot be read, so much is told one by one.
TOLD: Final = 50


@dataclass(slots=True)
class Summary:
    """What an import came to."""

    dry_run: bool
    files: int = 0
    records: int = 0
    #: Pages that are new.
    taken: int = 0
    #: Pages that were imported before.
    known: int = 0
    #: Why the others were passed over: one of `captures.REASONS` → how many.
    passed_over: dict[str, int] = field(default_factory=dict)
    #: What came of the new pages when they were read: an outcome of `crawler.items.FetchOutcome` → how many.
    outcomes: dict[str, int] = field(default_factory=dict)
    #: Pages that an import which was killed had archived or recorded only.
    taken_up: int = 0
    articles: int = 0
    articles_new: int = 0
    comments_new: int = 0
    #: Superseded states of articles, comments and ratings that are known now and were not.
    states_added: int = 0
    #: How many places could not be read.
    damaged: int = 0
    #: Where that was, and why.
    unread: dict[str, str] = field(default_factory=dict)

    def pass_over(self, reason: str) -> None:
        self.passed_over[reason] = self.passed_over.get(reason, 0) + 1

    def bad(self, error: BadRecord) -> None:
        self._tell(f"{error.file} at byte {error.offset}", error.problem)

    def unreadable(self, edition: Edition, article_ids: Sequence[int], error: CrawlerError) -> None:
        self._tell(f"{edition.code} {', '.join(map(str, article_ids))}", str(error))

    def _tell(self, where: str, problem: str) -> None:
        self.damaged += 1
        if len(self.unread) < TOLD:
            self.unread[where] = problem

    def came_to(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def folded(self, found: Difference) -> None:
        """Take account of a family of articles."""
        self.articles += len(found.article_ids)
        self.articles_new += len(found.tables["articles"].inserted)
        self.comments_new += len(found.tables["comments"].inserted)
        self.states_added += sum(
            len(found.tables[name].inserted) for name in ("article_states", "comment_states", "rating_states")
        )
        for old, new in found.fetches:
            if old.fetch.source == "import" and old.fetch.outcome == "ok" and old.reader_version is None:
                self.came_to(new.outcome)
