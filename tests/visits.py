"""A made-up site whose pages are a line of numbers, and visits to it without network."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from crawler.dle.addresses import address
from crawler.errors import NotUnderstood
from crawler.items import (
    Article,
    ArticlePage,
    Comment,
    CommentAnswer,
    CommentPage,
    Entry,
    Exchange,
    Fetch,
    FetchOutcome,
    ListingPage,
    Visit,
)
from crawler.normalise.datewords import ENGLISH
from crawler.reading import PageReaders
from crawler.site import Edition, Site
from crawler.visiting import Reply, SiteReader, Step, begun, step

EN = Edition(id=1, code="en", base_url="https://en.example.org", language="en")
NOON = datetime(2017, 11, 5, 12, tzinfo=UTC)
PATH = "/7-a.html"
NUMBER_PATH = "/index.php?newsid=7"
#: With this every page ends.
END = "</html>"


def article(page: bytes, url: str, _: Edition) -> ArticlePage:
    """Of "7 stated=3 pages=2 next=/page,1,2,7-a.html: 11 12": an article, what it says of its thread, its comments."""
    text = page.decode().removesuffix(END)
    if text == "no such page":
        raise NotUnderstood(f"{url} says that there is no such page", kind="not_found")
    if text == "check":
        raise NotUnderstood(f"{url} is a check for humans", kind="check")
    head, mark, numbers = text.partition(":")
    if not mark:
        raise NotUnderstood(f"{url} shows no article")
    number, *said = head.split()
    facts = dict(fact.split("=", 1) for fact in said)
    where = address(url)
    return ArticlePage(
        article=Article(id=int(number), path=f"/{number}-a.html", title="Title"),
        comments=CommentPage(
            number=where.comment_page if where else 1,
            comments=tuple(comment(int(id)) for id in numbers.split()),
            stated=int(facts["stated"]) if "stated" in facts else None,
            pages=int(facts["pages"]) if "pages" in facts else None,
            next_path=facts.get("next"),
        ),
        skin="made up",
    )


def comment(id: int) -> Comment:
    return Comment(
        id=id,
        parent_id=None,
        parent_source="root",
        nickname_raw="Anna",
        author_kind="guest",
        posted_raw="yesterday, 10:00",
        source_hash="0",
    )


def list_of_articles(text: str, url: str, _: Edition) -> ListingPage:
    text = text.removesuffix(END)
    if text == "no such page":
        raise NotUnderstood(f"{url} says that there is no such page", kind="not_found")
    return ListingPage(entries=tuple(Entry(id=int(n), path=f"/{n}-a.html") for n in text.split()))


def no_answer(_: str, url: str, __: Edition) -> CommentAnswer:
    raise NotUnderstood(f"{url}: no page of this site is loaded by script")


READER = SiteReader(
    site=Site(
        name="made_up",
        title="Made up",
        editions=(EN,),
        time_zone=ZoneInfo("Europe/Moscow"),
        charset="utf-8",
        date_words={"en": (ENGLISH,)},
        sections=(),
    ),
    pages=PageReaders(
        article=article,
        listing=list_of_articles,
        feed=list_of_articles,
        sitemap=list_of_articles,
        answer=no_answer,
    ),
)


def visit(path: str = PATH, id: int = 100) -> Visit:
    return Visit(id=id, edition=EN, article_id=7, path=path, started_at=NOON - timedelta(hours=1))


class Coming:
    """What comes, one after the other: "ok" with a text, "moved" to a place, or any other outcome."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, path: str, outcome: FetchOutcome, text: str = "", **fields: Any) -> Reply:
        self.count += 1
        at = NOON + timedelta(minutes=self.count)
        fetch = Fetch(
            id=self.count,
            edition_id=EN.id,
            kind="article",
            url=f"http://127.0.0.1:8000{path}",
            fetched_at=at,
            outcome=outcome,
            detail=None if outcome == "ok" else outcome,
            article_id=7,
        )
        return Reply(
            fetch=replace(fetch, **fields),
            body=f"{text}{END}".encode() if outcome == "ok" else b"",
            seen_at=at - timedelta(seconds=5),
            location=text if outcome == "moved" else None,
        )


def visited(*replies: tuple[FetchOutcome, str], path: str = PATH) -> tuple[list[Step], list[str]]:
    """The steps of a visit to which the site replies so, and the paths that were asked."""
    coming, progress = Coming(), begun(visit(path))
    steps: list[Step] = []
    asked: list[str] = []
    for outcome, text in replies:
        assert not steps or steps[-1].exchange.ends is None, f"ended before {outcome} {text}"
        asked.append(progress.path)
        reply = coming(progress.path, outcome, text, page=progress.page, kind=progress.kind)
        steps.append(step(progress, reply, READER))
        progress = steps[-1].progress
    return steps, asked


#: What may come in a visit.
came_next: st.SearchStrategy[tuple[FetchOutcome, str]] = st.one_of(
    st.builds(
        lambda id, facts, comments: ("ok", f"{id} {facts}: {' '.join(map(str, comments))}"),
        st.sampled_from([7, 7, 7, 8]),
        st.sampled_from(["", "pages=2", "pages=3", "stated=3", "stated=x", "next=/page,1,2,7-a.html"]),
        st.lists(st.integers(1, 9), max_size=4),
    ),
    st.tuples(st.just("ok"), st.sampled_from(["check", "no such page", "junk", "7", ""])),
    st.tuples(st.just("moved"), st.sampled_from([PATH, NUMBER_PATH, "/page,1,2,7-a.html", "/", "http://]"])),
    st.tuples(
        st.sampled_from(["not_found", "refused", "server_error", "timeout", "failed", "too_big"]), st.just("")
    ),
)


def unfinished(told: Iterable[Exchange]) -> dict[int, Visit]:
    """The visits among these exchanges that did not end, by their numbers."""
    visits: dict[int, Visit] = {}
    for exchange in told:
        if exchange.visit is not None:
            visits[exchange.visit.id] = exchange.visit
            if exchange.ends is not None:
                del visits[exchange.visit.id]
    return visits
