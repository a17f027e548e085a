"""`crawler doctor --site`: the open questions, asked of the sample site on loopback."""

import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.sample import Answer, SampleSite, render_article, sample_articles
from crawler.site import Edition
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from crawler.survey.asking import MAX_REQUESTS
from crawler.survey.questions import QUESTIONS, answers, summary
from crawler.survey.questions.comments import outline
from crawler.survey.received import Purpose, Received, Survey
from tests.crawling import run

KITCHEN = max(sample_articles(), key=lambda article: len(article.comments))
EDITIONS_ANSWER = "Which editions answer, and what works there?"
AJAX = "/engine/ajax/controller.php?mod=comments&cstart=2&news_id={id}&skin=field"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a survey ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def answers(self) -> dict[str, str]:
        """The answers of answers.md, by their questions."""
        page = (self.folder / "answers.md").read_text()
        return dict(re.findall(r"^## (.+)\n\n((?: {4}.*\n)+)", page, re.MULTILINE))


def ask(base_url: str, folder: Path, *more: str) -> Asked:
    """Run the command in a process of its own: Scrapy starts its reactor once a process."""
    command = [sys.executable, "-m", "crawler.cli", "doctor", "--site"]
    command += ["--base-url", base_url, "--folder", str(folder), "--delay", "0"]
    ended = run([*command, *more], env=os.environ | {"CONTACT": "me@here"})
    return Asked(ended.code, ended.out, ended.err, folder)


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    """The sample site, with the longest thread on its front page, and what only the real one has."""
    newest = replace(KITCHEN, published_at=max(article.published_at for article in sample_articles()))
    with SampleSite(articles=(newest, *(a for a in sample_articles() if a.id != KITCHEN.id))) as site:
        small = next(article for article in sample_articles() if len(article.comments) == 9)
        page = render_article(small, 1, "en", site.url)
        flat = re.sub(r"</?(?:ol|li)\b[^>]*>", "", page).replace(str(small.id), "64149")
        cookie = {
            "Content-Type": "text/html; charset=utf-8",
            "Set-Cookie": "PHPSESSID=abc; path=/",
            "CF-RAY": "1",
        }
        second = re.search(r"<ol.*</ol>", render_article(KITCHEN, 2, "en", site.url), re.DOTALL)
        assert second
        site.answers |= {
            "/index.php?newsid=64149": Answer(status=301, headers={"Location": "/64149-an-old-one.html"}),
            "/64149-an-old-one.html": Answer(headers=cookie, body=flat),
            AJAX.format(id=KITCHEN.id): Answer(
                headers={"Content-Type": "application/json"},
                body=json.dumps({"navigation": None, "comments": second[0]}),
            ),
        }
        yield site


