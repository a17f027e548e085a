"""Crawls of which there are two at once, that are stopped or killed, or whose database goes away."""

import signal
import time
from dataclasses import replace

from sqlalchemy import text

from crawler.sample import SampleSite, sample_articles
from crawler.storage import database
from crawler.storage.ledger import last_fetch_id
from tests.broken_line import Line
from tests.crawling import (
    EDITION_IDS,
    SMALL,
    article_ids,
    begun,
    crawl,
    rows,
    slow,
)


def test_a_second_crawl_at_once_ends_with_75(url: str) -> None:
    with SampleSite(edition="en") as site:
        slow(site)
        first = begun(url, site)
        try:
            second = crawl(url, site.url)
            assert second.code == 75
            assert "Another crawl of the edition en is running" in second.err
        finally:
            first.send_signal(signal.SIGTERM)
            first.communicate(timeout=60)
    assert len(rows(url, "SELECT * FROM crawls")) == 1


def test_sigterm_lets_what_is_under_way_be_stored(url: str) -> None:
    with SampleSite(edition="en") as site:
        slow(site)
        process = begun(url, site)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        [stopped] = rows(url, "SELECT * FROM crawls")
        assert stopped["state"] == "stopped"
        assert rows(url, "SELECT * FROM visits WHERE outcome IS NULL") == []
        site.answers.clear()
        assert crawl(url, site.url, "depth=0").code == 0
    assert article_ids(url) == {article.id for article in sample_articles()}


def test_a_second_signal_ends_a_crawl_at_once(url: str) -> None:
    with SampleSite(edition="en") as site:
        for article in sample_articles():
            site.answers[article.path] = replace(site.answer(article.path), delay_s=10)
        process = begun(url, site)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)  # another one: the system would make one of two that are the same
        _, err = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "stopped at once by a second signal" in err
        assert "Traceback" not in err
        site.answers.clear()
        assert crawl(url, site.url, "depth=0").code == 0
    assert [row["state"] for row in rows(url, "SELECT state FROM crawls ORDER BY id")] == [
        "killed",
        "finished",
    ]


def test_a_second_signal_does_not_wait_for_a_server_that_hangs(postgres_url: str) -> None:
    database.migrate(postgres_url)
    with SampleSite(edition="en") as site, database.engine(postgres_url).connect() as other:
        slow(site)
        process = begun(postgres_url, site)
        other.execute(text("LOCK articles IN ACCESS EXCLUSIVE MODE"))
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not other.scalar(waits):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)  # the lock would be waited for longer
        assert process.returncode == 1
        assert "stopped at once by a second signal" in err


def test_a_database_that_is_away_for_a_while_is_waited_for(postgres_url: str) -> None:
    database.migrate(postgres_url)
    with SampleSite(edition="en") as site, Line(postgres_url) as line:
        slow(site)
        process = begun(line.url, site, "depth=0")
        with line.away():
            time.sleep(2)
        site.answers.clear()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert "It is waited for, 10 minutes at most." in err
    assert "The database answers again." in err
    assert article_ids(postgres_url) == {article.id for article in sample_articles()}
    assert rows(postgres_url, "SELECT * FROM completeness_view WHERE NOT complete OR orphans > 0") == []


def test_one_signal_ends_the_wait_for_a_database(postgres_url: str) -> None:
    database.migrate(postgres_url)
    with SampleSite(edition="en") as site, Line(postgres_url) as line:
        slow(site)
        process = begun(line.url, site)
        with line.away():
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 3, err
        assert "cannot be used" in err.splitlines()[-1]
        assert "Traceback" not in err
        site.answers.clear()
        assert crawl(postgres_url, site.url, "depth=0").code == 0
    assert article_ids(postgres_url) == {article.id for article in sample_articles()}


def test_after_a_kill_the_next_crawl_goes_on(url: str) -> None:
    with SampleSite(edition="en") as site:
        slow(site)
        process = begun(url, site)
        process.kill()
        process.communicate(timeout=60)
        site.answers.clear()
        assert crawl(url, site.url, "depth=0").code == 0
    killed, finished = rows(url, "SELECT state FROM crawls ORDER BY id")
    assert (killed["state"], finished["state"]) == ("killed", "finished")
    assert rows(url, "SELECT * FROM visits WHERE outcome IS NULL") == []
    assert article_ids(url) == {article.id for article in sample_articles()}
    orphans = rows(url, "SELECT * FROM completeness_view WHERE NOT complete OR orphans > 0")
    assert orphans == []


def test_fetches_are_numbered_in_the_order_of_time(lite: str) -> None:
    with SampleSite(edition="en") as site:
        assert crawl(lite, site.url, f"ids={SMALL.id}").code == 0
        with database.reading(lite) as connection:
            first = last_fetch_id(connection, 1)
        assert crawl(lite, site.url, f"ids={SMALL.id}").code == 0
    later = rows(lite, "SELECT min(id) AS id FROM fetches WHERE crawl_id = 2")
    assert later[0]["id"] > first
    assert first % 100 == EDITION_IDS["en"]
