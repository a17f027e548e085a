"""
A page without somebody: every place that it marks as a forgotten person's, cut out of its text.

What is cut, by whose key `is_forgotten` (see `crawler.normalise.nicknames.author`):

- A comment of that person: name, link to the profile, avatar, real name, group, signature, buttons that name them,
  and all of the text. Its tags stay with ids and classes, and so do its date and rating. It reads as a comment by
  nobody, without words, in its place.
- In comments of others: titles and texts of quotations from that person, and mentions.
- Links to the person's profile wherever they stand, with their words: in a byline, say, or a list of last comments;
  and then the same name in the page's "author" fields. In a feed, `dc:creator` is the name of an account.

Every comment keeps its place in the thread: where cut words told whom it answers, what they told is written into the
tag of its text, see `crawler.dle.parents`.

What is not marked stays: a nickname that is an ordinary word, in running text, in titles or in other nicknames;
quotations that name nobody; and outside of the cut places every byte. Redacting again changes nothing.

Whose a quotation is, where its title holds a name and names may be shared:

1. The number of the quoted comment decides, where the page has that comment.
2. A link to a profile in the title decides.
3. Else the name: it means the forgotten person if one of theirs on this page is called so, if their profile or
   guest name is that, or if `is_forgotten` says so of `persons.alias_key` of it (other spellings that are known of
   them). Only where the quoted words stand in a comment of somebody else who bears the name, and in none of the
   forgotten person's, are they taken for the other's. In doubt they are cut.

A comment in a skin that nobody knows is a member's by its profile link, also where it is stored under `unknown:`.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from html import escape, unescape
from urllib.parse import unquote_plus

from selectolax.lexbor import LexborHTMLParser

from crawler.dle.addresses import address, ajax_address
from crawler.dle.comments import Block, comments
from crawler.dle.cuts import NAMING_CALLS, Cuts
from crawler.dle.persons import IsForgotten, Persons, member_key, name_keys
from crawler.dle.pieces import Edit, edited
from crawler.dle.skins import Skin
from crawler.dle.text import TITLE_CLASSES, named_in_title, true_target
from crawler.dle.tree import tree
from crawler.errors import NotUnderstood
from crawler.items import Comment
from crawler.normalise.nicknames import MAX_LENGTH, nickname

#: A profile's address wherever it stands, also in scripts, where slashes have a backslash before them, with what may
#: be the name: long enough for the longest key, percent-encoded. Patterns begin with fixed letters where they can:
#: those are found ten times as fast.
_PROFILE = re.compile(rf"user\\?/(?=(?P<tail>[^/]{{1,{12 * MAX_LENGTH}}}))")
_PROFILE_BY_QUERY = re.compile(
    r"""subaction=userinfo&(?:[^"'<>\s/]{0,300}?[&;])??user="""
    rf"(?P<tail>(?:(?!subaction=)[^/]){{1,{12 * MAX_LENGTH}}})"
)
#: What may end an address, by where it stands: in quotation marks of either kind, in a script, in a text, in none.
_END = re.compile(r"""["'<>\\\s]""")
#: A name in an address, up to what follows it there.
_NAME = re.compile(r"(?:[^/?#&]|&#?\w+;)+")
#: The same, where a "&" is none of a character's reference.
_BARE_NAME = re.compile(r"[^/?#&]+")
_AFTER = re.compile(r"[/?#&]")
#: A name in JSON that writes no letters but those of ASCII.
_JSON_NAME = re.compile(r"""(?:[^/?#&"'<>\\]|\\u[0-9A-Fa-f]{4})+""")
_REDIRECT = re.compile(r"""do=go&[^"'\s<>]*""")
_OLD_REDIRECT = re.compile(r"""/engine/go\.php\?[^"'\s<>]*""")
_TITLES = tuple(
    (name, re.compile(rf"{name}\b[^>]*+>(?P<title>.{{0,600}}?)</(?:div|span|p)\b", re.DOTALL))
    for name in sorted(TITLE_CLASSES)
)
_MARKER = re.compile(r"QuoteBegin\s+(?P<name>\S.{0,500}?)\s*-->", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"""data-(?:commentuser|username)\s*=\s*(?:"(?P<name>[^"]*)|'(?P<one>[^']*)|(?P<bare>[^\s"'>]+))"""
)
_CALL = re.compile(
    rf"""(?:{"|".join(NAMING_CALLS)})\s*\(\s*(?:'|&\#0?39;|&quot;)(?P<name>.{{1,200}}?)(?:'|&\#0?39;|&quot;)"""
)
_CREATOR = re.compile(
    r"<(?P<tag>dc:creator|author)>\s*(?:<!\[CDATA\[)?(?P<name>.*?)(?:\]\]>)?\s*</(?P=tag)>", re.DOTALL
)
_CDATA = re.compile(r"<!\[CDATA\[(?P<html>.*?)\]\]>", re.DOTALL)
#: HTML in a feed, the other way to write it.
_ESCAPED = re.compile(r">(?P<html>[^<]*?&lt;[^<]*+)<")
_REFERENCE = re.compile(r"&#?\w+;")
#: A name that stands alone between two tags, or between a tag and brackets.
_ALONE = re.compile(r">([^<>]{1,300})(?=<)")
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r"<a\b[^>]*>(.*?)</a", re.DOTALL)
_XML_STARTS = ("<?xml", "<rss", "<feed", "<urlset", "<sitemapindex")
#: A string of JSON, also one that is cut short.
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*)("|\Z)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": " "}
_LD_NAME = re.compile(r'"(?:name|alternateName|givenName)"\s*:\s*"((?:[^"\\]|\\.)*)"')


