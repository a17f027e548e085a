"""robots.txt: what allows, what forbids, and that nothing is asked where it cannot be read."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from crawler.fetching.robots import (
    MAX_BYTES,
    Verdict,
    allowed,
    crawl_delay,
    is_fresh,
    redirect_target,
    verdict,
)
from crawler.items import Host
from tests.fetching.faultserver import (
    ALLOW_ALL,
    FaultServer,
    Reply,
    answer,
    close_delimited,
    endless,
    faultserver,
    hang,
    raw,
    reset,
)
from tests.fetching.tiny_crawl import Heard, crawled

RULES = b"User-agent: *\nDisallow: /user/\nDisallow: /*do=search\nCrawl-delay: 0.2\n"
HTML = b"<!DOCTYPE html><title>One moment</title>User-agent: *\nAllow: /"


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, RULES, "rules"),
        (200, b"", "rules"),
        (200, b"# nothing to say\n", "rules"),
        (200, b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /\r\n", "rules"),
        (200, "User-agent: *\n# не заходить\nDisallow: /\n".encode("cp1251"), "rules"),
        (200, b"Sitemap: https://example.org/sitemap.xml\n", "rules"),
        (200, HTML, "unavailable"),
        (200, b"  \n<html>", "unavailable"),
        (200, b"Please wait while we check your browser", "unavailable"),
        (200, b"User-agent: *\n\0\0\0", "unavailable"),
        (200, b"\x1f\x8b\x08\x00junk", "unavailable"),
        (404, HTML, "none"),
        (410, b"", "none"),
        (400, b"", "none"),
        (451, b"", "none"),
        (401, b"", "unavailable"),
        (403, RULES, "unavailable"),
        (429, b"", "unavailable"),
        (500, b"", "unavailable"),
        (503, RULES, "unavailable"),
        (304, b"", "unavailable"),
        (999, b"", "unavailable"),
    ],
)
def test_verdict(status: int, body: bytes, state: str) -> None:
    found = verdict(status, body)
    assert found.state == state
    assert (found.text is not None) == (state == "rules")
    assert (found.reason is not None) == (state == "unavailable")


@pytest.mark.parametrize(
    ("text", "path", "agent", "may"),
    [
        ("User-agent: *\nDisallow: /user/", "/user/x/", "archive", False),
        ("User-agent: *\nDisallow: /user/", "/1-a.html", "archive", True),
        ("User-agent: *\nDisallow: /user/\nAllow: /user/x/", "/user/x/", "archive", True),
        ("User-agent: archive\nDisallow: /", "/", "archive", False),
        ("User-agent: Archive\nDisallow:\n\nUser-agent: *\nDisallow: /", "/", "archive", True),
        ("User-agent: other\nDisallow: /", "/", "archive", True),
        ("User-agent: *\nDisallow: /*do=search", "/index.php?do=search", "archive", False),
        ("User-agent: *\nDisallow: /*.html$", "/1-a.html", "archive", False),
        ("User-agent: *\nDisallow: /*.html$", "/1-a.html?x", "archive", True),
        ("", "/anything", "archive", True),
    ],
)
def test_allowed(text: str, path: str, agent: str, may: bool) -> None:
    assert allowed(text, f"https://example.org{path}", agent) == may


def test_crawl_delay() -> None:
    text = "User-agent: *\nCrawl-delay: 2.5\n\nUser-agent: greedy\nCrawl-delay: soon\n"
    assert crawl_delay(text, "archive") == 2.5
    assert crawl_delay(text, "greedy") is None


def test_a_long_robots_txt_is_read_up_to_its_last_whole_line() -> None:
    rule = b"Disallow: /private/%06d\n"
    body = b"User-agent: *\n" + b"".join(rule % n for n in range(30_000)) + b"Disallow: /\n"
    assert len(body) > MAX_BYTES
    text = verdict(200, body).text
    assert text is not None
    assert MAX_BYTES - 100 < len(text) <= MAX_BYTES
    assert text.endswith("\n")
    assert not allowed(text, "https://example.org/private/000001", "archive")
    assert allowed(text, "https://example.org/1-a.html", "archive")


NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "fresh"),
    [
        (Host(host="h"), False),
        (Host(host="h", robots_state="none", robots_fetched_at=NOW - timedelta(hours=23)), True),
        (Host(host="h", robots_state="none", robots_fetched_at=NOW - timedelta(hours=24)), False),
        (Host(host="h", robots_state="none", robots_fetched_at=NOW + timedelta(hours=1)), False),
        (Host(host="h", robots_state="rules", robots_text="", robots_fetched_at=NOW), True),
        (Host(host="h", robots_state="rules", robots_fetched_at=NOW), False),
        (Host(host="h", robots_state="unavailable", robots_fetched_at=NOW), False),
    ],
)
def test_what_is_remembered_holds_for_a_day(host: Host, fresh: bool) -> None:
    assert is_fresh(host, NOW) == fresh


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/robots/", "http://example.org/robots/"),
        ("https://example.org/robots.txt", "https://example.org/robots.txt"),
        ("https://www.example.org/robots.txt", None),
        ("http://example.org:8080/robots.txt", None),
        ("http://example.org:port/robots.txt", None),
        ("file:///etc/passwd", None),
        ("mailto:somebody@example.org", None),
    ],
)
def test_a_redirect_of_robots_txt_stays_on_its_host(location: str, target: str | None) -> None:
    assert redirect_target("http://example.org/robots.txt", location) == target


#: robots.txt → how a page and a page under /user/ end then
MODES: dict[str, tuple[Reply, str, str]] = {
    "rules": (answer(200, RULES), "callback", "RobotsForbid"),
    "allow all": (ALLOW_ALL, "callback", "callback"),
    "empty": (answer(200, b""), "callback", "callback"),
    "404": (answer(404, HTML), "callback", "callback"),
    "redirect": (answer(301, b"", {"Location": "/other"}), "callback", "RobotsForbid"),
    "redirect away": (
        answer(302, b"", {"Location": "http://localhost:1/"}),
        "RobotsUnavailable",
        "RobotsUnavailable",
    ),
    "redirect for ever": (
        answer(301, b"", {"Location": "/robots.txt"}),
        "RobotsUnavailable",
        "RobotsUnavailable",
    ),
    "401": (answer(401), "RobotsUnavailable", "RobotsUnavailable"),
    "403": (answer(403), "RobotsUnavailable", "RobotsUnavailable"),
    "429": (answer(429), "RobotsUnavailable", "RobotsUnavailable"),
    "500": (answer(500), "RobotsUnavailable", "RobotsUnavailable"),
    "503": (answer(503), "RobotsUnavailable", "RobotsUnavailable"),
    "html": (answer(200, HTML), "RobotsUnavailable", "RobotsUnavailable"),
    "junk": (answer(200, bytes(100)), "RobotsUnavailable", "RobotsUnavailable"),
    "cut": (answer(200, RULES, length=9999), "RobotsUnavailable", "RobotsUnavailable"),
    "maybe cut": (close_delimited(RULES), "RobotsUnavailable", "RobotsUnavailable"),
    "endless": (endless, "RobotsUnavailable", "RobotsUnavailable"),
    "hang": (hang, "RobotsUnavailable", "RobotsUnavailable"),
    "reset": (reset, "RobotsUnavailable", "RobotsUnavailable"),
    "no http": (raw(b"220 mail.example.org ESMTP\r\n"), "RobotsUnavailable", "RobotsUnavailable"),
}


@pytest.fixture(scope="module")
def crawl() -> tuple[Mapping[str, FaultServer], Heard]:
    """One crawl over as many servers as there are ways to answer, each asked for five pages."""
    with ExitStack() as stack:
        servers = {
            mode: stack.enter_context(faultserver({"/other": answer(200, RULES)}, robots=robots))
            for mode, (robots, _, _) in MODES.items()
        }
        heard = crawled(
            [
                f"{server.url}{path}"
                for server in servers.values()
                for path in ("/", "/1", "/2", "/3", "/user/x/")
            ],
            CONCURRENT_REQUESTS=200,
            CONCURRENT_REQUESTS_PER_DOMAIN=200,
        )
    return servers, heard


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_asked_without_permission(
    mode: str, crawl: tuple[Mapping[str, FaultServer], Heard]
) -> None:
    servers, heard = crawl
    server = servers[mode]
    _, page, private = MODES[mode]
    assert heard.only(f"{server.url}/user/x/").get("error", "callback") == private
    for path in ("/", "/1", "/2", "/3"):
        assert heard.only(server.url + path).get("error", "callback") == page

    asked = [asked.path for asked in server.asked]
    assert asked[0] == "/robots.txt"
    # Five requests waited for the same robots.txt; only redirects ask for it again.
    assert asked.count("/robots.txt") == (6 if mode == "redirect for ever" else 1)
    pages = {path for path in asked if path not in ("/robots.txt", "/other")}
    expected = {"/", "/1", "/2", "/3"} if page == "callback" else set()
    assert pages == expected | ({"/user/x/"} if private == "callback" else set())


def test_refusals_say_why_and_have_no_fetch(crawl: tuple[Mapping[str, FaultServer], Heard]) -> None:
    servers, heard = crawl
    forbidden = heard.only(servers["rules"].url + "/user/x/")
    assert forbidden["not_asked"]
    assert forbidden["fetch"] is None
    assert forbidden["message"] == (
        f"robots.txt of {servers['rules'].host} forbids tiny-crawl to ask for {forbidden['url']}"
    )
    unavailable = heard.only(servers["503"].url + "/")
    assert unavailable["not_asked"]
    assert unavailable["fetch"] is None
    assert unavailable["message"] == (
        f"robots.txt of {servers['503'].host} could not be had (it answered 503),"
        " so nothing is asked there; try again later"
    )
    assert "Traceback" not in heard.log


def test_each_exchange_is_told_and_each_host_remembered(
    crawl: tuple[Mapping[str, FaultServer], Heard],
) -> None:
    servers, heard = crawl
    exchanged = heard.exchanged()
    told = {mode: exchanged[f"{server.url}/robots.txt"] for mode, server in servers.items()}
    assert {mode: fetch["outcome"] for mode, fetch in told.items()} == {
        **dict.fromkeys(MODES, "ok"),
        **dict.fromkeys(["redirect", "redirect away", "redirect for ever"], "moved"),
        **dict.fromkeys(["401", "403", "429"], "refused"),
        **dict.fromkeys(["500", "503"], "server_error"),
        **dict.fromkeys(["cut", "maybe cut"], "incomplete"),
        "404": "not_found",
        "endless": "too_big",
        "hang": "timeout",
        "reset": "unreachable",
        "no http": "failed",
    }
    assert {(fetch["kind"], fetch["edition_id"], fetch["article_id"]) for fetch in told.values()} == {
        ("robots", 1, None)
    }
    for mode, server in servers.items():
        host = heard.hosts(server.host)[-1]
        state = {"callback": "rules", "RobotsUnavailable": "unavailable"}[MODES[mode][1]]
        assert host["robots_state"] == ("none" if mode == "404" else state)
        assert host["robots_fetched_at"] is not None
        assert host["last_request_at"] is not None
    rules = heard.hosts(servers["rules"].host)[-1]
    assert (rules["robots_text"], rules["crawl_delay"]) == (RULES.decode(), 0.2)


def test_rules_younger_than_a_day_are_used_again_and_older_ones_asked_for() -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    forbid = {"robots_state": "rules", "robots_text": "User-agent: *\nDisallow: /"}
    with faultserver({}) as young, faultserver({}) as old:
        heard = crawled(
            [f"{young.url}/", f"{old.url}/"],
            hosts=[
                Host(host=young.host, robots_fetched_at=now - 23 * hour, **forbid),  # type: ignore[arg-type]
                Host(host=old.host, robots_fetched_at=now - 25 * hour, **forbid),  # type: ignore[arg-type]
            ],
        )
    assert heard.only(f"{young.url}/")["error"] == "RobotsForbid"
    assert young.asked == []
    assert heard.only(f"{old.url}/")["status"] == 200
    assert [asked.path for asked in old.asked] == ["/robots.txt", "/"]


def test_a_verdict_without_rules_is_no_permission() -> None:
    assert verdict(503, RULES) == Verdict("unavailable", reason="it answered 503")
