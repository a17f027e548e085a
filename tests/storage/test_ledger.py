"""What the crawler itself does, row by row."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from crawler.errors import BadArgument
from crawler.items import Entry, Exchange, Host, NormalPage, Visit, VisitOutcome
from crawler.storage import ledger
from crawler.storage.dialects import upsert
from crawler.storage.pages import Saved
from crawler.storage.schema import comments, crawls, editions, fetches, frontier, hosts, visits
from tests.storing import ARTICLE, EN, NOON, RU, SITE, at, comment, dump, fetch, normal, page, rows, save

MINUTE = timedelta(minutes=1)


def begin(connection: Connection, minutes: int = 0, edition: int = EN.id) -> int:
    return ledger.begin_crawl(
        connection, edition_id=edition, spider="made_up", arguments={"ids": "7"}, now=NOON + minutes * MINUTE
    )


#: A visit that no row tells of yet.
VISIT = Visit(id=2**60 + 1, edition=EN, article_id=ARTICLE, path="/7-a.html", started_at=NOON)


def visit(connection: Connection, crawl_id: int, *minutes: int) -> Visit:
    """An open visit with fetches that many minutes after noon."""
    for minute in minutes:
        failed = fetch(minute, id=minute + 1, outcome="timeout")
        save(connection, Exchange(edition=EN, fetch=failed, visit=VISIT), crawl_id=crawl_id)
    return VISIT


def test_editions(connection: Connection) -> None:
    before = rows(connection, editions)
    assert [(row["id"], row["code"], row["translation_of"]) for row in before] == [
        (1, "en", 2),
        (2, "ru", None),
    ]
    assert {row["time_zone"] for row in before} == {"Europe/Moscow"}
    ledger.save_editions(connection, SITE)
    assert rows(connection, editions) == before
    ledger.save_editions(
        connection, replace(SITE, editions=(replace(EN, base_url="https://new.example.org"), RU))
    )
    assert [row["base_url"] for row in rows(connection, editions)] == [
        "https://new.example.org",
        "https://example.org",
    ]


def test_an_archive_keeps_to_the_address_that_it_was_filled_from(connection: Connection) -> None:
    ledger.require_origin(connection, EN.id, "http://127.0.0.1:8000")
    answered = fetch(5, url="http://127.0.0.1:8000/robots.txt", status=404)
    ledger.save_fetch(connection, answered, crawl_id=None)
    # Who mistyped the address and got no answer has mixed nothing.
    ledger.save_fetch(connection, fetch(6, url="http://127.0.0.1:9/", outcome="unreachable"), crawl_id=None)
    ledger.require_origin(connection, EN.id, "http://127.0.0.1:8000")
    ledger.require_origin(connection, RU.id, "https://example.org")
    for other in ("https://en.example.org", "http://127.0.0.1:80", "http://127.0.0.1:80001"):
        with pytest.raises(BadArgument, match=r"filled from http://127\.0\.0\.1:8000, not from"):
            ledger.require_origin(connection, EN.id, other)


def test_fetches(connection: Connection) -> None:
    assert ledger.last_fetch_id(connection, EN.id) == 0
    crawl_id = begin(connection)
    first = fetch(5, id=2**60, bytes=2**40, digest="ab", status=200)
    assert ledger.save_fetch(connection, first, crawl_id=crawl_id, reader_version=3) is True
    (before,) = rows(connection, fetches)
    assert (before["id"], before["bytes"], before["source"], before["reader_version"]) == (
        2**60,
        2**40,
        "live",
        3,
    )
    assert (before["fetched_at"], before["crawl_id"], before["page"]) == (at(5), crawl_id, 1)
    assert ledger.save_fetch(connection, replace(first, outcome="failed"), crawl_id=crawl_id) is False
    assert rows(connection, fetches) == [before]
    ledger.save_fetch(connection, fetch(5, RU, id=2**60 + 2), crawl_id=None)
    assert ledger.last_fetch_id(connection, EN.id) == 2**60
    assert ledger.last_fetch_id(connection, RU.id) == 2**60 + 2


def test_texts_from_outside_are_made_storable(connection: Connection) -> None:
    dirt, clean = "a\0b\udc80", "a\ufffdb\ufffd"
    ledger.save_fetch(connection, fetch(5, url=dirt, detail=dirt, outcome="failed"), crawl_id=None)
    assert [(row["url"], row["detail"]) for row in rows(connection, fetches)] == [(clean, clean)]
    ledger.save_host(connection, Host(host="example.org", robots_state="rules", robots_text=dirt))
    assert ledger.known_hosts(connection, ["example.org"])[0].robots_text == clean
    crawl_id = ledger.begin_crawl(connection, edition_id=1, spider="s", arguments={"url": dirt}, now=NOON)
    ledger.save_crawl(connection, crawl_id, now=NOON, counters={}, state="failed", finish_reason=dirt)
    (crawl,) = rows(connection, crawls)
    assert (crawl["arguments"], crawl["finish_reason"]) == ({"url": clean}, clean)


def test_a_crawl_from_beginning_to_end(connection: Connection) -> None:
    crawl_id = begin(connection)
    open_visit = visit(connection, crawl_id, 0, 1)
    ledger.save_crawl(connection, crawl_id, now=NOON + MINUTE, counters={"pages": 3, "errors": 1})
    (row,) = rows(connection, crawls)
    assert (row["state"], row["pages"], row["errors"], row["articles"]) == ("running", 3, 1, 0)
    assert (row["heartbeat_at"], row["finished_at"]) == (NOON + MINUTE, None)
    assert row["arguments"] == {"ids": "7"}
    ledger.save_crawl(
        connection,
        crawl_id,
        now=NOON + 2 * MINUTE,
        counters={"pages": 4},
        state="stopped",
        finish_reason="why",
    )
    (row,) = rows(connection, crawls)
    assert (row["state"], row["pages"], row["errors"], row["finish_reason"]) == ("stopped", 4, 1, "why")
    assert row["finished_at"] == NOON + 2 * MINUTE
    (closed,) = rows(connection, visits)
    assert (closed["id"], closed["outcome"], closed["sweep"]) == (open_visit.id, "stopped", False)
    assert closed["finished_at"] == NOON + MINUTE


def test_a_crawl_that_was_killed(connection: Connection) -> None:
    killed = begin(connection)
    visit(connection, killed, 0)
    other_edition = begin(connection, edition=RU.id)
    ledger.save_crawl(connection, killed, now=NOON + MINUTE, counters={})
    next_one = begin(connection, minutes=60)
    states = {row["id"]: (row["state"], row["finished_at"]) for row in rows(connection, crawls)}
    assert states == {
        killed: ("killed", NOON + MINUTE),
        other_edition: ("running", None),
        next_one: ("running", None),
    }
    assert [(row["outcome"], row["finished_at"]) for row in rows(connection, visits)] == [("stopped", NOON)]


def test_the_number_of_the_last_visit(connection: Connection) -> None:
    assert ledger.last_visit_id(connection, EN.id) == 0
    asked = visit(connection, begin(connection), 0)
    assert ledger.last_visit_id(connection, EN.id) == asked.id
    assert ledger.last_visit_id(connection, RU.id) == 0


def test_hosts(connection: Connection) -> None:
    host = Host(
        host="example.org",
        robots_state="rules",
        robots_text="User-agent: *",
        robots_fetched_at=NOON,
        crawl_delay=2.5,
        last_request_at=NOON,
        paused_until=NOON + MINUTE,
        failures=3,
    )
    ledger.save_host(connection, Host(host="example.org"))
    ledger.save_host(connection, host)
    ledger.save_host(connection, Host(host="en.example.org"))
    assert ledger.known_hosts(connection, ["example.org", "unknown.example.org"]) == [host]
    assert ledger.known_hosts(connection, []) == []


def test_upsert_counts_what_it_wrote(connection: Connection) -> None:
    def host(name: str, failures: int) -> dict[str, object]:
        return {"host": name, "robots_state": "unknown", "failures": failures}

    assert upsert(connection, hosts, [], update=()) == 0
    assert upsert(connection, hosts, [host("b", 1), host("a", 1)], update=()) == 2
    assert upsert(connection, hosts, [host("c", 1), host("a", 9)], update=()) == 1
    assert upsert(connection, hosts, [host("a", 1), host("b", 1)], update=["failures"]) == 0
    assert upsert(connection, hosts, [host("a", 2), host("b", 1), host("d", 1)], update=["failures"]) == 2
    assert {row["host"]: row["failures"] for row in rows(connection, hosts)} == {
        "a": 2,
        "b": 1,
        "c": 1,
        "d": 1,
    }


# --- one exchange, whole --------------------------------------------------------------------------------------------


def test_an_exchange_is_stored_whole(connection: Connection) -> None:
    crawl_id = begin(connection)
    asked = VISIT
    understood = normal(page(comment(11), comment(12, 11), comments_stated=2))
    exchange = Exchange(
        edition=EN,
        fetch=fetch(5),
        normal=understood,
        visit=asked,
        seen_first=2,
        ends="swept",
        seen=frozenset((11, 12)),
    )
    saved = save(connection, exchange, crawl_id=crawl_id, now=NOON, reader_version=4)
    assert saved == Saved(articles_new=1, comments_new=2, outcome="swept")
    assert len(rows(connection, comments)) == 2
    (stored,) = rows(connection, fetches)
    assert (stored["visit_id"], stored["crawl_id"], stored["reader_version"]) == (asked.id, crawl_id, 4)
    (row,) = rows(connection, visits)
    assert (row["outcome"], row["sweep"], row["pages_read"]) == ("swept", True, 1)
    assert (row["id"], row["started_at"], row["finished_at"]) == (asked.id, at(5), at(5))
    assert (row["comments_stated"], row["comments_seen"], row["comments_new"]) == (2, 2, 2)
    assert [row["outcome"] for row in rows(connection, frontier)] == ["swept"]
    # The connection broke while this was committed, and it is done again.
    before = dump(connection)
    assert save(connection, exchange, crawl_id=crawl_id, now=NOON + MINUTE) == Saved()
    assert dump(connection) == before


def test_pages_of_a_visit_add_up(connection: Connection) -> None:
    crawl_id = begin(connection)
    asked = VISIT
    first = normal(page(comment(11), comment(12), comments_stated=3))
    second = normal(page(comment(12, body="Edited."), comment(13)))
    brought: list[tuple[int, NormalPage, int, VisitOutcome | None]] = [
        (1, first, 2, None),
        (2, second, 1, "partial"),
    ]
    for number, understood, seen_first, ends in brought:
        exchange = Exchange(
            edition=EN,
            fetch=fetch(number),
            normal=understood,
            visit=asked,
            seen_first=seen_first,
            ends=ends,
        )
        save(connection, exchange, crawl_id=crawl_id, now=NOON)
    (row,) = rows(connection, visits)
    assert (row["outcome"], row["sweep"], row["pages_read"], row["comments_stated"]) == (
        "partial",
        False,
        2,
        3,
    )
    assert (row["comments_seen"], row["comments_new"], row["comments_changed"]) == (3, 3, 1)
    assert (row["started_at"], row["finished_at"]) == (at(1), at(2))


@pytest.mark.parametrize("outcome", ["refused", "stopped"])
def test_an_exchange_that_never_was(connection: Connection, outcome: VisitOutcome) -> None:
    crawl_id = begin(connection)
    exchange = Exchange(edition=EN, fetch=None, visit=VISIT, ends=outcome)
    assert save(connection, exchange, crawl_id=crawl_id, now=NOON) == Saved(outcome=outcome)
    assert rows(connection, fetches) == rows(connection, visits) == []
    (waiting,) = rows(connection, frontier)
    assert waiting["attempts"] == (1 if outcome == "refused" else 0)
    before = dump(connection)
    save(connection, exchange, crawl_id=crawl_id, now=NOON)
    assert dump(connection) == before


def test_a_visit_that_could_not_go_on_is_stopped_and_its_article_knows_why(connection: Connection) -> None:
    crawl_id = begin(connection)
    read = Exchange(edition=EN, fetch=fetch(1), normal=normal(page(comment(11))), visit=VISIT, seen_first=1)
    save(connection, read, crawl_id=crawl_id, now=NOON)
    refused = Exchange(edition=EN, fetch=None, visit=VISIT, ends="partial")
    save(connection, refused, crawl_id=crawl_id, now=at(2))
    ledger.save_crawl(connection, crawl_id, now=at(3), counters={}, state="finished")
    (row,) = rows(connection, visits)
    assert (row["outcome"], row["finished_at"]) == ("stopped", at(1))
    assert [row["outcome"] for row in rows(connection, frontier)] == ["partial"]


def test_a_robots_txt_is_read_by_no_reader_of_pages(connection: Connection) -> None:
    asked = fetch(5, kind="robots", article_id=None, page=None)
    exchange = Exchange(edition=EN, fetch=asked)
    save(connection, exchange, crawl_id=begin(connection), now=NOON, reader_version=4)
    assert [row["reader_version"] for row in rows(connection, fetches)] == [None]


def test_a_listing(connection: Connection) -> None:
    entries = (Entry(id=7, path="/7-a.html"), Entry(id=8, path="/8-a.html"))
    exchange = Exchange(edition=EN, fetch=fetch(5, kind="listing"), entries=entries)
    assert save(connection, exchange, crawl_id=begin(connection), now=NOON) == Saved()
    assert [row["discovered_via"] for row in rows(connection, frontier)] == ["listing", "listing"]
    assert rows(connection, visits) == []


def test_an_article_is_known_from_the_first_page_of_its_visit_on(connection: Connection) -> None:
    """A crawl that asked for it by its number may be killed before the visit ends."""
    crawl_id = begin(connection)
    first = Exchange(edition=EN, fetch=fetch(1), normal=normal(page(comment(11))), visit=VISIT, seen_first=1)
    save(connection, first, crawl_id=crawl_id, now=at(1))
    (known,) = rows(connection, frontier)
    assert (known["article_id"], known["next_visit_at"], known["last_visit_at"]) == (ARTICLE, at(1), None)
    second = Exchange(edition=EN, fetch=fetch(2), visit=VISIT, ends="partial")
    save(connection, second, crawl_id=crawl_id, now=at(2))
    (known,) = rows(connection, frontier)
    assert (known["outcome"], known["attempts"], known["last_visit_at"]) == ("partial", 1, at(2))
