"""Values: closed lists hold what is known, what belongs together agrees, and all can be read again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)

from crawler.errors import UnreadableValue
from crawler.items import (
    AuthorKind,
    Change,
    FetchKind,
    FetchOutcome,
    Host,
    ParentSource,
    Precision,
    VisitOutcome,
)
from crawler.normalise.erasure import ErasureKind
from crawler.normalise.text import storable
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.ledger import CrawlState
from crawler.storage.schema import (
    article_states,
    articles,
    authors,
    comment_states,
    comments,
    crawls,
    erasures,
    fetches,
    frontier,
    hosts,
    metadata,
    visits,
)
from crawler.storage.types import ByteOrdered, Json, UtcTime, json_of_text, time_of_text, utc_text

_COMMENT_STATES: Final = ("live", "missing", "gone")
_ARTICLE_STATES: Final = ("live", "missing", "gone", "moved")
_CHANGES: Final = get_args(Change)
_OUTCOMES: Final = get_args(VisitOutcome)

#: What each closed list may hold; NULL is always allowed here, as the tables say themselves where it is not.
CLOSED: Final[Mapping[Table, Mapping[str, Sequence[str]]]] = {
    comments: {
        "state": _COMMENT_STATES,
        "change": _CHANGES,
        "parent_source": get_args(ParentSource),
        "posted_precision": get_args(Precision),
    },
    comment_states: {
        "state": _COMMENT_STATES,
        "change": _CHANGES,
        "parent_source": get_args(ParentSource),
        "posted_precision": get_args(Precision),
    },
    articles: {"state": _ARTICLE_STATES, "change": _CHANGES, "published_precision": get_args(Precision)},
    article_states: {
        "state": _ARTICLE_STATES,
        "change": _CHANGES,
        "published_precision": get_args(Precision),
    },
    authors: {"kind": get_args(AuthorKind)},
    fetches: {
        "kind": get_args(FetchKind),
        "outcome": get_args(FetchOutcome),
        "source": ("live", "import"),
    },
    visits: {"outcome": _OUTCOMES},
    crawls: {"state": get_args(CrawlState)},
    erasures: {"kind": get_args(ErasureKind)},
    frontier: {"outcome": _OUTCOMES, "discovered_via": (*get_args(FetchKind), "asked")},
}
#: Tables without an edition.
_ROBOTS: Final = get_args(Host.__annotations__["robots_state"])


def listed(inspection: Inspection, tell: Tell) -> Seen:
    """Closed lists hold only known values, and columns that belong together agree."""
    for table, columns in CLOSED.items():
        unknown = [table.c[name].not_in(values) for name, values in columns.items()]
        rules = _rules(table)
        key = next(iter(table.primary_key))
        query = select(
            key.label("key"),
            table.c.edition_id,
            *(table.c[name] for name in columns),
            *(rule.label(f"rule_{number}") for number, (_, rule) in enumerate(rules)),
        ).where(inspection.mine(table), or_(*unknown, *(rule for _, rule in rules)))
        for row in inspection.rows(query):
            tell(
                Wrong(
                    inspection.named(f"{table.name}:", row.key, row.edition_id), _fault(row, columns, rules)
                )
            )
    robots = select(hosts.c.host, hosts.c.robots_state).where(hosts.c.robots_state.not_in(_ROBOTS))
    for row in inspection.rows(robots):
        tell(Wrong(f"hosts: {row.host}", f"robots_state is {row.robots_state!r}, which nobody knows"))
    return Seen(over=inspection.total(*CLOSED))


def _fault(row: Any, columns: Mapping[str, Sequence[str]], rules: Sequence[tuple[str, Any]]) -> str:
    for name, values in columns.items():
        value = getattr(row, name)
        if value is not None and value not in values:
            return f"{name} is {value!r}, which nobody knows"
    return next(said for number, (said, _) in enumerate(rules) if getattr(row, f"rule_{number}"))


def _rules(table: Table) -> list[tuple[str, ColumnElement[bool]]]:
    """What would be wrong with a row of this table, in words and in SQL that is never NULL."""
    rules: list[tuple[str, ColumnElement[bool]]] = []
    if "change" in table.c:
        state, change = table.c.state, table.c.change
        absent = {"missing": "missing", "gone": "gone"}
        if table in (articles, article_states):
            absent["moved"] = "move"
        live = or_(state != "live", change.not_in(list(absent.values())))
        others = and_(*(or_(state != one, change == by) for one, by in absent.items()))
        if table in (comments, comment_states):  # a comment that moves is live
            live = or_(state != "live", change.not_in(("missing", "gone")))
        rules.append(("its state does not follow from its change", ~and_(live, others)))
    for at in ("posted", "published"):
        if f"{at}_at" in table.c:
            known, exact = table.c[f"{at}_at"].is_not(None), table.c[f"{at}_precision"].is_not(None)
            rules.append((f"{at}_at and {at}_precision are not known together", known != exact))
    if "gone_at" in table.c:
        gone, known = table.c.state == "gone", table.c.gone_at.is_not(None)
        rules.append(("gone_at is not known where it is gone, or known where it is not", gone != known))
        since = table.c.seen_at.is_distinct_from(table.c.gone_at)
        rules.append(("it is gone since another moment than its state", and_(gone, since)))
    if table is comments:
        since = comments.c.state_since != comments.c.seen_at
        rules.append(("state_since is not when it was missed", and_(comments.c.state != "live", since)))
    if table is crawls:
        running, ended = crawls.c.state == "running", crawls.c.finished_at.is_not(None)
        rules.append(("it has ended and runs, or neither", running == ended))
    return rules


# --- texts ---------------------------------------------------------------------------------------------------------


def readable(inspection: Inspection, tell: Tell) -> Seen:
    """Texts, times and JSON can be read, and no text holds NUL or half of a character: Postgres would refuse it."""
    if inspection.connection.dialect.name == "postgresql":
        encoding = inspection.connection.scalar(text("SELECT current_setting('server_encoding')"))
        if encoding != "UTF8":
            tell(
                Wrong(
                    "database", f"its encoding is {encoding}, which lets anything in: make it anew with UTF8"
                )
            )
        return Seen(over={}, told=("Postgres takes nothing else",))
    looked_at = [table for table in metadata.sorted_tables if "edition_id" in table.c]
    for table in metadata.sorted_tables:
        _readable(inspection, tell, table)
    return Seen(over=inspection.total(*looked_at))


def _readable(inspection: Inspection, tell: Tell, table: Table) -> None:
    texts = [
        column for column in table.columns if isinstance(column.type, Text) or _is(column.type, ByteOrdered)
    ]
    jsons = [column for column in table.columns if _is(column.type, Json)]
    times = [column for column in table.columns if isinstance(column.type, UtcTime)]
    suspected = [func.instr(cast(column, LargeBinary), literal(b"\0")) > 0 for column in (*texts, *jsons)]
    # All halves of characters begin with this byte, and little else does: some Korean.
    suspected += [func.instr(cast(column, LargeBinary), literal(b"\xed")) > 0 for column in (*texts, *jsons)]
    suspected += [func.instr(column, literal("\\u", Text)) > 0 for column in jsons]
    suspected += [func.json_valid(column) == 0 for column in jsons]
    suspected += [and_(column.is_not(None), ~_looks_like_a_time(column)) for column in times]
    if not suspected:
        return
    looked_at = (*texts, *jsons, *times)
    keys = list(table.primary_key)
    # As bytes: the driver could not read what we are looking for.
    query = select(
        *(column.label(f"key_{column.name}") for column in keys if not isinstance(column.type, Text)),
        *(
            cast(literal_column(f'"{table.name}"."{column.name}"'), LargeBinary).label(column.name)
            for column in looked_at
        ),
    ).select_from(table)
    query = query.where(or_(*suspected))
    if "edition_id" in table.c:
        query = query.where(inspection.mine(table))
    for row in inspection.rows(query):
        for column in looked_at:
            what = _unreadable(getattr(row, column.name), column)
            if what is not None:
                number = " ".join(str(_shown(row, key.name)) for key in keys)
                tell(Wrong(f"{table.name}: {number}", f"{column.name} {what}"))


def _is(kind: Any, ours: Any) -> bool:
    return kind is ours


def _shown(row: Any, name: str) -> Any:
    value = getattr(row, f"key_{name}", None)
    return getattr(row, name).decode("utf-8", "replace") if value is None else value


def _looks_like_a_time(column: Column[Any]) -> ColumnElement[bool]:
    """Whether a text is a moment as we write it; SQLite counts a day further that no month has."""
    stored = literal_column(f'"{column.table.name}"."{column.name}"', String)
    form = stored.op("GLOB")(literal("????-??-??T??:??:??.??????Z"))
    return and_(form, func.date(stored, "+0 days").is_not_distinct_from(func.substr(stored, 1, 10)))


def _unreadable(stored: bytes | None, column: Column[Any]) -> str | None:
    """Why nobody can read what a column holds; None where one can."""
    if stored is None:
        return None
    words = stored.decode("utf-8", "replace")
    try:
        if isinstance(column.type, UtcTime):
            at = time_of_text(words)
            ours = at.tzinfo is not None and utc_text(at) == words
            return None if ours else f"is {words!r:.60}, and no time in UTC as all others are"
        texts = _texts(json_of_text(words)) if _is(column.type, Json) else ()
    except UnreadableValue as error:
        return f"cannot be read: {error.problem}"
    if any(map(_damaged, (stored, *texts))):
        return "holds NUL or half of a character"
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _texts(part)


def _damaged(value: bytes | str) -> bool:
    if isinstance(value, str):
        return storable(value) != value
    try:
        return "\0" in value.decode("utf-8")
    except UnicodeDecodeError:
        return True
