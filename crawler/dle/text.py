"""
A comment or article as plain text, with its quotations, links and images apart.

The walk over the elements is a loop, not a recursion, so depth does not matter; and it never enters
another comment, wherever unclosed elements have put that one.
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from itertools import islice
from urllib.parse import unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.items import Image, Link, Quote

#: A line break that is written, in a text that is being gathered. HTML parsers let no NUL through.
_BREAK = "\0"

#: The edge of a paragraph or other block: two in a row still make one line break.
_EDGE = "\1"

# fmt: off
_BLOCKS = frozenset((
    "address", "article", "aside", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
))
_LEFT_OUT = frozenset((
    "script", "style", "noscript", "template", "head", "button", "input", "select", "textarea", "svg",
))
# fmt: on
_PLAYERS = frozenset(("iframe", "video", "audio"))
QUOTE_CLASSES = frozenset(["quote", "blockquote"])
TITLE_CLASSES = frozenset(["title_quote", "titlequote", "quote_title"])

_OWN_ID = re.compile(r"comment(?:-id|s-tree-item)-[0-9]+")
_BREAKS = re.compile(rf" ?[{_BREAK}{_EDGE}][{_BREAK}{_EDGE} ]*")
_PIECE = re.compile(r"(<br ?/?>|<!--smile:[^<>]*+><img [^<>]*+><!--/smile-->)")
_EMOTICON = re.compile(r"/emoticons/([^/?#]+?)(?:@2x)?\.\w+(?:[?#]|$)")
QUOTE_MARKER = re.compile(r"QuoteBegin\s+(\S.*?)\s*", re.DOTALL)
#: The address of a film or sound, before its player …
_FILM_BEGINS = re.compile(r"dle_(?:media|video|audio)_begin:\s*([^|\s]+)")
#: … and what stands behind it.
_FILM_ENDS = re.compile(r"dle_(?:media|video|audio)_end\s*")
#: "Цитата: nick", "Quote: nick"; the colon of a time ("12:20") stands behind a digit.
_NAMED = re.compile(r"[^\W\d]{1,20}\s?:\s*(.+)")
#: "3 ноября 2017 12:20, nick написал:"
_WROTE = re.compile(r"(?:.*,\s*)?(\S.*?)\s+(?:написала?|сказала?|пишет|wrote|said|writes)(?:\(а\))?\s?:")
#: An address that needs no base, without anything that `urljoin` would write in another way.
_WHOLE_ADDRESS = re.compile(r"""https?://[a-z0-9.-]+/[!"$-:<=>@-~]*(?:\?[!"$-~]+)?""")
_SHOW_OR_HIDE = re.compile(r"(?:показать|show)\s?/\s?(?:скрыть|hide)(?:\s+(?:текст|text))?", re.IGNORECASE)
_HIDDEN_NOTICE = re.compile(
    r"(?:внимание|attention|warning)\s?!.{0,80}(?:скрыт|hidden)", re.IGNORECASE | re.DOTALL
)


@dataclass(slots=True)
class Written:
    """What stands in a text."""

    body: str
    quotes: tuple[Quote, ...]
    links: tuple[Link, ...]
    images: tuple[Image, ...]
    #: The markup without what moves by itself: tags, words and targets. Equal marks, equal text.
    marks: list[str]


@dataclass(slots=True)
class _QuoteInProgress:
    author: str | None
    comment_id: int | None
    level: int
    #: Place among the quotations in the order in which they open.
    place: int
    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Frame:
    """An element that is being read."""

    node: LexborNode
    block: bool = False
    quote: _QuoteInProgress | None = None
    link: str | None = None
    link_start: int = 0