def redacted(
    text: str,
    is_forgotten: IsForgotten,
    *,
    url: str,
    skins: Sequence[Skin],
    guests: bool = True,
    readable: bool = True,
) -> str:
    """
    The page without the forgotten; the very same object where it shows none of them.

    Args:
        text: A page in HTML, an answer to the engine's script in JSON, or a feed; decoded, whole or not.

        is_forgotten: Asked for the key of every author whom the page may show, so it should be quick.

        url: The address that it was asked under.

        skins: The templates that the site is known to have had.

        guests: Whether anybody but members may be forgotten. Where not, nobody looks for names without profiles.

        readable: Whether a parser can be trusted with it. Where not (see `reading.refuse_pathological`), only
            addresses of profiles are cut out, and what a search finds of quotations.
    """
    if not may_show(text, is_forgotten, guests=guests):
        return text
    start = beginning(text).lower()
    if not readable:
        edits = list(_swept(text, is_forgotten)) + list(_names_swept(text, is_forgotten))
    elif start.startswith("{"):
        edits = _json_edits(text, is_forgotten, url, skins)
    elif start.startswith(_XML_STARTS):
        edits = _xml_edits(text, is_forgotten, url, skins)
    else:
        edits = _html_edits(text, is_forgotten, url, skins)
    edits = _apart(edits)
    result = edited(text, edits) if edits else text
    return text if result == text else result


def may_show(text: str, is_forgotten: IsForgotten, *, guests: bool = True) -> bool:
    """
    Whether a page may show somebody who is forgotten, by a quick look at the names in it.

    Only where this is True is a page taken apart. It looks for names wherever `redacted` cuts them.

    Args:
        guests: As in `redacted`.
    """
    if beginning(text).startswith("{"):
        text = "\n".join(_decoded(match[1])[0] for match in _STRING.finditer(text))
    members = {name for tail in {match["tail"] for match in _addresses(text)} for name in _profiles(tail)}
    redirects = set(_REDIRECT.findall(text) if "do=go&" in text else ())
    if "/engine/go.php?" in text:
        redirects.update(_OLD_REDIRECT.findall(text))
    for match in redirects:
        address = match if match[0] == "/" else "/index.php?" + match
        for target in _addresses(true_target(unescape(address))):
            members.update(_profiles(target["tail"]))
    if any(is_forgotten(member_key(name)) for name in members):
        return True
    if any(_is_named(name, is_forgotten) for name in set(_names(text))):
        return True
    if not guests:
        return False
    return any(_is_named(unescape(words), is_forgotten) for words in set(_ALONE.findall(text)))


def beginning(text: str) -> str:
    """The first characters of a text behind white space, however much of it there is: JSON may begin with any."""
    return text.lstrip("\ufeff \t\r\n")[:200]


def _names(text: str) -> Iterator[str]:
    """The names in quotations, mentions, calls and feeds."""
    for match in _marked_names(text):
        yield unescape(match[match.lastgroup or 0])
    for match in _titles(text):
        words = " ".join(unescape(_TAG.sub("", match["title"])).split())
        yield from filter(None, (named_in_title(words),))
        yield from (unescape(_TAG.sub("", part)) for part in _LINK.findall(match["title"]))
    if "<dc:creator>" in text or "<author>" in text:
        for match in _CREATOR.finditer(text):
            yield unescape(match["name"])


def _addresses(text: str) -> Iterator[re.Match[str]]:
    yield from _PROFILE.finditer(text)
    if "subaction=userinfo" in text:
        yield from _PROFILE_BY_QUERY.finditer(text)


def _marked_names(text: str) -> Iterator[re.Match[str]]:
    """The names in remarks, attributes and calls; each is the last group of its match."""
    if "QuoteBegin" in text:
        yield from _MARKER.finditer(text)
    if "data-commentuser" in text or "data-username" in text:
        yield from _ATTRIBUTE.finditer(text)
    if any(call in text for call in NAMING_CALLS):
        yield from _CALL.finditer(text)


