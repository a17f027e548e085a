"""
Where a page shows somebody: the comments, quotations, mentions and links that it marks as that person's.

The reader of comments says whose each comment is; the page's tree says what stands in it, and each node of the
tree knows its place in the raw page (see `crawler.dle.pieces`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from crawler.dle.comments import Block
from crawler.dle.fields import RATINGS, profile_name
from crawler.dle.pieces import Marked, Piece, attributes, of_element, pieces
from crawler.dle.skins import Skin
from crawler.dle.text import QUOTE_CLASSES, QUOTE_MARKER, TITLE_CLASSES, folded, named_in_title, true_target
from crawler.items import Comment
from crawler.normalise.nicknames import MAX_LENGTH, author, nickname
from crawler.normalise.text import storable

IsForgotten = Callable[[str], bool]
"""Whether the author with this key is to be cut out. Also asked for `alias_key` of names in quotations."""

_ID = re.compile(r"(comment-id|comments-tree-item|comm-id)-([1-9][0-9]{0,17})")
_AROUND_IDS = frozenset(("dle-ajax-comments", "dle-comments-form", "dle-addcomments-form"))
_AROUND_CLASSES = frozenset(("comments-tree-list", "comments-tree-item", "dle-comments-navigation"))
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_WORD = re.compile(r"\w+")


def member_key(name: str) -> str:
    """The key of the member with this profile name, as `nicknames.author` makes it."""
    return storable(name)[:MAX_LENGTH].casefold()[:MAX_LENGTH]


def name_keys(name: str) -> tuple[str, ...]:
    """The keys of all whom a name alone may mean, as `nicknames.author` makes them, and its `alias_key`."""
    plain = nickname(name).casefold()
    if not plain:
        return ()
    kinds = (f"{kind}:{plain}"[:MAX_LENGTH] for kind in ("guest", "unknown"))
    return member_key(name.strip()), *kinds, f"name:{plain}"


def alias_key(name: str) -> str:
    """What stands for a spelling of a forgotten author's name that is not part of the key."""
    return f"name:{nickname(name).casefold()}"


def comment_keys(comment: Comment) -> Iterator[str]:
    """The keys under which the author of a comment may be known."""
    who = author(
        nickname_raw=comment.nickname_raw, kind=comment.author_kind, profile_name=comment.profile_name
    )
    if who is not None:
        yield who.key
    if comment.profile_name:
        yield member_key(comment.profile_name)


def profiles(value: str) -> str | None:
    """The profile that an address leads to, also through the engine's own redirect."""
    return profile_name(value) or profile_name(true_target(value))


@dataclass(slots=True, eq=False)
class Quotation:
    #: The comment in which it stands; None outside of comments.
    comment: int | None
    #: The quotation around it.
    outer: "Quotation | None" = None
    #: The pieces of the title and of the remark before it that names who is quoted.
    title: int | None = None
    marker: int | None = None
    box: int | None = None
    names: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    number: int | None = None
    words: list[str] = field(default_factory=list)
    title_words: list[str] = field(default_factory=list)

    @property
    def says_whose(self) -> bool:
        return bool(self.names or self.profiles or self.number)


class State(NamedTuple):
    """Where an element stands."""

    comment: int | None = None
    in_text: bool = False
    #: In a date or a rating.
    kept: bool = False
    quote: Quotation | None = None
    title: Quotation | None = None
    #: Pieces of the mention or link of a person in which it stands.
    mention: int | None = None
    link: int | None = None


@dataclass(slots=True)
class _Text:
    numbers: list[int]
    words: str


