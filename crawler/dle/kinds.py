"""
Kinds of comments: what comments with the same markup have in common, as a pattern.

A pattern lets nothing vary but words, and the values of attributes in which no selector looks: names, classes
and the order of all tags are fixed. So the same selectors find the same places in all comments of a kind, and
what stands where is found once, in the kind's `sample`.

What a pattern may repeat is told apart by its first character, bounded, and taken possessively where it is
one character; none looks beyond the comment that it is tried on. So a match takes linear time. The
patterns of a template are the same on every page and are compiled once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

#: Longest comment that is looked at as a whole, in tags and pieces of text.
MAX_TOKENS = 5_000

# fmt: off
_VOID = frozenset(("br", "hr", "img"))
_CLOSE_PARAGRAPHS = frozenset((
    "article", "div", "figure", "footer", "header", "hr", "li", "ol", "p", "section", "ul",
))
_NAMES = _VOID | _CLOSE_PARAGRAPHS | frozenset((
    "a", "b", "em", "i", "ins", "s", "small", "span", "strong", "sub", "sup", "time", "u",
))
# fmt: on

ATTRIBUTES = r"""(?:[ \t\n]++[a-z][a-z0-9_-]*+(?:=(?:"[^"]*+"|'[^']*+'))?){0,40}"""
REMARK = r"<!--(?!-?>)(?:[^-]++|-(?!-)){0,500}-->"
#: What a browser takes for text whatever stands in it, here without anything that looks like a tag.
OPAQUE = "|".join(rf"<{name}{ATTRIBUTES}>[^<]*+</{name}>" for name in ("script", "iframe"))
#: A tag or the like, with the words before it.
_TOKEN = re.compile(
    rf"(?P<words>[^<]*+)(?:(?P<remark>{REMARK})|(?P<opaque>{OPAQUE})|</(?P<end>[a-z][a-z0-9]*+)>"
    rf"|<(?P<start>[a-z][a-z0-9]*+)(?P<attributes>{ATTRIBUTES})(?P<tail>[ \t\n]*+/?)>)"
)
_ATTRIBUTE = re.compile(r"""([ \t\n]++)([a-z][a-z0-9_-]*+)(?:=(["'])(.*?)\3)?""", re.DOTALL)

START = re.compile(r"""<div id=(["'])comment-id-([1-9][0-9]{0,17})\1>""")

#: References that all parsers read alike, and `html.unescape` with them.
_REFERENCE = (
    r"&(?:amp|apos|gt|hellip|laquo|ldquo|lt|mdash|nbsp|ndash|quot|raquo|rdquo|#x(?:2[0-9A-Fa-f]|3[0-9A-Fa-f])"
    r"|#(?:0?(?:3[2-9]|[4-9][0-9])|1(?:[01][0-9]|2[0-6])|[1-4][0-9]{3}|8[2-9][0-9]{2}|12[5-9][0-9]{3}));"
)
# No NUL is among what varies: to some parsers it is nothing, to others a character. Most words have no references, and
# to begin a repetition costs more than to see that. What stands behind the look at the next character begins with
# another one, so that no failure is tried twice.
_WORDS = rf"[^<&\0]*+(?:(?!&)|(?:{_REFERENCE}[^<&\0]*+){{1,500}})"
_SMILIE = (
    r"""<!--smile:[^<>&\0-]++--><img(?: (?:alt|style|srcset)="[^"<>&\0]*+"| class="emoji"){0,4}"""
    r""" src="[^"<>&?#\0]*?/emoticons/[^"<>&/?#.\0]++\.[a-z]{3,4}"(?: (?:alt|style|srcset)="[^"<>&\0]*+"){0,4}"""
    r""" ?/?><!--/smile-->"""
)
_TEXT = rf"[^<&\0]*+(?:(?=</)|(?:{_REFERENCE}|<br ?/?>|{_SMILIE}|[^<&\0]++){{1,1000}})"
_VALUE = rf"""[^"<>&\0]*+(?:(?!&)|(?:{_REFERENCE}[^"<>&\0]*+){{1,50}})"""
_PROFILE = r"""(?:https?://[^"'<>&/\0]++)?/user/[^"'<>&/\0]++/?"""
_MAIL = r"""mailto:[^"'<>&/\0]*+"""

#: Attributes whose values differ from comment to comment, and whether they are read. No selector of
#: ours may look at their values, but for the function that a click calls.
VARYING = {
    "alt": False,
    "datetime": True,
    "onclick": False,
    "src": True,
    "srcset": False,
    "style": True,
    "title": False,
}

_CALL = re.compile(r"[A-Za-z_]+\(")

#: The class of a rating goes by its sign.
_SIGN = re.compile(r"\brating(?:plus|minus|zero)\b")

#: The number that the comment of a kind's sample has.
SAMPLE = 7


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Comments whose markup is the same. There is one object for each kind, so kinds are told apart by identity."""

    pattern: re.Pattern[str]
    #: A comment of the kind with the number `SAMPLE`, in which a `mark` stands for each group.
    sample: str
    #: Names of its elements but for those in its text, in the order in which they open.
    elements: tuple[str, ...]
    #: Each of these elements with its attributes, and all that it stands in.
    paths: frozenset[str]
    #: How deep they nest.
    depth: int
    #: See `Element`.
    outline: tuple[str, ...]
    #: Group of the comment's text …
    text: int
    #: … how many of the elements open before it …
    before: int
    #: … the names of those that are open around it …
    around: tuple[str, ...]
    #: … and the path of the last of them.
    place: str
    #: Group in which nothing stands, for what the comments of a kind do not have.
    nothing: int

    def names(self, text: Sequence[str]) -> tuple[str, ...]:
        """The elements of a comment, given those in its text, in the order in which they open."""
        return (*self.elements[: self.before], *text, *self.elements[self.before :])


def mark(group: int) -> str:
    """What stands for a group in the sample of a kind: in no alphabet, so it can be found again."""
    return f"\ue000{group}\ue001"


class Element(NamedTuple):
    """An element, or what stands in one, that closes all that it opens and parses the same wherever it stands."""

    tokens: Sequence[re.Match[str]]
    #: Names of it and of what stands in it, in the order in which they open.
    names: tuple[str, ...]
    #: The same without the text of a comment, each with the number of its attributes. Comments of
    #: one kind have the same.
    outline: tuple[str, ...]
    depth: int
    #: Where it ends in the page.
    end: int

    def paths(self, place: str) -> set[str]:
        """
        Each element of a text with its attributes, and all that it stands in.

        Args:
            place: The path of the element that the text stands in.
        """
        found: set[str] = set()
        open_ = [place]
        for token in self.tokens:
            if token["start"]:
                path = f"{open_[-1]}<{token['start']}{token['attributes']}>"
                found.add(path)
                if token["start"] not in _VOID:
                    open_.append(path)
            elif token["opaque"]:
                found.add(open_[-1] + token["opaque"])
            elif token["end"]:
                open_.pop()
        return found


def element(html: str, at: int, around: Sequence[str] = ()) -> Element | None:
    """
    The element that begins here; None where it is not such a one.

    Args:
        around: Where it is not an element but the text of a comment that begins here, what is open around it. It
            ends where the last of them does.
    """
    tokens: list[re.Match[str]] = []
    names: list[str] = []
    outline: list[str] = []
    text_level = MAX_TOKENS  # how deep the text of a comment lies, where there is one
    open_ = list(around)
    outer = max(len(open_) - 1, 0)
    depth = 0
    while len(tokens) < MAX_TOKENS:
        token = _TOKEN.match(html, at)
        if token is None or not (tokens or around or token.start("words") == token.end("words")):
            return None
        at = token.end()
        what = token.lastgroup
        if what == "tail":
            name, attributes, tail = token.group("start", "attributes", "tail")
            if name not in _NAMES or _misplaced(name, open_):
                return None
            if "comm" in attributes:
                if "comments-tree-" in attributes or ((tokens or around) and "comment-id-" in attributes):
                    return None
                if "comm-id-" in attributes:
                    if around:
                        return None
                    text_level = len(open_)
            names.append(name)
            if len(open_) <= text_level:
                outline.append(name + "=" * attributes.count("="))
            if name not in _VOID:
                if "/" in tail:
                    return None
                open_.append(name)
                depth = max(depth, len(open_))
        elif what == "end":
            if not open_ or open_.pop() != token["end"]:
                return None
            if len(open_) == text_level:
                text_level = MAX_TOKENS
        elif what == "opaque":
            names.append(token["opaque"][1:7])  # both names have six letters
        tokens.append(token)
        if len(open_) <= outer:
            return Element(tokens, tuple(names), tuple(outline), depth, at) if names or around else None
    return None


def _misplaced(name: str, open_: Sequence[str]) -> bool:
    """Whether a parser would close another element here, or look for one outside."""
    if name == "li":
        if open_[-1:] not in (["ul"], ["ol"]):
            return True
    elif name == "a" and "a" in open_:
        return True
    return name in _CLOSE_PARAGRAPHS and "p" in open_


class _Making:
    """A kind in the making."""

    def __init__(self, number: str) -> None:
        self.number = re.compile(rf"(?<![0-9]){number}(?![0-9])")
        self.pattern: list[str] = []
        self.sample: list[str] = []
        self.groups = 0
        self.profiles: dict[str, int] = {}  # address → group

    def fixed(self, raw: str) -> None:
        self.pattern.append(re.escape(raw))
        self.sample.append(raw)

    def numbered(self, raw: str) -> None:
        """What is fixed but for the comment's own number."""
        pieces = self.number.split(raw)
        own = r"(?:\1)" if self.groups else "([1-9][0-9]{0,17})"
        self.groups = self.groups or 1
        self.pattern.append(own.join(map(re.escape, pieces)))
        self.sample.append(str(SAMPLE).join(pieces))

    def varying(self, pattern: str, *, read: bool = True, sample: str = "{}") -> int:
        """What differs from comment to comment."""
        if not read:
            self.pattern.append(f"(?:{pattern})")
            return 0
        self.groups += 1
        self.pattern.append(f"({pattern})")
        self.sample.append(sample.format(mark(self.groups)))
        return self.groups

    def profile(self, address: str) -> None:
        """The address of a profile; where one stands twice, it does in all comments of the kind."""
        if address in self.profiles:
            group = self.profiles[address]
            self.pattern.append(rf"(?:\{group})")
            self.sample.append(f"/user/{mark(group)}/")
        else:
            self.profiles[address] = self.varying(_PROFILE, sample="/user/{}/")

    def attribute(self, name: str, value: str) -> bool:
        """The value of an attribute. False where no pattern can be made of it."""
        if name == "class":
            pieces = _SIGN.split(value)
            self.pattern.append("rating(?:plus|minus|zero)".join(map(re.escape, pieces)))
            self.sample.append("ratingplus".join(pieces))
        elif name == "href" and re.fullmatch(_PROFILE, value):
            self.profile(value)
        elif name == "href" and re.fullmatch(_MAIL, value):
            self.varying(_MAIL, read=False)
        elif name in VARYING:
            if VARYING[name] and re.fullmatch(_VALUE, value) is None:
                return False
            call = _CALL.match(value) if name == "onclick" else None
            if call is not None:
                self.fixed(call[0])
            self.varying(_VALUE if VARYING[name] else '[^"]*+', read=VARYING[name])
        else:
            self.numbered(value)
        return True


def kind_of(comment: Element, number: str) -> Kind | None:
    """The kind of a comment with this number; None where none can be made of it."""
    making = _Making(number)
    names: list[str] = []
    text = before = 0
    paths: list[str] = []
    open_: list[tuple[str, str]] = []  # name and path
    around: tuple[str, ...] = ()
    place = ""
    inside = 0  # how many elements are open in the text
    for token in comment.tokens:
        words, name = token.group("words", "start")
        if inside:
            inside += (name is not None and name not in _VOID) - (token["end"] is not None)
            if inside:
                continue
        elif not words or words.isspace():
            making.fixed(words)
        elif re.fullmatch(_WORDS, words) is None:
            return None
        else:
            making.varying(_WORDS)
        if name is None:
            making.fixed(token[0][len(words) :])
            if token["opaque"]:
                names.append(token["opaque"][1:7])
            elif token["end"]:
                open_.pop()
            continue
        names.append(name)
        begin = len(making.pattern)
        making.fixed(f"<{name}")
        attributes = _ATTRIBUTE.findall(token["attributes"])
        if len({attribute for _, attribute, _, _ in attributes}) < len(attributes):
            return None  # The second of two counts for nothing.
        for space, attribute, quote, value in attributes:
            making.fixed(f"{space}{attribute}")
            if quote:
                making.fixed(f"={quote}")
                if quote == "'" and attribute in VARYING:
                    return None
                if not making.attribute(attribute, value):
                    return None
                making.fixed(quote)
            if attribute == "id" and value == f"comm-id-{number}":
                if text or name != "div":
                    return None
                inside = 1
        making.fixed(f"{token['tail']}>")
        paths.append("".join((*[path for _, path in open_[-1:]], *making.pattern[begin:])))
        if name not in _VOID:
            open_.append((name, paths[-1]))
        if inside:
            text, before = making.varying(_TEXT), len(names)
            around, place = tuple(name for name, _ in open_), paths[-1]
    if not text:
        return None
    nothing = making.varying("")
    return _kind(
        "".join(making.pattern),
        "".join(making.sample),
        tuple(names),
        frozenset(paths),
        comment.depth,
        comment.outline,
        text,
        before,
        around,
        place,
        nothing,
    )


@lru_cache(maxsize=256)
def _kind(
    pattern: str,
    sample: str,
    elements: tuple[str, ...],
    paths: frozenset[str],
    depth: int,
    outline: tuple[str, ...],
    text: int,
    before: int,
    around: tuple[str, ...],
    place: str,
    nothing: int,
) -> Kind:
    return Kind(
        re.compile(pattern), sample, elements, paths, depth, outline, text, before, around, place, nothing
    )
