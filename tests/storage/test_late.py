"""What comes late, or by another reader, is stored as if all had come in time and been read alike."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection

from crawler.errors import BadRecord
from crawler.items import ArticlePage, Exchange, Fetch, FetchOutcome, Recorded, Visit, VisitOutcome
from crawler.storage.authors import latest_states
from crawler.storage.refold import fold_anew
from crawler.storage.schema import (
    article_states,
    articles,
    author_names,
    authors,
    comment_states,
    comments,
    visits,
)
from crawler.storage.writer import save_exchange
from tests.storing import (
    ARCHIVED,
    ARTICLE,
    EN,
    NOON,
    at,
    comment,
    fetch,
    normal,
    page,
    reread,
    rows,
    save,
    store,
)


def brought(
    number: int,
    written: ArticlePage | None = None,
    *,
    visit: int = 1,
    ends: VisitOutcome | None = None,
    seen: Iterable[int] = (),
    outcome: FetchOutcome = "ok",
    article: int = ARTICLE,
) -> Exchange:
    """What the fetch of this number brought in a visit."""
    asked: Fetch = fetch(number, article_id=article, outcome=outcome)
    return Exchange(
        edition=EN,
        fetch=asked,
        normal=normal(written, asked.fetched_at) if written is not None else None,
        visit=Visit(
            id=visit, edition=EN, article_id=article, path=f"/{article}-a.html", started_at=asked.fetched_at
        ),
        ends=ends,
        seen_first=0 if written is None else len(written.comments.comments),
        seen=frozenset(seen),
    )


def test_an_answer_without_a_page_that_comes_late_begins_its_visit(connection: Connection) -> None:
    save(connection, brought(2, page(comment(11)), ends="swept", seen=[11]))
    save(connection, brought(1, outcome="server_error"))
    (visit,) = rows(connection, visits)
    assert (visit["started_at"], visit["finished_at"]) == (at(1), at(2))
    assert (visit["outcome"], visit["pages_read"]) == ("swept", 1)


def test_a_page_that_comes_after_the_trouble_that_ended_its_visit(connection: Connection) -> None:
    save(connection, brought(2, outcome="server_error", ends="partial"))
    save(connection, brought(1, page(comment(11))))
    (visit,) = rows(connection, visits)
    assert (visit["started_at"], visit["finished_at"], visit["outcome"]) == (at(1), at(2), "partial")


def test_trouble_alone_in_any_order(connection: Connection) -> None:
    save(connection, brought(2, outcome="server_error", ends="unreachable"))
    save(connection, brought(1, outcome="server_error"))
    (visit,) = rows(connection, visits)
    assert (visit["started_at"], visit["finished_at"], visit["outcome"]) == (at(1), at(2), "unreachable")


def test_a_late_page_shows_a_comment_that_is_stored_in_an_older_article(connection: Connection) -> None:
    """It stood there first and has moved, which only the late page shows."""
    store(connection, page(comment(11), article=8), 1)
    store(connection, page(), 3)
    store(connection, page(comment(11)), 2)
    (row,) = rows(connection, comments)
    (state,) = rows(connection, comment_states)
    assert (row["article_id"], row["change"], row["seen_at"]) == (ARTICLE, "move", at(2))
    assert (state["article_id"], state["until"]) == (8, at(2))


def test_a_page_that_is_late_for_its_visit_alone_shows_such_a_comment(connection: Connection) -> None:
    store(connection, page(comment(11), article=8), 1)
    save(connection, brought(3, outcome="server_error", ends="partial"))
    save(connection, brought(2, page(comment(11))))
    (row,) = rows(connection, comments)
    assert (row["article_id"], row["change"], len(rows(connection, comment_states))) == (ARTICLE, "move", 1)


def test_words_that_move_by_themselves_are_no_news_when_nobody_understands_them(
    connection: Connection,
) -> None:
    for number, raw in enumerate(("a moon before", "two moons before", "three moons before"), 1):
        store(connection, page(comment(11, posted_raw=raw)), number)
    (row,) = rows(connection, comments)
    assert (row["posted_at"], row["posted_raw"]) == (None, "a moon before")
    store(connection, page(comment(11, posted_raw="four moons before", source_hash="other")), 4)
    (row,) = rows(connection, comments)
    assert (row["posted_raw"], rows(connection, comment_states)) == ("four moons before", [])


@pytest.mark.parametrize("last", [[11], [11, 12]], ids=["gains", "changes"])
def test_an_author_is_known_since_the_earliest_time_though_the_clock_went_back(
    connection: Connection, last: list[int]
) -> None:
    """That two pages show an author in the same spelling, the later one by an earlier clock."""
    shown = {1: [11], 2: [11, 12], 3: last}
    for number in (1, 3, 2):
        asked = fetch(number, fetched_at=at(10 - number))
        written = normal(page(*map(comment, shown[number])), asked.fetched_at)
        save(connection, Exchange(edition=EN, fetch=asked, normal=written))
    (author,) = rows(connection, authors)
    (spelling,) = rows(connection, author_names)
    assert (author["first_seen_at"], spelling["first_seen_at"]) == (at(8), at(9))


def test_a_page_of_an_article_that_was_only_ever_asked_for_in_vain(connection: Connection) -> None:
    save(connection, brought(2, outcome="not_found", ends="not_found"))
    store(connection, page(comment(11)), 1)
    (article,) = rows(connection, articles)
    assert (article["state"], article["change"], article["first_seen_at"]) == ("missing", "missing", at(1))
    assert rows(connection, comments)[0]["state"] == "live"


def test_a_comment_that_moves_away_during_a_visit_hides_no_missing_one(connection: Connection) -> None:
    """That as many comments are live as were seen does not say that they are the same."""
    save(connection, brought(1, page(*map(comment, (11, 12, 13, 14))), ends="swept", seen=[11, 12, 13, 14]))
    save(connection, brought(2, page(comment(11), comment(12)), visit=2))
    store(connection, page(comment(12), article=8), 3)
    save(connection, brought(4, page(comment(13)), visit=2, ends="swept", seen=[11, 12, 13]))
    _, visit = rows(connection, visits)
    assert (visit["outcome"], visit["unseen"]) == ("suspect", [14])


def test_a_late_sweep_finds_the_comments_that_have_left_since(connection: Connection) -> None:
    """In the order of the fetches 12 was missing in the one article before it turned up in the other."""
    first = [11, 12, 13, 14, 15, 16]
    rest = [11, 13, 14, 15, 16]
    save(connection, brought(1, page(*map(comment, first)), ends="swept", seen=first))
    store(connection, page(comment(12), article=8), 3)
    save(connection, brought(2, page(*map(comment, rest)), visit=2, ends="swept", seen=rest))
    states = [(row["comment_id"], row["state"], row["until"]) for row in rows(connection, comment_states)]
    assert states == [(12, "live", at(2)), (12, "missing", at(3))]


def test_a_better_reading_of_an_article_is_no_change(connection: Connection) -> None:
    store(connection, page(comment(11), body="Buy a boat! Text."), 1, reader_version=1)
    better = page(comment(11), body="Text.")
    ARCHIVED[1] = brought(1, better)
    store(connection, better, 2, reader_version=2)
    (article,) = rows(connection, articles)
    assert (article["body"], article["change"], article["changed_at"]) == ("Text.", "new", None)
    assert (article["reader_version"], article["last_fetch_id"]) == (2, 2)
    assert (rows(connection, article_states), rows(connection, comment_states)) == ([], [])


def test_a_better_reading_of_a_comment_is_no_change_whatever_its_markup_is_taken_for(
    connection: Connection,
) -> None:
    store(connection, page(comment(11, body="Misread.", source_hash="of then")), 1, reader_version=1)
    better = page(comment(11, body="Read.", source_hash="of today"))
    ARCHIVED[1] = brought(1, better)
    assert store(connection, better, 2, reader_version=2).comments_changed == 0
    (row,) = rows(connection, comments)
    assert (row["body"], row["change"], row["changed_at"]) == ("Read.", "new", None)
    assert rows(connection, comment_states) == []


def test_a_change_between_two_readers_supersedes_what_the_better_one_reads(connection: Connection) -> None:
    store(connection, page(body="Buy a boat! Text."), 1, reader_version=1)
    ARCHIVED[1] = brought(1, page(body="Text."))
    store(connection, page(body="Text, corrected."), 2, reader_version=2)
    (article,) = rows(connection, articles)
    (state,) = rows(connection, article_states)
    assert (article["body"], article["change"], article["fetch_id"]) == ("Text, corrected.", "translation", 2)
    assert (state["body"], state["fetch_id"], state["until"]) == ("Text.", 1, at(2))


def test_comments_that_are_but_read_better_do_not_count_as_changed(connection: Connection) -> None:
    store(connection, page(comment(11), comment(12), body="Buy a boat! Text."), 1, reader_version=1)
    better = comment(11, body="All the words of 11.")
    ARCHIVED[1] = brought(1, page(better, comment(12)))
    saved = store(
        connection, page(better, comment(12, body="Edited.", source_hash="edited")), 2, reader_version=2
    )
    assert (saved.comments_new, saved.comments_changed) == (0, 1)
    assert [row["comment_id"] for row in rows(connection, comment_states)] == [12]


def test_an_author_whom_a_better_reader_takes_comments_from_is_called_as_before(
    connection: Connection,
) -> None:
    """Vera's latest comment turns out to be a member's; the one before is of an article that nobody reads again."""
    guest: dict[str, Any] = {"author_kind": "guest", "profile_name": None}
    store(connection, page(comment(11, nickname_raw="Vera", **guest), article=8), 1, reader_version=1)
    store(connection, page(comment(12, nickname_raw="vERA", **guest)), 2, reader_version=1)
    names = {row["key"]: row["nickname"] for row in rows(connection, authors)}
    assert names == {"guest:vera": "vERA"}
    ARCHIVED[1] = brought(
        1, page(comment(11, nickname_raw="Vera", profile_name="Vera"), article=8), article=8
    )
    ARCHIVED[2] = brought(2, page(comment(12, nickname_raw="vERA", profile_name="Vera")))
    fold_anew(connection, EN, [ARTICLE], reread, reader_version=2)
    names = {row["key"]: row["nickname"] for row in rows(connection, authors)}
    assert names == {"guest:vera": "Vera", "vera": "vERA"}


def test_an_author_whom_a_better_reader_takes_the_latest_comment_from_is_called_as_the_one_before_has_it(
    connection: Connection,
) -> None:
    guest: dict[str, Any] = {"author_kind": "guest", "profile_name": None}
    store(connection, page(comment(11, nickname_raw="Vera", **guest), article=8), 1, reader_version=1)
    markup: dict[str, Any] = {"nickname_raw": "vERA", "source_hash": "the same"}
    store(connection, page(comment(12, **markup, **guest)), 2, reader_version=1)
    store(connection, page(comment(12, **markup, profile_name="Vera")), 3, reader_version=2)
    names = {row["key"]: row["nickname"] for row in rows(connection, authors)}
    assert names == {"guest:vera": "Vera", "vera": "vERA"}


def test_the_latest_comment_of_a_busy_author_is_found_as_soon_as_that_of_others(
    sqlite_connection: Connection,
) -> None:
    """It is asked for at each article that is folded anew, and a busy author has written tens of thousands."""
    database: Any = sqlite_connection.connection.dbapi_connection

    def steps() -> int:
        done: list[None] = []
        database.set_progress_handler(lambda: done.append(None), 1)
        latest = latest_states(sqlite_connection, EN, ["vasya"])
        database.set_progress_handler(None, 1)
        assert list(latest) == ["vasya"]
        return len(done)

    for number in (1, 2):
        store(sqlite_connection, page(comment(number), article=number), number)
    of_two = steps()
    for number in range(3, 13):
        many = range(100 * number, 100 * number + 100)
        store(sqlite_connection, page(*map(comment, many), article=number), number)
    store(sqlite_connection, page(comment(3), article=13), 13)
    assert steps() == of_two


def test_where_pages_cannot_be_read_again_another_reading_of_an_article_is_a_change(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    def carried_away(known: Sequence[Recorded]) -> Iterable[Exchange]:
        raise BadRecord("2017.warc.gz", 0, f"there is no such file, and {len(known)} exchanges are wanted")

    store(connection, page(comment(11), body="Buy a boat! Text."), 1, reader_version=1)
    exchange = brought(2, page(comment(11), comment(12), body="Text."))
    with caplog.at_level(logging.WARNING):
        save_exchange(connection, exchange, crawl_id=None, now=NOON, reread=carried_away, reader_version=2)
    (article,) = rows(connection, articles)
    (state,) = rows(connection, article_states)
    assert (article["body"], article["change"], state["body"]) == (
        "Text.",
        "translation",
        "Buy a boat! Text.",
    )
    assert [row["id"] for row in rows(connection, comments)] == [11, 12]
    assert "2017.warc.gz" in caplog.text
