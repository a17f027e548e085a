"""
A skin for a page whose template nobody has seen.

In each comment some elements can be known without a template: a link to a profile names the author, and so
does the avatar's alt where the same words stand beside it; a date can be read; a picture has an avatar's
address. From these follows the shortest selector that finds just them in most comments of the page. A proposal
is a guess that a person looks at before it becomes a skin; so it comes with how often each selector was right.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.fields import profile_name, rating
from crawler.dle.skins import Skin
from crawler.dle.text import beginning, folded
from crawler.errors import UnreadableDate
from crawler.items import Moment
from crawler.normalise import timestamps
from crawler.probe.elements import Own
from crawler.site import DateWords

#: Comments that are looked at for what might be a selector, and those that decide which one is the best. How
#: often that one is right is counted over all.
SAMPLE = 40
JUDGES = 300

#: Nicknames and dates are shorter, in characters.
LONGEST = 60

#: Alternatives in a selector at most: members, guests, and one more.
MAX_ALTERNATIVES = 3

#: What a skin says of the date where no element holds one alone: the reader then looks for words like a date.
NO_DATE = "time[datetime]"

_CLASS = re.compile(r"-?[A-Za-z_][\w-]*", re.ASCII)
#: Numbers of comments and members, which stand in classes now and then.
_NUMBERED = re.compile(r"[0-9]{3}")
_TAG = re.compile(r"[a-z][a-z0-9-]*")
_PLAIN = re.compile(r"[\w-]+", re.ASCII)
_AVATAR = re.compile(r"/fotos/|no_?avatar|gravatar", re.IGNORECASE)
_SIGNED = re.compile(r"[+\-−–]\s?[0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A selector, and in how many comments it finds what it should."""

    selector: str
    right: int
    #: Comments in which it finds something else first.
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A skin that a page seems to have."""

    skin: Skin
    #: Comments of the page.
    of: int
    author: Place
    #: None where no element holds a date and nothing else.
    date: Place | None
    avatar: Place | None
    #: Where a signed number stands. Ratings are read by the engine's own marks, so no skin names their place.
    rating: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReader:
    """What is needed to read the dates of a page."""

    zone: ZoneInfo
    words: tuple[DateWords, ...]
    seen_at: datetime

    def moment(self, text: str | None, machine: str | None = None) -> Moment | None:
        """The moment that a date means, the machine-readable one first; None where neither can be read."""
        if machine:
            try:
                return timestamps.machine_moment(machine, zone=self.zone, seen_at=self.seen_at)
            except UnreadableDate:
                pass  # The visible text is the next to be trusted.
        if text:
            try:
                return timestamps.moment(text, zone=self.zone, words=self.words, seen_at=self.seen_at)
            except UnreadableDate:
                pass
        return None

    def may_be_date(self, text: str) -> bool:
        """Whether it is worth the time to read this as a date: only foreign words cost any, but they do."""
        if not text or len(text) > LONGEST:
            return False
        known = {word for each in self.words for word in (*each.now, *each.today, *each.yesterday)}
        # A number alone ("17", "#4", "2027") is no date, whatever a date parser makes of it.
        return text.lower() in known or re.search(r"[0-9].*\W.*[0-9]|[0-9]\W+\w{2,}", text) is not None


def proposal(
    document: LexborHTMLParser, comments: Sequence[Own], dates: DateReader, *, name: str
) -> Proposal | None:
    """
    The skin that the comments of a page seem to have; None where nothing in them names their authors.

    Args:
        comments: The comments' own parts.

        name: What the skin is to be called.
    """
    page = _Page(document, comments)
    names = {own.id: node for own in comments if (node := _name_element(own)) is not None}
    author = _author(page, names)
    if author is None:
        return None
    date = _date(page, dates)
    avatar = _avatar(page, names)
    return Proposal(
        skin=Skin(
            name=name,
            recognises=author.selector,
            author=author.selector,
            date=date.selector if date else NO_DATE,
            avatar=avatar.selector if avatar else None,
        ),
        of=len(comments),
        author=author,
        date=date,
        avatar=avatar,
        rating=_rating(page),
    )


# --- who, when, the picture, the signed number ----------------------------------------------------------------


def _name_element(own: Own) -> LexborNode | None:
    """The element that names a comment's author: a profile link, or the words that are the avatar's alt."""
    alts = {folded(node.attributes.get("alt") or "") for node in own.elements if node.tag == "img"} - {""}
    linked = [
        node
        for node in own.elements
        if node.tag == "a" and profile_name(node.attributes.get("href") or "") and _words(node)
    ]
    for node in linked:
        if _words(node) in alts:
            return node
    for node in linked:
        if _words(node) == profile_name(node.attributes.get("href") or ""):
            return node
    if linked:
        return linked[0]
    return next((node for words, node in own.words if words in alts), None)


def _author(page: "_Page", names: dict[int, LexborNode]) -> Place | None:
    def verdict(own: Own, node: LexborNode) -> float:
        """1: names the author · 0.5: may name a guest, which nothing else does · 0: does not."""
        said = _words(node)
        target = names.get(own.id)
        if target is None:
            return 0.5 if said and len(said) <= LONGEST and not _is_number(said) else 0
        # The reader looks for the link in the place that the skin names, not around it.
        if node.mem_id != target.mem_id and not _is_inside(target, node):
            return 0
        beside = said.removeprefix(_words(target)).strip()
        # "Nick (Real Name)" holds the link and a name that is shown apart.
        return 1 if not beside else 0.9 if re.fullmatch(r"\(.{1,60}\)", beside) else 0

    return page.best(names, verdict)


def _date(page: "_Page", dates: DateReader) -> Place | None:
    def moment(node: LexborNode) -> Moment | None:
        said = _words(node)
        machine = node.attributes.get("datetime")
        return dates.moment(said if dates.may_be_date(said) else None, machine)

    found: dict[int, LexborNode] = {}
    for own in page.comments[:SAMPLE]:
        exact: dict[str, LexborNode] = {}
        for node in own.elements:
            read = moment(node)
            if read is not None:
                # The first one counts, and of elements in one another the innermost.
                before = exact.get(read.precision)
                if before is None or _is_inside(node, before):
                    exact[read.precision] = node
        best = exact.get("minute") or exact.get("hour") or exact.get("day")
        if best is not None:
            found[own.id] = best

    def verdict(_: Own, node: LexborNode) -> float:
        read = moment(node)
        return 0 if read is None else 0.8 if read.precision == "day" else 1

    def in_order(found: Sequence[LexborNode]) -> float:
        """How often a later number has a later date, as it has in nearly all threads."""
        moments = [read.at for read in map(moment, found) if read is not None]
        return sum(one <= other for one, other in pairwise(moments)) / max(1, len(moments) - 1)

    return page.best(found, verdict, in_order)


def _avatar(page: "_Page", names: dict[int, LexborNode]) -> Place | None:
    def is_avatar(own: Own, node: LexborNode) -> bool:
        attributes = node.attributes
        if _AVATAR.search(f"{attributes.get('src') or ''} {attributes.get('style') or ''}"):
            return True
        name = names.get(own.id)
        alt = folded(attributes.get("alt") or "")
        return node.tag == "img" and name is not None and bool(alt) and alt == _words(name)

    return page.best(_firsts(page, is_avatar), is_avatar)


def _rating(page: "_Page") -> Place | None:
    def is_signed(_: Own, node: LexborNode) -> bool:
        return _SIGNED.match(_words(node)) is not None and _is_number(_words(node))

    def verdict(_: Own, node: LexborNode) -> float:
        return _is_number(_words(node))

    return page.best(_firsts(page, is_signed), verdict)


def _firsts(page: "_Page", wanted: Callable[[Own, LexborNode], bool]) -> dict[int, LexborNode]:
    """The first, innermost element of each comment of the sample that is wanted."""
    found = {}
    for own in page.comments[:SAMPLE]:
        hits = [node for node in own.elements if wanted(own, node)]
        if hits:
            found[own.id] = next(
                (node for node in hits if node.mem_id != hits[0].mem_id and _is_inside(node, hits[0])),
                hits[0],
            )
    return found


# --- selectors ------------------------------------------------------------------------------------------------


class _Page:
    """The comments of a page, to be asked what a selector finds in them."""

    def __init__(self, document: LexborHTMLParser, comments: Sequence[Own]) -> None:
        self.comments = comments
        self._document = document
        self._owner = {node.mem_id: own.id for own in comments for node in own.elements}
        self._found: dict[str, dict[int, list[LexborNode]]] = {}

    def best(
        self,
        targets: dict[int, LexborNode],
        verdict: Callable[[Own, LexborNode], float],
        tie: Callable[[Sequence[LexborNode]], float] = lambda _: 0.0,
    ) -> Place | None:
        """
        The selector whose first hit in each comment is right in most comments.

        Args:
            targets: Elements that should be found, by the comment's number.

            verdict: How right an element is in a comment, from 0 to 1.

            tie: What decides between selectors that are equally often right: higher is better.
        """
        candidates: dict[str, None] = {}
        for own in self.comments[:SAMPLE]:
            if own.id in targets:
                for node in _nested(targets[own.id], own):
                    candidates |= dict.fromkeys(_selectors(node, own))

        def value(selector: str) -> tuple[float, float, int, bool, int, int]:
            firsts, right, wrong = self._verdicts(selector, verdict)
            single = sum(len(nodes) == 1 for nodes in self._hits(selector).values())
            steps = len(selector.split())
            return (right - wrong, tie(firsts), single, _by_class(selector), -steps, -len(selector))

        # Places change with every box that a template adds or leaves out, so they count only where classes do not.
        best: str | None = None
        for among in ([each for each in candidates if ":nth" not in each], list(candidates)):
            found = self._joined(among, value)
            if found is not None and (best is None or value(found)[0] > value(best)[0]):
                best = found
        if best is None:
            return None
        by_id = {own.id: own for own in self.comments}
        right = sum(verdict(by_id[id], nodes[0]) > 0 for id, nodes in self._hits(best).items())
        return Place(selector=best, right=right, wrong=len(self._hits(best)) - right) if right else None

    def _joined(
        self, candidates: Sequence[str], value: Callable[[str], tuple[float, float, int, bool, int, int]]
    ) -> str | None:
        """The best of these selectors, with others behind a comma for the comments in which it finds nothing."""
        best = max(candidates, key=value, default=None)
        for _ in range(MAX_ALTERNATIVES - 1):
            if best is None or len(self._hits(best)) == len(self.comments):
                break
            missed = [each for each in candidates if self._hits(each).keys() - self._hits(best).keys()]
            joined = max((f"{best}, {each}" for each in missed), key=value, default=best)
            if value(joined)[0] <= value(best)[0]:
                break
            best = joined
        return best

    def _verdicts(
        self, selector: str, verdict: Callable[[Own, LexborNode], float]
    ) -> tuple[list[LexborNode], float, int]:
        """The first hit in each comment that judges, the sum of how right they are, and how many are wrong."""
        hits = self._hits(selector)
        firsts = [(own, hits[own.id][0]) for own in self.comments[:JUDGES] if own.id in hits]
        given = [verdict(own, node) for own, node in firsts]
        return [node for _, node in firsts], sum(given), sum(not each for each in given)

    def _hits(self, selector: str) -> dict[int, list[LexborNode]]:
        """What a selector finds in each comment, as the reader sees it."""
        hits = self._found.get(selector)
        if hits is None:
            hits = self._found[selector] = {}
            for node in self._document.css(selector):
                id = self._owner.get(node.mem_id)
                if id is not None:
                    hits.setdefault(id, []).append(node)
        return hits


def _nested(node: LexborNode, own: Own) -> Iterator[LexborNode]:
    """The element, those that it stands in and those in it, as far as they hold the same words."""
    words = _words(node)
    here: LexborNode | None = node
    for _ in range(4):
        if here is None or here.mem_id == own.root.mem_id or not _words(here).startswith(words):
            break
        yield here
        here = here.parent
    yield from (each for each in own.elements if _is_inside(each, node) and _words(each) == words)


def _selectors(node: LexborNode, own: Own) -> Iterator[str]:
    """What may find an element: by its own class, by that of one that it stands in, by its place."""
    own_names = _names(node)
    tag = _tag(node)
    yield from own_names
    around = list(_around(node, own))
    for place, outer in enumerate(around):
        for name in _names(outer):
            yield from (f"{name} {own_name}" for own_name in own_names)
            yield f"{name} {tag}"
            if place == 0:
                yield f"{name} > {tag}"
                yield f"{name} > {_nth(node)}"
    yield tag
    yield _nth(node)
    for outer in around[:2]:
        yield f"{_nth(outer)} {tag}"
        yield f"{_nth(outer)} {_nth(node)}"
    if len(around) > 1:
        yield f"{_nth(around[1])} {_nth(around[0])} {_nth(node)}"


def _around(node: LexborNode, own: Own) -> Iterator[LexborNode]:
    """The elements that an element stands in, inside its comment, the nearest first."""
    here = node.parent
    for _ in range(5):
        if here is None or here.mem_id == own.root.mem_id:
            return
        yield here
        here = here.parent


def _names(node: LexborNode) -> list[str]:
    """An element's classes and microdata, as selectors, without those that are numbered."""
    attributes = node.attributes
    classes = (attributes.get("class") or "").split()
    names = [f".{each}" for each in classes if _CLASS.fullmatch(each) and not _NUMBERED.search(each)]
    item = attributes.get("itemprop") or ""
    if _PLAIN.fullmatch(item):
        names.append(f"[itemprop='{item}']")
    return names


