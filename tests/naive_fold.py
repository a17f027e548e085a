"""
What a list of exchanges comes to, worked out as naively as can be from the rules of the data.

It shares no line with `crawler.fold` or `crawler.storage`, keeps nothing between two calls, and replays everything each
time: the whole history of each thing is a list of states, from which all that is published of it follows. The rules are
those that the README states:

- Fetches have one order, that of their numbers; clocks prove nothing about it.
- A better reading is not a change: dates that agree are refined, a weaker way of knowing a parent never replaces a
  stronger one that it does not contradict, the same markup read otherwise corrects in place.
- Missing is not deleted: only a visit that saw the end of a thread may say that a comment is missing.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crawler.items import Author, Exchange, NormalComment, NormalPage
from crawler.site import Edition

Row = dict[str, Any]
#: Of each relation its rows.
Rows = dict[str, list[Row]]

HOUR = timedelta(hours=1)
SPAN = {"minute": timedelta(minutes=1), "hour": HOUR, "day": timedelta(days=1)}
#: What a page shows beats what a page proves half, and that beats what is inferred from words.
WORTH = {"root": 3, "tree": 3, "recovered": 3, "capped": 2, "mention": 1, "quote": 1}
WORDS = ("author_key", "nickname_raw", "body", "quotes", "links", "images")
ENDED = ("swept", "miscounted", "suspect")


@dataclass
class State:
    """A state of a comment or of an article: since which fetch, and what it says."""

    at: datetime
    fetch_id: int
    state: str
    change: str
    says: Row
    #: Whether it says something else than the state before.
    other: bool = False


@dataclass
class Thing:
    """A comment or an article: all its states, the current one last."""

    states: list[State] = field(default_factory=list)
    #: Moment, fetch, rating.
    ratings: list[tuple[datetime, int, int | None]] = field(default_factory=list)
    #: Version of the reader whose reading it is.
    version: int | None = None
    #: What moves by itself.
    moving: Row = field(default_factory=dict)
    last_seen: list[datetime] = field(default_factory=list)
    #: Answers in a row that it is not there, the first of them first.
    absent: list[datetime] = field(default_factory=list)

    @property
    def now(self) -> State:
        return self.states[-1]

    @property
    def since(self) -> datetime:
        """When it came into the state (live, missing, gone) that it is in."""
        at = self.now.at
        for state in reversed(self.states):
            if state.state != self.now.state:
                break
            at = state.at
        return at

    @property
    def changed_at(self) -> datetime | None:
        return next((state.at for state in reversed(self.states) if state.other), None)

    def history(self, key: Row) -> Iterator[Row]:
        for state, after in zip(self.states, [*self.states[1:], None], strict=True):
            yield (
                key
                | state.says
                | {
                    "seen_at": state.at,
                    "until": after.at if after else None,
                    "state": state.state,
                    "change": state.change,
                    "fetch_id": state.fetch_id,
                }
            )


class NaiveFold:
    """The exchanges of an edition, replayed."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.articles: dict[int, Thing] = {}
        self.comments: dict[int, Thing] = {}
        self.visits: dict[int, Row] = {}
        #: Beginnings of live states: number of the fetch and comment, moment, author, spelling.
        self.named: list[tuple[int, int, datetime, Author, str]] = []
        self.renamed: dict[str, str] = {}

    # --- replay -----------------------------------------------------------------------------------------------------

    def replay(self, exchange: Exchange, version: int | None, crawl_id: int | None) -> None:
        """Take account of one more exchange, whose page was read by this version of the reader."""
        fetch, page = exchange.fetch, exchange.normal
        assert fetch is not None
        new = changed = 0
        if page is not None:
            self._article(page, fetch.id, fetch.fetched_at)
            new, changed = self._page(page, fetch.id, fetch.fetched_at, version)
        if exchange.visit is None:
            return
        article_id = exchange.visit.article_id
        row = self.visits.setdefault(
            exchange.visit.id,
            {
                "id": exchange.visit.id,
                "crawl_id": crawl_id,
                "edition_id": self.edition.id,
                "article_id": article_id,
                "started_at": fetch.fetched_at,
                "sweep": False,
                "pages_expected": None,
                "pages_read": 0,
                "comments_stated": None,
                "comments_seen": 0,
                "comments_new": 0,
                "comments_changed": 0,
                "comments_missing": 0,
                "unseen": None,
                "outcome": "stopped",
            },
        )
        row["finished_at"] = fetch.fetched_at
        if page is not None:
            thread = page.written.comments
            row["pages_read"] += 1
            row["comments_seen"] += exchange.seen_first
            row["comments_new"] += new
            row["comments_changed"] += changed
            row["pages_expected"] = row["pages_expected"] if thread.pages is None else thread.pages
            row["comments_stated"] = row["comments_stated"] if thread.stated is None else thread.stated
        row["outcome"] = exchange.ends or row["outcome"]
        if article_id not in self.articles:
            return
        if exchange.ends in ("not_found", "moved"):
            self._absent(self.articles[article_id], exchange.ends, fetch.id, fetch.fetched_at)
        if exchange.ends == "swept":
            self._sweep(row, exchange.seen, fetch.id)

    def _article(self, page: NormalPage, fetch_id: int, at: datetime) -> None:
        article = page.article
        written = article.written
        says = {
            "url": self.edition.base_url + written.path,
            "title": article.title,
            "lead": article.lead,
            "body": article.body,
            "footnotes": list(written.footnotes),
            "section": written.section,
            "byline": written.byline,
            "source_credit": written.source_credit,
            "tags": list(written.tags),
            "images": [{"url": image.url, "caption": image.caption} for image in written.images],
            "published_at": article.published.at if article.published else None,
            "published_precision": article.published.precision if article.published else None,
            "published_raw": written.published_raw,
        }
        thing = self.articles.setdefault(written.id, Thing())
        thing.last_seen.append(at)
        thing.absent.clear()
        for name in ("views", "rating", "comments_stated"):
            if (value := getattr(written, name)) is not None or name not in thing.moving:
                thing.moving[name] = value
        if not thing.states:
            thing.states.append(State(at, fetch_id, "live", "new", says))
            return
        before = thing.now.says
        contradicted = _date("published", says, before, trusted=False)
        others = [name for name in says if says[name] != before[name] and not name.startswith("published")]
        other = bool(others) or contradicted
        translated = self.edition.translation_of is not None
        only_words = not contradicted and not {"url", "images"} & set(others)
        change = "translation" if translated and only_words else "edit"
        if thing.now.state != "live":
            thing.states.append(State(at, fetch_id, "live", "return", says, other))
        elif other:
            thing.states.append(State(at, fetch_id, "live", change, says, other))
        else:
            thing.now.says = says

    def _absent(self, thing: Thing, ends: str, fetch_id: int, at: datetime) -> None:
        def become(state: str, change: str) -> None:
            thing.states.append(State(at, fetch_id, state, change, dict(thing.now.says)))

        state = thing.now.state
        if ends == "moved":
            thing.absent.clear()
            if state != "moved":
                become("moved", "move")
            return
        if state == "gone":
            return
        thing.absent.append(at)
        if state != "missing":
            become("missing", "missing")
        elif len(thing.absent) >= 3 and at - thing.absent[0] >= timedelta(days=7):
            become("gone", "gone")

    def _page(self, page: NormalPage, fetch_id: int, at: datetime, version: int | None) -> tuple[int, int]:
        """How many comments the page brought, and how many it changed."""
        article_id = page.article.written.id
        standing = self._standing()
        keys: list[tuple[str, str]] = []
        new = changed = 0
        for comment in page.comments:
            id = comment.written.id
            says = _said(comment, article_id)
            thing = self.comments.setdefault(id, Thing())
            begun = len(thing.states)
            name = begun and (thing.now.says["author_key"], thing.now.says["nickname_raw"])
            if not thing.states:
                thing.states.append(State(at, fetch_id, "live", "new", says))
                thing.version = version
                thing.ratings.append((at, fetch_id, comment.written.rating))
                new += 1
            else:
                key = thing.now.says["author_key"]
                self._seen_again(thing, says, page.written.comments.flat, standing[id], fetch_id, at, version)
                if key is not None and thing.now.says["author_key"] is not None:
                    keys.append((key, thing.now.says["author_key"]))
                rating = comment.written.rating
                if rating is not None and rating != thing.ratings[-1][2]:
                    thing.ratings.append((at, fetch_id, rating))
                changed += len(thing.states) > begun
            if len(thing.states) > begun:
                self._name(comment, thing, at)
            elif name != (thing.now.says["author_key"], thing.now.says["nickname_raw"]):
                self._name(comment, thing, thing.now.at)
        self._rename(keys)
        return new, changed

    def _name(self, comment: NormalComment, thing: Thing, at: datetime) -> None:
        """Note who wrote the present state of a comment, in place of whom another reader took for its author."""
        order = thing.now.fetch_id, comment.written.id
        self.named = [one for one in self.named if one[:2] != order]
        if comment.author is not None:
            self.named.append((*order, at, comment.author, thing.now.says["nickname_raw"]))

    def _seen_again(
        self,
        thing: Thing,
        says: Row,
        flat: bool,
        above: Collection[int],
        fetch_id: int,
        at: datetime,
        version: int | None,
    ) -> None:
        before = thing.now.says
        same_markup = says["source_hash"] == before["source_hash"]
        other_reader = same_markup and version != thing.version
        contradicted = _date("posted", says, before, trusted=same_markup and not other_reader)
        moved = _parent(says, before, flat, above) and not other_reader
        change = None
        if not same_markup and (contradicted or any(says[name] != before[name] for name in WORDS)):
            change = self._kind(says, before)
        elif moved or says["article_id"] != before["article_id"]:
            change = "move"
        if says != before:
            thing.version = version
        if thing.now.state != "live":
            thing.states.append(State(at, fetch_id, "live", "return", says, change is not None))
        elif change is not None:
            thing.states.append(State(at, fetch_id, "live", change, says, True))
        else:
            thing.now.says = says

    def _kind(self, says: Row, before: Row) -> str:
        """What the site did to a comment that says something else."""
        others = {name for name in WORDS if says[name] != before[name]}
        later = says["posted_at"] and before["posted_at"] and says["posted_at"] > before["posted_at"]
        if later and says["body"] != before["body"] and says["body"].startswith(before["body"]):
            return "merge"
        if others and others <= {"author_key", "nickname_raw"}:
            return "rename"
        # A translator leaves pictures, the targets of links, who is quoted and who wrote alone.
        kept = [
            [row["images"], row["author_key"]]
            + [link["url"] for link in row["links"]]
            + [(quote["level"], quote["comment_id"]) for quote in row["quotes"]]
            for row in (says, before)
        ]
        words = others & {"body", "quotes", "links"}
        if self.edition.translation_of is not None and words and kept[0] == kept[1]:
            return "translation"
        return "edit"

    def _rename(self, keys: list[tuple[str, str]]) -> None:
        """Several comments of a page that change their author together are a rename."""
        for old in {old for old, _ in keys}:
            news = [new for key, new in keys if key == old]
            joined = {key for key, new in keys if new == news[0] and key != new}
            guests = [key for key in (old, news[0]) if key.startswith(("guest:", "unknown:"))]
            if len(news) > 1 and set(news) == {news[0]} != {old} and joined == {old} and not guests:
                self.renamed[old] = news[0]

    def _sweep(self, visit: Row, seen: Collection[int], fetch_id: int) -> None:
        """What a visit says that saw the end of its thread."""
        at = visit["finished_at"]
        mine = {
            id: thing
            for id, thing in self.comments.items()
            if thing.now.says["article_id"] == visit["article_id"]
        }
        live = [id for id, thing in mine.items() if thing.now.state == "live"]
        unseen = sorted(id for id in live if id not in seen)
        earlier = [
            row
            for _, row in sorted(self.visits.items(), reverse=True)
            if row["article_id"] == visit["article_id"]
            and row["id"] < visit["id"]
            and row["outcome"] in ENDED
        ]
        visit["outcome"] = "miscounted"
        drift = 0 if visit["comments_stated"] is None else visit["comments_stated"] - len(seen)
        if drift and not (earlier and _drift(earlier[0]) == drift):
            return
        if len(unseen) > len(live) / 5:
            confirmed = _confirmed(unseen, earlier, at)
            if confirmed is None:
                visit |= {"outcome": "suspect", "unseen": unseen}
                return
            if len(unseen) - len(confirmed) > len(live) / 5:
                unseen = confirmed
        visit |= {"outcome": "swept", "sweep": True, "comments_missing": len(unseen)}
        for id, thing in mine.items():
            if id in unseen:
                thing.states.append(State(at, fetch_id, "missing", "missing", dict(thing.now.says)))
            elif id not in seen and thing.now.state == "missing" and at - thing.since >= HOUR:
                thing.states.append(State(at, fetch_id, "gone", "gone", dict(thing.now.says)))

    # --- what is published ------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Every relation's rows, in no order."""
        edition = {"edition_id": self.edition.id}
        rows: Rows = {
            name: []
            for name in ("articles", "article_history", "comments", "comment_history", "rating_history")
        }
        for id, thing in self.articles.items():
            now = thing.now
            rows["article_history"] += thing.history({"article_id": id} | edition)
            rows["articles"].append(
                {"id": id, "state": now.state, "fetch_id": now.fetch_id, "change": now.change}
                | edition
                | now.says
                | thing.moving
                | {
                    "comments_stored": sum(
                        comment.now.state == "live" and comment.now.says["article_id"] == id
                        for comment in self.comments.values()
                    ),
                    "first_seen_at": thing.states[0].at,
                    "last_seen_at": max(thing.last_seen),
                    "changed_at": thing.changed_at,
                    "gone_at": now.at if now.state == "gone" else None,
                }
            )
        standing = self._standing()
        for id, thing in self.comments.items():
            now = thing.now
            rows["comment_history"] += thing.history({"comment_id": id} | edition)
            for (at, fetch_id, rating), after in zip(thing.ratings, [*thing.ratings[1:], None], strict=True):
                rows["rating_history"].append(
                    {"comment_id": id, "seen_at": at, "until": after and after[0]}
                    | edition
                    | {"rating": rating, "fetch_id": fetch_id}
                )
            rows["comments"].append(
                {"id": id, "state": now.state, "fetch_id": now.fetch_id, "change": now.change}
                | edition
                | now.says
                | {
                    "root_id": standing[id][-1],
                    "depth": len(standing[id]) - 1,
                    "rating": thing.ratings[-1][2],
                    "first_seen_at": thing.states[0].at,
                    "changed_at": thing.changed_at,
                    "state_since": thing.since,
                    "gone_at": now.at if now.state == "gone" else None,
                    "reader_version": thing.version,
                }
            )
        rows["visits"] = list(self.visits.values())
        return rows | self._people()

    def _people(self) -> Rows:
        authors, names = [], []
        for key in {author.key for *_, author, _ in self.named}:
            mine = sorted((one for one in self.named if one[3].key == key), key=lambda one: one[:2])
            author = mine[-1][3]
            authors.append(
                {
                    "key": key,
                    "edition_id": self.edition.id,
                    "nickname": author.nickname,
                    "kind": author.kind,
                    "profile_name": author.profile_name,
                    "full_name": author.full_name,
                    "site_user_id": author.site_user_id,
                    "renamed_to": self.renamed.get(key),
                    "first_seen_at": min(at for _, _, at, _, _ in mine),
                }
            )
            for raw in {raw for *_, raw in mine}:
                fetch_id, at = next((one[0], one[2]) for one in mine if one[4] == raw)
                names.append(
                    {
                        "author_key": key,
                        "edition_id": self.edition.id,
                        "nickname_raw": raw,
                        "first_seen_at": at,
                        "fetch_id": fetch_id,
                    }
                )
        return {"authors": authors, "author_names": names}

    def _parents(self, article_id: int) -> dict[int, int | None]:
        """Who answers whom in a thread, with circles cut at their lowest number."""
        parents: dict[int, int | None] = {
            id: thing.now.says["parent_id"]
            for id, thing in self.comments.items()
            if thing.now.says["article_id"] == article_id
        }
        for id in sorted(parents):
            line: list[int] = []
            above: int | None = id
            while above is not None and above in parents and above not in line:
                line.append(above)
                above = parents[above]
            if above is not None and above in line:
                parents[min(line[line.index(above) :])] = None
        return parents

    def _line(self, id: int, parents: dict[int, int | None]) -> list[int]:
        """A comment and those above it, the nearest first; the last may never have been seen."""
        line = [id]
        while (above := parents.get(line[-1])) is not None:
            line.append(above)
        return line

    def _standing(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for article_id in {thing.now.says["article_id"] for thing in self.comments.values()}:
            parents = self._parents(article_id)
            found |= {id: self._line(id, parents) for id in parents}
        return found


def naive_rows(edition: Edition, told: Iterable[tuple[Exchange, int | None, int | None]]) -> Rows:
    """Every relation's rows, from exchanges with the versions of their readers and the numbers of their crawls."""
    fold = NaiveFold(edition)
    for exchange, version, crawl_id in told:
        fold.replay(exchange, version, crawl_id)
    return fold.rows()


def _said(comment: NormalComment, article_id: int) -> Row:
    written = comment.written
    return {
        "article_id": article_id,
        "parent_id": written.parent_id,
        "parent_source": written.parent_source,
        "author_key": comment.author.key if comment.author else None,
        "nickname_raw": written.nickname_raw,
        "posted_at": comment.posted.at if comment.posted else None,
        "posted_precision": comment.posted.precision if comment.posted else None,
        "posted_raw": written.posted_raw,
        "body": comment.body,
        "quotes": [
            {"author": one.author, "text": one.text, "level": one.level, "comment_id": one.comment_id}
            for one in comment.quotes
        ],
        "links": [{"text": link.text, "url": link.url} for link in written.links],
        "images": [{"url": image.url, "caption": image.caption} for image in written.images],
        "source_hash": written.source_hash,
    }


def _date(name: str, says: Row, before: Row, *, trusted: bool) -> bool:
    """
    Leave the better date of two in `says`; returns whether they contradict each other.

    A date of the same markup by the same reader is trusted: only one that is more exact replaces it.
    """
    at, precision = f"{name}_at", f"{name}_precision"
    kept = {column: before[column] for column in (at, precision, f"{name}_raw")}
    if before[at] is None:
        if trusted and says[at] is None:
            says |= kept
        return False
    if says[at] is None:
        says |= kept
        return False
    spans = SPAN[says[precision]], SPAN[before[precision]]
    contradicted = bool(abs(says[at] - before[at]) >= max(spans))
    if spans[0] >= spans[1] and (trusted or not contradicted):
        says |= kept
    return contradicted


def _parent(says: Row, before: Row, flat: bool, above: Collection[int]) -> bool:
    """Leave the better parent of two in `says`; returns whether the comment has moved."""
    worth = 0 if flat and says["parent_source"] == "root" else WORTH[says["parent_source"]]
    if worth < WORTH[before["parent_source"]]:
        if says["parent_source"] == "capped" and says["parent_id"] not in above:
            return True
        says |= {name: before[name] for name in ("parent_id", "parent_source")}
        return False
    both_shown = worth == WORTH[before["parent_source"]] > 1
    return both_shown and says["parent_id"] != before["parent_id"]


def _drift(visit: Row) -> int:
    return 0 if visit["comments_stated"] is None else visit["comments_stated"] - visit["comments_seen"]


def _confirmed(unseen: list[int], earlier: list[Row], at: datetime) -> list[int] | None:
    """Those that no suspect visit since one that is an hour old has seen; None where there is none so old."""
    for row in earlier:
        if row["outcome"] == "swept":
            return None
        if row["outcome"] == "suspect":
            unseen = [id for id in unseen if id in row["unseen"]]
            if at - row["finished_at"] >= HOUR:
                return unseen
    return None
