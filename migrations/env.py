"""
How Alembic runs here: on the database of DATABASE_URL, in one transaction, with the views out of the way.

`crawler migrate` and `alembic upgrade head` both end here.
"""

from typing import Any, Literal

from alembic import context

from crawler.environment import Environment
from crawler.storage import database, types, views
from crawler.storage.schema import metadata

# Views are not tables: autogenerate must neither miss nor drop them, a test compares them instead.
url = context.config.attributes.get("url") or Environment().database_url

if context.is_offline_mode():
    raise SystemExit("Writing the SQL of a migration without a database (--sql) is not supported.")


def our_type(kind: str, column_type: Any, autogenerate: Any) -> str | Literal[False]:
    """Our own column types by their names, so that a new migration reads like the schema."""
    if kind != "type":
        return False
    name = "UtcTime" if isinstance(column_type, types.UtcTime) else None
    for candidate in ("BigNumber", "Json", "ByteOrdered"):
        if column_type is getattr(types, candidate):
            name = candidate
    if name is None:
        return False
    autogenerate.imports.add(f"from crawler.storage.types import {name}")
    return f"{name}()" if name == "UtcTime" else name


with database.engine(url, writes=True).connect() as connection:
    if connection.dialect.name == "sqlite":
        # A batch copies a table and drops the old one, which would count as deleting what others refer to. It can be
        # said only before the transaction; what is broken at its end is found below.
        connection.connection.execute("PRAGMA foreign_keys = OFF")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=our_type,
        render_as_batch=True,  # SQLite can alter little else
        # Alembic takes SQLite for a database whose DDL cannot be rolled back; with our own BEGIN it can.
        transactional_ddl=True,
        include_name=lambda name, kind, _parents: kind != "table" or name in metadata.tables,
    )
    # Only upgrade, downgrade and stamp go to another version; check and current just look.
    moves = context.get_context().opts.get("destination_rev") is not None
    with context.begin_transaction():
        if moves:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL lock_timeout = '30s'")
                # Two migrations at once: the second waits here and then finds nothing to do.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1096958792)")
            views.drop_views(connection)
        context.run_migrations()
        if moves and connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise RuntimeError(
                    f"The migration leaves a row of {broken[0]} without the one that it needs."
                )
        if moves and database.revision(connection) == database.HEAD:
            views.create_views(connection)
