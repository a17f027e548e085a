"""
Comments as the engine answers the script that loads them, and what an article's page tells that script.

The answer is JSON: {"comments": HTML, "navigation": HTML}. Engines up to 10.6 put it together by hand, with
escapes that JSON does not know; some sites answer the bare HTML, or add keys of their own. Who can ask is
whoever reads the page, so nothing here is trusted: not the depth, not the numbers, not the characters.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crawler.errors import NotUnderstood

#: What may stand behind a backslash in JSON.
_ESCAPED = frozenset('"\\/bfnrtu')
_SCRIPT_EDGE = re.compile(r"<(/?)script\b[^<>]*+", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_VARIABLE = re.compile(
    r"""\b(?:var\s+)?(?P<name>dle_skin|dle_news_id|total_comments_pages|current_comments_page)
        \s*=\s*(?:'(?P<one>[^'<>\n]{0,200})'|"(?P<two>[^"<>\n]{0,200})"|(?P<bare>[0-9]{1,18}\b))""",
    re.VERBOSE,
)
#: A name that can be a template's folder; the engine takes any other for an attack.
_SKIN = re.compile(r"[\w.\- ]{1,60}")
_PAGES = re.compile(r"[1-9][0-9]{0,5}")
_ID = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """What the engine answers its script."""

    comments: str
    #: The links to the other pages; empty where there are none.
    navigation: str
    #: Whether it came as bare HTML, which any other page in its place would be, too.
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What an article's page tells the engine's own script, as far as it does."""

    #: The name of the template.
    skin: str | None = None
    article_id: int | None = None
    #: How many comment pages there are; only where they are loaded as the reader scrolls.
    pages: int | None = None
    #: Which of them this page shows.
    page: int | None = None


def fragment(text: str, url: str) -> Fragment:
    """
    The comments and links in an answer.

    Raises:
        NotUnderstood: The engine refuses to answer, or it is neither JSON with comments nor HTML; or it is JSON
            that is built to harm, or that holds half a character.
    """
    start = text[:200].lstrip("\ufeff \t\r\n")
    if start.lower().startswith("hacking attempt"):
        raise NotUnderstood(
            f"{url} is refused by the engine, most likely for the name of the template: {start[:40]!r}"
        )
    if start.startswith("<"):
        return Fragment(comments=text, navigation="", bare=True)
    answer = _json(text, url)
    if not isinstance(answer, dict) or "comments" not in answer:
        raise NotUnderstood(f"{url} answers no comments: there is no field of this name")
    comments, navigation = answer["comments"] or "", answer.get("navigation") or ""
    if not isinstance(comments, str) or not isinstance(navigation, str):
        raise NotUnderstood(f"{url} answers comments that are no text")
    if _SURROGATE.search(comments) or _SURROGATE.search(navigation):
        raise NotUnderstood(f"{url} answers half a character, which no text can hold")
    return Fragment(comments=comments, navigation=navigation)


def variables(html: str) -> Variables:
    """What an article's page tells the engine's script. The last value of a name counts, as in a script."""
    found = {
        match["name"]: match["one"] or match["two"] or match["bare"] or ""
        for script in _scripts(html)
        for match in _VARIABLE.finditer(script)
    }
    return Variables(
        skin=_matching(_SKIN, found.get("dle_skin")),
        article_id=_number(_ID, found.get("dle_news_id")),
        pages=_number(_PAGES, found.get("total_comments_pages")),
        page=_number(_PAGES, found.get("current_comments_page")),
    )


def _scripts(html: str) -> Iterator[str]:
    """What stands in scripts. Nobody can write one in a comment, so it is the engine's or the template's."""
    start: int | None = None
    for edge in _SCRIPT_EDGE.finditer(html):
        if not edge[1]:
            start = edge.end() if start is None else start
        elif start is not None:
            yield html[start : edge.start()]
            start = None


def _json(text: str, url: str) -> Any:
    try:
        try:
            return json.loads(text, strict=False)
        except json.JSONDecodeError:
            return json.loads(_mended(text), strict=False)
    except RecursionError as error:
        raise NotUnderstood(f"{url} answers JSON that nests too deep") from error
    except ValueError as error:  # also numbers of thousands of digits
        raise NotUnderstood(f"{url} answers neither JSON nor HTML: {error}") from error


def _mended(text: str) -> str:
    """JSON without the escapes that engines make by hand and JSON does not know, such as "\\'"."""
    first, *rest = text.split("\\")
    mended = [first]
    escaped = False  # whether the backslash before this piece is itself what an escape stands for
    for piece in rest:
        if escaped:
            mended.append(piece)
            escaped = False
        elif not piece:
            mended.append("\\\\")
            escaped = True
        elif piece[0] in _ESCAPED:
            mended += ("\\", piece)
        else:
            mended.append(" " + piece[1:] if piece[0] == "v" else piece)
    return "".join(mended)


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text and pattern.fullmatch(text) else None


def _number(pattern: re.Pattern[str], text: str | None) -> int | None:
    matching = _matching(pattern, text)
    return int(matching) if matching else None
