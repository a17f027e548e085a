"""Rows written by the batch, and statements that the driver runs, on both databases."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from crawler.storage import authors as authors_asked
from crawler.storage import comments as comments_asked
from crawler.storage import database
from crawler.storage import places as places_asked
from crawler.storage import standing as standing_asked
from crawler.storage.bulk import MANY, Writes, delete_rows, insert_rows, update_rows
from crawler.storage.dialects import sought
from crawler.storage.schema import articles, author_names, authors, comments, frontier
from crawler.storage.statements import Statement
from tests.storing import ARTICLE, NOON, comment, dump, page, rows, store

#: A batch that is written row by row, and one that goes by a temporary table where there is one.
SIZES = (1, 3, MANY + 1)

FOREIGN = datetime(2017, 11, 3, 12, 20, tzinfo=timezone(timedelta(hours=3)))


def known(count: int) -> list[dict[str, Any]]:
    """Rows of the frontier, in no order; every third lacks what may be missing."""
    return [
        {
            "article_id": number,
            "edition_id": 1,
            "url": f"https://example.org/{number}?a=\\N&b=\t%\n\\.",
            "discovered_at": FOREIGN,
            "discovered_via": "feed",
            "next_visit_at": None if number % 3 == 0 else NOON,
            "reason": "Вася \N{SNOWMAN} 日本",
            "attempts": number,
        }
        for number in sorted(range(1, count + 1), key=lambda number: number * 7 % 11)
    ]


def stored(connection: Connection) -> list[dict[str, Any]]:
    return [{name: row[name] for name in known(1)[0]} for row in rows(connection, frontier)]


@pytest.mark.parametrize("size", SIZES)
def test_rows_come_back_as_they_were_inserted(connection: Connection, size: int) -> None:
    insert_rows(connection, frontier, known(size))
    assert stored(connection) == sorted(known(size), key=lambda row: row["article_id"])


@pytest.mark.parametrize("size", SIZES)
def test_named_columns_alone_are_updated(connection: Connection, size: int) -> None:
    insert_rows(connection, frontier, known(size + 1))
    new = [row | {"reason": f"new {row['article_id']}", "next_visit_at": None} for row in known(size)]
    update_rows(connection, frontier, [row | {"attempts": -1} for row in new], ["reason", "next_visit_at"])
    untouched = next(row for row in known(size + 1) if row["article_id"] == size + 1)
    assert stored(connection) == sorted([*new, untouched], key=lambda row: row["article_id"])


@pytest.mark.parametrize("size", SIZES)
def test_rows_with_these_keys_are_deleted(connection: Connection, size: int) -> None:
    insert_rows(connection, frontier, known(size + 1))
    delete_rows(connection, frontier, known(size))
    assert [row["article_id"] for row in stored(connection)] == [size + 1]


def test_several_batches_of_a_transaction_do_not_meet(connection: Connection) -> None:
    insert_rows(connection, frontier, known(MANY))
    for number in (1, 2):
        update_rows(connection, frontier, [row | {"attempts": number} for row in known(MANY)], ["attempts"])
    delete_rows(connection, frontier, known(MANY))
    assert stored(connection) == []


def test_nothing_to_write_is_nothing(connection: Connection) -> None:
    before = dump(connection)
    insert_rows(connection, comments, [])
    update_rows(connection, comments, [], ["rating"])
    delete_rows(connection, comments, [])
    assert dump(connection) == before


@pytest.mark.parametrize("size", SIZES)
def test_every_type_of_column(connection: Connection, size: int) -> None:
    store(connection, page(*(comment(number) for number in range(1, size + 1)), tags=("мир", "a\\N")))
    before = rows(connection, comments)
    delete_rows(connection, comments, before)
    assert rows(connection, comments) == []
    insert_rows(connection, comments, before)
    assert rows(connection, comments) == before
    (article,) = rows(connection, articles)
    update_rows(connection, articles, [article | {"tags": [], "footnotes": [None]}], ["tags", "footnotes"])
    assert rows(connection, articles) == [article | {"tags": [], "footnotes": [None]}]


def test_a_key_that_is_there_is_refused_and_the_transaction_is_lost(migrated_url: str) -> None:
    with database.engine(migrated_url, writes=True).connect() as connection:
        with connection.begin():
            insert_rows(connection, frontier, known(1))
        with pytest.raises(IntegrityError), connection.begin():
            insert_rows(connection, frontier, known(2))
        assert [row["article_id"] for row in stored(connection)] == [1]


def test_a_time_without_a_zone_is_refused(connection: Connection) -> None:
    naive = [row | {"discovered_at": datetime(2017, 11, 3)} for row in known(1)]  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="needs a time zone"):
        insert_rows(connection, frontier, naive)


# --- rows of several tables ------------------------------------------------------------------------------------------


def test_rows_of_several_tables_are_written_together(connection: Connection) -> None:
    store(connection, page(comment(11), tags=("мир", 'a"\\N'), footnotes=("*",)))
    before = {table: rows(connection, table) for table in (articles, authors, author_names, comments)}
    (article,) = before[articles]
    for table in (comments, author_names, authors, articles):
        delete_rows(connection, table, before[table])
    writes = Writes(connection)
    writes.insert_many(comments, before[comments])
    for table in (articles, authors, author_names):
        writes.insert(table, before[table])
    assert rows(connection, articles) == []
    writes.send()
    assert {table: rows(connection, table) for table in before} == before
    writes.update(
        articles, article | {"title": "Other", "tags": [], "views": None}, ["title", "tags", "views"]
    )
    writes.update(comments, before[comments][0] | {"rating": 5, "rated_at": FOREIGN}, ["rating", "rated_at"])
    writes.insert(frontier, known(3))
    writes.send()
    writes.send()  # nothing is left
    assert rows(connection, articles) == [article | {"title": "Other", "tags": [], "views": None}]
    (changed,) = rows(connection, comments)
    assert (changed["rating"], changed["rated_at"], changed["body"]) == (5, FOREIGN, "Words of 11.")
    assert stored(connection) == sorted(known(3), key=lambda row: row["article_id"])


def test_nothing_is_written_with_no_column_to_update(connection: Connection) -> None:
    writes = Writes(connection)
    writes.update(articles, {"id": 1, "edition_id": 1}, [])
    writes.insert(articles, [])
    writes.insert_many(articles, [])
    writes.send()
    assert rows(connection, articles) == []


# --- statements ------------------------------------------------------------------------------------------------------

_ONE = Statement(select(articles).where(articles.c.id == bindparam("article_id")))
_LIVE = sought([comments.c.id], comments.c.id, "ids", comments.c.state == "live")
_NAMED = sought([comments.c.id], comments.c.nickname_raw, "names")
_RATE = Statement(
    update(comments).where(comments.c.id == bindparam("its_id")).values(rating=bindparam("new_rating"))
)


def test_a_row_is_read_as_sqlalchemy_reads_it(connection: Connection) -> None:
    store(connection, page(comment(11), tags=("мир",), published_machine="2017-11-03T09:00:00+03:00"))
    row = _ONE.first(connection, article_id=ARTICLE)
    assert row is not None
    assert [row._asdict()] == rows(connection, articles)
    assert row.published_at == datetime(2017, 11, 3, 6, tzinfo=UTC)
    assert _ONE.first(connection, article_id=99) is None


def test_any_number_of_values_is_one_statement(connection: Connection) -> None:
    store(connection, page(*(comment(number) for number in range(1, 40))))
    for ids in ([], [3], list(range(1, 31)), [*range(30, 3000), 2**62]):
        found = {row.id for row in _LIVE.all(connection, ids=ids)}
        assert found == set(ids) & set(range(1, 40))


def test_texts_are_compared_as_they_are(connection: Connection) -> None:
    names = ['"Вася"', "a,b", "{NULL}", "x\\"]
    store(connection, page(*(comment(n, nickname_raw=name) for n, name in enumerate(names, 1))))
    assert {row.id for row in _NAMED.all(connection, names=names[1:3])} == {2, 3}


def test_how_many_rows_were_written(connection: Connection) -> None:
    store(connection, page(comment(1), comment(2)))
    assert _RATE.run(connection, its_id=1, new_rating=7) == 1
    assert _RATE.run_many(connection, [{"its_id": n, "new_rating": n} for n in (1, 2, 3)]) == 2
    assert [row["rating"] for row in rows(connection, comments)] == [1, 2]


def test_a_statement_belongs_to_the_transaction(migrated_url: str) -> None:
    add = Statement(insert(frontier).values({name: bindparam(name) for name in known(1)[0]}))
    with database.engine(migrated_url, writes=True).connect() as connection:
        assert add.run(connection, **known(1)[0]) == 1
        connection.rollback()
        assert stored(connection) == []


def test_a_parameter_that_is_not_known_is_a_mistake(connection: Connection) -> None:
    with pytest.raises(AssertionError):
        _ONE.first(connection, article_id=1, edition_id=1)


@pytest.fixture(scope="module")
def new_postgres(new_database: Callable[[str], str]) -> Iterator[Connection]:
    """A database of its own: the one that tests share is analysed by the server when the suite takes long."""
    with database.engine(new_database("postgres")).connect() as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    ("statement", "indexes"),
    [
        (standing_asked._COMMENTS, {"pk_comments"}),
        (comments_asked._WHOLE, {"pk_comments"}),
        (places_asked._PLACES, {"pk_comments"}),
        (places_asked._ANSWERS, {"ix_comments_parent_id_edition_id"}),
        (authors_asked._AUTHORS, {"pk_authors", "pk_author_names"}),
        (
            standing_asked._STANDING,
            {"pk_articles", "pk_visits", "pk_frontier", "pk_fetches", "ix_comments_not_live"},
        ),
    ],
)
def test_what_is_planned_for_an_empty_table_fits_a_full_one(
    new_postgres: Connection, statement: Statement, indexes: set[str]
) -> None:
    sql = statement._for(new_postgres).sql
    nulls = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", sql))))
    ask = new_postgres.exec_driver_sql
    ask("SET LOCAL plan_cache_mode = force_generic_plan")
    ask(f"PREPARE asked AS {sql}")
    plan = "\n".join(line for (line,) in ask(f"EXPLAIN EXECUTE asked({nulls})"))
    ask("DEALLOCATE asked")
    assert "Seq Scan" not in plan
    assert indexes <= set(re.findall(r"using (\w+)", plan)), plan


def test_a_lost_connection_is_told_as_sqlalchemy_tells_it(postgres_url: str) -> None:
    database.migrate(postgres_url)
    engine = database.engine(postgres_url)
    with engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(DBAPIError) as told:
            _ONE.first(connection, article_id=1)
    assert told.value.connection_invalidated
