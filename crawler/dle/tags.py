"""
The tags of a page in order, without building a tree.

Two readers need them raw: the comment tree, because HTML parsers repair what the engine writes and
lose replies doing so, and the safety check, because it must come before any parser. Both see what a
browser's tokenizer sees: a ">" in a quoted attribute ends no tag, and nothing inside a comment,
a script or a style sheet is a tag.

A match always takes what it has looked at, so that a scan is linear in the length of the page whatever
stands in it. Only single characters are repeated possessively: CPython before 3.11.5 loses its way in
possessive groups. The patterns work on bytes in small letters: matching without
regard to case costs twice the time.
"""

import re
from collections.abc import Iterator

Tag = tuple[bytes, bytes]
"""
A tag as it stands in the page, in small letters: its name, b"li" where it opens and b"/li" where it
closes, and all that stands behind the name. A plain tuple, because a page has thousands.
"""

#: The rest of a tag behind its name. Quotes count only behind an equals sign, and only behind the first
#: 250 of them: no page that is read has a tag with more attributes, and the bound is one on memory.
_REST = rb"""(?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?){0,500}[^>]*+"""

#: Elements whose content is text to a browser, so that a "<li>" in it is no tag.
_OPAQUE_NAMES = (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
_OPAQUE_START = rb"(?:" + b"|".join(_OPAQUE_NAMES) + rb")[\s/>]"

#: What holds no tags. One alternative an element, not a back reference: that is faster.
_OPAQUE = b"|".join(
    [
        rb"<!--(?:-?>|.*?(?:--!?>|\Z))",
        *(
            rb"<%b(?=[\s/>])%b(?:>|\Z).*?(?:(?=</%b[\s/>])|\Z)" % (name, _REST, name)
            for name in _OPAQUE_NAMES
        ),
    ]
)

#: What a browser takes for a comment although it is not written as one: "<!doctype …>", "<?…>", "</ …>".
_BOGUS = rb"<(?:[!?]|/(?![a-z]))[^>]*+(?:>|\Z)"

_LIST = rb"/?(?:ol|ul|li)(?=[\s/>])"

_TAG = re.compile(
    rb"<(?!%b)(/?[a-z][^\s/>]*+)(%b)(?:>|\Z)|%b|%b" % (_OPAQUE_START, _REST, _OPAQUE, _BOGUS), re.DOTALL
)

#: One match runs over everything up to and including the next tag of a list, or to the end of the
#: page: much faster than to look at each tag, as a page has seven others for each of these.
_LIST_TAG = re.compile(
    rb"(?:[^<]++|<(?!%b|%b)/?[a-z][^\s/>]*+%b(?:>|\Z)|%b|%b|<(?![a-z!?/])){0,500}(?:<(%b)(%b)(?:>|\Z))?"
    % (_LIST, _OPAQUE_START, _REST, _OPAQUE, _BOGUS, _LIST, _REST),
    re.DOTALL,
)


def tags(html: str | bytes) -> list[Tag]:
    """
    Every tag of a page, but for the ends and contents of what holds no tags, such as scripts.

    Comments and the like are in the list with an empty name. A list, as making it in one go takes a
    third of the time of making it tag by tag; it is about as large as ten times the page.
    """
    return _TAG.findall(_bytes(html))


def tokens(html: str | bytes) -> Iterator[re.Match[bytes]]:
    """
    The same tags and the like one after the other, with their places in the page as UTF-8.

    What stands between two of them is text. A match without groups is a comment or the like, or what holds no tags:
    a script from its first tag on, up to but without its end.
    """
    return _TAG.finditer(_bytes(html))


def list_tags(html: str | bytes) -> list[Tag]:
    """The tags `ol`, `ul` and `li` of a page; the last one, the page's end, has an empty name."""
    return _LIST_TAG.findall(_bytes(html))


def _bytes(html: str | bytes) -> bytes:
    return (html if isinstance(html, bytes) else html.encode(errors="replace")).lower()
