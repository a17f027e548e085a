"""When requests leave, judged by the clock of the server that gets them."""

import asyncio
import itertools
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError

from crawler.fetching.clock import Clock
from crawler.fetching.hosts import Hosts, host_of
from crawler.fetching.politeness import (
    FAILURES_UNTIL_DOWN,
    MAX_CRAWL_DELAY_S,
    HostPaused,
    Patience,
    Politeness,
    pause_s,
    retry_after_s,
    standing,
)
from crawler.items import Host
from tests.fetching.faultserver import PAGE, FaultServer, Talk, answer, faultserver, in_turn
from tests.fetching.tiny_crawl import crawled, finished, started

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
PAGES = [f"/{number}" for number in range(6)]


def gaps(server: FaultServer) -> list[float]:
    times = [asked.at for asked in server.asked]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("Tue, 03 Nov 2026 12:01:00 GMT", 60),
        ("Tue, 03 Nov 2026 15:01:00 +0300", 60),
        ("Tue, 03 Nov 2026 12:01:00", 60),  # no zone: HTTP knows only GMT
        ("Tue, 03 Nov 2026 11:59:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("", None),
        (None, None),
        ("Tue, 03 Nov 99999 12:01:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


def test_an_absurd_retry_after_is_still_a_number_that_the_cap_can_cut() -> None:
    absurd = retry_after_s("9" * 4000, NOW)
    assert absurd is not None
    assert pause_s(429, absurd, 1, Patience()) == 6 * 3600


@pytest.mark.parametrize(
    ("status", "retry_after", "failures", "seconds"),
    [
        (429, 5, 1, 5),
        (503, 3600, 1, 3600),
        (503, 10**9, 1, 6 * 3600),
        (429, None, 1, 30),
        (503, None, 2, 60),
        (503, None, 4, 240),
        (500, None, 1, 1),
        (502, None, 3, 4),
        (None, None, 4, 8),
        (500, 7, 1, 7),
        (None, None, 5, 900),
        (429, 5, 5, 900),
        (None, None, 6, 1800),
        (None, None, 10**6, 6 * 3600),
    ],
)
def test_pause(status: int | None, retry_after: float | None, failures: int, seconds: float) -> None:
    assert pause_s(status, retry_after, failures, Patience()) == seconds


@given(
    st.sampled_from([None, 429, 500, 503]),
    st.none() | st.floats(0.001, 1e18),
    st.integers(1, 10**9),
)
def test_a_pause_is_never_endless_and_never_shorter_than_asked(
    status: int | None, retry_after: float | None, failures: int
) -> None:
    pause = pause_s(status, retry_after, failures, Patience())
    assert 0 < pause <= Patience().cap_s
    assert retry_after is None or pause >= min(retry_after, Patience().cap_s)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (200, "well"),
        (301, "well"),
        (404, "well"),
        (410, "well"),
        (403, "neither"),
        (401, "neither"),
        (429, "failing"),
        (500, "failing"),
        (503, "failing"),
    ],
)
def test_standing(status: int, says: str) -> None:
    assert standing(status) == says


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://En.Example.org/1-a.html", "en.example.org"),
        ("https://example.org:443/", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("http://[::1]/", "::1"),
    ],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


class SetClock:
    """A clock that stands still until it is told how much time has passed."""

    def __init__(self) -> None:
        self.passed = 0.0
        #: By how much somebody has set the wall clock since.
        self.jumped = 0.0
        self.clock = Clock(
            wall=lambda: NOW + timedelta(seconds=self.passed + self.jumped), steady=lambda: self.passed
        )

    def politeness(self, *known: Host, delay_s: float = 1.0) -> tuple[Politeness, Hosts]:
        hosts = Hosts()
        hosts.remember(known)
        return Politeness(hosts, delay_s=delay_s, clock=self.clock, stretch=lambda: 1.0), hosts


def may_leave(politeness: Politeness) -> bool:
    """Whether a request to h leaves at once; if so, it has left."""

    async def at_once() -> bool:
        try:
            await asyncio.wait_for(politeness.turn("h"), 0.001)
        except TimeoutError:
            return False
        return True

    return asyncio.run(at_once())


def test_the_delay_counts_from_the_end_of_an_exchange() -> None:
    clock = SetClock()
    politeness, _ = clock.politeness(delay_s=2)
    assert may_leave(politeness)
    clock.passed = 5
    politeness.answered("h", 200, None)
    clock.passed = 6.9
    assert not may_leave(politeness)
    clock.passed = 7
    assert may_leave(politeness)
    assert not may_leave(politeness)


@pytest.mark.parametrize(("said", "kept"), [(0.5, 1), (5, 5), (3600, MAX_CRAWL_DELAY_S), (None, 1)])
def test_the_longer_of_our_delay_and_crawl_delay_holds(said: float | None, kept: float) -> None:
    clock = SetClock()
    politeness, hosts = clock.politeness()
    assert may_leave(politeness)
    hosts.change("h", crawl_delay=said)
    politeness.answered("h", 200, None)
    clock.passed = kept - 0.01
    assert not may_leave(politeness)
    clock.passed = kept
    assert may_leave(politeness)


