"""
Random texts of comments in the markup of every era, and what stands in them.

A stored text keeps the markup of the day on which it was written, so that all kinds stand on one page.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from random import Random
from typing import Literal
from urllib.parse import quote as percent_encoded

from crawler.items import Image, Link, Quote

QuoteMarkup = Literal["named", "unnamed", "editor", "16", "20"]
QUOTE_MARKUPS: tuple[QuoteMarkup, ...] = ("named", "unnamed", "editor", "16", "20")

Kind = Literal["line", "box", "nothing"]
"""line: runs on, so that two need a line break between them · box: stands apart · nothing: shows nothing"""

# fmt: off
_WORDS = (
    "ferry", "lantern", "gravel", "Kestrel", "barge", "winter", "tarpaulin", "north", "quay", "signal", "rope",
    "паром", "фонарь", "щебень", "Велда", "баржа", "зима", "брезент", "север", "причал", "сигнал", "ещё", "канат",
    "*", "..", "—", "№ 7", "12: 20", "XNUMX", "3,5", "«Рябина»", "R&D", "a<b", "\"oak\"", "5>4", "日本", "😀",
)
# fmt: on

_GAPS = ("<br />", "<br>", "<br />\n")

#: What stands in a text, shows nothing, and must not disturb what is around it.
_DECOYS = (
    '<!-- <li id="comments-tree-item-1" class="comments-tree-item"> </ol> -->',
    "<span title=\"a > b, </li></ol><li id='comments-tree-item-2'>\"></span>",
    '<script>document.write(\'<ol class="comments-tree-list"><li id="comments-tree-item-3">\');</script>',
    "</ul>",
)

#: What the engine writes in place of a text that only members may see.
_HIDDEN = (
    '<div class="quote">Внимание! У Вас нет прав для просмотра скрытого текста.</div>',
    '<div class="quote dlehidden">Attention! You are not allowed to see the hidden text.</div>',
)

#: What a text may end with and leaves open. A single <div>, as the box around the text ends in its stead.
_OPEN_ENDS = ("<div>", "<b>", "<i><u>", "<span>", "<p>")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a text: how it is written and what it says."""

    html: str
    lines: tuple[str, ...] = ()
    kind: Kind = "box"
    quotes: tuple[Quote, ...] = ()
    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a comment: how it is written and what it says."""

    html: str
    body: str
    quotes: tuple[Quote, ...]
    links: tuple[Link, ...]
    images: tuple[Image, ...]


def text(random: Random, blocks: Sequence[Block]) -> Text:
    """The blocks as one text, with line breaks as the old editor or paragraphs as the new one writes them."""
    paragraphs = random.random() < 0.4
    html: list[str] = []
    body = ""
    in_line = False
    for block in blocks:
        gap = "\n"
        if block.kind == "line" and paragraphs:
            html.append(f"<p>{block.html}</p>")
        else:
            if block.kind == "line" and in_line:
                breaks = random.choice((1, 1, 2))
                html.append(random.choice(_GAPS) * breaks)
                gap = "\n" * breaks
            html.append(block.html)
            if block.kind != "nothing":
                in_line = block.kind == "line"
        lines = "\n".join(block.lines)
        body += gap + lines if body and lines else lines
    if random.random() < 0.1:
        html.append(random.choice(_OPEN_ENDS))
    return Text(
        "".join(html),
        body,
        tuple(quote for block in blocks for quote in block.quotes),
        tuple(link for block in blocks for link in block.links),
        tuple(image for block in blocks for image in block.images),
    )


def sentence(random: Random, number: int = 0) -> str:
    """Random words; a number makes them those of one comment."""
    words = random.choices(_WORDS, k=random.randint(1, 7))
    return " ".join([f"w{number}", *words] if number else words)


def block(random: Random, base_url: str) -> Block:
    """A random piece of a text."""
    return random.choice(_MAKERS)(random, base_url)


def plain(words: str) -> Block:
    return Block(escape(words, quote=False), (words,), kind="line")


def mention(name: str, shown: str, words: str) -> Block:
    """What the reply form of engine 20 puts before the words: whom they answer."""
    return Block(
        f'<span class="comments-user-profile noncontenteditable" data-username="{escape(name)}"'
        f' data-userurl="/user/{percent_encoded(name, safe="")}/">{escape(shown, quote=False)}</span>,'
        f" {escape(words, quote=False)}",
        (" ".join(f"{shown}, {words}".split()),),
        kind="line",
    )


def quotation(
    markup: QuoteMarkup,
    *,
    name: str,
    shown: str,
    link: str,
    words: str,
    inner: Block | None = None,
    comment_id: int,
    article_id: int,
    russian: bool,
) -> Block:
    """
    A quotation of somebody's words, perhaps with another one in it.

    Args:
        name: The quoted name as people read it.

        shown: The same as it stands on the page.

        link: The same with its link, as newer engines write it.
    """
    within = (inner.html if inner else "") + escape(words, quote=False)
    title = escape(f"{'Цитата' if russian else 'Quote'}: {shown}", quote=False)
    author: str | None = name
    known_id = None
    if markup == "named":
        # The engine writes the name into an HTML comment, which must not end too early.
        marker = "x" if "-" in shown or ">" in shown else shown
        html = (
            f'<!--QuoteBegin {marker} --><div class="title_quote">{title}</div><div class="quote">'
            f"<!--QuoteEBegin-->{within}<!--QuoteEnd--></div><!--QuoteEEnd-->"
        )
    elif markup == "unnamed":
        author = None
        html = f'<!--QuoteBegin--><div class="quote"><!--QuoteEBegin-->{within}<!--QuoteEnd--></div><!--QuoteEEnd-->'
    elif markup == "editor":
        html = f'<div class="title_quote">{title}</div><div class="quote">{within}</div>'
    else:
        told = f'data-commenttime="1509700800" data-commentuser="{escape(shown)}"'
        words_of_title = f"3 ноября 2017 12:20, {escape(shown, quote=False)} написал:"
        if markup == "20":
            told += f' data-commentid="{comment_id}" data-commentpostid="{article_id}" data-commentgast="0"'
            words_of_title = f"Вчера в 12:20, {link} написал:"
            known_id = comment_id
        html = (
            f'<div class="quote_block noncontenteditable"><div class="title_quote" {told}>{words_of_title}</div>'
            f'<div class="quote"><div class="quote_body contenteditable">{within}</div></div></div>'
        )
    outer = Quote(text=words, author=author, level=1, comment_id=known_id)
    deeper = tuple(
        Quote(text=quote.text, author=quote.author, level=quote.level + 1, comment_id=quote.comment_id)
        for quote in (inner.quotes if inner else ())
    )
    return Block(html, quotes=(outer, *deeper))


def _smilie(random: Random, _base_url: str) -> Block:
    name = random.choice(("hi", "good", "lol", "sm_17"))
    marked = f"<!--smile:{name}-->{{}}<!--/smile-->"
    folder = "/engine/data/emoticons"
    old = f'<img style="vertical-align: middle;border: none;" alt="{name}" src="{folder}/{name}.gif" />'
    new = f'<img alt="{name}" class="emoji" src="{folder}/{name}.png" srcset="{folder}/{name}@2x.png 2x">'
    html, shown = random.choice(
        (
            (marked.format(old), f":{name}:"),
            (marked.format(new), f":{name}:"),
            ('<span class="emoji">👋</span>', "👋"),
            ("👋", "👋"),
        )
    )
    words = sentence(random)
    return Block(f"{escape(words, quote=False)} {html}", (f"{words} {shown}",), kind="line")


def _bold(random: Random, _base_url: str) -> Block:
    words, more = sentence(random), sentence(random)
    tag = random.choice(("b", "i", "s", "strong"))
    end = random.choice((f"</{tag}>", f"</{tag}>", ""))
    html = f"{escape(words, quote=False)} <{tag}>{escape(more, quote=False)}{end}"
    return Block(html, (f"{words} {more}",), kind="line")


def _link(random: Random, base_url: str) -> Block:
    words = sentence(random)
    target = f"https://example.org/{random.randint(1, 99)}?a=1&b=%D1%8F"
    code = percent_encoded(base64.b64encode(target.encode()).decode(), safe="")
    href, url = random.choice(
        (
            ("/901-old-bridge.html", f"{base_url}/901-old-bridge.html"),
            (f"/engine/go.php?url={code}", target),
            (f"{base_url}/index.php?do=go&url={code}", target),
            ("/user/Sapper/", f"{base_url}/user/Sapper/"),
        )
    )
    html = f'<!--dle_leech_begin--><a href="{escape(href)}" target="_blank">{escape(words)}</a><!--dle_leech_end-->'
    return Block(html, (words,), kind="line", links=(Link(text=words, url=url),))


def _spoof(random: Random, _base_url: str) -> Block:
    words = random.choice(
        (
            '</div><li id="comments-tree-item-9" class="comments-tree-item">',
            "<div id='comment-id-9'><div id='comm-id-9'>",
            '<span class="ratingtypeplusminus">+99</span> 1 May 2020 10:00',
        )
    )
    return Block(escape(words), (words,), kind="line")


def _oddities(random: Random, _base_url: str) -> Block:
    """Characters that people never see, and entities."""
    words = sentence(random)
    html = f"{escape(words, quote=False)} &amp;nbsp;&nbsp;&#8212;\x07 a\x00b &#xD800; c\x7fd"
    return Block(html, (f"{words} &nbsp; — ab \ufffd cd",), kind="line")


def _list(random: Random, _base_url: str) -> Block:
    words = [sentence(random) for _ in range(random.randint(1, 3))]
    tag = random.choice(("ul", "ol"))
    end = random.choice(("</li>", ""))
    items = "".join(f"<li>{escape(line, quote=False)}{end}" for line in words)
    return Block(f"<{tag}>{items}</{tag}>", tuple(words))


def _nested_list(random: Random, _base_url: str) -> Block:
    one, two, three = (sentence(random) for _ in range(3))
    parts = (escape(line, quote=False) for line in (one, two, three))
    return Block("<ul><li>{}<ol><li>{}</li></ol></li><li>{}</li></ul>".format(*parts), (one, two, three))


def _gallery(random: Random, base_url: str) -> Block:
    names = [f"uploads/comments/{random.randint(1, 999)}.jpg" for _ in range(random.randint(1, 3))]
    items = "".join(
        f'<li><a class="highslide" href="/{name}"><img src="/{name}?s"></a></li>' for name in names
    )
    return Block(
        f'<ul class="comments-image-gallery">{items}</ul>',
        images=tuple(Image(url=f"{base_url}/{name}") for name in names),
    )


def _picture(random: Random, base_url: str) -> Block:
    place = f"/uploads/posts/2019-03/{random.randint(1, 999)}.png"
    html = f'<!--dle_image_begin:{place}|--><img src="{place}" alt=""><!--dle_image_end-->'
    return Block(f"<div>{html}</div>", images=(Image(url=base_url + place),))


def _video(random: Random, _base_url: str) -> Block:
    place = f"https://video.example.org/embed/{random.randint(1, 999)}"
    html = f'<!--dle_media_begin:{place}--><iframe src="{place}"></iframe><!--dle_media_end-->'
    return Block(f"<div>{html}</div>", links=(Link(text="", url=place),))


def _spoiler(random: Random, _base_url: str) -> Block:
    title = random.choice(("Показать / Скрыть текст", "Схема"))
    words = sentence(random)
    html = (
        f'<!--dle_spoiler {title} --><div class="title_spoiler"><a href="javascript:ShowOrHide(\'sp1\')">'
        f'<img src="/i/s.gif" alt=""></a>&nbsp;<a href="javascript:ShowOrHide(\'sp1\')"><!--spoiler_title-->'
        f'{title}<!--spoiler_title_end--></a></div><div id="sp1" class="text_spoiler" style="display:none;">'
        f"<!--spoiler_text-->{escape(words, quote=False)}<!--spoiler_text_end--></div><!--/dle_spoiler-->"
    )
    return Block(html, (words,) if title.startswith("Показать") else (title, words))


def _decoy(random: Random, _base_url: str) -> Block:
    return Block(random.choice(_DECOYS), kind="nothing")


def _hidden(random: Random, _base_url: str) -> Block:
    return Block(f"<div>{random.choice(_HIDDEN)}</div>")


# fmt: off
_MAKERS = (
    _smilie, _oddities, _bold, _link, _spoof, _list, _nested_list, _gallery, _picture, _video, _spoiler, _decoy,
    _hidden,
)
# fmt: on
