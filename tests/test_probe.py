"""`crawler probe` and `crawler save-page`: on made-up templates, on the sample site, on what is no page at all."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from click.testing import CliRunner, Result
from selectolax.lexbor import LexborHTMLParser

from crawler.cli import main
from crawler.dle.comments import comments
from crawler.dle.skins import Skin
from crawler.dle.tree import tree
from crawler.probe import Findings, as_dict, lines, probe
from crawler.probe.proposal import as_source
from crawler.reading import read
from crawler.sample import Answer, SampleSite, sample_articles
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from tests.crawling import PROJECT, run
from tests.forked import Ended

PAGES_OF_THE_SITE = PROJECT / "tests/sites/military_review/pages"
URL = "https://en.topwar.ru/300777-lanterns.html"
EDITION = SITE.edition("en")


# --- templates that nobody has seen -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """A comment that a template shows."""

    id: int
    nickname: str
    date: str
    #: None for a guest.
    profile: str | None
    answers: tuple["Said", ...] = ()

    @property
    def user(self) -> str:
        return f"https://topwar.ru/user/{quote_plus(self.profile or '')}/"


THREAD = (
    Said(
        9001,
        "Bosun",
        "1 February 2027 10: 04",
        "Bosun",
        (
            Said(9004, "Old Sapper", "1 February 2027 10: 31", "Старый Сапёр"),
            Said(
                9005,
                "cabin boy",
                "1 February 2027 11: 00",
                None,
                (Said(9009, "Bosun", "Today, 09: 15", "Bosun"),),
            ),
        ),
    ),
    Said(9002, "D'Artagnan+", "1 February 2027 10: 10", "D'Artagnan+"),
    Said(9003, "passer-by", "1 February 2027 10: 12", None),
    Said(9010, "Gull_17", "Yesterday, 12: 20", "Gull_17"),
)


def in_order(thread: Sequence[Said]) -> Iterator[Said]:
    for said in thread:
        yield said
        yield from in_order(said.answers)


ALL = list(in_order(THREAD))


def text(said: Said) -> str:
    """The engine's own part, with a trap: a name and a date that another wrote into the text."""
    return (
        f"<div id='comm-id-{said.id}'>Number {said.id}: <a href=\"/user/Nobody/\">Nobody</a> on 5 May 2019 10: 00"
        ' <span class="vote">+99</span></div>'
    )


def div_soup(said: Said) -> str:
    """Many boxes with classes that say little, some with the comment's own number; the rank before the name."""
    nick = f'<a href="{said.user}">{said.nickname}</a>' if said.profile else said.nickname
    return f"""<div id='comment-id-{said.id}' class="x1 c{said.id}"><div class="x2"><div class="x3">
<img class="i0" src="/uploads/fotos/foto_{said.id % 100}.jpg" alt="{said.nickname}"></div><div class="x4">
<div class="rk">Midshipman</div><div class="nk n{said.id}"><b>{nick}</b></div>
<div class="dt"><span>12.03.2015</span></div><div class="dt2"><span>{said.date}</span></div></div></div>
<div class="x5">{text(said)}</div><div class="x6"><a href="#">Answer</a> <i class="v">+{said.id % 7}</i></div></div>"""


def table_based(said: Said) -> str:
    """A forum of the old kind: cells without a class but one; the profile linked twice; a label before the date."""
    nick = (
        f'<a href="{said.user}"><img src="/templates/sea/noavatar.png" alt=""></a><br>'
        f'<a href="{said.user}"><b>{said.nickname}</b></a>'
        if said.profile
        else f'<img src="/templates/sea/noavatar.png" alt=""><br><b>{said.nickname}</b>'
    )
    return f"""<table class="opinion" id='comment-id-{said.id}'><tr><td rowspan=2 class="who">{nick}<br><small>Posts:
{said.id % 300}</small></td><td><small>Written:</small> <small>{said.date}</small></td></tr>
<tr><td>{text(said)}</td></tr></table>"""


