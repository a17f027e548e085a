"""
Histories: a site that changes, visits to it, and storing what they bring in any order, any number of times.

After every step that touched the database its rows are compared with what `naive_fold` makes of the exchanges that it
has stored, and with what `crawler.fold.whole` makes of them. `make histories` tries a thousand histories on each kind
of database; the suite a few.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Table, column, delete, event, select, table, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.expression import TableClause

from crawler.fold.whole import Whole
from crawler.items import Exchange, Fetch, Recorded, Visit, VisitOutcome
from crawler.site import Edition
from crawler.storage import database, ledger, libpq
from crawler.storage.refold import FOLDED, fold_anew
from crawler.storage.schema import (
    article_states,
    articles,
    author_names,
    authors,
    comment_states,
    comments,
    fetches,
    metadata,
    rating_states,
    visits,
)
from crawler.storage.writer import save_exchange
from tests.changing_site import ARTICLES, CHANGES, Answer, ChangeKind, ChangingSite, read
from tests.naive_fold import Row, Rows, naive_rows
from tests.postgres import postgres
from tests.storing import EN, NOON, RU, SITE, normal

#: A change of the site: what, to what, how.
Change = tuple[ChangeKind, int, int]
#: What comes of a request: a page, one of an earlier day (its number), or trouble.
Event = Literal["page", "stale", "error", "failure", "unsent"]
#: When what comes is stored: at once, later, or the newest first.
Storing = Literal["now", "later", "backwards"]


class PowerFailure(Exception):
    """The power went."""


class CommitUnheardOf(PowerFailure):
    """The power went when the server had committed, and before anybody heard of it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an exchange brought, before it is read."""

    #: None where nothing was sent.
    fetch: Fetch | None
    answer: Answer | None
    visit: Visit | None
    seen_first: int = 0
    ends: VisitOutcome | None = None
    seen: frozenset[int] = frozenset()


class StoredState:
    """A database of the test's own, which is emptied for each history."""

    def __init__(self, url: str) -> None:
        #: How many statements more there is power for; None for any number.
        self.power: int | None = None
        engine = database.engine(url, writes=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "do_connect", self._sqlite)
            # Nothing here must outlive a real loss of power.
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
        else:
            event.listen(engine, "connect", self._on_postgres)
        self.connection = engine.connect()
        self.crawl_id = 0

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def failing(self, after: int) -> Iterator[None]:
        """The power goes after so many statements, whoever sends them."""
        self.power = after
        try:
            yield
        finally:
            self.power = None

    def _use_power(self, failure: type[PowerFailure] = PowerFailure) -> None:
        if self.power is not None:
            self.power -= 1
            if self.power < 0:
                raise failure

    def _sqlite(self, _: object, __: object, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """A connection of the driver whose cursors use power."""
        use = self._use_power

        class Cursor(sqlite3.Cursor):
            def execute(self, *arguments: Any) -> Any:
                use()
                return super().execute(*arguments)

            def executemany(self, *arguments: Any) -> Any:
                use()
                return super().executemany(*arguments)

        class Connected(sqlite3.Connection):
            def cursor(self, *_: Any) -> Any:
                return super().cursor(Cursor)

        return sqlite3.connect(*arguments, **named, factory=Connected)

    def _on_postgres(self, connected: Any, record: Any) -> None:
        """Cursors that use power: SQLAlchemy's, and the one on which `crawler.storage.statements` runs its own."""
        use = self._use_power

        class Cursor(connected.cursor_factory):  # type: ignore[misc]  # the driver chooses it
            def execute(self, *arguments: Any, **named: Any) -> Any:
                use()
                return super().execute(*arguments, **named)

        class Direct(libpq.Cursor):
            def send(self, asked: Sequence[libpq.Asked], *, commits: bool = False) -> None:
                use()
                super().send(asked, commits=commits)

            def receive(self) -> list[PGresult]:
                results = super().receive()
                if connected.info.transaction_status == TransactionStatus.IDLE:
                    use(CommitUnheardOf)
                return results

            def copy(self, sql: str, rows: bytes) -> None:
                use()
                super().copy(sql, rows)

        connected.cursor_factory = Cursor
        record.info["cursor"] = Direct(connected)

    def empty(self) -> None:
        tables = [each for each in reversed(metadata.sorted_tables) if each.name not in ("editions", "hosts")]
        with self.connection.begin():
            if self.connection.dialect.name == "postgresql":
                names = ", ".join(each.name for each in tables)
                self.connection.execute(text(f"TRUNCATE {names} CASCADE"))
            else:
                for each in tables:
                    self.connection.execute(delete(each))
            self.crawl_id = ledger.begin_crawl(
                self.connection, edition_id=EN.id, spider="made_up", arguments={}, now=NOON
            )

    def rows(self, relation: TableClause | Table) -> list[Row]:
        return [dict(row) for row in self.connection.execute(select(relation)).mappings()]


def _view(name: str, current: Table, superseded: Table) -> TableClause:
    """A view of a history, with the types of its tables."""
    types = {each.name: each.type for each in (*current.columns, *superseded.columns)}
    return table(name, *(column(each.name, types[each.name]) for each in superseded.columns))


#: The relations that the README promises, by name.
PUBLISHED: Final[Mapping[str, TableClause | Table]] = {
    "articles": articles,
    "article_history": _view("article_history", articles, article_states),
    "comments": comments,
    "comment_history": _view("comment_history", comments, comment_states),
    "rating_history": _view("rating_history", comments, rating_states),
    "authors": authors,
    "author_names": author_names,
    "visits": visits,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How an article is visited, and what happens before."""

    article: int
    #: What happens to the site before.
    changes: tuple[Change, ...]
    #: Minutes that pass before.
    later: int
    #: Whether a visit that is open is given up.
    anew: bool
    #: What comes of the requests, one after the other.
    events: tuple[Event, ...]
    #: Whether pages come after those, up to the end of the thread.
    to_the_end: bool
    storing: Storing
    #: From which day a stale page is.
    old: int


MINUTES: Final = (1, 20, 59, 60, 61, 300, 500, 2 * 24 * 60, 4 * 24 * 60, 8 * 24 * 60)

plans = st.builds(
    Plan,
    article=st.sampled_from(ARTICLES),
    changes=st.lists(
        st.tuples(st.sampled_from(CHANGES), st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=5
    ).map(tuple),
    later=st.sampled_from([0, 0, 0, *MINUTES]),
    anew=st.sampled_from([False, False, False, True]),
    events=st.lists(st.sampled_from(["page"] * 8 + ["stale", "error", "failure", "unsent"]), max_size=3).map(
        tuple
    ),
    to_the_end=st.sampled_from([True, True, False]),
    storing=st.sampled_from(["now", "now", "now", "later", "backwards"]),
    old=st.integers(0, 50),
)


@dataclass(slots=True)
class OpenVisit:
    """A visit that goes on."""

    visit: Visit
    #: The page that is asked next.
    number: int = 1
    seen: frozenset[int] = frozenset()
    #: How many pages there are, as said last.
    pages: int | None = None


class Histories(RuleBasedStateMachine):
    """Anything that may happen between a site and what is stored of it."""

    stored_state: ClassVar[StoredState]
    #: Whether what is stored is compared with `crawler.fold.whole` too, in all columns.
    whole: ClassVar[bool] = True
    #: How many histories were tried, and how many steps of them were compared.
    tried: ClassVar[int] = 0
    compared: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.stored_state.empty()
        self.connection = self.stored_state.connection
        self.site = ChangingSite(NOON)
        self.past = [self.site.copy()]
        #: How much our clock is ahead of the site's.
        self.ahead = timedelta(0)
        self.edition = EN
        #: Version of today's reader.
        self.reader = 1
        self.last_fetch = self.last_visit = 0
        self.open: dict[int, OpenVisit] = {}
        #: All that was archived, by the number of its fetch.
        self.archive: dict[int, Arrival] = {}
        self.waiting: list[Arrival] = []
        self.stored: list[Arrival] = []
        self._read: dict[tuple[int, int], Exchange] = {}

    @initialize(edition=st.sampled_from([EN, RU]))
    def begin(self, edition: Edition) -> None:
        self.edition = edition

    # --- what happens -----------------------------------------------------------------------------------------------

    @rule(plan=plans)
    def visit(self, plan: Plan) -> None:
        """Something happens to the site; an article is visited, or its visit that is open goes on or is given up."""
        self.site.now += timedelta(minutes=plan.later)
        for kind, a, b in plan.changes:
            self.site.change(kind, a, b)
        self.past.append(self.site.copy())
        if plan.anew:
            self.open.pop(plan.article, None)
        rest: list[Event] = ["page"] * 6 if plan.to_the_end or not plan.events else []
        brought: list[Arrival] = []
        for happened in [*plan.events, *rest]:
            brought.append(self._asked(plan.article, happened, plan.old))
            if brought[-1].ends is not None:
                break
        if plan.storing == "later":
            self.waiting += brought
            return
        for arrival in brought if plan.storing == "now" else reversed(brought):
            self._store(arrival)
        self._compare()

    # Without this rule, which is as likely as any other, histories would hold much trouble and few visits.
    @rule(plans=st.lists(plans, min_size=2, max_size=5))
    def crawl(self, plans: list[Plan]) -> None:
        """Several visits; what is stored is compared after each."""
        for plan in plans:
            self.visit(plan)

    @rule(
        minutes=st.integers(-500, 500),
        days=st.sampled_from([0, 0, 0, -3, 3]),
        article=st.sampled_from(ARTICLES),
    )
    def clock_jumps(self, minutes: int, days: int, article: int) -> None:
        """Our clock is set, forwards or backwards; the next page comes by another time."""
        self.ahead += timedelta(minutes=minutes, days=days)
        self._store(self._asked(article, "page", 0))
        self._compare()

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 50), many=st.integers(1, 4))
    def store_late(self, which: int, many: int) -> None:
        """Some of what waits is stored, in any order."""
        for _ in range(min(many, len(self.waiting))):
            self._store(self.waiting.pop(which % len(self.waiting)))
        self._compare()

    @precondition(lambda self: self.stored)
    @rule(which=st.integers(0, 50))
    def store_again(self, which: int) -> None:
        """Something is stored again: nobody knows whether it was."""
        self._store(self.stored[which % len(self.stored)])
        self._compare()

    @rule(which=st.integers(0, 50), after=st.integers(1, 30), article=st.sampled_from(ARTICLES))
    def crash(self, which: int, after: int, article: int) -> None:
        """The power goes after so many statements; what was to be stored waits."""
        if not self.waiting:
            self.waiting.append(self._asked(article, "page", 0))
        arrival = self.waiting[which % len(self.waiting)]
        try:
            with self.stored_state.failing(after):
                self._store(arrival)
        except CommitUnheardOf:
            self._note_stored(arrival)
        except PowerFailure:
            pass
        else:
            self.waiting.remove(arrival)
        self._compare()

    @rule(old=st.integers(0, 50), article=st.sampled_from(ARTICLES), number=st.integers(1, 2))
    def import_page(self, old: int, article: int, number: int) -> None:
        """A page comes out of somebody else's archive, of an earlier day."""
        then = self.past[old % len(self.past)]
        answer = then.answer(article, number)
        if isinstance(answer, Answer):
            fetch = self._fetch(article, number, then.now, source="import")
            self._store(self._archived(Arrival(fetch, answer, None)))
            self._compare()

    @precondition(lambda self: self.stored and self.reader == 1)
    @rule()
    def new_reader(self) -> None:
        """From now on a better reader reads."""
        self.reader = 2

    @precondition(lambda self: self.reader == 2)
    @rule(articles=st.lists(st.sampled_from(ARTICLES), min_size=1, unique=True))
    def reparse(self, articles: list[int]) -> None:
        """Articles are read again from the archive."""
        with self.connection.begin():
            fold_anew(self.connection, self.edition, articles, self._reread, reader_version=self.reader)
        self._compare()

    # --- the crawl --------------------------------------------------------------------------------------------------

    def _asked(self, article: int, happened: Event, old: int) -> Arrival:
        """What comes of the next request of an article's visit."""
        self.site.now += timedelta(seconds=10)
        going = self.open.get(article) or self._begun(article)
        number, visit = going.number, going.visit
        if happened == "unsent":
            del self.open[article]
            return Arrival(None, None, visit, ends="refused" if number == 1 else "partial")
        fetch = self._fetch(article, number, self.site.now + self.ahead)
        if happened in ("error", "failure"):
            fetch = replace(fetch, outcome="server_error", status=503, detail="503")
            ends: VisitOutcome | None = None
            if happened == "failure":
                ends = "unreachable" if number == 1 else "partial"
            return self._told(Arrival(fetch, None, visit, ends=ends))
        site = self.past[old % len(self.past)] if happened == "stale" else self.site
        answer = site.answer(article, number)
        if not isinstance(answer, Answer):
            fetch = replace(fetch, outcome=answer, status=404 if answer == "not_found" else 301)
            ends = answer if number == 1 else "partial" if going.pages else "swept"
            return self._told(Arrival(fetch, None, visit, ends=ends, seen=_seen(going, ends)))
        first = {markup.post.id for markup in answer.comments} - going.seen
        going.seen |= first
        going.pages = answer.pages
        ends = "swept" if answer.pages is not None and number >= answer.pages else None
        going.number += 1
        return self._told(
            Arrival(fetch, answer, visit, seen_first=len(first), ends=ends, seen=_seen(going, ends))
        )

    def _begun(self, article: int) -> OpenVisit:
        at = self.site.now + self.ahead
        self.last_visit = max(self.last_visit + 100, _number(at, self.edition))
        visit = Visit(
            id=self.last_visit,
            edition=self.edition,
            article_id=article,
            path=f"/{article}-a.html",
            started_at=at,
        )
        self.open[article] = OpenVisit(visit)
        return self.open[article]

    def _told(self, arrival: Arrival) -> Arrival:
        """What came, archived; a visit that has ended is open no more."""
        if arrival.ends is not None and arrival.visit is not None:
            del self.open[arrival.visit.article_id]
        return self._archived(arrival)

    def _archived(self, arrival: Arrival) -> Arrival:
        assert arrival.fetch is not None
        self.archive[arrival.fetch.id] = arrival
        return arrival

    def _fetch(
        self, article: int, number: int, at: datetime, source: Literal["live", "import"] = "live"
    ) -> Fetch:
        """A fetch at this moment of our clock, understood until something else is said."""
        id = _number(at, self.edition)
        if source == "live":
            id = self.last_fetch = max(self.last_fetch + 100, id)
        while id in self.archive:
            id += 100
        self.last_fetch = max(self.last_fetch, id) if source == "live" else self.last_fetch
        return Fetch(
            id=id,
            edition_id=self.edition.id,
            kind="article" if number == 1 else "comments",
            url=f"{self.edition.base_url}/{article}-a.html",
            fetched_at=at,
            status=200,
            article_id=article,
            page=number,
            source=source,
        )

    # --- storing ----------------------------------------------------------------------------------------------------

    def _store(self, arrival: Arrival) -> None:
        """Store an exchange in a transaction, as a crawl does."""
        with self.connection.begin():
            save_exchange(
                self.connection,
                self._exchange(arrival, self.reader),
                crawl_id=self._crawl_id(arrival),
                now=self.site.now,
                reread=self._reread,
                reader_version=self.reader,
                commits=True,
            )
        self._note_stored(arrival)

    def _note_stored(self, arrival: Arrival) -> None:
        if arrival.fetch is not None and arrival not in self.stored:
            self.stored.append(arrival)

    def _crawl_id(self, arrival: Arrival) -> int | None:
        return None if arrival.visit is None else self.stored_state.crawl_id

    def _reread(self, known: Sequence[Recorded]) -> Iterator[Exchange]:
        """Recorded exchanges, as today's reader reads them in the archive."""
        return (self._exchange(self.archive[one.fetch.id], self.reader) for one in known)

    def _exchange(self, arrival: Arrival, version: int) -> Exchange:
        """What an exchange brought, as this version of the reader reads it."""
        fetch, answer = arrival.fetch, arrival.answer
        key = (fetch.id if fetch is not None else 0, version)
        if fetch is not None and key in self._read:
            return self._read[key]
        page = read(answer, version) if answer is not None else None
        exchange = Exchange(
            edition=self.edition,
            fetch=fetch,
            page=page,
            normal=normal(page, answer.sent) if page is not None and answer is not None else None,
            seen_at=answer.sent if answer is not None else None,
            visit=arrival.visit,
            seen_first=arrival.seen_first,
            ends=arrival.ends,
            seen=arrival.seen,
        )
        return self._read.setdefault(key, exchange) if fetch is not None else exchange

    # --- what must be so --------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        """What is stored is what the stored fetches come to, whoever works it out."""
        type(self).compared += 1
        with self.connection.begin():
            recorded = self.stored_state.rows(fetches)
            published = {name: self.stored_state.rows(each) for name, each in PUBLISHED.items()}
            folded = {
                name: published[name] if name in published else self.stored_state.rows(each)
                for name, (each, _) in FOLDED.items()
            }
        agree("fetches", recorded, [self._recorded(arrival) for arrival in self.stored])
        versions = {row["id"]: row["reader_version"] for row in recorded}
        told = [
            (exchange, versions[exchange.fetch.id], self.archive[exchange.fetch.id])
            for exchange in self._as_read({id: versions[id] or self.reader for id in sorted(versions)})
            if exchange.fetch is not None
        ]
        for row in published["visits"]:
            # While a visit goes on it has no outcome; its crawl closes it in the end.
            row["outcome"] = row["outcome"] or "stopped"
        naive = naive_rows(
            self.edition,
            [(exchange, version, self._crawl_id(arrival)) for exchange, version, arrival in told],
        )
        for name, rows in naive.items():
            agree(name, published[name], rows)
        if not self.whole:
            return
        whole = Whole(self.edition)
        for exchange, version, arrival in told:
            whole.add(exchange, crawl_id=self._crawl_id(arrival), reader_version=version)
        whole.finish()
        expected: Rows = {name: [] for name in FOLDED}
        for name, row in whole.rows():
            expected[name].append(row)
        for name, rows in expected.items():
            agree(name, folded[name], rows)

    def _as_read(self, versions: Mapping[int, int]) -> Iterator[Exchange]:
        """
        What these versions of the reader have made of these fetches.

        But what an article says is read on all its pages by the newest version that has read any of them: to read
        better is no change.
        """
        newest: dict[int, int] = {}
        for id, version in versions.items():
            answer = self.archive[id].answer
            if answer is not None:
                newest[answer.article] = max(version, newest.get(answer.article, 0))
        for id, version in versions.items():
            exchange, answer = self._exchange(self.archive[id], version), self.archive[id].answer
            if exchange.normal is not None and answer is not None:
                best = self._exchange(self.archive[id], newest[answer.article]).normal
                assert best is not None
                exchange = replace(exchange, normal=replace(exchange.normal, article=best.article))
            yield exchange

    def _recorded(self, arrival: Arrival) -> Row:
        """What must be recorded of an exchange; by which reader it was read last is not said here."""
        assert arrival.fetch is not None
        visit_id = None if arrival.visit is None else arrival.visit.id
        fetch = {name: getattr(arrival.fetch, name) for name in Fetch.__dataclass_fields__}
        return fetch | {"crawl_id": self._crawl_id(arrival), "visit_id": visit_id}

    def teardown(self) -> None:
        type(self).tried += 1


def agree(relation: str, stored: Sequence[Row], expected: Sequence[Row]) -> None:
    """Raise AssertionError where the stored rows are not the expected ones, in the columns that those have."""
    there, wanted = _by_key(relation, stored), _by_key(relation, expected)
    lines = [f"{relation} {key} is stored, but no fetches come to it" for key in there.keys() - wanted.keys()]
    lines += [f"{relation} {key} is not stored" for key in wanted.keys() - there.keys()]
    for key in there.keys() & wanted.keys():
        lines += [
            f"{relation} {key}: {name} is {there[key][name]!r}, the fetches come to {value!r}"
            for name, value in wanted[key].items()
            if there[key][name] != value
        ]
    assert not lines, "\n".join(sorted(lines))


def _by_key(relation: str, rows: Sequence[Row]) -> dict[tuple[Any, ...], Row]:
    # A history has several rows of one thing, by the fetch that began each; all others have one.
    names = {
        "article_history": ("article_id", "fetch_id"),
        "comment_history": ("comment_id", "fetch_id"),
        "rating_history": ("comment_id", "fetch_id"),
        "article_states": ("article_id", "fetch_id"),
        "comment_states": ("comment_id", "fetch_id"),
        "rating_states": ("comment_id", "fetch_id"),
        "authors": ("key",),
        "author_names": ("author_key", "nickname_raw"),
    }.get(relation, ("id",))
    found = {tuple(row[name] for name in names): row for row in rows}
    assert len(found) == len(rows), f"{relation}: rows stand several times"
    return found


def _seen(going: OpenVisit, ends: VisitOutcome | None) -> frozenset[int]:
    return going.seen if ends == "swept" else frozenset()


def _number(at: datetime, edition: Edition) -> int:
    """The number of what happens at this moment, unless one that is as high is given already."""
    microseconds = (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // timedelta(microseconds=1)
    return microseconds * 100 + edition.id


# --- trying many ----------------------------------------------------------------------------------------------------


def histories(stored_state: StoredState, *, whole: bool = True) -> type[Histories]:
    """The machine that tries histories on this database."""
    here = {"stored_state": stored_state, "whole": whole, "tried": 0, "compared": 0}
    return type("HistoriesHere", (Histories,), here)


def tried(machine: type[Histories], number: int, *, seed: int) -> None:
    """Try so many histories, others for each seed; raises what went wrong, with as short a history as was found."""
    _try(machine, number, seed=seed, phases=[Phase.generate, Phase.shrink])


def failed(machine: type[Histories], number: int, *, seed: int) -> ExampleDatabase:
    """The first of so many histories that fails, as it is found; raises AssertionError where none does."""
    found = InMemoryExampleDatabase()
    try:
        _try(machine, number, seed=seed, phases=[Phase.generate], found=found)
    except (AssertionError, IntegrityError):
        return found
    raise AssertionError(f"none of {number} histories fails")


def tried_again(machine: type[Histories], found: ExampleDatabase) -> None:
    """Try again what failed; raises what goes wrong."""
    _try(machine, 1, seed=0, phases=[Phase.reuse], found=found)


def _try(
    machine: type[Histories],
    number: int,
    *,
    seed: int,
    phases: Sequence[Phase],
    found: ExampleDatabase | None = None,
) -> None:
    machine._hypothesis_internal_use_seed = seed
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=number,
            stateful_step_count=20,
            deadline=None,
            database=found,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


#: Histories between two lines of progress.
AT_ONCE: Final = 50


@contextmanager
def migrated(kind: str) -> Iterator[str]:
    """Address of an empty database of this kind with today's schema."""
    with ExitStack() as opened:
        if kind == "sqlite":
            url = f"sqlite:///{opened.enter_context(tempfile.TemporaryDirectory())}/histories.db"
        else:
            url = opened.enter_context(opened.enter_context(postgres()).database())
        database.migrate(url)
        with database.engine(url, writes=True).begin() as connection:
            ledger.save_editions(connection, SITE)
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--number", type=int, default=1000, help="histories on each database (1,000)")
    parser.add_argument("--seed", type=int, default=0, help="other histories for another number (0)")
    parser.add_argument("--on", choices=DATABASES, action="append", help="on this database only")
    arguments = parser.parse_args()
    for kind in arguments.on or DATABASES:
        with migrated(kind) as url:
            state = StoredState(url)
            machine = histories(state)
            started, used = time.monotonic(), time.process_time()
            while machine.tried < arguments.number:
                left = arguments.number - machine.tried
                tried(machine, min(AT_ONCE, left), seed=arguments.seed * 1_000_000 + machine.tried)
                sys.stdout.write(
                    f"{kind}: {machine.tried:,} histories, {machine.compared:,} comparisons,"
                    f" {time.monotonic() - started:.0f} s, {time.process_time() - used:.0f} s of CPU time\n"
                )
                sys.stdout.flush()
            state.close()


DATABASES: Final = ("sqlite", "postgres")

if __name__ == "__main__":
    main()