@pytest.fixture(scope="module")
def survey(site: SampleSite, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return ask(site.url, tmp_path_factory.mktemp("survey") / "site-answers")


def test_it_asks_politely(survey: Asked, site: SampleSite) -> None:
    assert survey.code == 0, survey.err
    paths = [request.path for request in site.requests]
    assert paths[0] == "/robots.txt"
    assert len(paths) == len(set(paths)) <= 20
    agents = {request.headers["User-Agent"] for request in site.requests}
    assert len(agents) == 1
    assert "me@here" in agents.pop()
    assert "Cookie" not in {name for request in site.requests for name in request.headers}


def test_every_question_is_shown_and_kept_with_its_answer(survey: Asked) -> None:
    assert list(survey.answers) == list(QUESTIONS)
    for question, answer in survey.answers.items():
        assert question in survey.out
        assert all(line.strip() in survey.out for line in answer.splitlines())


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does robots.txt allow us?", ["allows articles, comment pages,", "forbids none"]),
        ("Which editions answer, and what works there?", ["article yes, rss.xml yes, sitemap.xml yes"]),
        ("Which version of the engine is it?", ["DataLife Engine", "dle_skin='field'", "(10.4 to 15)"]),
        ("Are the comments in the first HTML?", ["Yes: ", "there are 86 on 3 pages"]),
        (
            "How is a comment built, and which skin of ours fits?",
            ["skin topwar-2021 fits", "div.name.truncate", "NICK", "time.date.c-muted DATE", "RATING"],
        ),
        ("How are comments divided into pages?", ["plain links", "linked is 3"]),
        ("How many comments has a page, and how deep do they nest?", ["level 7", "recovered: "]),
        ("Does the address of the second comment page work?", ["Yes: ", "not on the first page"]),
        ("What comes behind the last comment page?", ["answers 301 and leads to http", "0 of them new"]),
        (
            "Does the address for scripts (AJAX) answer?",
            ["answers JSON with navigation, comments", "comments in it"],
        ),
        ("Are threads from before 2015 flat or trees?", ["9 comments, flat", "root: "]),
        ("Does an article's number lead to it?", ["newsid=64149: 301, leads to /64149-an-old-one.html"]),
        ("How are dates written, and which can we not read?", ["dates in ", "not readable by us: none"]),
        ("Which zone does the site's clock have?", ["+0300 (10)"]),
        ("Do profile links keep Cyrillic names?", ["with Cyrillic letters", "Old Sapper for Старый сапёр"]),
        ("What is the sitemap like?", ["one list of pages, 14 addresses"]),
        ("How are pages encoded?", ["page utf-8, decodes as utf-8"]),
        ("Which cookies are set?", ["PHPSESSID (1 answers)"]),
        ("Are there signs of a guard against robots?", ["cf-ray (1 answers)", "refusals: none", "nginx"]),
    ],
)
def test_answers(question: str, words: list[str], survey: Asked) -> None:
    answer = survey.answers[question]
    assert [expected for expected in words if expected not in answer] == []


def test_every_page_is_kept_as_it_came(survey: Asked, site: SampleSite) -> None:
    kept = {path.name: path for path in survey.folder.iterdir()}
    about = {
        name: json.loads(kept[f"{name}.meta.json"].read_text())
        for name in kept
        if f"{name}.meta.json" in kept
    }
    assert len(about) == len(site.requests)
    assert set(kept) == {*about, *(f"{name}.meta.json" for name in about), "answers.md"}
    assert {page["url"].removeprefix(site.url) for page in about.values()} == {r.path for r in site.requests}
    for name, page in about.items():
        answer = site.answer(page["url"].removeprefix(site.url))
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        assert (page["status"], kept[name].read_bytes()) == (answer.status, body)
        assert datetime.fromisoformat(page["received_at"]).tzinfo == UTC


def test_nobody_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    asked = ask(f"http://127.0.0.1:{port}", tmp_path)
    assert asked.code == 4
    assert "gave neither its front page nor its feed" in asked.out
    assert "Traceback" not in asked.out + asked.err
    assert "rss.xml no (was not asked: robots.txt of 127.0.0.1" in asked.answers[EDITIONS_ANSWER]
    assert "Could not be told" not in asked.out


def test_robots_forbid(tmp_path: Path) -> None:
    with SampleSite() as site:
        site.answers["/robots.txt"] = Answer(
            headers={"Content-Type": "text/plain"}, body="User-agent: *\nDisallow: /\n"
        )
        asked = ask(site.url, tmp_path)
        assert [request.path for request in site.requests] == ["/robots.txt"]
    assert asked.code == 4
    assert "robots.txt" in asked.out.splitlines()[-1]
    assert "allows none; forbids articles" in asked.answers["What does robots.txt allow us?"]
    assert (tmp_path / "robots.en.txt").read_text() == "User-agent: *\nDisallow: /\n"