def bem(said: Said) -> str:
    """Block, element, modifier; guests and members in elements of their own; an empty time for scripts."""
    author = (
        f'<a class="c-talk__author c-talk__author--member" href="{said.user}">{said.nickname}</a>'
        if said.profile
        else f'<span class="c-talk__author c-talk__author--guest">{said.nickname}</span>'
    )
    return f"""<article class="c-talk c-talk--level_{said.id % 3}" id='comment-id-{said.id}'>
<header class="c-talk__head"><a class="c-talk__face" href="{said.user if said.profile else "#"}"><img
class="c-talk__img" src="/uploads/fotos/foto_{said.id}.webp" alt="{said.nickname}"></a>{author}
<span class="c-talk__badge">Top author</span><p class="c-talk__meta"><span class="c-talk__since">on the site since 2
March 2011</span> <span class="c-talk__date">{said.date}</span></p></header>
<div class="c-talk__body">{text(said)}</div>
<footer><span class="c-talk__sum">−{said.id % 5}</span></footer></article>"""


def two_markups(said: Said) -> str:
    """Members and guests share no class at all; only the avatar's alt says who a guest is."""
    who = (
        f'<div class="member"><a href="{said.user}">{said.nickname}</a></div>'
        if said.profile
        else f'<div class="stranger">{said.nickname}</div>'
    )
    return f"""<section id='comment-id-{said.id}'><div class="top"><div class="pic"><img src="/a.png"
alt="{said.nickname}"></div>{who}<div class="land">Norway</div><time class="when">{said.date}</time></div>
{text(said)}</section>"""


def microdata(said: Said) -> str:
    """No classes, but the words of schema.org; the date's words say nothing, its attribute does."""
    day = {"Today, 09: 15": "2027-02-02T09:15", "Yesterday, 12: 20": "2027-02-01T12:20"}
    machine = day.get(said.date) or f"2027-02-01T{said.date[-6:].replace(' ', '')}"
    nick = f'<a href="{said.user}">{said.nickname}</a>' if said.profile else said.nickname
    return f"""<div id='comment-id-{said.id}'><p><span itemprop="creator">{nick}</span>, <span>Ensign</span>,
<time itemprop="dateCreated" datetime="{machine}">a while ago</time></p>{text(said)}</div>"""


TEMPLATES: list[Callable[[Said], str]] = [div_soup, table_based, bem, two_markups, microdata]


def page(template: Callable[[Said], str], *, nested: bool = True) -> str:
    """An article whose comments have this template."""

    def items(thread: Sequence[Said]) -> str:
        inner = "".join(
            f'<li id="comments-tree-item-{said.id}" class="comments-tree-item">{template(said)}'
            f"{items(said.answers) if said.answers else ''}</li>"
            for said in thread
        )
        return f'<ol class="comments-tree-list">{inner}</ol>'

    shown = items(THREAD) if nested else "".join(map(template, ALL))
    return f"""<!DOCTYPE html><html><head><title>Lanterns</title><meta name="generator" content="DataLife Engine">
<link rel="canonical" href="{URL}"></head><body><div id='dle-content'>
<div id="full-story"><article class="full-story-cont"><h1>Lanterns on the pier</h1>
<time datetime="2027-02-01T09:00">1 February 2027 09: 00</time>
<div class="full-story-text text">The pier has lanterns again.</div></article></div><h3>{len(ALL)} comments</h3>
<div class="nk">A sidebar with a class of the comments</div>
<form id="dlemasscomments">{shown}</form></div></body></html>"""


SOURCE = f"url: {URL}\nedition: en\nfetched: 2027-02-02T10:00:00+00:00\n\nWritten for this test.\n"


def case(folder: Path, html: str | bytes, source: str = SOURCE) -> Path:
    """A folder with a page and its source, as a test case has them."""
    (folder / "page.html").write_bytes(html if isinstance(html, bytes) else html.encode())
    (folder / "source.txt").write_text(source)
    return folder