def test_a_host_that_fails_again_and_again_is_down_and_gets_one_probe_at_a_time() -> None:
    clock = SetClock()
    politeness, hosts = clock.politeness()
    for failures in range(1, FAILURES_UNTIL_DOWN + 1):
        assert may_leave(politeness)
        politeness.answered("h", 502, None)
        assert hosts["h"].failures == failures
        clock.passed += 20
    with pytest.raises(HostPaused) as paused:
        may_leave(politeness)
    assert paused.value.until == hosts["h"].paused_until == NOW + timedelta(seconds=4 * 20 + 900)

    # The next crawl starts from the row, finds the pause over, and has one try.
    later = SetClock()
    later.passed = clock.passed + 1000
    politeness, hosts = later.politeness(hosts["h"])
    assert may_leave(politeness)
    politeness.answered("h", 502, None)
    with pytest.raises(HostPaused):
        may_leave(politeness)
    assert hosts["h"].failures == FAILURES_UNTIL_DOWN + 1
    later.passed += 1800
    assert may_leave(politeness)
    politeness.answered("h", 200, None)
    assert (hosts["h"].failures, hosts["h"].paused_until) == (0, None)


def test_a_host_that_does_not_answer_is_down_for_this_crawl_only() -> None:
    """It may be our own network; whoever has mended that should not have to wait."""
    clock = SetClock()
    politeness, hosts = clock.politeness()
    for _ in range(FAILURES_UNTIL_DOWN):
        assert may_leave(politeness)
        politeness.failed("h", DownloadTimeoutError("30 s"))
        clock.passed += 20
    with pytest.raises(HostPaused):
        may_leave(politeness)
    assert (hosts["h"].failures, hosts["h"].paused_until) == (0, None)
    politeness, _ = clock.politeness(hosts["h"])
    assert may_leave(politeness)


def test_an_answer_ends_the_count_of_those_that_did_not_come() -> None:
    clock = SetClock()
    politeness, _ = clock.politeness()
    for _ in range(2 * FAILURES_UNTIL_DOWN):
        assert may_leave(politeness)
        politeness.failed("h", DownloadTimeoutError("30 s"))
        clock.passed += 20
        assert may_leave(politeness)
        politeness.answered("h", 404, None)
        clock.passed += 20


def test_what_says_nothing_of_the_host_neither_counts_nor_forgives() -> None:
    politeness, hosts = SetClock().politeness(Host(host="h", failures=3))
    politeness.answered("h", 403, None)
    politeness.failed("h", DownloadCancelledError("too long"))
    assert (hosts["h"].failures, hosts["h"].paused_until) == (3, None)


def test_a_403_with_retry_after_pauses_and_a_redirect_with_one_does_not() -> None:
    politeness, hosts = SetClock().politeness()
    politeness.answered("h", 301, "600")
    assert hosts["h"].paused_until is None
    politeness.answered("h", 403, "600")
    assert hosts["h"].paused_until == NOW + timedelta(seconds=600)
    with pytest.raises(HostPaused, match="h is left alone until 2026-11-03 12:10:00 UTC"):
        may_leave(politeness)


def test_a_success_that_was_under_way_does_not_lift_a_pause() -> None:
    politeness, hosts = SetClock().politeness()
    politeness.answered("h", 429, "600")
    politeness.answered("h", 200, None)
    assert hosts["h"].paused_until == NOW + timedelta(seconds=600)


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(days=3650)])
def test_a_clock_that_was_wrong_once_does_not_stop_us_for_ever(jump: timedelta) -> None:
    clock = SetClock()
    politeness, _ = clock.politeness(Host(host="h", last_request_at=NOW + jump, paused_until=NOW + jump))
    assert may_leave(politeness)


def test_a_clock_that_is_set_while_we_wait_changes_no_wait() -> None:
    clock = SetClock()
    politeness, _ = clock.politeness()
    politeness.answered("h", 429, "60")
    clock.jumped = 10**6
    assert not may_leave(politeness)
    clock.passed, clock.jumped = 60, -(10**6)
    assert may_leave(politeness)


def test_no_delay_means_none_and_crawl_delay_counts_all_the_same() -> None:
    robots = answer(200, b"User-agent: *\nCrawl-delay: 0.3\n")
    with faultserver({}) as fast, faultserver({}, robots=robots) as slow:
        heard = crawled(
            [server.url + path for path in PAGES for server in (fast, slow)], CONCURRENT_REQUESTS_PER_DOMAIN=4
        )
    assert sorted(asked.path for asked in slow.asked) == sorted(["/robots.txt", *PAGES])
    assert min(gaps(slow)) >= 0.3
    assert max(gaps(slow)) < 1.5
    assert sum(gaps(fast)) < 1.0
    assert heard.hosts(slow.host)[-1]["crawl_delay"] == 0.3