def test_robots_forbid_a_part(tmp_path: Path) -> None:
    with SampleSite() as site:
        rules = "User-agent: discussion-archive\nDisallow: /engine/\nDisallow: /*controller=\n"
        site.answers["/robots.txt"] = Answer(headers={"Content-Type": "text/plain"}, body=rules)
        asked = ask(site.url, tmp_path)
        assert not [request.path for request in site.requests if "ajax" in request.path]
    assert asked.code == 0
    assert (
        asked.answers["Does the address for scripts (AJAX) answer?"].count("was not asked: robots.txt") == 2
    )


def test_a_guard_before_the_site(tmp_path: Path) -> None:
    with SampleSite() as site:
        wall = Answer(
            status=403,
            headers={"Server": "ddos-guard", "Content-Type": "text/html"},
            body="Checking your browser",
        )
        site.answers |= {"/": wall, "/rss.xml": wall}
        asked = ask(site.url, tmp_path)
    assert asked.code == 4
    assert "answered 403" in asked.out.splitlines()[-1]
    guards = asked.answers["Are there signs of a guard against robots?"]
    assert "ddos-guard (2 answers)" in guards
    assert "checking your browser (2 answers)" in guards


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--edition", "xx"], "edition"),
        (["--edition", "en,ru"], "one edition"),
        (["--base-url", "https://example.invalid", "--delay", "0.9"], "--delay 0.9"),
        (["--delay", "0"], "--delay 0"),
    ],
)
def test_bad_arguments(arguments: list[str], words: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["doctor", "--site", "--folder", str(tmp_path), *arguments])
    assert ended.exit_code == 2
    assert words in ended.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "below")
    ended = CliRunner().invoke(
        main, ["doctor", "--site", "--base-url", "http://127.0.0.1:9", "--folder", folder]
    )
    assert ended.exit_code == 3
    assert "--folder" in ended.stderr


TWO_EDITIONS = """
import sys
from dataclasses import replace
from pathlib import Path
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from crawler.fetching.conversation import conversation_settings, hold
from crawler.survey.asking import Interview
from crawler.survey.asking import MAX_REQUESTS
from crawler.survey.questions import answers, summary
from crawler.survey.received import Survey, write
from datetime import UTC, datetime

folder, urls = Path(sys.argv[1]), sys.argv[2:]
settings = conversation_settings(origin=urls[0], delay_s=0)
editions = [replace(edition, base_url=url) for edition, url in zip(SITE.editions, urls)]
survey = Survey(site=SITE, readers=PAGES, editions=editions, user_agent="discussion-archive")
hold(settings, Interview, survey=survey, folder=folder, say=print)
write(folder / "answers.md", summary(survey, answers(survey), now=datetime.now(UTC)).encode())
"""


def test_the_other_editions_are_asked_a_little(site: SampleSite, tmp_path: Path) -> None:
    before = len(site.requests)
    with SampleSite(edition="ru") as other:
        other.answers["/sitemap.xml"] = Answer(status=404)
        ended = run([sys.executable, "-c", TWO_EDITIONS, str(tmp_path), site.url, other.url], env=os.environ)
        assert ended.code == 0, ended.err
        assert [request.path for request in other.requests] == [
            "/robots.txt",
            KITCHEN.path,
            "/rss.xml",
            "/sitemap.xml",
        ]
        asked = Asked(ended.code, ended.out, ended.err, tmp_path)
        assert (
            f"ru ({other.url}): article yes, rss.xml yes, sitemap.xml no (404)"
            in asked.answers[EDITIONS_ANSWER]
        )
    # With a third edition it is still under the bound.
    assert len(site.requests) - before + 2 * len(other.requests) <= MAX_REQUESTS


# What the pages answer, without any network


def received(edition: Edition, purpose: Purpose, body: str, path: str = "/", **headers: str) -> Received:
    now = datetime(2026, 8, 12, 10, tzinfo=UTC)
    return Received(
        edition=edition,
        purpose=purpose,
        url=edition.base_url + path,
        at=now,
        seen_at=now,
        status=200,
        headers=tuple(headers.items()),
        body=body.encode(),
        sent=True,
    )