def found_in(folder: Path, html: str | bytes) -> Findings:
    found, saved = probe(str(case(folder, html)))
    assert saved is None
    return found


def read_with(skin: Skin, html: str) -> list[tuple[int, str, str | None, str | None]]:
    block = comments(
        LexborHTMLParser(html), tree(html), skins=[skin], base_url=EDITION.base_url, article_id=300777
    )
    assert block.skin == skin.name
    return [(each.id, each.nickname_raw, each.profile_name, each.posted_raw) for each in block.comments]


# --- proposals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_proposal_reads_author_and_date_of_every_comment(
    template: Callable[[Said], str], nested: bool, tmp_path: Path
) -> None:
    html = page(template, nested=nested)
    found = found_in(tmp_path, html)
    assert found.exit_code == 0
    assert found.comments is not None
    assert found.comments.skin == "unknown"
    proposal = found.comments.proposal
    assert proposal is not None
    dated = template is not microdata  # its words are "a while ago"
    assert read_with(proposal.skin, html) == [
        (said.id, said.nickname, said.profile, said.date if dated else "a while ago") for said in ALL
    ]
    assert proposal.date is not None
    assert (proposal.author.right, proposal.author.wrong, proposal.of) == (len(ALL), 0, len(ALL))
    assert (proposal.date.right, proposal.date.wrong) == (len(ALL), 0)


@pytest.mark.parametrize(
    ("template", "author", "date", "avatar", "rating"),
    [
        (div_soup, ".nk", ".dt2", ".i0", ".v"),
        (bem, ".c-talk__author", ".c-talk__date", ".c-talk__img", ".c-talk__sum"),
        (two_markups, ".member, .stranger", ".when", ".pic img", None),
        (microdata, "[itemprop='creator']", "[itemprop='dateCreated']", None, None),
    ],
)
def test_the_shortest_selector_is_proposed(
    template: Callable[[Said], str],
    author: str,
    date: str,
    avatar: str | None,
    rating: str | None,
    tmp_path: Path,
) -> None:
    comments = found_in(tmp_path, page(template)).comments
    assert comments is not None
    assert comments.proposal is not None
    skin = comments.proposal.skin
    assert (skin.recognises, skin.author, skin.date, skin.avatar) == (author, author, date, avatar)
    assert (comments.proposal.rating.selector if comments.proposal.rating else None) == rating


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_proposal_can_be_pasted(template: Callable[[Said], str], tmp_path: Path) -> None:
    found = found_in(tmp_path, page(template))
    assert found.comments is not None
    assert found.comments.proposal is not None
    source = "\n".join(as_source(found.comments.proposal.skin))
    assert source in "\n".join(lines(found))
    assert eval(f"({source})", {"Skin": Skin}) == (found.comments.proposal.skin,)  # noqa: S307


def test_tags_and_classes_that_no_selector_can_name(tmp_path: Path) -> None:
    """As on damaged pages: a proposal goes by what is left."""
    html = (
        page(bem).replace("<header ", "<hea'der{ ").replace("c-talk__author ", '-1 a:b 7x "c-talk__author ')
    )
    found = found_in(tmp_path, html)
    assert found.comments is not None
    assert found.comments.proposal is not None
    assert found.comments.proposal.author.right == len(ALL)


def test_comments_that_name_nobody(tmp_path: Path) -> None:
    html = page(lambda said: f"<p id='comment-id-{said.id}'><b>Anonymous</b></p>{text(said)}")
    html = html.replace("<p id=", "<div id=").replace("</p><div id='comm", "<div id='comm")
    found = found_in(tmp_path, html)
    assert found.comments is not None
    assert found.comments.proposal is None
    assert "No skin can be proposed" in "\n".join(lines(found))


def test_no_skin_is_proposed_where_a_known_one_fits() -> None:
    found, _ = probe(str(PAGES_OF_THE_SITE / "article_2026_en"))
    assert found.comments is not None
    assert (found.comments.skin, found.comments.proposal) == ("topwar-2021", None)