def _titles(text: str) -> Iterator[re.Match[str]]:
    for name, pattern in _TITLES:
        if name in text:
            yield from pattern.finditer(text)


def _is_named(name: str, is_forgotten: IsForgotten) -> bool:
    return any(map(is_forgotten, name_keys(name))) if name and not name.isspace() else False


@lru_cache(maxsize=2_000)
def _profiles(tail: str) -> dict[str, int]:
    """
    The names that an address may hold, the shorter first, and how long each is as it stands there.

    Nobody knows here what ends the address: in quotation marks it may go on behind a space, as in a link that
    somebody has typed.

    Args:
        tail: What stands on the page where the name begins.
    """
    found: dict[str, int] = {}
    ends: dict[str, int] = {}
    for match in _END.finditer(tail):
        ends.setdefault(match[0], match.start())
    for end in (*ends.values(), len(tail)):
        for raw in (_NAME.match(tail, 0, end), _BARE_NAME.match(tail, 0, end)):
            decoded = _AFTER.split(unescape(raw[0]), maxsplit=1)[0] if raw else ""
            name = unquote_plus(decoded, errors="replace").strip()
            if raw and name:
                found.setdefault(name, raw.end())
    if (raw := _JSON_NAME.match(tail)) and "\\u" in raw[0]:
        name = unquote_plus(_decoded(raw[0])[0], errors="replace").strip()
        if name:
            found.setdefault(name, raw.end())
    return found