def survey_of(*pages: Received) -> Survey:
    return Survey(
        site=SITE,
        readers=PAGES,
        editions=SITE.editions,
        user_agent="discussion-archive",
        received=list(pages),
    )


def answered(question: str, *pages: Received) -> str:
    return next(answer.text for answer in answers(survey_of(*pages)) if answer.question == question)


def article(edition: Edition, **replaced: str) -> Received:
    page = render_article(KITCHEN, 1, "ru" if edition.code == "ru" else "en", edition.base_url)
    for old, new in replaced.items():
        page = page.replace(old, new)
    return received(edition, "article", page, KITCHEN.path)


EN, RU = SITE.editions


def test_with_nothing_received_nothing_is_told() -> None:
    given = answers(survey_of())
    told = [answer.question for answer in given if answer.told]
    assert told == [EDITIONS_ANSWER]
    assert "Could not be told" in summary(survey_of(), given, now=datetime(2026, 8, 12, tzinfo=UTC))


def test_an_unknown_skin_is_shown_with_its_classes() -> None:
    page = article(EN, **{'class="name truncate"': 'class="who"', '"comment-head"': '"c-top"'})
    answer = answered("How is a comment built, and which skin of ours fits?", page)
    assert "NO skin of ours fits" in answer
    assert re.search(r"div\.who\n\s+a\[onclick href=\"/user/…\"\] NICK", answer)


@pytest.mark.parametrize(
    ("script", "mode"),
    [
        ("", "plain links; the highest page that is linked is 3."),
        ("var total_comments_pages= '3';", "plain links and lazy loading (total_comments_pages = 3)"),
        ("CommentsPage('2','900123','/x'); return false;", "AJAX links (onclick CommentsPage)"),
    ],
)
def test_paging(script: str, mode: str) -> None:
    page = article(EN, **{"</body>": f"<script>{script}</script></body>"})
    assert mode in answered("How are comments divided into pages?", page)


def test_dates_that_we_cannot_read_are_shown() -> None:
    dated = render_article(KITCHEN, 1, "en", EN.base_url)
    first = re.search(r'<time class="date c-muted">([^<]+)</time>', dated)
    assert first
    page = article(EN, **{first[1]: "in the year of the flood"})
    answer = answered("How are dates written, and which can we not read?", page, article(RU))
    assert "not readable by us: «in the year of the flood»." in answer
    assert "ru: " in answer


def test_names_of_two_editions() -> None:
    answer = answered("Do profile links keep Cyrillic names?", article(EN), article(RU)).splitlines()
    assert "Old Sapper for Старый сапёр" in answer[0]
    assert "otherwise than in the link: none" in answer[1]


def test_an_index_of_sitemaps() -> None:
    index = "<sitemapindex><sitemap><loc>https://topwar.ru/news_pages.xml</loc></sitemap></sitemapindex>"
    page = received(RU, "sitemap", index, "/sitemap.xml")
    assert "ru: an index of sitemaps, 1 addresses" in answered("What is the sitemap like?", page)


def test_another_encoding_is_told() -> None:
    page = replace(received(EN, "front", ""), body="<meta charset=windows-1251>Привет".encode("cp1251"))
    answer = answered("How are pages encoded?", page)
    assert "page windows-1251, does NOT decode as utf-8" in answer


def test_an_outline_leaves_out_other_comments_and_all_words() -> None:
    page = render_article(KITCHEN, 1, "en", EN.base_url)
    parent = next(c for c in KITCHEN.comment_page(1) if KITCHEN.answers(c.id))
    lines = outline(page, str(parent.id), {parent.author.nickname.en: "NICK"})
    assert lines[0] == "div#comment-id-N"
    assert sum("NICK" in line for line in lines) == 1
    assert not re.search(r"\d{4,}", "".join(lines))
    assert outline(page, "1", {}) == []