# --- findings ---------------------------------------------------------------------------------------------------


def test_every_saved_page_can_be_probed() -> None:
    for folder in sorted(PAGES_OF_THE_SITE.iterdir()):
        found, _ = probe(str(folder))
        refused = "error" in json.loads((folder / "expected.json").read_text())
        assert found.exit_code == (5 if refused else 0), folder
        assert "\n".join(lines(found))
        assert json.dumps(as_dict(found), default=str)


def test_fields_come_with_the_selectors_that_gave_them() -> None:
    found, _ = probe(str(PAGES_OF_THE_SITE / "article_2026_en"))
    assert found.comments is not None
    article = {field.name: field for field in found.article}
    assert article["body"].selector == ".full-story-text"
    assert article["published_machine"].examples == ("2026-03-02T09:15",)
    assert article["lead"].selector is None  # it stands in the head
    by_name = {field.name: field for field in found.comments.fields}
    nicknames = by_name["nickname_raw"]
    assert nicknames.selector == ".comment-head .name"
    assert (nicknames.filled, nicknames.examples) == (3, ("Kestrel", "Old Sapper", "passer-by"))
    assert (by_name["profile_name"].filled, by_name["rating"].examples) == (2, (21, -3, 0))
    assert found.comments.parents == {"root": 2, "tree": 1}
    assert found.comments.authors == {"member": 2, "guest": 1}
    assert found.comments.stated == 3


def test_words_that_no_field_covers_are_grouped(tmp_path: Path) -> None:
    comments = found_in(tmp_path, page(bem)).comments
    assert comments is not None
    uncovered = dict(comments.uncovered)
    assert uncovered["Top author"] == len(ALL)
    # Numbers may differ, as ratings do that the engine's marks do not name.
    assert uncovered["−1"] == len(ALL)
    assert not [words for words in uncovered if "Bosun" in words or "Number" in words]


def test_dates_that_cannot_be_read(tmp_path: Path) -> None:
    html = (PAGES_OF_THE_SITE / "article_2026_en/page.html").read_text()
    html = html.replace(' datetime="2026-03-02T09:40"', "").replace(
        "2 March 2026 09: 40", "31 February 2026 09: 40"
    )
    found, _ = probe(str(case(tmp_path, html)), url="https://en.topwar.ru/280101-sapery-naveli-most.html")
    assert found.comments is not None
    assert found.comments.dates_unread == {"31 February 2026 09: 40": 1}
    assert "«31 February 2026 09: 40» 1" in "\n".join(lines(found))


@pytest.mark.parametrize(
    ("saved", "thread"),
    [
        ("tree_10_5", "left open, as engine 10.5"),
        ("tree_13_16_overflow", "li in li"),
        ("tree_20_flattened", "flattened"),
        ("flat_quotes", "no tree"),
        ("article_2026_en", "closed lists"),
    ],
)
def test_the_style_of_the_tree(saved: str, thread: str) -> None:
    found, _ = probe(str(PAGES_OF_THE_SITE / saved))
    assert found.engine is not None
    assert thread in found.engine.thread


def test_a_page_that_is_not_understood_is_looked_at_all_the_same(tmp_path: Path) -> None:
    """Comments in an unknown skin, on a page that was cut before its end."""
    found = found_in(tmp_path, page(bem).removesuffix("</html>"))
    assert found.exit_code == 5
    assert found.comments is not None
    assert len(found.comments.read) == len(ALL)
    assert found.comments.proposal is not None
    assert found.comments.proposal.skin.author == ".c-talk__author"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html><body><h1>Are you a human?</h1></body></html>", "shows no article"),
        (bytes(range(256)) * 40, "is not in utf-8"),
        (b"", "shows no article"),
        (b"<div>" * 5000, "deep"),
        (b"x" * (8 * 1024 * 1024 + 1), "longer than 8 MiB"),
    ],
)
def test_what_is_no_article(body: bytes, why: str, tmp_path: Path) -> None:
    found = found_in(tmp_path, body)
    assert found.exit_code == 5
    assert why in (found.stopped_by or "")
    assert found.comments is None
    assert f"NOT UNDERSTOOD: {found.stopped_by}" in "\n".join(lines(found))


