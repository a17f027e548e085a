"""
Where a page shows somebody: the comments, quotations, mentions and links that it marks as that person's.

The reader of comments says whose each comment is; the page's tree says what stands in it, and each node of the
tree knows its place in the raw page (see `crawler.dle.pieces`). What is returned are the changes that cut the
person out. What they leave of a comment is its skeleton: tags with ids and classes, the date, the rating, so that
it keeps its place in the thread and the answers to it theirs.

What a quotation or mention proves is kept: where the reader found whom a comment answers by words that are cut
out, that is written into the tag of the comment's text (`crawler.dle.parents.ANSWERS`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from crawler.dle.comments import DATE, RATINGS, Block, profile_name
from crawler.dle.parents import ANSWERS
from crawler.dle.pieces import Edit, Marked, Piece, attributes, cancelling, of_element, pieces
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
#: What stays of the tags of a cut comment: what selectors and the tree of comments go by.
_STRUCTURE = frozenset(("id", "class", "datetime"))
_RATING_NUMBERS = ("data-comments-", "data-vote-")
#: A quotation keeps what it proves.
_PROOFS = frozenset(("id", "class", "data-commenttime", "data-commentid", "data-commentpostid"))
_FRAME = re.compile(r"<!--\s*Quote(?:EBegin|End|EEnd)\s*-->")
_PROFILE_CALL = re.compile(r"\s*ShowProfile\s*\(")
#: Calls that put a name into the form for an answer.
NAMING_CALLS = ("dle_ins", "dle_copy_quote", "dle_reply", "dle_fastreply")
_NAMING_CALL = re.compile(rf"""\b(?:{"|".join(NAMING_CALLS)})\s*\(\s*(['"])(.*?)\1""")
_BY_AUTHOR = re.compile(r"(?:^|[.:])(?:author|creator)$", re.IGNORECASE)


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
class _Quotation:
    #: The comment in which it stands; None outside of comments.
    comment: int | None
    #: The quotation around it.
    outer: "_Quotation | None" = None
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


class _State(NamedTuple):
    """Where an element stands."""

    comment: int | None = None
    in_text: bool = False
    #: In a date or a rating.
    kept: bool = False
    quote: _Quotation | None = None
    title: _Quotation | None = None
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
        self._states: dict[int, _State] = {}  # piece → where it stands
        self._quotations: list[_Quotation] = []
        self._links: dict[int, str] = {}  # piece → profile of the forgotten that it leads to
        self._heads: dict[int, list[_Text]] = {}
        self._head_profiles: dict[int, list[str]] = {}
        self._head_names: dict[int, list[str]] = {}
        self._words: dict[int, list[str]] = {}
        self._dated: set[int] = set()
        self._texts: dict[int, int] = {}  # comment → piece that opens its text
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
            nickname(name).casefold()
            for id in self.forgotten
            for name in self._names_of(id)
            if nickname(name)
        }
        self._cut = {each for each in self._quotations if self._is_quoted(each)}

    # --- what stands where ------------------------------------------------------------------------------------

    def _walk(self) -> None:
        document = self.marked.document
        dates = {node.mem_id for node in document.css(", ".join(["time", *(s.date for s in self._skins)]))}
        ratings = {node.mem_id for node in document.css(", ".join(each for way in RATINGS for each in way))}
        names = {
            node.mem_id for node in document.css(", ".join(skin.author for skin in self._skins) or "none")
        }
        states: dict[int, _State] = {}
        ended: set[int] = set()
        current: int | None = None
        pending: _Quotation | None = None
        for node in self.marked.nodes():
            parent = node.parent
            state = states.get(parent.mem_id, _State()) if parent is not None else _State()
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
                state = _State()
            if state.in_text and not before.in_text:
                pending = None
                if number is not None and state.comment is not None:
                    self._texts.setdefault(state.comment, number)
            classes = (own.get("class") or "").split()
            if node.mem_id in dates or node.mem_id in ratings:
                state = state._replace(kept=True)
                if node.mem_id in dates and state.comment is not None and not state.in_text:
                    self._dated.add(state.comment)
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
                        self._states[number] = state
                    states[node.mem_id] = state._replace(quote=quotation)
                    continue
            state = self._note_persons(node, own, number, state)
            if node.mem_id in names and state.comment is not None and not state.in_text:
                words = self.marked.words(node.text())
                self._head_names.setdefault(state.comment, []).append(words.strip())
            states[node.mem_id] = state
            if number is not None:
                self._put([number], state)
        for quotation in self._quotations:
            words = folded("".join(quotation.title_words))
            named = named_in_title(words) if words else None
            if named is not None:
                quotation.names.append(named)

    def _new(self, state: _State) -> _Quotation:
        quotation = _Quotation(state.comment, state.quote)
        self._quotations.append(quotation)
        return quotation

    @staticmethod
    def _inside(own: Mapping[str, str | None], state: _State) -> tuple[_State, bool]:
        """Where an element stands, given where its parent does; and whether a comment begins or ends here."""
        id = own.get("id") or ""
        match = _ID.fullmatch(id)
        if match is not None:
            number = int(match[2])
            return _State(comment=number, in_text=match[1] == "comm-id"), number != state.comment
        if id in _AROUND_IDS or not _AROUND_CLASSES.isdisjoint((own.get("class") or "").split()):
            return _State(), True
        return state, False

    def _put(self, numbers: Iterable[int], state: _State) -> None:
        for number in numbers:
            self._states[number] = state

    def _note_text(self, state: _State, content: str) -> None:
        numbers, words = self.marked.of_text(content), self.marked.words(content)
        self._put(numbers, state)
        if state.title is not None:
            state.title.title_words.append(words)
        elif state.quote is not None:
            state.quote.words.append(words)
        elif state.comment is not None and state.in_text:
            self._words.setdefault(state.comment, []).append(words)
        elif state.comment is not None:
            self._heads.setdefault(state.comment, []).append(_Text(numbers, words))

    def _read_title(self, quotation: _Quotation, own: Mapping[str, str | None], number: int | None) -> None:
        quotation.title = number
        id = own.get("data-commentid") or ""
        if _NUMBER.fullmatch(id):
            quotation.number = int(id)
        user = (own.get("data-commentuser") or "").strip()
        if user:
            quotation.names.append(user)

    def _note_persons(
        self, node: LexborNode, own: Mapping[str, str | None], number: int | None, state: _State
    ) -> _State:
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
                self._links[number] = profile
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
                state, edge = self._inside(own, _State(comment=current))
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
                state = self._states.get(number) or _State()
                if state.comment != current and not state.in_text:
                    self._states[number] = _State(comment=current, kept=state.kept)

    def _is_bare(self, piece: Piece) -> bool:
        return piece.kind == "end" or (piece.kind == "text" and self.html[piece.start : piece.end].isspace())

    # --- who is meant -----------------------------------------------------------------------------------------

    def _forgotten_by_heads(self) -> Iterator[int]:
        for id in self._heads.keys() | self._head_profiles.keys():
            linked = self._head_profiles.get(id, ())
            if linked:
                keys: Iterable[str] = map(member_key, linked[:1])
            else:
                keys = (key for name in self._head_names.get(id, ())[:1] for key in name_keys(name))
            if any(map(self.is_forgotten, keys)):
                yield id

    def _names_of(self, id: int) -> Iterator[str]:
        comment = self.comments.get(id)
        if comment is not None:
            yield comment.nickname_raw
            if comment.profile_name:
                yield comment.profile_name
        else:
            yield from self._head_profiles.get(id, ())
            yield from self._head_names.get(id, ())

    def _means_forgotten(self, name: str) -> bool:
        plain = nickname(name).casefold()
        return bool(plain) and (plain in self._names or any(map(self.is_forgotten, name_keys(name))))

    def _is_quoted(self, quotation: _Quotation) -> bool:
        """Whether a quotation says that its words are a forgotten person's."""
        if quotation.number is not None and quotation.number in self.comments:
            return quotation.number in self.forgotten
        if any(self.is_forgotten(member_key(profile)) for profile in quotation.profiles):
            return True
        if quotation.profiles:
            return False
        meant = [name for name in quotation.names if self._means_forgotten(name)]
        return bool(meant) and not self._is_namesakes(quotation, meant)

    def _is_namesakes(self, quotation: _Quotation, names: Collection[str]) -> bool:
        """Whether the quoted words stand in a comment by another bearer of the name, and in none of the forgotten."""
        words = _words("".join(quotation.words))
        if words.isspace():
            return False
        called = {nickname(name).casefold() for name in names}
        theirs = False
        for id, comment in self.comments.items():
            bears = called & {nickname(name).casefold() for name in self._names_of(id)}
            if bears and words in _words("".join(self._words.get(comment.id, ()))):
                if id in self.forgotten:
                    return False
                theirs = True
        return theirs

    # --- what is cut ------------------------------------------------------------------------------------------

    def told(self, answers: Mapping[int, str]) -> list[Edit]:
        """The changes that write into the texts of comments what cut words told: "quote 17", or nothing."""
        return [
            Edit(at, at, f' {ANSWERS}="{told}"')
            for id, told in answers.items()
            if id in self._texts
            for at in (self.pieces[self._texts[id]].start + 1 + len(self.pieces[self._texts[id]].name),)
        ]

    def edits(self, *, thorough: bool = True) -> list[Edit]:
        """
        The changes that cut the forgotten out, in order.

        Args:
            thorough: Whether the tags in cut texts go too, where they leave no trace. Otherwise all stay, bare.
        """
        texts: dict[object, set[int]] = {}
        edits: dict[int, list[Edit]] = {}
        cut_links: set[str] = set()
        frames = {
            number for each in self._quotations if each.says_whose for number in (each.box, each.marker)
        }
        for number, state in self._states.items():
            piece = self.pieces[number]
            quotation = self._whose(state)
            if state.comment in self.forgotten:
                if state.in_text:
                    if number != self._texts.get(state.comment):
                        texts.setdefault(state.comment, set()).add(number)
                        continue
                    edits[number] = list(self._stripped(piece, _STRUCTURE | {ANSWERS}))
                else:
                    edits[number] = list(self._head_edits(piece, state))
            elif state.title in self._cut:
                edits[number] = list(self._title_edits(number, state.title))
            elif number in frames or (state.title is not None and state.title.says_whose):
                if number == state.link:
                    edits[number] = list(self._stripped(piece, _STRUCTURE))
            elif quotation in self._cut:
                texts.setdefault(quotation, set()).add(number)
            elif number == state.mention:
                edits[number] = list(self._stripped(piece, frozenset(("class",))))
            elif number == state.link:
                edits[number] = list(self._stripped(piece, frozenset(("class", "id", "rel", "target"))))
            elif state.mention is not None or state.link is not None:
                if state.link is not None and state.comment is None and piece.kind == "text":
                    cut_links.add(nickname(unescape(self.html[piece.start : piece.end])).casefold())
                edits[number] = list(self._stripped(piece, frozenset(("class",))))
        for each in self._cut:
            if each.marker is not None:
                marker = self.pieces[each.marker]
                edits[each.marker] = [Edit(marker.start, marker.end, "<!--QuoteBegin-->")]
        for own in texts.values():
            edits |= self._text_edits(own, thorough=thorough)
        self._cut_calls_and_bylines(edits, cut_links)
        return sorted(edit for some in edits.values() for edit in some)

    def _whose(self, state: _State) -> _Quotation | None:
        """The quotation whose words these are: the innermost one that says whose it is, or that stands in none."""
        quotation = state.quote
        while quotation is not None and not quotation.says_whose and quotation.outer is not None:
            quotation = quotation.outer
        return quotation

    def _text_edits(self, own: set[int], *, thorough: bool) -> dict[int, list[Edit]]:
        gone = cancelling(self.pieces, own) if thorough else set()
        edits: dict[int, list[Edit]] = {}
        for number in own | gone:
            piece = self.pieces[number]
            if number in gone or piece.kind == "text":
                edits[number] = [Edit(piece.start, piece.end, "")]
            elif piece.kind == "note":
                if not _FRAME.fullmatch(self.html, piece.start, piece.end):
                    edits[number] = [Edit(piece.start, piece.end, "")]
            else:
                edits[number] = list(self._stripped(piece, frozenset()))
        return edits

    def _head_edits(self, piece: Piece, state: _State) -> Iterator[Edit]:
        if piece.kind == "text":
            if not state.kept:
                yield Edit(piece.start, piece.end, self._date_in(piece, state))
            return
        yield from self._stripped(piece, _STRUCTURE, head=True)

    def _date_in(self, piece: Piece, state: _State) -> str:
        """What stays of a text in the head of a cut comment: the date, where nothing but its looks says what it is."""
        assert state.comment is not None
        comment = self.comments.get(state.comment)
        if comment is None or comment.posted_raw is None or state.comment in self._dated:
            return ""
        raw = comment.posted_raw
        first = next(
            (
                text
                for text in self._heads.get(state.comment, ())
                if (match := DATE.search(folded(text.words)[:200])) and match[0] == raw
            ),
            None,
        )
        if first is None or not first.numbers or self.pieces[first.numbers[0]] is not piece:
            return ""
        for name in self._names_of(state.comment):
            rest = raw[len(name) :].strip() if name and raw.casefold().startswith(name.casefold()) else ""
            if rest and DATE.fullmatch(rest):
                raw = rest
        return f" {escape(raw, quote=False)} "

    def _title_edits(self, number: int, quotation: _Quotation) -> Iterator[Edit]:
        piece = self.pieces[number]
        if number == quotation.title:
            yield from self._stripped(piece, _PROOFS)
        else:
            yield from self._stripped(piece, frozenset())

    def _stripped(self, piece: Piece, keep: Collection[str], *, head: bool = False) -> Iterator[Edit]:
        """Cut a piece down to its tag, and that to the attributes that are kept."""
        if piece.kind in ("text", "note"):
            if piece.kind == "text" or not _FRAME.fullmatch(self.html, piece.start, piece.end):
                yield Edit(piece.start, piece.end, "")
            return
        at = piece.start + 1 + len(piece.name)
        for name, value, start, end in attributes(self.html, piece):
            at = end
            if name in keep or (head and name.startswith(_RATING_NUMBERS)):
                continue
            if head and name == "onclick" and _PROFILE_CALL.match(unescape(value)):
                yield Edit(start, end, ' onclick="ShowProfile()"')
            else:
                yield Edit(start, end, "")
        if piece.kind == "opaque":
            inside = self.html.find(">", at, piece.end) + 1
            if 0 < inside < piece.end:
                yield Edit(inside, piece.end, "")

    def _cut_calls_and_bylines(self, edits: dict[int, list[Edit]], linked: Collection[str]) -> None:
        """Names in calls that begin an answer, and in what says who wrote the article, where its byline is cut."""
        linked = {*linked, *(nickname(profile).casefold() for profile in self._links.values())}
        for number, piece in enumerate(self.pieces):
            if piece.kind != "start" or number in edits:
                continue
            raw = self.html[piece.start : piece.end]
            if piece.name == "meta" and linked:
                own = {name: unescape(value) for name, value, _, _ in attributes(self.html, piece)}
                says = own.get("itemprop") or own.get("name") or own.get("property") or ""
                if _BY_AUTHOR.search(says) and nickname(own.get("content", "")).casefold() in linked:
                    edits[number] = list(self._stripped(piece, frozenset(("itemprop", "name", "property"))))
            elif "onclick" in raw.lower():
                for name, value, start, end in attributes(self.html, piece):
                    call = _NAMING_CALL.search(unescape(value)) if name == "onclick" else None
                    if call and self._means_forgotten(call[2]):
                        edits[number] = [Edit(start, end, "")]


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
