"""
The fields of comments, looked up in a tree.

Each selector is asked once for the whole tree and what it finds is given to the comment that it stands in,
which is both faster than asking in every comment and safe against elements that are left open: where
a parser's repair nests one comment in another, each keeps its own author.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import unquote_plus

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.skins import Skin
from crawler.dle.text import folded
from crawler.items import AuthorKind

_COMMENT = re.compile(r"(?:comment-id|comments-tree-item)-([1-9][0-9]{0,17})")
_TEXT = re.compile(r"comm-id-([1-9][0-9]{0,17})")
TIME = "time[datetime]"
PROFILE = "a[href*='/user/'], a[href*='subaction=userinfo']"
_USER = re.compile(
    r"(?:https?:)?(?://[^/?#]*)?/?(?:user/|(?:index\.php)?\?(?:[^#]*&)?subaction=userinfo&(?:[^#]*&)?user=)"
    r"([^/?#&]+)/?(?:[?#&]|$)"
)
#: How the engine shows ratings: what a selector finds is the rating, or two find likes and dislikes.
RATINGS = (
    (".ratingtypeplusminus, .ratingtypeplus",),
    (".unit-rating .current-rating",),
    (
        "[id^='comments-likes-id-'], [data-comments-likes-id]",
        "[id^='comments-dislikes-id-'], [data-comments-dislikes-id]",
    ),
)
_USER_NUMBER = re.compile(r"/fotos/foto_([1-9][0-9]{0,17})\.")
#: White space to HTML.
SPACE = " \t\r\n\f"
_REAL_NAME = re.compile(r"\((.+)\)")
_WHOLE = re.compile(r"[+\-−–]?\d{1,9}", re.ASCII)
#: In elements: from few fields of a comment to its root.
_LONG_WAY = 10
#: The look behind stands inside, so that the search can run to the first two digits at once.
_YEAR = re.compile(r"(?:19|20)(?<!\d\d\d)\d\d(?!\d)")
#: To copy it is quicker than to set one up.
_HASH = blake2b(digest_size=16)
#: What looks like a date: a time of the day, or so many minutes or hours of any language, or a day
#: with its year.
DATE = re.compile(
    r"""(?:\d{1,2}[ .\-/]\w{1,12}[ .\-/]\d{4}(?:[ ,]+(?:\w{1,3}[ ]+)?\d{1,2}:[ ]?\d\d)?
        | \w[\w' ]{1,20}[ ,]+(?:\w{1,3}[ ]+)?\d{1,2}:[ ]?\d\d
        | \d{1,2}[ ]\w{3,12}[ ](?:ago|назад))""",
    re.VERBOSE,
)


@lru_cache(maxsize=1_000)
def profile_name(href: str) -> str | None:
    """The name in the address of a profile: percent-decoded, "+" as a space, all else untouched."""
    match = _USER.match(href)
    if match is None:
        return None
    try:
        return unquote_plus(match[1], errors="strict").strip() or None
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=1_000)
def rating(text: str) -> int | None:
    """A rating as the engine writes it: "+21", "-3", "0", "1 204"; None where it is no number."""
    digits = "".join(text.split())
    if not _WHOLE.fullmatch(digits):
        return None
    return int(digits.replace("−", "-").replace("–", "-"))


class Elements(NamedTuple):
    """The elements of the comments in a tree, by number, in the order in which they begin."""

    #: The one around each comment.
    roots: dict[int, LexborNode]
    #: The one that holds its text.
    texts: dict[int, LexborNode]
    #: Numbers of comments that stand there again.
    again: list[int]
    #: Whether others have ids like theirs.
    has_others: bool


def elements(document: LexborHTMLParser) -> Elements:
    """The elements of the comments; of two with one number the first counts."""
    roots: dict[int, LexborNode] = {}
    texts: dict[int, LexborNode] = {}
    again: list[int] = []
    has_others = False
    for node in document.css("[id^='comment-id-'], [id^='comm-id-']"):
        own = node.id or ""
        if match := _TEXT.fullmatch(own):
            texts.setdefault(int(match[1]), node)
        elif match := _COMMENT.fullmatch(own):
            id = int(match[1])
            if id in roots:
                again.append(id)
            else:
                roots[id] = node
        else:
            has_others = True
    if not roots:
        # Some templates leave the comment's own element out; the tree's items are then the comments.
        for node in document.css("[id^='comments-tree-item-']"):
            if match := _COMMENT.fullmatch(node.id or ""):
                roots.setdefault(int(match[1]), node)
    return Elements(roots, texts, again, has_others)


def comment_number(node: LexborNode) -> int | None:
    """The number of the comment whose element or item this is."""
    own = node.id
    match = _COMMENT.fullmatch(own) if own else None
    return int(match[1]) if match else None


class Owners:
    """Which elements of a tree belong to which comment."""

    def __init__(self, document: LexborHTMLParser, found: Elements) -> None:
        self._document = document
        self.roots, self.texts, _, _ = found
        #: Of elements met on a long way up, by memory id: so that depth costs once, not for each element. To note each
        #: short way, too, would take more memory than the comments.
        self._known: dict[int, int | None] = {}
        self._found: dict[str, dict[int, list[LexborNode]]] = {}

    def of(self, node: LexborNode) -> int | None:
        """The comment that an element stands in; None where it stands in none, or in a comment's text."""
        path: list[int] = []
        owner: int | None = None
        here: LexborNode | None = node
        while here is not None:
            place = here.mem_id
            if place in self._known:
                owner = self._known[place]
                break
            path.append(place)
            own = here.id
            if own and own.startswith("comm"):
                match = _COMMENT.fullmatch(own)
                if match:
                    id = int(match[1])
                    owner = id if id in self.roots else None
                    break
                if _TEXT.fullmatch(own):
                    break
            here = here.parent
        if len(path) > _LONG_WAY:
            self._known.update(dict.fromkeys(path, owner))
        return owner

    def found(self, selector: str) -> dict[int, list[LexborNode]]:
        """What a selector finds, by comment."""
        found = self._found.get(selector)
        if found is None:
            found = self._found[selector] = {}
            for node in self._document.css(selector):
                owner = self.of(node)
                if owner is None:
                    continue
                if owner in found:
                    found[owner].append(node)
                else:
                    found[owner] = [node]
        return found

    def forget(self, id: int) -> None:
        """Let go of what was found in a comment that is read: its elements take more memory than its fields."""
        for found in self._found.values():
            found.pop(id, None)

    def first(self, id: int, selector: str | None) -> LexborNode | None:
        """The first that a selector finds in a comment; nothing for None."""
        nodes = self.found(selector).get(id) if selector is not None else None
        return nodes[0] if nodes else None


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a comment, as its page shows it."""

    nickname: str
    kind: AuthorKind
    profile_name: str | None = None
    full_name: str | None = None


class Fields:
    """The fields of the comments of a page."""

    def __init__(self, owners: Owners, skin: Skin | None, ratings: Sequence[str]) -> None:
        self._owners = owners
        self._skin = skin
        self._ratings = ratings

    def profile_links(self, id: int) -> list[tuple[LexborNode, str]]:
        """The links to profiles in a comment, with the name in their address."""
        named = (
            (node, profile_name(node.attributes.get("href") or ""))
            for node in self._owners.found(PROFILE).get(id, ())
        )
        return [(node, name) for node, name in named if name is not None]

    def author(self, id: int, links: list[tuple[LexborNode, str]], *, known: bool) -> Author:
        """
        Who wrote a comment.

        Args:
            known: Whether the comment has the skin of the page. Where not, its first profile link
                with a text names the author, and nobody can say that an author without one is a guest.
        """
        place = self._owners.first(id, self._skin.author) if known and self._skin else None
        if place is None:
            for link, name in links:
                nickname = _nickname(link)
                if nickname:
                    return Author(nickname, "unknown", name)
            return Author("", "unknown")
        apart = self._owners.first(id, self._skin.full_name) if self._skin else None
        full_name = folded(apart.text()) if apart is not None else ""
        for link, name in links:
            if _is_in(link, place):
                nickname = _nickname(link)
                if not full_name and link.mem_id != place.mem_id:
                    beside = folded(place.text()).removeprefix(folded(nickname)).strip()
                    match = _REAL_NAME.fullmatch(beside)
                    full_name = match[1].strip() if match else ""
                return Author(nickname, "member", name, full_name or None)
        return Author(_nickname(place), "guest", None, full_name or None)

    def date(self, id: int, *, known: bool) -> tuple[str | None, str | None]:
        """The date of a comment in words and, where the page has it, for machines."""
        place = self._owners.first(id, self._skin.date) if known and self._skin else None
        machine = place.attributes.get("datetime") if place is not None else None
        if machine is None:
            time = self._owners.first(id, TIME)
            if time is not None:
                place = place or time
                machine = time.attributes.get("datetime")
        if place is not None:
            return folded(place.text()) or None, (machine or "").strip() or None
        return _words_like_a_date(self._owners.roots[id]), None

    def avatar(self, id: int) -> str:
        """The addresses in the avatar's element."""
        avatar = self._owners.first(id, self._skin.avatar) if self._skin else None
        if avatar is None:
            return ""
        attributes = avatar.attributes
        return f"{attributes.get('src') or ''} {attributes.get('style') or ''}"

    def ratings(self, id: int) -> list[str | None]:
        """What the page shows of a comment's rating, in the way of the page: one text or two."""
        nodes = (self._owners.first(id, selector) for selector in self._ratings)
        return [node.text() if node is not None else None for node in nodes]


@lru_cache(maxsize=1_000)
def user_number(avatar: str) -> int | None:
    """The site's number of the member, which the name of an uploaded avatar shows."""
    match = _USER_NUMBER.search(avatar)
    return int(match[1]) if match else None


def shown_rating(shown: Sequence[str | None]) -> int | None:
    """
    The rating of a comment, in whichever of the engine's four ways the page shows it.

    A signed sum or a number of likes stands as it is; where only likes and dislikes are shown, the
    rating is their difference; for stars it is the engine's per cent.
    """
    if len(shown) == 1:
        return rating(shown[0]) if shown[0] is not None else None
    numbers = [rating(text) if text is not None else None for text in shown]
    if len(numbers) == 2:
        likes, dislikes = numbers
        return None if likes is None and dislikes is None else abs(likes or 0) - abs(dislikes or 0)
    return None


def _nickname(node: LexborNode) -> str:
    """The name in an element, as written but for the white space of the markup around it."""
    return node.text().strip(SPACE)


def _is_in(node: LexborNode, place: LexborNode) -> bool:
    """Whether an element is another one or stands in it, a few levels deep."""
    wanted = place.mem_id
    here: LexborNode | None = node
    for _ in range(8):
        if here is None:
            return False
        if here.mem_id == wanted:
            return True
        here = here.parent
    return False


def _words_like_a_date(root: LexborNode) -> str | None:
    """The first words in a comment, but not in its text, that look like a date."""
    here = root.first_child
    above: list[LexborNode] = []
    while here is not None or above:
        if here is None:
            here = above.pop().next
            continue
        if here.tag == "-text":
            match = DATE.search(folded(here.text_content or "")[:200])
            if match:
                return match[0]
        own = here.id
        inside = here.first_child
        if inside is None or (
            own and own.startswith("comm") and (_TEXT.fullmatch(own) or _COMMENT.fullmatch(own))
        ):
            here = here.next
        else:
            above.append(here)
            here = inside
    return None


def source_hash(
    marks: Sequence[str],
    nickname: str,
    profile: str | None,
    posted_raw: str | None,
    posted_machine: str | None,
) -> str:
    """
    Hash of what a comment's markup says, without what moves by itself.

    In it go the tags, words and targets of the text, the author's name and profile, and a date that is for
    machines or names its year; not the rating, a date like "3 hours ago", ranks, counters, the
    avatar, or whether the author is on line. Classes are left out as well, so that a new template
    is not taken for new comments.
    """
    date = posted_machine or (posted_raw if posted_raw and _YEAR.search(posted_raw) else "")
    parts = (nickname, profile or "", date, *filter(None, marks))
    hashed = _HASH.copy()
    hashed.update("\x1f".join(parts).encode(errors="replace"))
    return hashed.hexdigest()