def test_a_number_that_cannot_be(tmp_path: Path) -> None:
    """A crawl would refuse the page, so it does not count as understood here."""
    html = (PAGES_OF_THE_SITE / "article_2026_en/page.html").read_text()
    first = re.findall(r"comment-id-(\d+)", html)[0]
    found, _ = probe(
        str(case(tmp_path, html.replace(first, "9" * 11))),
        url="https://en.topwar.ru/280101-sapery-naveli-most.html",
    )
    assert found.exit_code == 5
    assert "99999999999 is no number of a comment" in (found.stopped_by or "")


# --- files ------------------------------------------------------------------------------------------------------


def asked(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["probe", *map(str, arguments)])


def test_a_file_names_its_own_address_and_edition(tmp_path: Path) -> None:
    file = tmp_path / "saved by a browser.html"
    file.write_text(page(bem).replace("https://en.topwar.ru/300", "https://topwar.ru/300"))
    told = json.loads(asked(file, "--json").stdout)
    assert (told["url"], told["edition"]) == (URL.replace("en.", ""), "ru")
    assert json.loads(asked(file, "--json", "--edition", "en").stdout)["edition"] == "en"
    served = datetime.fromisoformat(told["fetched_at"])
    assert abs((datetime.now(UTC) - served).total_seconds()) < 600


def test_a_page_of_the_survey_is_known_by_what_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "article.en.html").write_text(page(bem).replace("canonical", "nothing"))
    about = {"url": URL, "status": 200, "received_at": "2027-02-02T10:00:00Z", "headers": []}
    (tmp_path / "article.en.html.meta.json").write_text(json.dumps(about))
    told = json.loads(asked(tmp_path / "article.en.html", "--json").stdout)
    assert (told["url"], told["fetched_at"]) == (URL, "2027-02-02T10:00:00Z")
    assert told["comments"]["dates_unread"] == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-file.html"], "no-such-file.html cannot be read"),
        (["{folder}"], "page.html cannot be read"),
        (["{folder}/nameless.html"], "say it with --url"),
        (["{folder}/nameless.html", "--url", URL, "--edition", "xx"], "has the editions en, ru"),
        (["https://example.org/1-a.html"], "is no address of Military Review"),
        (["http://[/"], "is no address of Military Review"),
        ([URL, "--url", URL], "--url is for a file"),
        ([URL, "--delay", "0"], "only a site on this machine"),
        ([URL, "--save", "Not a Name"], "small letters"),
    ],
)
def test_bad_arguments(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "nameless.html").write_text("<html><body><p>A page</p></body></html>")
    ended = asked(*(each.replace("{folder}", str(tmp_path)) for each in arguments))
    assert ended.exit_code == 2
    assert said in ended.stderr


def test_garbage_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "photo.html").write_bytes(bytes(range(128, 256)) * 100)
    ended = asked(tmp_path / "photo.html")
    assert ended.exit_code == 5
    assert "NOT UNDERSTOOD" in ended.stdout


# --- the site itself --------------------------------------------------------------------------------------------


def ask(*arguments: str, cwd: Path = PROJECT) -> Ended:
    """Run the command in a process of its own: Scrapy starts its event loop once a process."""
    command = [sys.executable, "-m", "crawler.cli", *arguments]
    return run(command, env=os.environ | {"CONTACT": "me@here"}, cwd=cwd)


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as site:
        wall = {"Content-Type": "text/html; charset=utf-8"}
        site.answers |= {
            "/128836-captcha.html": Answer(headers=wall, body="<html><h1>Are you a human?</h1></html>"),
            "/128837-gone.html": Answer(status=404, headers=wall, body="<html><h1>Nothing here</h1></html>"),
            "/128838-guarded.html": Answer(status=403, headers=wall, body="Checking your browser"),
        }
        yield site


