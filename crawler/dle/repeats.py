"""
The comments of a page that only repeat the markup of another one, taken out before the page is parsed.

One template writes all comments of a page. So most of them are, tag for tag, the same as one that stood
before, but for the words and addresses in them; and to build a tree of each, only to ask every tree the
same questions, is most of what reading a page would cost. Here the first comment of each kind is turned
into a pattern, which recognises the others of its kind in the raw text; they are taken out of the page,
with their words noted, and what is left is a small page for the tag scans and the parser. What stands
where in a comment of a kind is found by the reader of trees, once: see `crawler.dle.comments`.

The result must be that of reading the whole page, so the rules are strict, and where one does not hold
the page is not folded at all:

- From the first comment to the last there is nothing but comments, lists and items, white space, and
  other elements; and each comment and other element closes what it opens, in good order, and holds
  only elements that parse the same wherever they stand (`_NAMES`, `_misplaced`). So a parser is in the
  same state before and behind each of them, and its tree is the one that is written.
- A pattern lets nothing vary but words, and the values of attributes in which no selector looks:
  names, classes and the order of all tags are fixed. So the same selectors find the same places.
- The first comment of each kind stays in the page. So a search of the whole page finds what it would.
- Words are such that they need no parser: plain, or with references whose meaning is beyond doubt. The
  text of a comment may also hold line breaks and smilies; one with quotations, links or anything else
  stays in the page.

A page whose comments are in no known skin is read whole, too: there the date is found by what it looks like.

What a pattern may repeat is told apart by its first character, bounded, and taken possessively where it is
one character; none looks beyond the comment that it is tried on. So shortening takes linear time. The
patterns of a template are the same on every page and are compiled once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from crawler.dle.parents import ANSWERS
from crawler.dle.tags import Tag, tags

#: Kinds of comments on a page: with and without a profile link, a rating, a signature … Comments of
#: further kinds are left in the page.
MAX_KINDS = 12

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

_ATTRIBUTES = r"""(?:[ \t\n]++[a-z][a-z0-9_-]*+(?:=(?:"[^"]*+"|'[^']*+'))?){0,40}"""
_REMARK = r"<!--(?!-?>)(?:[^-]++|-(?!-)){0,500}-->"
#: What a browser takes for text whatever stands in it, here without anything that looks like a tag.
_OPAQUE = "|".join(rf"<{name}{_ATTRIBUTES}>[^<]*+</{name}>" for name in ("script", "iframe"))
#: A tag or the like, with the words before it.
_TOKEN = re.compile(
    rf"(?P<words>[^<]*+)(?:(?P<remark>{_REMARK})|(?P<opaque>{_OPAQUE})|</(?P<end>[a-z][a-z0-9]*+)>"
    rf"|<(?P<start>[a-z][a-z0-9]*+)(?P<attributes>{_ATTRIBUTES})(?P<tail>[ \t\n]*+/?)>)"
)
_ATTRIBUTE = re.compile(r"""([ \t\n]++)([a-z][a-z0-9_-]*+)(?:=(["'])(.*?)\3)?""", re.DOTALL)

_START = re.compile(r"""<div id=(["'])comment-id-([1-9][0-9]{0,17})\1>""")

#: What may stand between two comments: white space and the tags of the tree …
_BETWEEN = re.compile(rf"(?:[ \t\n]++|</(?:ol|li)>|<(?:ol|li){_ATTRIBUTES}[ ]?>){{0,500}}")
#: … and what advertisements leave.
_ASIDE = re.compile(f"{_OPAQUE}|{_REMARK}")

#: References that all parsers read alike, and `html.unescape` with them.
_REFERENCE = (
    r"&(?:amp|apos|gt|hellip|laquo|ldquo|lt|mdash|nbsp|ndash|quot|raquo|rdquo|#x(?:2[0-9A-Fa-f]|3[0-9A-Fa-f])"
    r"|#(?:0?(?:3[2-9]|[4-9][0-9])|1(?:[01][0-9]|2[0-6])|[1-4][0-9]{3}|8[2-9][0-9]{2}|12[5-9][0-9]{3}));"
)
_WORDS = rf"[^<&]*+(?:{_REFERENCE}[^<&]*+){{0,500}}"
_SMILIE = (
    r"""<!--smile:[^<>&-]++--><img(?: (?:alt|style|srcset)="[^"<>&]*+"| class="emoji"){0,4}"""
    r""" src="[^"<>&?#]*?/emoticons/[^"<>&/?#.]++\.[a-z]{3,4}"(?: (?:alt|style|srcset)="[^"<>&]*+"){0,4} ?/?>"""
    r"""<!--/smile-->"""
)
_TEXT = rf"(?:[^<&]++|{_REFERENCE}|<br ?/?>|{_SMILIE}){{0,1000}}"
_VALUE = rf"""[^"<>&]*+(?:{_REFERENCE}[^"<>&]*+){{0,50}}"""
_PROFILE = r"""(?:https?://[^"'<>&/]++)?/user/[^"'<>&/]++/?"""
_MAIL = r"""mailto:[^"'<>&/]*+"""

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
    #: How deep they nest.
    depth: int
    #: See `_Element`.
    outline: tuple[str, ...]
    #: Group of the comment's text.
    text: int
    #: Group in which nothing stands, for what the comments of a kind do not have. It is where they end; what
    #: the pattern takes behind it is the tags between this comment and the next.
    nothing: int


Repeat = tuple[Kind, re.Match[str]]
"""
A comment that was taken out of the page: its kind, and how the kind's pattern matches it. The groups are what
is its own. A plain tuple, because there are thousands.
"""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A page without the comments that only repeat the markup of another one."""

    html: str
    #: The numbers of all comments, in the order of the page.
    order: tuple[int, ...]
    #: Those that were taken out.
    repeats: dict[int, Repeat]
    #: Their kinds.
    kinds: tuple[Kind, ...]
    #: The tags of what is left.
    tags: list[Tag]

    def first(self) -> tuple[str, ...] | None:
        """Names of the elements of the page's first comment, in the order in which they open."""
        begin = _START.search(self.html)
        element = _element(self.html, begin.start()) if begin else None
        return element.names if element else None


#: The kinds of the last page that had any: the next one is likely of the same template. That saves making
#: them again; what is read does not depend on it.
_lately: list[Kind] = []


def mark(group: int) -> str:
    """What stands for a group in the sample of a kind: in no alphabet, so it can be found again."""
    return f"\ue000{group}\ue001"


#: The page that was asked for last, and the answer.
_last: tuple[str, Shortened | None] = "", None


def shortened(html: str) -> Shortened | None:
    """
    A page without the comments that only repeat the markup of another one; None where it must be read whole.

    The last answer is remembered, since the safety scan and the reader of comments ask for the same page.
    Two pages with the same text are two: to look for equal texts would cost as much as a scan.
    """
    global _last
    page, answer = _last
    if page is not html:
        answer = _shortened(html)
        _last = html, answer
    return answer


def _shortened(html: str) -> Shortened | None:
    begin = _START.search(html)
    if begin is None or "\0" in html or ANSWERS in html:
        return None
    if "\r" in html:  # To HTML all line ends are line feeds.
        html = html.replace("\r\n", "\n").replace("\r", "\n")
        begin = _START.search(html)
        assert begin is not None
    kinds = list(_lately)
    met: set[Kind] = set()
    outlines = {kind.outline for kind in kinds}
    order: list[int] = []
    repeats: dict[int, Repeat] = {}
    kept: list[str] = []
    kept_to = 0
    at = following = begin.start()
    while True:
        for kind in kinds:
            match = kind.pattern.match(html, at)
            if match is not None:
                break
        else:
            match = None
        if match is not None:
            id = int(match[1])
            order.append(id)
            if kind in met:
                repeats[id] = kind, match
                kept.append(html[kept_to:at])
                kept_to = match.end(kind.nothing)
            else:
                met.add(kind)
            at = match.end()
            if kind is not kinds[0]:  # Neighbours are often alike.
                kinds.remove(kind)
                kinds.insert(0, kind)
        elif begin := _START.match(html, at):
            element = _element(html, at)
            if element is None:
                return None
            order.append(int(begin[2]))
            at = element.end
            if element.outline not in outlines and len(outlines) < 2 * MAX_KINDS:
                outlines.add(element.outline)
                new = _kind_of(element, begin[2])
                if new is not None and new not in kinds:
                    kinds.append(new)
                    met.add(new)
        else:
            if following < at:
                begin = _START.search(html, at)
                following = begin.start() if begin else len(html)
            if following == len(html):
                break
            between = _BETWEEN.match(html, at)
            end = between.end() if between else at
            if end == at:
                other = _ASIDE.match(html, at)
                element = None if other else _element(html, at)
                if other:
                    end = other.end()
                elif element:
                    end = element.end
                else:
                    return None
            at = end
    if not repeats or len(set(order)) < len(order):
        return None
    _lately[:] = [kind for kind in kinds if kind in met][:MAX_KINDS]
    kept.append(html[kept_to:])
    rest = "".join(kept)
    return Shortened(rest, tuple(order), repeats, tuple(_lately), tags(rest))


class _Element(NamedTuple):
    """An element that closes all that it opens and parses the same wherever it stands."""

    tokens: Sequence[re.Match[str]]
    #: Names of it and of what stands in it, in the order in which they open.
    names: tuple[str, ...]
    #: The same without the text of a comment, each with the number of its attributes. Comments of
    #: one kind have the same.
    outline: tuple[str, ...]
    depth: int
    #: Where it ends in the page.
    end: int


def _element(html: str, at: int) -> _Element | None:
    """The element that begins here; None where it is not such a one."""
    tokens: list[re.Match[str]] = []
    names: list[str] = []
    outline: list[str] = []
    text_level = MAX_TOKENS  # how deep the text of a comment lies, where there is one
    open_: list[str] = []
    depth = 0
    while len(tokens) < MAX_TOKENS:
        token = _TOKEN.match(html, at)
        if token is None or (token["words"] and not tokens):
            return None
        at = token.end()
        what = token.lastgroup
        if what == "tail":
            name, attributes, tail = token.group("start", "attributes", "tail")
            if name not in _NAMES or _misplaced(name, open_):
                return None
            if "comm" in attributes:
                if "comments-tree-" in attributes or (tokens and "comment-id-" in attributes):
                    return None
                if "comm-id-" in attributes:
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
        if not open_:
            return _Element(tokens, tuple(names), tuple(outline), depth, at) if names else None
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
            if re.fullmatch(_VALUE, value) is None:
                return False
            call = _CALL.match(value) if name == "onclick" else None
            if call is not None:
                self.fixed(call[0])
            self.varying(_VALUE, read=VARYING[name])
        else:
            self.numbered(value)
        return True


def _kind_of(element: _Element, number: str) -> Kind | None:
    """The kind of a comment; None where none can be made of it."""
    making = _Making(number)
    names: list[str] = []
    text = 0
    inside = 0  # how many elements are open in the text
    for token in element.tokens:
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
            continue
        names.append(name)
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
        if inside:
            text = making.varying(_TEXT)
    if not text:
        return None
    nothing = making.varying("")
    making.varying(_BETWEEN.pattern, read=False)
    return _kind(
        "".join(making.pattern),
        "".join(making.sample),
        tuple(names),
        element.depth,
        element.outline,
        text,
        nothing,
    )


@lru_cache(maxsize=256)
def _kind(
    pattern: str,
    sample: str,
    elements: tuple[str, ...],
    depth: int,
    outline: tuple[str, ...],
    text: int,
    nothing: int,
) -> Kind:
    return Kind(re.compile(pattern), sample, elements, depth, outline, text, nothing)
