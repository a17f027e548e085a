"""When to visit a thread again: pure functions of what is known of it."""

from datetime import datetime, timedelta

from crawler.items import VisitOutcome

#: (younger than, visit again after): threads grow fast on their first day and hardly at all after a month.
BY_AGE: tuple[tuple[timedelta, timedelta], ...] = (
    (timedelta(hours=6), timedelta(minutes=30)),
    (timedelta(days=1), timedelta(hours=2)),
    (timedelta(days=3), timedelta(hours=8)),
    (timedelta(days=7), timedelta(days=1)),
    (timedelta(days=30), timedelta(days=7)),
    (timedelta(days=365), timedelta(days=30)),
)
#: For all that is older: edits and removals still happen.
OLD = timedelta(days=180)

#: Where a whole thread was read and the reading is not trusted before it is confirmed.
CONFIRM = timedelta(hours=1)

#: After the first failure; it doubles with each further one up to the longest wait.
FIRST_RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(days=7)


def next_visit(
    *, outcome: VisitOutcome, now: datetime, published_at: datetime | None, failures: int
) -> tuple[datetime | None, str]:
    """
    When to visit an article again, and why then.

    Args:
        outcome: What came of the visit that just ended.

        now: When it ended.

        published_at: When the article was published, or discovered where that is not known.

        failures: Visits in a row, this one included, that did not see the whole thread.

    Returns:
        The moment and the reason, as `frontier.next_visit_at` and `frontier.reason` keep them. No moment where the
        article has moved away: there is nothing to come back to.
    """
    if outcome == "moved":
        return None, "moved away"
    if outcome == "stopped":  # not the article's fault
        return now, "the crawl stopped"
    if outcome == "suspect":
        return now + CONFIRM, "to confirm what is missing"
    if outcome in ("swept", "miscounted"):
        wait, reason = _by_age(now - published_at if published_at is not None else timedelta(0))
        if outcome == "miscounted" and wait > CONFIRM:
            return now + CONFIRM, "to count again"
        return now + wait, reason
    wait = min(FIRST_RETRY * 2 ** min(max(failures - 1, 0), 20), LONGEST_RETRY)
    return now + wait, f"again after {outcome}"


def _by_age(age: timedelta) -> tuple[timedelta, str]:
    for younger_than, wait in BY_AGE:
        if age < younger_than:
            return wait, f"age under {_words(younger_than)}"
    return OLD, "old"


def _words(span: timedelta) -> str:
    return f"{span.days} days" if span.days > 1 else f"{span.days * 24 + span.seconds // 3600} hours"
