"""All rows of some articles of an edition, from all their fetches."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from crawler.fold import articles, comments, sweeps
from crawler.fold.comments import CommentStep
from crawler.fold.content import article_content, comment_content
from crawler.fold.look import Look, Row, look
from crawler.fold.visits import visit_after, visit_swept
from crawler.items import Author, Change, Exchange, NormalComment, NormalPage
from crawler.normalise.renames import renames
from crawler.normalise.threads import Place, places
from crawler.site import Edition


class Named(NamedTuple):
    """An author as the beginning of a comment's state shows them; of two, the greater one is the later."""

    fetch_id: int
    comment_id: int
    at: datetime
    nickname_raw: str
    author: Author

    @property
    def order(self) -> tuple[int, int]:
        """Which state it is."""
        return self.fetch_id, self.comment_id


@dataclass(frozen=True, slots=True)
class Renamed:
    """An author who has taken another name, and the fetch that showed it."""

    old_key: str
    new_key: str
    fetch_id: int


@dataclass(slots=True)
class PageSteps:
    """What one page made of the comments on it."""

    #: By number, all that stand on the page.
    steps: dict[int, CommentStep]
    #: The authors of those that began a new state.
    named: list[Named] = field(default_factory=list)

    @property
    def new(self) -> int:
        return self._changes.count("new")

    @property
    def changed(self) -> int:
        return len(self._changes) - self._changes.count("new") - self._changes.count(None)

    @property
    def _changes(self) -> list[Change | None]:
        return [step.change for step in self.steps.values()]


def page_steps(
    page: NormalPage,
    on_page: Iterable[NormalComment],
    old: Mapping[int, Row],
    look: Look,
    path: Callable[[int], str],
    edition_id: int,
) -> PageSteps:
    """
    What a page makes of the comments on it.

    Args:
        on_page: The comments of the page that are to be looked at.

        old: Rows of those that were known before.

        path: Gives the path of a known comment as it stood before the page.
    """
    article_id = page.article.written.id
    done = PageSteps({})
    in_common = comments.new(look)
    for comment in on_page:
        id, rating, author = comment.written.id, comment.written.rating, comment.author
        said = comment_content(comment, article_id)
        said["id"], said["edition_id"] = id, edition_id
        before = old.get(id)
        if before is None:
            step = comments.first_seen(said, rating, in_common)
        else:
            step = comments.seen(before, said, rating, look, path)
        done.steps[id] = step
        if author is not None and (step.change is not None or _names_another(step.row, before)):
            row = step.row
            done.named.append(Named(row["fetch_id"], id, row["seen_at"], row["nickname_raw"], author))
    return done


def _names_another(row: Row, before: Row | None) -> bool:
    return before is None or any(row[name] != before[name] for name in ("author_key", "nickname_raw"))


def renamed(keys: Iterable[tuple[str | None, str | None]], look: Look) -> list[Renamed]:
    """Authors who were renamed, from the keys that each comment of a page that was known had before and has now."""
    pairs = [(old, new) for old, new in keys if old is not None and new is not None]
    if all(old == new for old, new in pairs):
        return []
    return [Renamed(old, new, look.fetch_id) for old, new in sorted(renames(pairs).items())]


