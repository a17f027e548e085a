"""The questions that the commands ask."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from crawler.items import Image, Link, Quote
from crawler.storage import ledger, queries
from crawler.storage.bulk import Writes
from crawler.storage.frontier import save_visit_end
from crawler.storage.standing import standing
from tests.storing import EN, NOON, RU, at, comment, fetch, page, store


def test_an_empty_archive(connection: Connection) -> None:
    assert queries.newest_articles(connection, edition=None, limit=9) == []
    assert queries.newest_crawls(connection, limit=9) == []
    assert queries.thread(connection, 7, EN.id) == []
    assert queries.article(connection, 7, EN.id) is None
    assert queries.editions_with(connection, 7) == []
    assert queries.newest_moment(connection) is None
    assert set(queries.totals(connection).values()) == {0}


def test_editions(connection: Connection) -> None:
    assert queries.edition_id(connection, "ru") == RU.id
    assert queries.edition_id(connection, "de") is None
    store(connection, page(article=7), 1, RU)
    store(connection, page(article=7), 2, EN)
    store(connection, page(article=8), 3, RU)
    assert [row["code"] for row in queries.editions_with(connection, 7)] == ["en", "ru"]
    (row,) = queries.editions_with(connection, 8)
    assert (row["id"], row["base_url"], row["time_zone"]) == (2, "https://example.org", "Europe/Moscow")


def test_newest_articles(connection: Connection) -> None:
    store(
        connection, page(comment(11), article=7, published_raw="3 November 2017 12:20", comments_stated=1), 1
    )
    store(connection, page(article=8, published_raw="4 November 2017 12:20", title="Newer"), 2)
    store(connection, page(article=9, published_raw=None), 3)
    store(connection, page(article=8, published_raw="4 November 2017 12:20"), 4, RU)
    writes = Writes(connection)
    address = "https://en.example.org/7-a.html"
    save_visit_end(writes, EN, 7, standing(connection, EN, 7), address, "swept", now=NOON)
    writes.send()

    def numbers(**asked: Any) -> list[tuple[int, str]]:
        shown = queries.newest_articles(connection, **asked)
        return [(row["id"], row["edition"]) for row in shown]

    assert numbers(edition=None, limit=9) == [(8, "en"), (8, "ru"), (7, "en"), (9, "en")]
    assert numbers(edition="ru", limit=9) == [(8, "ru")]
    assert numbers(edition=None, limit=1) == [(8, "en")]
    last = queries.newest_articles(connection, edition="en", limit=2)[1]
    assert (last["title"], last["comments_stated"], last["comments_stored"]) == ("Title", 1, 1)
    assert (last["time_zone"], last["url"]) == ("Europe/Moscow", "https://en.example.org/7-a.html")
    assert (last["last_visit_at"], last["last_sweep_at"]) == (NOON, NOON)


def test_thread(connection: Connection) -> None:
    answer = comment(
        13,
        11,
        nickname_raw=" Petya ",
        profile_name="Petya",
        posted_raw="Today, 10:00",
        quotes=(Quote(text="Слова"),),
        links=(Link(text="here", url="https://example.org/"),),
        images=(Image(url="https://example.org/a.png"),),
        rating=4,
    )
    store(connection, page(comment(20, 12), comment(12, 11), answer, comment(11), comment(5)), 1)
    store(connection, page(comment(5, body="Edited.")), 2)
    store(connection, page(comment(30), article=8), 3)
    thread = queries.thread(connection, 7, EN.id)
    assert [(row["id"], row["depth"]) for row in thread] == [(5, 0), (11, 0), (12, 1), (20, 2), (13, 1)]
    assert [row["changed_at"] for row in thread] == [at(2), None, None, None, None]
    row = thread[4]
    assert (row["nickname"], row["nickname_raw"], row["author_key"]) == ("Petya", " Petya ", "petya")
    assert (row["posted_at"], row["posted_raw"]) == (NOON - timedelta(hours=5), "Today, 10:00")
    assert row["quotes"] == [{"author": None, "text": "Слова", "level": 1, "comment_id": None}]
    assert (row["links"][0]["url"], row["images"][0]["caption"]) == ("https://example.org/", None)
    assert (row["parent_id"], row["root_id"], row["rating"], row["state"]) == (11, 11, 4, "live")


def test_article(connection: Connection) -> None:
    store(connection, page(tags=("peace",)), 1)
    article = queries.article(connection, 7, EN.id)
    assert article is not None
    assert (article["title"], article["tags"], article["first_seen_at"]) == ("Title", ["peace"], at(1))
    assert queries.article(connection, 7, RU.id) is None


def test_newest_crawls(connection: Connection) -> None:
    begun = [
        ledger.begin_crawl(connection, edition_id=edition, spider="made_up", arguments={"ids": "7"}, now=NOON)
        for edition in (1, 2, 1)
    ]
    shown = queries.newest_crawls(connection, limit=2)
    assert [(row["id"], row["edition"], row["state"]) for row in shown] == [
        (begun[2], "en", "running"),
        (begun[1], "ru", "running"),
    ]
    assert (shown[0]["time_zone"], shown[0]["arguments"]) == ("Europe/Moscow", {"ids": "7"})


def test_totals(connection: Connection) -> None:
    store(connection, page(comment(11), comment(12, nickname_raw="Petya", profile_name="Petya")), 1)
    store(connection, page(comment(21), article=8), 2)
    ledger.save_fetch(connection, fetch(3, kind="robots"), crawl_id=None)
    totals = queries.totals(connection)
    assert (totals["articles"], totals["comments"], totals["authors"], totals["fetches"]) == (2, 3, 2, 3)
    assert (totals["visits"], totals["crawls"], totals["hosts"], totals["frontier"]) == (0, 0, 0, 0)


def test_newest_moment(connection: Connection) -> None:
    store(connection, page(), 5)
    store(connection, page(), 3)
    assert queries.newest_moment(connection) == at(5)
