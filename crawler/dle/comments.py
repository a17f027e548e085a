"""
The comments of a page.

Found by the engine's own ids, which a template can hardly change: `comment-id-N` around each comment,
`comm-id-N` around its text. What lies between is the template's; `crawler.dle.skins` says where. Each
selector is asked once for the whole page and what it finds is given to the comment that it stands in,
which is both faster than asking in every comment and safe against elements that are left open: where
a parser's repair nests one comment in another, each keeps its own author.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from html import unescape
from urllib.parse import unquote_plus

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.parents import with_inferred_parents
from crawler.dle.repeats import SAMPLE, Kind, Shortened, mark
from crawler.dle.skins import Skin
from crawler.dle.text import folded, plain, written
from crawler.dle.tree import Parent, Tree
from crawler.errors import NotUnderstood
from crawler.items import AuthorKind, Comment

#: The name under which a page is reported whose template is not known.
UNKNOWN = "unknown"

_COMMENT = re.compile(r"(?:comment-id|comments-tree-item)-([1-9][0-9]{0,17})")
_TEXT = re.compile(r"comm-id-([1-9][0-9]{0,17})")
_TIME = "time[datetime]"
_PROFILE = "a[href*='/user/'], a[href*='subaction=userinfo']"
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
#: What answers nobody, and what stands outside the tree.
_ROOT = Parent(None, "root")
#: White space to HTML.
_SPACE = " \t\r\n\f"
_REAL_NAME = re.compile(r"\((.+)\)")
_WHOLE = re.compile(r"[+\-−–]?\d{1,9}", re.ASCII)
#: The look behind stands inside, so that the search can run to the first two digits at once.
_YEAR = re.compile(r"(?:19|20)(?<!\d\d\d)\d\d(?!\d)")
#: What looks like a date: a time of the day, or so many minutes or hours of any language, or a day
#: with its year.
DATE = re.compile(
    r"""(?:\d{1,2}[ .\-/]\w{1,12}[ .\-/]\d{4}(?:[ ,]+(?:\w{1,3}[ ]+)?\d{1,2}:[ ]?\d\d)?
        | \w[\w' ]{1,20}[ ,]+(?:\w{1,3}[ ]+)?\d{1,2}:[ ]?\d\d
        | \d{1,2}[ ]\w{3,12}[ ](?:ago|назад))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """What the comments of a page say."""

    comments: tuple[Comment, ...]
    #: Name of the skin that fitted; `UNKNOWN` where none did; None where there are no comments.
    skin: str | None
    remarks: tuple[str, ...]


class NotAlike(Exception):
    """The repeats that were taken out of a page are not sure to read as they would in it: read it whole."""


def comments(
    document: LexborHTMLParser,
    tree: Tree,
    *,
    skins: Sequence[Skin],
    base_url: str,
    article_id: int,
    repeats: Shortened | None = None,
) -> Block:
    """
    The comments of a page, in the order of the page.

    Args:
        tree: The same page's thread, from its raw tags.

        skins: The templates that the site is known to have had, the likeliest first.

        base_url: What relative addresses are relative to.

        article_id: The article's number, by which a quoted comment is known to be of the same thread.

        repeats: What was taken out of the page before it became the document and the tree.

    Raises:
        NotUnderstood: A comment has no text element, so it is not built as the engine builds them.

        NotAlike: Only with `repeats`.
    """
    remarks: list[str] = []
    roots, texts = _elements(document, remarks)
    if repeats is not None:
        _check_place(repeats, roots, texts)
    order: Sequence[int] = repeats.order if repeats is not None else tuple(roots)
    if not order:
        return Block((), None, ())
    missing = [id for id in roots if id not in texts]
    if missing:
        raise NotUnderstood(f"comment {missing[0]} has no text: there is no element comm-id-{missing[0]}")
    if not tree.balanced:
        remarks.append("the lists of the thread do not close as any known engine closes them")
    not_in_tree = [id for id in order if id not in tree.parents] if tree.parents else []
    if not_in_tree:
        remarks.append(f"comment {not_in_tree[0]} stands outside the tree, and {len(not_in_tree) - 1} more")

    owners = _Owners(document, roots, repeats.repeats if repeats is not None else ())
    skin, fitting = _skin(owners, skins, order, repeats)
    if skin is not None and len(fitting) < len(order):
        odd = next(id for id in order if id not in fitting)
        remarks.append(
            f"comment {odd} does not look like skin {skin.name}, and {len(order) - len(fitting) - 1} more"
        )
    # The first of the engine's ways to show ratings that the page has.
    ratings = next((way for way in RATINGS if document.css_first(", ".join(way)) is not None), ())
    fields = _Fields(owners, skin, ratings)

    repeated = _repeated(repeats, owners, tree, skin, ratings) if repeats is not None else {}
    result = []
    for id in order:
        if id in repeated:
            result.append(repeated[id])
            continue
        parent = tree.parents.get(id, _ROOT)
        what = written(texts[id], base_url=base_url)
        links = fields.profile_links(id)
        author = fields.author(id, links, known=id in fitting)
        posted_raw, posted_machine = fields.date(id, roots[id], known=id in fitting)
        result.append(
            Comment(
                id=id,
                parent_id=parent.id,
                parent_source=parent.source,
                nickname_raw=author.nickname,
                author_kind=author.kind,
                profile_name=author.profile_name,
                full_name=author.full_name,
                site_user_id=_user_number(fields.avatar(id)) if author.profile_name else None,
                posted_raw=posted_raw,
                posted_machine=posted_machine,
                body=what.body,
                quotes=what.quotes,
                links=what.links,
                images=what.images,
                rating=_rating(fields.ratings(id)),
                source_hash=_hash(what.marks, links[0][1] if links else None, posted_raw, posted_machine),
            )
        )
    answered = with_inferred_parents(result, document, flat=not tree.parents, article_id=article_id)
    return Block(answered, skin.name if skin else UNKNOWN, tuple(remarks))


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


def _elements(
    document: LexborHTMLParser, remarks: list[str]
) -> tuple[dict[int, LexborNode], dict[int, LexborNode]]:
    """The element of each comment, in the order of the page, and the one that holds its text."""
    roots: dict[int, LexborNode] = {}
    texts: dict[int, LexborNode] = {}
    for node in document.css("[id^='comment-id-'], [id^='comm-id-']"):
        own = node.id or ""
        if match := _TEXT.fullmatch(own):
            texts.setdefault(int(match[1]), node)
        elif match := _COMMENT.fullmatch(own):
            id = int(match[1])
            if id in roots:
                remarks.append(f"comment {id} stands twice on the page, the first one counts")
            else:
                roots[id] = node
    if not roots:
        # Some templates leave the comment's own element out; the tree's items are then the comments.
        for node in document.css("[id^='comments-tree-item-']"):
            if match := _COMMENT.fullmatch(node.id or ""):
                roots.setdefault(int(match[1]), node)
    return roots, texts


class _Owners:
    """Which elements of the page belong to which comment."""

    def __init__(
        self, document: LexborHTMLParser, roots: dict[int, LexborNode], absent: Collection[int] = ()
    ) -> None:
        self._document = document
        self._roots = roots
        #: Comments that were taken out of the page.
        self._absent = absent
        #: Of elements met on the way up, by memory id: so that depth costs once, not for each element.
        self._known: dict[int, int | None] = {}
        self._found: dict[str, dict[int, list[LexborNode]]] = {}

    def root(self, id: int) -> LexborNode:
        return self._roots[id]

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
                    owner = id if id in self._roots or id in self._absent else None
                    break
                if _TEXT.fullmatch(own):
                    break
            here = here.parent
        for place in path:
            self._known[place] = owner
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
                if owner in self._absent:
                    raise NotAlike  # It stands in the comment's item, and not in what was taken out.
                found.setdefault(owner, []).append(node)
        return found

    def first(self, id: int, selector: str | None) -> LexborNode | None:
        """The first that a selector finds in a comment; nothing for None."""
        nodes = self.found(selector).get(id) if selector is not None else None
        return nodes[0] if nodes else None


def _skin(
    owners: _Owners, skins: Sequence[Skin], order: Sequence[int], repeats: Shortened | None
) -> tuple[Skin | None, frozenset[int]]:
    """The skin that most comments have, and the comments that have it."""
    best: Skin | None = None
    fitting: frozenset[int] = frozenset()
    for skin in skins:
        found = set(owners.found(skin.recognises))
        if repeats is not None:
            alike = {kind for kind in repeats.kinds if _is_of(kind, skin)}
            found.update(id for id, (kind, _) in repeats.repeats.items() if kind in alike)
        if len(found) > len(fitting):
            best, fitting = skin, frozenset(found)
        if len(fitting) == len(order):
            break
    return best, fitting


@dataclass(frozen=True, slots=True)
class _Author:
    nickname: str
    kind: AuthorKind
    profile_name: str | None = None
    full_name: str | None = None


class _Fields:
    """The fields of the comments of a page."""

    def __init__(self, owners: _Owners, skin: Skin | None, ratings: Sequence[str]) -> None:
        self._owners = owners
        self._skin = skin
        self._ratings = ratings

    def profile_links(self, id: int) -> list[tuple[LexborNode, str]]:
        """The links to profiles in a comment, with the name in their address."""
        named = (
            (node, profile_name(node.attributes.get("href") or ""))
            for node in self._owners.found(_PROFILE).get(id, ())
        )
        return [(node, name) for node, name in named if name is not None]

    def author(self, id: int, links: list[tuple[LexborNode, str]], *, known: bool) -> _Author:
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
                    return _Author(nickname, "unknown", name)
            return _Author("", "unknown")
        apart = self._owners.first(id, self._skin.full_name) if self._skin else None
        full_name = folded(apart.text()) if apart is not None else ""
        for link, name in links:
            if _is_in(link, place):
                nickname = _nickname(link)
                if not full_name and link.mem_id != place.mem_id:
                    beside = folded(place.text()).removeprefix(folded(nickname)).strip()
                    match = _REAL_NAME.fullmatch(beside)
                    full_name = match[1].strip() if match else ""
                return _Author(nickname, "member", name, full_name or None)
        return _Author(_nickname(place), "guest", None, full_name or None)

    def date(self, id: int, root: LexborNode, *, known: bool) -> tuple[str | None, str | None]:
        """The date of a comment in words and, where the page has it, for machines."""
        place = self._owners.first(id, self._skin.date) if known and self._skin else None
        machine = place.attributes.get("datetime") if place is not None else None
        if machine is None:
            time = self._owners.first(id, _TIME)
            if time is not None:
                place = place or time
                machine = time.attributes.get("datetime")
        if place is not None:
            return folded(place.text()) or None, (machine or "").strip() or None
        return _words_like_a_date(root), None

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
def _user_number(avatar: str) -> int | None:
    """The site's number of the member, which the name of an uploaded avatar shows."""
    match = _USER_NUMBER.search(avatar)
    return int(match[1]) if match else None


def _rating(shown: Sequence[str | None]) -> int | None:
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
    return node.text().strip(_SPACE)


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


def _hash(
    marks: Sequence[str], profile: str | None, posted_raw: str | None, posted_machine: str | None
) -> str:
    """
    Hash of what a comment's markup says, without what moves by itself.

    In it go the tags, words and targets of the text, the author's profile, and a date that is for
    machines or names its year; not the rating, a date like "3 hours ago", ranks, counters, the
    avatar, or whether the author is on line. Classes are left out as well, so that a new template
    is not taken for new comments.
    """
    date = posted_machine or (posted_raw if posted_raw and _YEAR.search(posted_raw) else "")
    parts = [profile or "", date, *filter(None, marks)]
    return blake2b("\x1f".join(parts).encode(errors="replace"), digest_size=16).hexdigest()


# --- comments that were taken out of the page ----------------------------------------------------------------


#: What may stand around the comments: nothing that stays in force inside them.
_AROUND = frozenset(("article", "aside", "body", "div", "form", "html", "li", "main", "ol", "section", "ul"))
_MARK = re.compile(mark(0).replace("0", "([0-9]+)"))


def _check_place(repeats: Shortened, roots: dict[int, LexborNode], texts: dict[int, LexborNode]) -> None:
    """
    Check that a parser reads comments where they stand as it reads one that stands alone.

    Raises:
        NotAlike: There are other comments than the raw text shows, or other texts, so it is not what it seems;
            or something that stands around the first comment reaches into it.
    """
    if [id for id in repeats.order if id not in repeats.repeats] != list(roots):
        raise NotAlike
    if not repeats.repeats.keys().isdisjoint(texts):
        raise NotAlike
    first = roots[repeats.order[0]]
    written = repeats.first()
    if written is None or _names(first) != written:
        raise NotAlike
    here = first.parent
    while here is not None and here.tag != "-document":
        if here.tag not in _AROUND:
            raise NotAlike
        here = here.parent


def _names(root: LexborNode) -> tuple[str, ...]:
    """The names of an element and of what stands in it, in the order in which they open."""
    return tuple(node.tag or "" for node in root.traverse() if node.tag != "-comment")


@lru_cache(maxsize=256)
def _sample(kind: Kind) -> _Owners | None:
    """A comment of a kind, to be asked as if it were one on a page; None where it is not read as it is written."""
    document = LexborHTMLParser(f"<ol><li>{kind.sample}</li></ol>")
    roots, texts = _elements(document, [])
    if list(roots) != [SAMPLE] or list(texts) != [SAMPLE]:
        return None
    return _Owners(document, roots) if _names(roots[SAMPLE]) == kind.elements else None


def _is_of(kind: Kind, skin: Skin) -> bool:
    """Whether the comments of a kind have a skin."""
    sample = _sample(kind)
    return sample is not None and SAMPLE in sample.found(skin.recognises)


@lru_cache(maxsize=256)
def _places(kind: Kind, skin: Skin | None, ratings: Sequence[str]) -> tuple[int, ...] | None:
    """
    Where the comments of a kind keep their fields; None where finding them takes more than to look into a group.

    The same questions are put to the kind's sample as to a comment on a page, and the answers are marks.

    Returns:
        Groups of the kind's pattern: the text, the nickname, the profile's address, the date in words and for
        machines, the avatar's address and style, and the one or two texts of the rating.
    """
    owners = _sample(kind)
    if owners is None or skin is None or not _is_of(kind, skin):
        return None
    fields = _Fields(owners, skin, ratings)
    links = fields.profile_links(SAMPLE)
    author = fields.author(SAMPLE, links, known=True)
    posted_raw, posted_machine = fields.date(SAMPLE, owners.root(SAMPLE), known=True)
    source, _, style = fields.avatar(SAMPLE).partition(" ")
    shown = fields.ratings(SAMPLE)
    profiles = {name for _, name in links}
    place = owners.first(SAMPLE, skin.author)
    if place is None or _MARK.fullmatch(place.text().strip()) is None:
        return None  # There is more than a nickname, and what it is depends on its words.
    if author.full_name is not None or profiles != {author.profile_name} - {None} or not posted_raw:
        return None
    answers = (author.nickname, author.profile_name, posted_raw, posted_machine, source, style, *shown)
    groups = [kind.text]
    for answer in answers:
        match = _MARK.fullmatch((answer or mark(kind.nothing)).strip())
        if match is None:
            return None
        groups.append(int(match[1]))
    return tuple(groups)


def _repeated(
    repeats: Shortened, owners: _Owners, tree: Tree, skin: Skin | None, ratings: Sequence[str]
) -> dict[int, Comment]:
    """The comments that were taken out of the page, by number. Raises NotAlike."""
    if skin is not None:
        for selector in (skin.author, skin.date, skin.full_name, skin.avatar, *ratings, _PROFILE, _TIME):
            if selector is not None:
                owners.found(selector)
    places_of = {kind: _places(kind, skin, ratings) for kind in repeats.kinds}
    result = {}
    for id, (kind, match) in repeats.repeats.items():
        places = places_of[kind]
        if places is None:
            raise NotAlike
        text, *values = match.group(*places)
        if "&" in match[0]:
            values = list(map(unescape, values))
        nickname, profile, posted_raw, machine, source, style, *shown = values
        name = profile_name(profile) if profile else None
        posted_raw = folded(posted_raw) or None
        machine = machine.strip() or None
        parent_id, parent_source = tree.parents.get(id, _ROOT)
        body, marks = plain(text)
        result[id] = Comment(
            id=id,
            parent_id=parent_id,
            parent_source=parent_source,
            nickname_raw=nickname.strip(_SPACE),
            author_kind="guest" if name is None else "member",
            profile_name=name,
            site_user_id=None if name is None else _user_number(f"{source} {style}"),
            posted_raw=posted_raw,
            posted_machine=machine,
            body=body,
            rating=_rating(shown),
            source_hash=_hash(marks, name, posted_raw, machine),
        )
    return result