class Whole:
    """
    The rows that fetches of some articles come to.

    Exchanges are added in the order of their fetches; all of an article's must be there, and all of those articles'
    with which it shares a comment.
    """

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.articles: dict[int, Row] = {}
        self.article_states: list[Row] = []
        self.comments: dict[int, Row] = {}
        self.comment_states: list[Row] = []
        self.rating_states: list[Row] = []
        self.visits: dict[int, Row] = {}
        self.named: list[Named] = []
        self.renamed: list[Renamed] = []
        self._paths: dict[int, Mapping[int, Place]] = {}
        self._last_id = 0

    def add(self, exchange: Exchange, *, crawl_id: int | None, reader_version: int | None) -> None:
        """Take account of an exchange. Raises ValueError where it is older than the one before."""
        fetch = exchange.fetch
        if fetch is None:
            return
        if fetch.id <= self._last_id:
            raise ValueError(f"the fetch {fetch.id} comes after {self._last_id}, which is later")
        self._last_id = fetch.id
        page = exchange.normal
        flat = page is not None and page.written.comments.flat
        now = look(self.edition, fetch, reader_version, flat=flat)
        done = self._add_page(page, now) if page is not None else PageSteps({})
        if exchange.visit is None:
            return
        visit = visit_after(
            self.visits.get(exchange.visit.id),
            exchange,
            crawl_id=crawl_id,
            comments_new=done.new,
            comments_changed=done.changed,
        )
        if exchange.ends in ("not_found", "moved"):
            self._miss(visit["article_id"], moved=exchange.ends == "moved", now=now)
        elif exchange.ends == "swept":
            visit = self._sweep(visit, exchange.seen, now)
        self.visits[visit["id"]] = visit

    def finish(self) -> None:
        """Nothing is to come: visits that did not end were stopped."""
        for visit in self.visits.values():
            if visit["outcome"] is None:
                visit["outcome"] = "stopped"

    def rows(self) -> Iterator[tuple[str, Row]]:
        """All rows with the names of their tables, comments with their places in the threads."""
        live: dict[int, int] = {}
        threads: dict[int, list[Row]] = {}
        for row in self.comments.values():
            threads.setdefault(row["article_id"], []).append(row)
            live[row["article_id"]] = live.get(row["article_id"], 0) + (row["state"] == "live")
        for row in self.articles.values():
            yield "articles", row | {"comments_stored": live.get(row["id"], 0)}
        yield from (("article_states", row) for row in self.article_states)
        for thread in threads.values():
            standing = places((row["id"], row["parent_id"]) for row in thread)
            for row in thread:
                place = standing[row["id"]]
                yield "comments", row | {"root_id": place.root_id, "depth": place.depth, "path": place.path}
        yield from (("comment_states", row) for row in self.comment_states)
        yield from (("rating_states", row) for row in self.rating_states)
        yield from (("visits", row) for row in self.visits.values())

    def _add_page(self, page: NormalPage, now: Look) -> PageSteps:
        written = page.article.written
        said = article_content(page.article, self.edition)
        said |= {"id": written.id, "edition_id": self.edition.id}
        step = articles.seen(self.articles.get(written.id), said, written, now)
        self._put_article(step)
        self._paths.clear()
        done = page_steps(page, page.comments, self.comments, now, self._path, self.edition.id)
        keys = (
            (self.comments[id]["author_key"], each.row["author_key"])
            for id, each in done.steps.items()
            if id in self.comments
        )
        self.renamed += renamed(keys, now)
        for id, each in done.steps.items():
            before = self.comments.get(id)
            if before is not None and before["article_id"] != each.row["article_id"]:
                # What comes late of the article that it has left must find it there.
                self.articles[before["article_id"]]["last_fetch_id"] = now.fetch_id
            self._put(id, each)
        self.named += done.named
        return done

    def _put(self, id: int, step: CommentStep) -> None:
        self.comments[id] = step.row
        if step.state is not None:
            self.comment_states.append(step.state)
        if step.rating is not None:
            self.rating_states.append(step.rating)

    def _put_article(self, step: articles.ArticleStep) -> None:
        self.articles[step.row["id"]] = step.row
        if step.state is not None:
            self.article_states.append(step.state)

    def _path(self, id: int) -> str:
        """The path of a comment, as its article's thread stands before the page that is being added."""
        article_id = self.comments[id]["article_id"]
        if article_id not in self._paths:
            thread = (row for row in self.comments.values() if row["article_id"] == article_id)
            self._paths[article_id] = places((row["id"], row["parent_id"]) for row in thread)
        return self._paths[article_id][id].path

    def _miss(self, article_id: int, *, moved: bool, now: Look) -> None:
        article = self.articles.get(article_id)
        if article is not None:
            self._put_article(articles.absent(article, moved=moved, look=now))

    def _sweep(self, visit: Row, seen: frozenset[int], now: Look) -> Row:
        """Mark what a visit proves to be missing; returns its row."""
        article = self.articles.get(visit["article_id"])
        if article is None:
            return visit
        article["last_fetch_id"] = now.fetch_id
        mine = [row for row in self.comments.values() if row["article_id"] == visit["article_id"]]
        earlier = [
            row
            for row in self.visits.values()
            if row["article_id"] == visit["article_id"] and row["id"] < visit["id"]
        ]
        proves = sweeps.swept(
            seen,
            visit["comments_stated"],
            at=now.at,
            live=[row["id"] for row in mine if row["state"] == "live"],
            missing_since={row["id"]: row["state_since"] for row in mine if row["state"] == "missing"},
            earlier=sorted(earlier, key=lambda row: -row["id"]),
        )
        for id in (*proves.missing, *proves.gone):
            self._put(id, comments.unseen(self.comments[id], now))
        return visit_swept(visit, proves)