def written(
    node: LexborNode,
    *,
    base_url: str,
    leave_out: Collection[int] = (),
    captions: Mapping[int, str] | None = None,
) -> Written:
    """
    What stands in an element that holds the text of a comment or article.

    Args:
        base_url: What relative addresses of links and images are relative to.

        leave_out: Memory ids of elements that are no part of the text: advertisements, boxes.

        captions: Captions of images, by the memory id of the `img`.
    """
    pieces: list[str] = []  # of the text that is being gathered: the body or a quotation
    quotes: list[Quote | None] = []
    links: list[Link] = []
    images: list[Image] = []
    marks: list[str] = []
    frames: list[_Frame] = []
    open_quotes: list[_QuoteInProgress] = []
    body = pieces
    title: tuple[str | None, int | None] | None = None  # of the quotation that comes next
    marker: str | None = None
    film: str | None = None

    here = node.first_child
    while True:
        # Up, as long as an element ends here.
        while here is None:
            if not frames:
                text = _lines(body)
                return Written(text, tuple(q for q in quotes if q), tuple(links), tuple(images), marks)
            frame = frames.pop()
            marks.append("/")
            if frame.quote is not None:
                quote = open_quotes.pop()
                quotes[quote.place] = _finished(quote)
                pieces = open_quotes[-1].pieces if open_quotes else body
            if frame.link is not None:
                links.append(Link(text=_line(pieces[frame.link_start :]), url=frame.link))
            if frame.block:
                pieces.append(_EDGE)
            here = frame.node.next

        tag = here.tag
        if tag == "-text":
            words = here.text_content or ""
            pieces.append(words)
            marks.append(words.strip())
            here = here.next
            continue
        if tag == "br":
            pieces.append(_BREAK)
            marks.append("br")
            here = here.next
            continue
        if tag == "-comment":
            note = here.comment_content or ""
            if match := QUOTE_MARKER.fullmatch(note):
                marker = match[1]
            elif match := _FILM_BEGINS.match(note):
                film = match[1]
            elif film is not None and _FILM_ENDS.fullmatch(note):
                # No player came between: a script is to put it here.
                links.append(Link(text="", url=_joined(base_url, film)))
                marks.append(film)
                film = None
            here = here.next
            continue
        if tag is None or tag in _LEFT_OUT or (leave_out and here.mem_id in leave_out):
            here = here.next
            continue

        attributes = here.attributes
        classes = (attributes.get("class") or "").split()
        if _is_of_another(attributes, classes) or "signature" in classes:
            here = here.next
            continue
        marks.append(tag)
        if tag == "img":
            _read_image(here, attributes, classes, base_url, captions or {}, pieces, images, marks)
            here = here.next
            continue
        if tag in _PLAYERS:
            source = (attributes.get("src") or "").strip()
            if not source and (inner := here.css_first("source[src]")) is not None:
                source = (inner.attributes.get("src") or "").strip()
            if source:
                film = None
                links.append(Link(text="", url=_joined(base_url, source)))
                marks.append(source)
            here = here.next
            continue
        if classes:
            if not TITLE_CLASSES.isdisjoint(classes):
                title = _quote_title(here, attributes, marks)
                here = here.next
                continue
            if "title_spoiler" in classes:
                heading = _line([here.text()])
                if heading and not _SHOW_OR_HIDE.fullmatch(heading):
                    pieces += (_EDGE, heading, _EDGE)
                marks.append(heading)
                here = here.next
                continue
        if tag == "blockquote" or not QUOTE_CLASSES.isdisjoint(classes):
            if title is None and marker is None and _is_hidden_notice(here, classes):
                pieces.append(_EDGE)
                here = here.next
                continue
            author, comment_id = title or (None, None)
            if marker is not None and not (title and title[0]):
                author = marker
            title = marker = None
            quote = _QuoteInProgress(author, comment_id, len(open_quotes) + 1, len(quotes))
            quotes.append(None)
            open_quotes.append(quote)
            pieces.append(_EDGE)
            frames.append(_Frame(here, block=True, quote=quote))
            pieces = quote.pieces
            here = here.first_child
            continue
        block = tag in _BLOCKS
        if block:
            pieces.append(_EDGE)
        elif tag == "td" or tag == "th":
            pieces.append(" ")
        frame = _Frame(here, block=block)
        if tag == "a":
            target = _target((attributes.get("href") or "").strip(), base_url)
            if target is not None:
                marks.append(target)
                if here.css_first("img") is not None and _is_image_address(target):
                    images.append(Image(url=target))
                    here = here.next
                    continue
                frame.link, frame.link_start = target, len(pieces)
        frames.append(frame)
        here = here.first_child


def plain(markup: str) -> tuple[str, list[str]]:
    """
    Body and marks of a text that holds words, line breaks and smilies alone, as `written` would give them.

    Args:
        markup: References, "<br>" and smilies as the engine writes them stand for themselves; no other tags.
    """
    if "<" not in markup:
        words = unescaped(markup) if "&" in markup else markup
        return " ".join(words.split()), [words.strip()]
    pieces: list[str] = []
    marks: list[str] = []
    for piece in _PIECE.split(markup):
        if piece[:1] != "<":
            words = unescaped(piece)
            pieces.append(words)
            marks.append(words.strip())
        elif piece[:3] == "<br":
            pieces.append(_BREAK)
            marks.append("br")
        else:
            body, own_marks = _smilie(piece)
            pieces.append(body)
            marks += own_marks
    return _lines(pieces), marks


@lru_cache(maxsize=1_000)
def _smilie(markup: str) -> tuple[str, list[str]]:
    body = LexborHTMLParser(markup).body
    assert body is not None
    what = written(body, base_url="")
    return what.body, what.marks


def true_target(href: str) -> str:
    """The address that a link leads to, with the engine's own redirects ("do=go", base64) unwrapped."""
    for _ in range(3):  # a link that was copied together with its redirect is wrapped twice
        if "go" not in href:
            return href
        try:
            parts = urlsplit(href)
            wrapped = parts.path.endswith("/engine/go.php") or (
                parts.path.endswith("/index.php") and "do=go" in parts.query.split("&")
            )
            if not wrapped:
                return href
            # parse_qs would take many times as long, and turn the "+" of base64 into a space.
            codes = (value for pair in parts.query.split("&") if (value := pair.removeprefix("url=")) != pair)
            code = unquote(next(filter(None, codes)))
            inner = base64.b64decode(unquote(code) + "==", validate=False).decode()
        except (ValueError, StopIteration, binascii.Error):
            return href
        if not re.match(r"(?:https?|ftp)://|/", inner):
            return href
        href = inner
    return href