def _apart(edits: Collection[Edit]) -> list[Edit]:
    """The edits in order, without those that lie in or across an earlier one."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end > edit.start, -edit.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


# --- HTML ----------------------------------------------------------------------------------------------------------


def _html_edits(html: str, is_forgotten: IsForgotten, url: str, skins: Sequence[Skin]) -> list[Edit]:
    before = _block(html, url, skins)
    persons = Persons(html, is_forgotten, before, skins)
    cuts = Cuts(persons)
    swept = list(_swept(html, is_forgotten))
    edits = _apart([*cuts.edits(), *swept])
    if before is None or not edits:
        return edits
    for thorough in (True, False):  # where taking tags out moved something, all stay where they are
        edits = _apart([*cuts.edits(thorough=thorough), *swept])
        after = _block(edited(html, edits), url, skins)
        answers = _lost_answers(before, after)
        if answers:
            edits = _apart([*edits, *cuts.told(answers)])
            after = _block(edited(html, edits), url, skins)
        if _reads_the_same(before, after, persons.forgotten):
            break
    return edits


def _lost_answers(before: Block, after: Block | None) -> dict[int, str]:
    """What words that were cut out told of whom their comments answer, as `crawler.dle.parents` writes it."""
    found: dict[int, str] = {}
    for old, new in zip(before.comments, after.comments if after is not None else (), strict=False):
        if (old.parent_id, old.parent_source) != (new.parent_id, new.parent_source):
            if old.parent_source in ("quote", "mention"):
                found[old.id] = f"{old.parent_source} {old.parent_id}"
            elif new.parent_source in ("quote", "mention"):
                found[old.id] = ""
    return found


def _block(html: str, url: str, skins: Sequence[Skin]) -> Block | None:
    """What the reader says of the comments; None where it does not understand them."""
    where, asked = address(url), ajax_address(url)
    article_id = where.id if where else asked.article_id if asked else 0
    try:
        return comments(LexborHTMLParser(html), tree(html), skins=skins, base_url="", article_id=article_id)
    except NotUnderstood:
        return None


def _reads_the_same(before: Block, after: Block | None, forgotten: Collection[int]) -> bool:
    """Whether every comment has kept its place, date and rating, and nothing is read of the forgotten."""
    if after is None or len(before.comments) != len(after.comments):
        return False
    for old, new in zip(before.comments, after.comments, strict=True):
        for name in ("id", "parent_id", "parent_source", "posted_raw", "posted_machine", "rating"):
            if getattr(old, name) != getattr(new, name):
                return False
        if old.id in forgotten:
            if new.nickname_raw or new.profile_name or new.body or new.quotes or new.links or new.images:
                return False
        elif (old.nickname_raw, old.profile_name) != (new.nickname_raw, new.profile_name):
            return False
        elif _says(old) == _says(new) and old.source_hash != new.source_hash:
            return False  # what the text before it leaves open stands open in it, and now something else
    return True


def _says(comment: Comment) -> tuple[object, ...]:
    return comment.body, comment.quotes, comment.links


def _swept(text: str, is_forgotten: IsForgotten) -> Iterator[Edit]:
    """The names in all addresses of profiles, wherever they stand, and those beside them in the data of a script."""
    for match in _addresses(text):
        start = match.start("tail")
        meant = _profiles(match["tail"])
        name = next((name for name in reversed(meant) if is_forgotten(member_key(name))), None)
        if name is None:
            continue
        yield Edit(start, start + meant[name], "")
        script = text.rfind("<script", max(0, start - 20_000), start)
        if script >= 0 and "ld+json" in text[script : text.find(">", script)]:
            stop = text.find("</script", start)
            for data in _LD_NAME.finditer(text, script, stop if stop >= 0 else len(text)):
                if nickname(_decoded(data[1])[0]).casefold() == nickname(name).casefold():
                    yield Edit(*data.span(1), "")


def _names_swept(text: str, is_forgotten: IsForgotten) -> Iterator[Edit]:
    """The names in the markup of quotations and mentions, and the quoted words up to the next tag of a box."""
    for match in _marked_names(text):
        group = match.lastgroup or 0
        if _is_named(unescape(match[group]), is_forgotten):
            yield Edit(*match.span(group), "")
    for match in _titles(text):
        if any(_is_named(name, is_forgotten) for name in _names(match[0])):
            end = text.find("</div", match.end() + 1)
            yield Edit(match.start("title"), match.end("title"), "")
            box = text.find(">", text.find("<div", match.end())) + 1
            if 0 < box <= end:
                yield Edit(box, end, "")


# --- feeds ---------------------------------------------------------------------------------------------------------


def _xml_edits(xml: str, is_forgotten: IsForgotten, url: str, skins: Sequence[Skin]) -> list[Edit]:
    edits = list(_swept(xml, is_forgotten))
    for match in _CREATOR.finditer(xml):
        name = nickname(unescape(match["name"]))
        if name and is_forgotten(member_key(name)):
            edits.append(Edit(*match.span("name"), ""))
    for match in _CDATA.finditer(xml):
        if "<" in match["html"]:
            begin = match.start("html")
            edits += [
                Edit(begin + edit.start, begin + edit.end, edit.new)
                for edit in _html_edits(match["html"], is_forgotten, url, skins)
            ]
    for match in _ESCAPED.finditer(xml):
        html, places = _unescaped(match["html"])
        begin = match.start("html")
        edits += [
            Edit(begin + places[edit.start], begin + places[edit.end], escape(edit.new))
            for edit in _html_edits(html, is_forgotten, url, skins)
        ]
    return edits


def _unescaped(raw: str) -> tuple[str, Sequence[int]]:
    """What an escaped text means, and for each of its characters and its end where that stands in `raw`."""
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for match in _REFERENCE.finditer(raw):
        meant = unescape(match[0])
        parts += (raw[at : match.start()], meant)
        places += (*range(at, match.start()), *[match.start()] * len(meant))
        at = match.end()
    return "".join((*parts, raw[at:])), [*places, *range(at, len(raw) + 1)]


# --- answers to the engine's script --------------------------------------------------------------------------------


def _json_edits(text: str, is_forgotten: IsForgotten, url: str, skins: Sequence[Skin]) -> list[Edit]:
    """The edits of the HTML in all strings of a JSON text, which may be one that engines make by hand."""
    edits: list[Edit] = []
    for match in _STRING.finditer(text):
        html, places = _decoded(match[1])
        if "<" not in html:
            continue
        begin = match.start(1)
        for edit in _html_edits(html, is_forgotten, url, skins):
            new = json.dumps(edit.new)[1:-1]
            edits.append(Edit(begin + places[edit.start], begin + places[edit.end], new))
    return edits


def _decoded(raw: str) -> tuple[str, Sequence[int]]:
    """
    What a string of JSON means, by the lenient rules of `crawler.dle.ajax`.

    Returns:
        The text, and for each of its characters and its end where that stands in `raw`.
    """
    if "\\" not in raw:
        return raw, range(len(raw) + 1)
    parts: list[str] = []
    places: list[int] = []
    at = 0
    high: tuple[int, int] | None = None  # the first half of a character, and where it stands
    for match in _ESCAPE.finditer(raw):
        parts.append(raw[at : match.start()])
        places.extend(range(at, match.start()))
        at = match.end()
        if match[1] is None:
            parts.append(_MEANT.get(match[2], match[2]))
            places.append(match.start())
            continue
        code = int(match[1], 16)
        if 0xDC00 <= code < 0xE000 and high is not None and high[1] == match.start():
            parts.pop()
            parts.pop()
            parts.append(chr(0x10000 + ((high[0] - 0xD800) << 10) + (code - 0xDC00)))
            high = None
            continue
        parts.append(chr(code))
        places.append(match.start())
        high = (code, match.end()) if 0xD800 <= code < 0xDC00 else None
    parts.append(raw[at:])
    places.extend(range(at, len(raw) + 1))
    return "".join(parts), places
