"""The database itself: its file, its tables, its views, its keys."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, and_, inspect, literal, select, text, true
from sqlalchemy.exc import SQLAlchemyError

from crawler.storage.database import HEAD, engine
from crawler.storage.invariants.inspection import Inspection, Seen, Tell, Wrong
from crawler.storage.schema import editions, metadata
from crawler.storage.views import VIEWS


def whole(inspection: Inspection, tell: Tell) -> Seen:
    """The file of the database is whole. A server looks after its files itself."""
    connection = inspection.connection
    if connection.dialect.name != "sqlite":
        checksums = connection.scalar(text("SELECT current_setting('data_checksums')"))
        return Seen(over={}, told=(f"the server looks after its files, its data_checksums are {checksums}",))
    damage = [line for line in connection.scalars(text("PRAGMA quick_check")) if line != "ok"]
    for line in damage:
        tell(Wrong("database", line))
    pages = connection.scalar(text("SELECT page_count FROM pragma_page_count"))
    return Seen(over={"database pages": int(pages or 0)})


def built(inspection: Inspection, tell: Tell) -> Seen:
    """Tables, columns and indexes are those of this program."""
    ours = MigrationContext.configure(
        inspection.connection,
        opts={
            "target_metadata": metadata,
            "include_name": lambda name, kind, _parents: kind != "table" or name in metadata.tables,
        },
    )
    for difference in compare_metadata(ours, metadata):
        # A change of a table's columns comes as a list of its own.
        for one in difference if isinstance(difference, list) else [difference]:
            tell(Wrong(f"database, version {HEAD}", _said(one)))
    return Seen(over={"tables": len(metadata.tables)})


def _said(difference: Any) -> str:
    """What alembic would do about it: "add_index ix_comments_not_live"."""
    does, *things = difference
    names = [
        str(getattr(thing, "name", thing))
        for thing in things
        if isinstance(thing, str) or hasattr(thing, "name")
    ]
    return f"to be as the program has it: {does} {' '.join(names)}".rstrip()


def viewed(inspection: Inspection, tell: Tell, url: str) -> Seen:
    """The views are those of this program."""
    there = inspect(inspection.connection)
    missing = set(VIEWS) - set(there.get_view_names())
    for name in sorted(missing):
        tell(Wrong(f"view {name}", "it is not there"))
    told: tuple[str, ...] = ()
    present = [name for name in VIEWS if name not in missing]
    if inspection.connection.dialect.name == "sqlite":
        for name in present:
            stored = " ".join((there.get_view_definition(name) or "").split())
            if stored != f"CREATE VIEW {name} AS " + " ".join(VIEWS[name].split()):
                tell(Wrong(f"view {name}", "it is another one than the program has"))
    else:
        try:
            others = _others_on_postgres(inspection.connection, url, present)
        except SQLAlchemyError as error:
            told = (f"they could not be compared: {' '.join(str(error).split())[:200]}",)
        else:
            for name in others:
                tell(Wrong(f"view {name}", "it is another one than the program has"))
    return Seen(over={"views": len(VIEWS)}, told=told)


def _others_on_postgres(connection: Connection, url: str, names: list[str]) -> list[str]:
    """Postgres keeps views in words of its own: so those of the code are made on trial and taken back."""
    words = text("SELECT pg_get_viewdef(CAST(:name AS regclass))")
    kept = {name: connection.scalar(words, {"name": name}) for name in names}
    others = []
    with engine(url).connect() as trial:
        for name in names:
            trial.execute(text(f"CREATE TEMPORARY VIEW today_{name} AS {VIEWS[name]}"))  # constants of ours
            if trial.scalar(words, {"name": f"today_{name}"}) != kept[name]:
                others.append(name)
        trial.rollback()
    return others


def keyed(inspection: Inspection, tell: Tell) -> Seen:
    """What a row refers to is there."""
    counted = [table for table in metadata.sorted_tables if table.foreign_keys and "edition_id" in table.c]
    for table in counted:
        for constraint in table.foreign_key_constraints:
            parent = constraint.referred_table.alias("parent")
            pairs = [(element.parent, parent.c[element.column.name]) for element in constraint.elements]
            there = (
                select(literal(1))
                .select_from(parent)
                .where(and_(*(own == other for own, other in pairs)))
                .correlate(table)
                .exists()
            )
            keys = list(table.primary_key)
            mine = inspection.mine(table)
            if constraint.referred_table is editions:  # of an edition that nobody has it would be nobody's
                mine = true()
            query = select(*keys).where(mine, *(own.is_not(None) for own, _ in pairs), ~there)
            for row in inspection.rows(query):
                number = " ".join(str(value) for value in row)
                tell(
                    Wrong(
                        f"{table.name}: {number}",
                        f"what it refers to is not in {constraint.referred_table.name}",
                    )
                )
    return Seen(over=inspection.total(*counted))