def unescaped(text: str) -> str:
    """What `html.unescape` gives, sooner: the engine writes hardly any references but quotation marks."""
    if "&" in text:
        text = text.replace("&quot;", '"').replace("&#039;", "'").replace("&#x27;", "'")
    return unescape(text) if "&" in text else text


def unescaped_all(texts: Sequence[str]) -> Sequence[str]:
    """The same of many texts, hardly any of which have references."""
    return list(map(unescaped, texts)) if "&" in "".join(texts) else texts


def folded(text: str) -> str:
    """A text on one line, its white space folded."""
    return " ".join(text.split())


def beginning(node: LexborNode) -> str:
    """The first words of an element, up to 300 characters, without reading all that stands in it."""
    parts = islice(node.traverse(include_text=True), 20)
    return folded("".join(part.text_content or "" for part in parts if part.tag == "-text"))[:300]


def _lines(pieces: list[str]) -> str:
    """The pieces as lines: at most one empty line in a row, none at the ends."""
    if len(pieces) == 1:
        return folded(pieces[0])
    text = folded("".join(pieces))
    text = _BREAKS.sub(lambda match: "\n\n" if match[0].count(_BREAK) > 1 else "\n", text)
    return text.strip()


def _line(pieces: list[str]) -> str:
    return folded("".join(pieces).replace(_BREAK, " ").replace(_EDGE, " "))


def _finished(quote: _QuoteInProgress) -> Quote:
    return Quote(
        text=_lines(quote.pieces), author=quote.author, level=quote.level, comment_id=quote.comment_id
    )


def _is_of_another(attributes: Mapping[str, str | None], classes: list[str]) -> bool:
    """Whether an element belongs to another comment or to the page around the comments."""
    own = attributes.get("id")
    if own and (
        _OWN_ID.fullmatch(own) or own in ("dle-ajax-comments", "dle-comments-form", "dle-addcomments-form")
    ):
        return True
    return "comments-tree-list" in classes or "dle-comments-navigation" in classes


def _read_image(
    node: LexborNode,
    attributes: Mapping[str, str | None],
    classes: list[str],
    base_url: str,
    captions: Mapping[int, str],
    pieces: list[str],
    images: list[Image],
    marks: list[str],
) -> None:
    """Add an image to the images, or a smilie to the text."""
    source = (attributes.get("src") or attributes.get("data-src") or "").strip()
    emoticon = _EMOTICON.search(source)
    if emoticon or "emoji" in classes:
        # The file's name rather than the alt, which editions translate; but an alt that is itself
        # a pictogram is the better word.
        name = (attributes.get("alt") or "").strip().strip(":")
        pictogram = bool(name) and not any(map(str.isalnum, name))
        if emoticon and not pictogram:
            name = emoticon[1]
        if name:
            pieces.append(name if pictogram else f":{name}:")
            marks.append(name)
    elif source and not source.startswith("data:"):
        marks.append(source.partition("?")[0])
        images.append(Image(url=_joined(base_url, source), caption=captions.get(node.mem_id)))


def _quote_title(
    node: LexborNode, attributes: Mapping[str, str | None], marks: list[str]
) -> tuple[str | None, int | None]:
    """
    Who is quoted, and the number of the quoted comment where the title gives it.

    New engines store both as attributes and write the words anew each time, with a relative date;
    so the words count as markup only where there are no attributes.
    """
    comment_id = attributes.get("data-commentid") or ""
    id = int(comment_id) if re.fullmatch(r"[1-9][0-9]{0,17}", comment_id) else None
    user = (attributes.get("data-commentuser") or "").strip()
    if user:
        marks += (user, comment_id)
        return user, id
    text = folded(node.text())
    marks.append(text)
    link = node.css_first("a")
    if link is not None and folded(link.text()):
        return folded(link.text()), id
    return named_in_title(text), id


def named_in_title(words: str) -> str | None:
    """The name in the words of a quotation's title: "Цитата: nick", "3 ноября 2017 12:20, nick написал:"."""
    match = _NAMED.fullmatch(words) or _WROTE.fullmatch(words)
    return match[1] if match else None


def _is_hidden_notice(node: LexborNode, classes: list[str]) -> bool:
    """Whether a box of the class "quote" is the engine's "you may not see the hidden text"."""
    if "dlehidden" in classes:
        return True
    return _HIDDEN_NOTICE.match(beginning(node)) is not None


def _target(href: str, base_url: str) -> str | None:
    """Where a link leads; None where it leads nowhere, such as the switch of a spoiler."""
    if not href or href.startswith("#") or href[:11].lower() == "javascript:":
        return None
    return _joined(base_url, true_target(href))


def _joined(base_url: str, href: str) -> str:
    if _WHOLE_ADDRESS.fullmatch(href):
        return href  # `urljoin` takes it apart and puts it together again.
    try:
        return urljoin(base_url, href)
    except ValueError:  # "http://[": keep what is written
        return href


def _is_image_address(url: str) -> bool:
    return re.search(r"\.(?:jpe?g|png|gif|webp|avif)$", url.partition("?")[0], re.IGNORECASE) is not None