BIG = max(sample_articles(), key=lambda article: len(article.comments))


def test_a_page_of_the_site(site: SampleSite) -> None:
    before = len(site.requests)
    path = f"/index.php?newsid={BIG.id}"
    ended = ask("probe", site.url + path, "--edition", "en", "--delay", "0", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (told["kind"], told["status"], told["comments"]["skin"]) == ("article", 200, "topwar-2021")
    assert told["comments"]["stated"] == len(BIG.comments)
    assert told["comments"]["dates_unread"] == {}
    assert told["comments"]["proposal"] is None
    paths = [request.path for request in site.requests[before:]]
    assert paths[:2] == ["/robots.txt", path]
    assert told["url"] == site.url + paths[2]
    assert "me@here" in site.requests[-1].headers["User-Agent"]


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/128836-captcha.html", 5, "shows no article"),
        ("/128837-gone.html", 5, "answers 404"),
        ("/128838-guarded.html", 4, "answers 403"),
        ("/user/Bosun/", 4, "robots.txt"),
        ("/rss.xml", 0, "feed"),
    ],
)
def test_other_pages_of_the_site(path: str, code: int, said: str, site: SampleSite) -> None:
    ended = ask("probe", site.url + path, "--edition", "en", "--delay", "0")
    assert (ended.code, "Traceback" in ended.err) == (code, False), ended.err
    assert said in ended.out + ended.err


# --- saving -----------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that looks like the project's to whoever saves a page."""
    (tmp_path / "tests/sites").mkdir(parents=True)
    return tmp_path


def test_a_page_is_saved_as_a_test_case(site: SampleSite, project: Path) -> None:
    path = f"/index.php?newsid={BIG.id}"
    arguments = ["save-page", site.url + path, "kitchen_2027", "--edition", "en", "--delay", "0"]
    ended = ask(*arguments, cwd=project)
    assert ended.code == 0, ended.err
    folder = project / "tests/sites/military_review/pages/kitchen_2027"
    assert str(folder.relative_to(project)) in ended.out
    facts = dict(line.split(": ", 1) for line in (folder / "source.txt").read_text().splitlines()[:3])
    assert facts["url"] == site.url + site.requests[-1].path
    expected = json.loads((folder / "expected.json").read_text())
    assert "source_hash" not in expected["comments"]["comments"][0]
    read_again = read(
        (folder / "page.html").read_bytes(),
        url=facts["url"],
        fetched_at=datetime.fromisoformat(facts["fetched"]),
        edition=SITE.edition(facts["edition"]),
        charset=SITE.charset,
        pages=PAGES,
    )
    written = json.loads(json.dumps(asdict(read_again)))
    for comment in written["comments"]["comments"]:
        del comment["source_hash"]
    assert expected == written

    again = ask(*arguments, cwd=project)
    assert again.code == 2
    assert "--force" in again.err
    (folder / "page.html").write_text("old")
    assert ask(*arguments, "--force", cwd=project).code == 0
    assert (folder / "page.html").read_text() != "old"


def test_a_page_that_is_not_understood_is_saved_with_its_error(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    ended = asked(case(tmp_path, "<html><h1>Are you a human?</h1></html>"), "--save", "wall")
    assert ended.exit_code == 5
    folder = project / "tests/sites/military_review/pages/wall"
    assert "shows no article" in json.loads((folder / "expected.json").read_text())["error"]
    assert (folder / "source.txt").read_text().splitlines()[:3] == SOURCE.splitlines()[:3]


def test_nothing_is_saved_where_the_site_refuses(site: SampleSite, project: Path) -> None:
    ended = ask("save-page", f"{site.url}/128838-guarded.html", "wall", "--delay", "0", cwd=project)
    assert ended.code == 4
    assert not (project / "tests/sites/military_review").exists()


def test_pages_are_saved_in_the_project_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = asked(URL, "--save", "lanterns")
    assert ended.exit_code == 2
    assert "tests/sites" in ended.stderr