def test_the_delay_is_kept_and_only_stretched() -> None:
    with faultserver({}) as server:
        heard = crawled(
            [server.url + path for path in PAGES],
            DOWNLOAD_DELAY=0.3,
            # Scrapy's own jitter, which also shortens, and more connections must make no difference.
            DOWNLOAD_DELAY_JITTER=0.9,
            CONCURRENT_REQUESTS_PER_DOMAIN=4,
        )
    assert all(heard.only(server.url + path)["status"] == 200 for path in PAGES)
    assert len(server.asked) == len(PAGES) + 1
    assert min(gaps(server)) >= 0.3
    # Many requests a second are not worth a row each.
    assert len(heard.hosts(server.host)) <= 4


def test_one_request_at_a_time() -> None:
    under_way = 0
    most = 0

    def slowly(talk: Talk) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.02)
        under_way -= 1
        PAGE(talk)

    with faultserver({}, otherwise=slowly) as server:
        heard = crawled([server.url + path for path in PAGES])
    assert all(heard.only(server.url + path)["status"] == 200 for path in PAGES)
    assert most == 1


def test_retry_after_holds_the_whole_host_and_the_crawl_goes_on_after_it() -> None:
    # Six requests are queued when the first one is told to wait: none of them may slip through.
    with faultserver({}, otherwise=in_turn(answer(429, headers={"Retry-After": "2"}), answer())) as server:
        heard = crawled([server.url + path for path in PAGES])
    assert len(server.asked) == len(PAGES) + 1
    _, pause, *others = gaps(server)
    assert pause >= 2
    assert sum(others) < 2
    statuses = [heard.only(server.url + path)["status"] for path in PAGES]
    assert sorted(statuses) == [200, 200, 200, 200, 200, 429]
    paused = [host for host in heard.hosts(server.host) if host["paused_until"] is not None]
    assert paused[0]["failures"] == 1
    last = heard.hosts(server.host)[-1]
    assert (last["failures"], last["paused_until"]) == (0, None)


def test_a_long_pause_ends_the_requests_and_not_one_by_one() -> None:
    pages = [f"/{number}" for number in range(40)]
    with faultserver({}, otherwise=answer(503)) as server:
        heard = crawled(
            [server.url + path for path in pages],
            DOWNLOAD_DELAY=0.5,
            PAUSE_FLOOR_S=600,
            CONCURRENT_REQUESTS=8,
        )
    assert len(server.asked) == 2
    ends = [heard.only(server.url + path) for path in pages]
    refused = [end for end in ends if end["event"] == "errback"]
    assert len(refused) == len(pages) - 1
    assert {(end["error"], end["not_asked"], end["fetch"]) for end in refused} == {("HostPaused", True, None)}
    until = datetime.fromisoformat(heard.hosts(server.host)[-1]["paused_until"])
    assert timedelta(seconds=580) < until - datetime.now(UTC) <= timedelta(seconds=600)
    assert f"{until:%Y-%m-%d %H:%M}" in refused[0]["message"]
    assert "Traceback" not in heard.log


def test_what_an_earlier_crawl_remembered_is_kept() -> None:
    now = datetime.now(UTC)
    with faultserver({}) as short, faultserver({}) as long, faultserver({}) as recent:
        hosts = [
            Host(host=short.host, paused_until=now + timedelta(seconds=4), failures=1),
            Host(host=long.host, paused_until=now + timedelta(hours=1), failures=1),
            Host(
                host=recent.host,
                robots_state="none",
                robots_fetched_at=now,
                crawl_delay=5,
                last_request_at=now,
            ),
        ]
        heard = crawled(
            [f"{server.url}/" for server in (short, long, recent)],
            hosts=hosts,
            CONCURRENT_REQUESTS_PER_DOMAIN=4,
        )
        answered_at = {
            server.host: datetime.fromisoformat(heard.only(f"{server.url}/")["fetch"]["fetched_at"])
            for server in (short, recent)
        }
    assert long.asked == []
    assert heard.only(f"{long.url}/")["error"] == "HostPaused"
    assert answered_at[short.host] >= now + timedelta(seconds=4)
    assert answered_at[recent.host] >= now + timedelta(seconds=5)


def test_failures_back_off_further_each_time() -> None:
    with faultserver({}, otherwise=in_turn(answer(500), answer(502), answer(200))) as server:
        heard = crawled([server.url + path for path in PAGES[:4]])
    _, first, second, third = gaps(server)
    assert 1 <= first < 2 <= second < 3
    assert third < 1
    assert heard.hosts(server.host)[-1]["failures"] == 0


def test_told_to_stop_a_crawl_sends_nothing_more() -> None:
    with faultserver({}) as server:
        process = started([server.url + path for path in PAGES], DOWNLOAD_DELAY=1.2)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if '"callback"' in line:
                break
        process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        heard = finished(process)
        took = time.monotonic() - told_at
    errors = [event["error"] for event in heard.events if event["event"] == "errback"]
    assert errors == ["CrawlEnds"] * (len(PAGES) - 1)
    assert took < 4  # and does not wait out the delay of each, which would take 6
    assert len(server.asked) == 2
