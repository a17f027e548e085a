"""
The pieces of a page as they stand in it, and where the elements of its tree come from.

A parser's tree says what belongs together and forgets where it stood. Here every tag, text and remark of the
raw page bears its number into the tree, so that what was found there by its meaning can be cut out of the page
by its place, and nothing else is touched.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.tags import tokens

Kind = Literal["text", "start", "end", "note", "opaque"]
"""
text    what stands between two tags
start   a tag that opens an element
end     a tag that closes one
note    a comment of HTML, and what browsers take for one
opaque  what holds no tags, with the tag that opens it: a script, a style sheet; its end is a piece of its own
"""


class Piece(NamedTuple):
    """A stretch of the raw page."""

    kind: Kind
    #: Of the element, in small letters; nothing for texts and notes.
    name: str
    #: In characters.
    start: int
    end: int


class Edit(NamedTuple):
    """A change of a text: what stands from `start` up to `end` becomes `new`."""

    start: int
    end: int
    new: str


VOID = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    )
)

_MARK = "data-piece"
_NAME = re.compile(r"<([a-zA-Z][^\s/>]*+)")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?P<name>[^\s=>/"'][^\s=>/]*+)(?:\s*+=\s*+(?P<value>"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>]*+))?"""
)


def pieces(html: str) -> list[Piece]:
    """All pieces of a page, in order and without gaps."""
    found: list[Piece] = []
    data = html.encode(errors="replace")
    at = at_byte = 0

    def add(kind: Kind, name: str, end_byte: int) -> None:
        nonlocal at, at_byte
        length = len(data[at_byte:end_byte].decode(errors="replace"))
        found.append(Piece(kind, name, at, at + length))
        at, at_byte = at + length, end_byte

    for token in tokens(html):
        if token.start() > at_byte:
            add("text", "", token.start())
        if token[1] is not None:
            name = token[1].decode(errors="replace")
            add("end" if name[0] == "/" else "start", name.lstrip("/"), token.end())
        elif opaque := _NAME.match(token[0].decode(errors="replace")):
            add("opaque", opaque[1], token.end())
        else:
            add("note", "", token.end())
    if at_byte < len(data):
        add("text", "", len(data))
    return found


class Marked:
    """A page as a tree whose nodes know the pieces that they come from."""

    def __init__(self, html: str, found: Sequence[Piece]) -> None:
        # Two characters of private use that the page does not have, so that nobody can forge a mark.
        self._begin, self._end = _unused(html)
        self._marks = re.compile(f"{self._begin}([0-9]+){self._end}")
        parts: list[str] = []
        for number, piece in enumerate(found):
            raw = html[piece.start : piece.end]
            if piece.kind in ("start", "opaque"):
                name = len(piece.name) + 1
                parts.append(f'{raw[:name]} {_MARK}="{number}"{raw[name:]}')
            elif piece.kind == "text" and not raw.isspace():
                parts.append(f"{self._begin}{number}{self._end}{raw}")
            elif raw.startswith("<!--") and not raw.startswith(("<!-->", "<!--->")):
                parts.append(f"<!--{self._begin}{number}{self._end}{raw[4:]}")
            else:
                parts.append(raw)
        self.document = LexborHTMLParser("".join(parts))

    def nodes(self) -> Iterator[LexborNode]:
        """All elements, texts and remarks, each before what stands in it."""
        root = self.document.root
        return iter(()) if root is None else root.traverse(include_text=True)

    def words(self, text: str) -> str:
        """A text of the tree without the marks."""
        return self._marks.sub("", text)

    def of_text(self, text: str) -> list[int]:
        """The pieces that a text or remark of the tree comes from."""
        return [int(match[1]) for match in self._marks.finditer(text)]


def of_element(node: LexborNode) -> int | None:
    """The piece that an element comes from; None for one that the parser added."""
    number = node.attributes.get(_MARK)
    return int(number) if number and number.isdecimal() else None


def attributes(html: str, piece: Piece) -> Iterator[tuple[str, str, int, int]]:
    """The attributes of a tag: name in small letters, value as written, and where they stand in the page."""
    begin = _NAME.match(html, piece.start)
    assert begin is not None
    at = begin.end()
    # What holds no tags is one piece with its first tag: behind that its content follows.
    while at < piece.end and html[at] != ">":
        match = _ATTRIBUTE.match(html, at, piece.end)
        if match is None:
            at += 1
            continue
        value = match["value"] or ""
        if value[:1] in ("'", '"'):
            value = value[1:-1] if len(value) > 1 and value[-1] == value[0] else value[1:]
        yield match["name"].lower(), value, at, match.end()
        at = match.end()


# fmt: off
#: A browser closes these by itself where what they stand in ends.
_IMPLIED = frozenset(("p", "li", "dd", "dt", "option"))
#: Where one of these ends, all that was opened in it ends as well.
_CLOSING = frozenset((
    "address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "header", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "ul",
))
#: These stay in force where what they stand in ends.
_FORMATTING = frozenset((
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
))
# fmt: on


def cancelling(found: Sequence[Piece], own: Collection[int]) -> set[int]:
    """
    The tags that can be taken out without a trace: what they open is closed again among them.

    The rest has to stay, or what follows would stand in other elements than before.

    Args:
        own: The pieces that are to go. What stands between them is not touched.
    """
    if not own:
        return set()
    last = max(own)
    while last + 1 < len(found) and found[last + 1].kind == "end":
        last += 1
    gone: set[int] = set()
    open_: list[tuple[str, int, bool]] = []
    for number in range(min(own), last + 1):
        kind, name = found[number][:2]
        if kind == "start" or kind == "opaque":
            if name in VOID:
                if number in own:
                    gone.add(number)
            else:
                open_.append((name, number, number in own))
        elif kind == "end" and open_:
            at = len(open_) - 1
            if name in _CLOSING:
                while at >= 0 and open_[at][0] != name:
                    at -= 1
                # An item or paragraph is not looked for outside of the list or block that is open.
                if at >= 0 and name in _IMPLIED and any(o[0] in _CLOSING - _IMPLIED for o in open_[at + 1 :]):
                    at = -1
            elif open_[at][0] != name:
                at = -1
            if at < 0:
                continue
            closed = open_[at:]
            del open_[at:]
            if not closed[0][2]:
                open_ += [each for each in closed[1:] if each[0] in _FORMATTING]
                continue
            gone |= {closed[0][1], number}
            for each in closed[1:]:
                if each[0] in _FORMATTING:
                    open_.append(each)
                elif each[2]:
                    gone.add(each[1])
    return gone


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits done. They are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for edit in edits:
        parts += (text[at : edit.start], edit.new)
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


def _unused(html: str) -> tuple[str, str]:
    free = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in html)
    return next(free), next(free)