def _nth(node: LexborNode) -> str:
    """An element's tag and its place among its like."""
    place, here = 1, node.prev
    while here is not None:
        place += here.tag == node.tag
        here = here.prev
    return f"{_tag(node)}:nth-of-type({place})"


def _tag(node: LexborNode) -> str:
    """An element's tag as a selector; a damaged page has some that cannot be one."""
    return node.tag if node.tag and _TAG.fullmatch(node.tag) else "*"


# --- elements -------------------------------------------------------------------------------------------------


def _words(node: LexborNode) -> str:
    """The words of a small element; of a large one their beginning, which is as good here."""
    return beginning(node)


def _is_number(text: str) -> bool:
    return rating(text) is not None


def _is_inside(node: LexborNode, outer: LexborNode) -> bool:
    here = node.parent
    while here is not None:
        if here.mem_id == outer.mem_id:
            return True
        here = here.parent
    return False


def _by_class(selector: str) -> bool:
    """Whether each alternative of a selector names a class, or microdata."""
    return all("." in part or "[" in part for part in selector.split(", "))


def as_source(skin: Skin) -> list[str]:
    """The lines that stand for a skin in a `skins.py`."""
    fields: Iterable[tuple[str, str | None]] = (
        (name, getattr(skin, name))
        for name in ("name", "recognises", "author", "date", "full_name", "avatar")
    )
    return ["Skin(", *(f'    {name}="{value}",' for name, value in fields if value is not None), "),"]