class Persons:
    """
    Who is shown where on a page.

    Args:
        block: What the reader says of the page's comments; None where it does not understand them. Then the profile
            link in a comment's head, or else the name where a known skin has it, says whose it is.
    """

    def __init__(
        self, html: str, is_forgotten: IsForgotten, block: Block | None, skins: Sequence[Skin]
    ) -> None:
        self.html = html
        self.is_forgotten = is_forgotten
        self.pieces = pieces(html)
        self.marked = Marked(html, self.pieces)
        self._skins = skins
        self.states: dict[int, State] = {}  # piece → where it stands
        self.quotations: list[Quotation] = []
        self.links: dict[int, str] = {}  # piece → profile of the forgotten that it leads to
        self.heads: dict[int, list[_Text]] = {}
        self._head_profiles: dict[int, list[str]] = {}
        self._head_names: dict[int, list[str]] = {}
        self._words: dict[int, list[str]] = {}
        self.dated: set[int] = set()
        self.texts: dict[int, int] = {}  # comment → piece that opens its text
        self._walk()
        self.comments: Mapping[int, Comment] = {c.id: c for c in block.comments} if block is not None else {}
        if block is not None:
            self.forgotten = {
                id for id, comment in self.comments.items() if any(map(is_forgotten, comment_keys(comment)))
            }
        else:
            self.forgotten = set(self._forgotten_by_heads())
        self._take_back()
        self._names = {
            nickname(name).casefold() for id in self.forgotten for name in self.names_of(id) if nickname(name)
        }
        self.cut = {each for each in self.quotations if self._is_quoted(each)}

    # --- what stands where ------------------------------------------------------------------------------------

    def _walk(self) -> None:
        document = self.marked.document
        dates = {node.mem_id for node in document.css(", ".join(["time", *(s.date for s in self._skins)]))}
        ratings = {node.mem_id for node in document.css(", ".join(each for way in RATINGS for each in way))}
        names = {
            node.mem_id for node in document.css(", ".join(skin.author for skin in self._skins) or "none")
        }
        states: dict[int, State] = {}
        ended: set[int] = set()
        current: int | None = None
        pending: Quotation | None = None
        for node in self.marked.nodes():
            parent = node.parent
            state = states.get(parent.mem_id, State()) if parent is not None else State()
            tag = node.tag or ""
            if tag == "-text":
                self._note_text(state, node.text_content or "")
                continue
            if tag == "-comment":
                content = node.comment_content or ""
                numbers = self.marked.of_text(content)
                self._put(numbers, state)
                match = QUOTE_MARKER.fullmatch(self.marked.words(content))
                if match and numbers:
                    pending = self._new(state)
                    pending.marker = numbers[0]
                    pending.names.append(match[1])
                continue
            number = of_element(node)
            own = dict(node.attributes)
            before = state
            state, edge = self._inside(own, state)
            if edge:
                pending = None
                if current is not None and current != state.comment:
                    ended.add(current)
                current = state.comment
            if state.comment in ended:
                state = State()
            if state.in_text and not before.in_text:
                pending = None
                if number is not None and state.comment is not None:
                    self.texts.setdefault(state.comment, number)
            classes = (own.get("class") or "").split()
            if node.mem_id in dates or node.mem_id in ratings:
                state = state._replace(kept=True)
                if node.mem_id in dates and state.comment is not None and not state.in_text:
                    self.dated.add(state.comment)
            if state.title is None:
                if not TITLE_CLASSES.isdisjoint(classes):
                    quotation = pending if pending is not None and pending.title is None else self._new(state)
                    self._read_title(quotation, own, number)
                    state = state._replace(title=quotation)
                    pending = quotation
                elif tag == "blockquote" or not QUOTE_CLASSES.isdisjoint(classes):
                    quotation = pending or self._new(state)
                    pending = None
                    quotation.box, quotation.outer = number, state.quote
                    if number is not None:
                        self.states[number] = state
                    states[node.mem_id] = state._replace(quote=quotation)
                    continue
            state = self._note_persons(node, own, number, state)
            if node.mem_id in names and state.comment is not None and not state.in_text:
                words = self.marked.words(node.text())
                self._head_names.setdefault(state.comment, []).append(words.strip())
            states[node.mem_id] = state
            if number is not None:
                self._put([number], state)
        for quotation in self.quotations:
            words = folded("".join(quotation.title_words))
            named = named_in_title(words) if words else None
            if named is not None:
                quotation.names.append(named)

    def _new(self, state: State) -> Quotation:
        quotation = Quotation(state.comment, state.quote)
        self.quotations.append(quotation)
        return quotation

    @staticmethod
    def _inside(own: Mapping[str, str | None], state: State) -> tuple[State, bool]:
        """Where an element stands, given where its parent does; and whether a comment begins or ends here."""
        id = own.get("id") or ""
        match = _ID.fullmatch(id)
        if match is not None:
            number = int(match[2])
            return State(comment=number, in_text=match[1] == "comm-id"), number != state.comment
        if id in _AROUND_IDS or not _AROUND_CLASSES.isdisjoint((own.get("class") or "").split()):
            return State(), True
        return state, False

    def _put(self, numbers: Iterable[int], state: State) -> None:
        for number in numbers:
            self.states[number] = state

    def _note_text(self, state: State, content: str) -> None:
        numbers, words = self.marked.of_text(content), self.marked.words(content)
        self._put(numbers, state)
        if state.title is not None:
            state.title.title_words.append(words)
        elif state.quote is not None:
            state.quote.words.append(words)
        elif state.comment is not None and state.in_text:
            self._words.setdefault(state.comment, []).append(words)
        elif state.comment is not None:
            self.heads.setdefault(state.comment, []).append(_Text(numbers, words))

    def _read_title(self, quotation: Quotation, own: Mapping[str, str | None], number: int | None) -> None:
        quotation.title = number
        id = own.get("data-commentid") or ""
        if _NUMBER.fullmatch(id):
            quotation.number = int(id)
        user = (own.get("data-commentuser") or "").strip()
        if user:
            quotation.names.append(user)

    def _note_persons(
        self, node: LexborNode, own: Mapping[str, str | None], number: int | None, state: State
    ) -> State:
        """Note a link to a profile and a mention of a member."""
        if number is None:
            return state
        name = (own.get("data-username") or "").strip()
        address = own.get("data-userurl") or ""
        if name or address:
            profile = profiles(address) if address else None
            if any(self.is_forgotten(member_key(each)) for each in (profile, name) if each):
                return state._replace(mention=number)
            return state
        for attribute, value in own.items():
            profile = profiles(value.strip()) if value and len(value) < 2_000 else None
            if profile is None:
                continue
            if attribute == "href" and state.title is not None:
                state.title.profiles.append(profile)
                words = folded(self.marked.words(node.text()))
                if words:
                    state.title.names.append(words)
            elif attribute == "href" and state.comment is not None and not state.in_text:
                self._head_profiles.setdefault(state.comment, []).append(profile)
            if self.is_forgotten(member_key(profile)):
                self.links[number] = profile
                return state._replace(link=number)
        return state

    def _take_back(self) -> None:
        """
        Count to a cut comment what its raw item holds though the tree has it elsewhere.

        A text that closes more than it opens ends its comment early, and a parser moves words that stand between the
        rows of a table. In the raw page they still stand before the next item. (Where a text closes the whole thread,
        or on a page without items, nothing says any more where it ends.)
        """
        current: int | None = None
        lists = 0  # that are open, of the thread and others
        for number, piece in enumerate(self.pieces):
            if piece.kind == "start":
                lists += piece.name == "ol"
                own: dict[str, str | None] = {}
                if "comment" in self.html[piece.start : piece.end]:
                    own |= {name: value for name, value, _, _ in attributes(self.html, piece)}
                state, edge = self._inside(own, State(comment=current))
                if piece.name == "li" and state.comment is not None and edge:
                    current = state.comment if state.comment in self.forgotten else None
                    continue
                if edge:
                    current = None
            elif piece.kind == "end" and piece.name == "ol":
                lists -= 1
                if lists <= 0:
                    current = None
            if current is not None and not self._is_bare(piece):
                state = self.states.get(number) or State()
                if state.comment != current and not state.in_text:
                    self.states[number] = State(comment=current, kept=state.kept)

    def _is_bare(self, piece: Piece) -> bool:
        return piece.kind == "end" or (piece.kind == "text" and self.html[piece.start : piece.end].isspace())

    # --- who is meant -----------------------------------------------------------------------------------------

    def _forgotten_by_heads(self) -> Iterator[int]:
        for id in self.heads.keys() | self._head_profiles.keys():
            linked = self._head_profiles.get(id, ())
            if linked:
                keys: Iterable[str] = map(member_key, linked[:1])
            else:
                keys = (key for name in self._head_names.get(id, ())[:1] for key in name_keys(name))
            if any(map(self.is_forgotten, keys)):
                yield id

    def names_of(self, id: int) -> Iterator[str]:
        comment = self.comments.get(id)
        if comment is not None:
            yield comment.nickname_raw
            if comment.profile_name:
                yield comment.profile_name
        else:
            yield from self._head_profiles.get(id, ())
            yield from self._head_names.get(id, ())

    def means_forgotten(self, name: str) -> bool:
        plain = nickname(name).casefold()
        return bool(plain) and (plain in self._names or any(map(self.is_forgotten, name_keys(name))))

    def _is_quoted(self, quotation: Quotation) -> bool:
        """Whether a quotation says that its words are a forgotten person's."""
        if quotation.number is not None and quotation.number in self.comments:
            return quotation.number in self.forgotten
        if any(self.is_forgotten(member_key(profile)) for profile in quotation.profiles):
            return True
        if quotation.profiles:
            return False
        meant = [name for name in quotation.names if self.means_forgotten(name)]
        return bool(meant) and not self._is_namesakes(quotation, meant)

    def _is_namesakes(self, quotation: Quotation, names: Collection[str]) -> bool:
        """Whether the quoted words stand in a comment by another bearer of the name, and in none of the forgotten."""
        words = _words("".join(quotation.words))
        if words.isspace():
            return False
        called = {nickname(name).casefold() for name in names}
        theirs = False
        for id, comment in self.comments.items():
            bears = called & {nickname(name).casefold() for name in self.names_of(id)}
            if bears and words in _words("".join(self._words.get(comment.id, ()))):
                if id in self.forgotten:
                    return False
                theirs = True
        return theirs


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
