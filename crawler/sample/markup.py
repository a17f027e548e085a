"""
The small markup in which the sample's comments are written.

One source gives both what the site shows (`html`) and what a reader of that page should find
(`plain`, `quotes`, `links`, `images`), so that the ground truth cannot drift from the pages.

    a line feed                           a line break
    :hi:                                  a smilie
    [url=https://…]words[/url]            a link, which the site sends through its own redirect
    [list] … [/list]                      a list, one item a line
    [gallery]/a.jpg /b.jpg[/gallery]      attached images
    [quote] … [/quote]                    a quotation that names nobody
    [quote=nick] … [/quote]               a quotation; they nest
    [quote=nick #123] … [/quote]          one that knows which comment it quotes (newer engines)
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote as percent_encoded

from crawler.items import Link, Quote


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Break:
    pass


@dataclass(frozen=True, slots=True)
class Smilie:
    name: str


@dataclass(frozen=True, slots=True)
class Anchor:
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gallery:
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quotation:
    author: str | None
    comment_id: int | None
    nodes: "tuple[Node, ...]"


Node = Words | Break | Smilie | Anchor | Bullets | Gallery | Quotation

# Line feeds around a block belong to the source's layout, not to the text.
_TOKEN = re.compile(
    r"\[url=(?P<url>[^\]]+)\](?P<anchor>.*?)\[/url\]"
    r"|\n?\[list\]\n(?P<list>.*?)\n\[/list\]\n?"
    r"|\n?\[gallery\](?P<gallery>.*?)\[/gallery\]\n?"
    r"|(?P<open>\[quote(?:=(?P<author>[^\]#]+?)(?: \#(?P<id>\d+))?)?\])"
    r"|(?P<close>\[/quote\]\n?)"
    r"|:(?P<smilie>[a-z]+):"
    r"|(?P<break>\n)",
    re.DOTALL,
)


def parsed(source: str) -> tuple[Node, ...]:
    """The source as a tree. Raises ValueError where quotations do not balance."""
    open_nodes: list[list[Node]] = [[]]
    open_quotes: list[re.Match[str]] = []
    end = 0
    for match in _TOKEN.finditer(source):
        if match.start() > end:
            open_nodes[-1].append(Words(source[end : match.start()]))
        end = match.end()
        if match["open"]:
            open_nodes.append([])
            open_quotes.append(match)
        elif match["close"]:
            if not open_quotes:
                raise ValueError(f"a quotation ends that never began, in {source!r}")
            begin, nodes = open_quotes.pop(), tuple(open_nodes.pop())
            comment_id = int(begin["id"]) if begin["id"] else None
            open_nodes[-1].append(Quotation(begin["author"], comment_id, nodes))
        else:
            open_nodes[-1].append(_simple_node(match))
    if open_quotes:
        raise ValueError(f"a quotation never ends, in {source!r}")
    if end < len(source):
        open_nodes[-1].append(Words(source[end:]))
    return tuple(open_nodes[0])


def _simple_node(match: re.Match[str]) -> Node:
    if match["url"]:
        return Anchor(match["url"], match["anchor"])
    if match["list"]:
        return Bullets(tuple(match["list"].splitlines()))
    if match["gallery"]:
        return Gallery(tuple(match["gallery"].split()))
    if match["smilie"]:
        return Smilie(match["smilie"])
    return Break()


def plain(nodes: Sequence[Node]) -> str:
    """
    The author's own words, with quotations and images left out.

    A line break is a line feed, an empty line between paragraphs stays, white space within a line is
    folded; smilies as `:hi:`, links as their visible text, list items as lines.
    """
    text = ""
    for node in nodes:
        match node:
            case Words(words) | Anchor(_, words):
                text += words
            case Smilie(name):
                text += f":{name}:"
            case Break():
                text += "\n"
            case Bullets(items):
                text = _line_ended(text) + "\n".join(items) + "\n"
            case Quotation() | Gallery():
                text = _line_ended(text)
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip("\n")


def _line_ended(text: str) -> str:
    """A block begins on a line of its own."""
    return text if not text or text.endswith("\n") else text + "\n"


def quotes(nodes: Sequence[Node], level: int = 1) -> Iterator[Quote]:
    """The quotations in the order in which they begin; an outer one's text is without the inner ones."""
    for node in nodes:
        if isinstance(node, Quotation):
            text = plain(node.nodes)
            yield Quote(text=text, author=node.author, level=level, comment_id=node.comment_id)
            yield from quotes(node.nodes, level + 1)


def links(nodes: Sequence[Node]) -> tuple[Link, ...]:
    """The links with their true targets."""
    return tuple(Link(text=node.text, url=node.url) for node in nodes if isinstance(node, Anchor))


def images(nodes: Sequence[Node]) -> tuple[str, ...]:
    """Paths of the attached images."""
    return tuple(path for node in nodes if isinstance(node, Gallery) for path in node.paths)


def html(nodes: Sequence[Node], *, base_url: str, quotation: Callable[[Quotation, str], str]) -> str:
    """
    What the engine of versions 13 to 16 prints.

    Args:
        base_url: Scheme and host of the site, for its redirect.

        quotation: Frames a quotation, given its inner markup: its title needs words of the edition.
    """
    parts = []
    for node in nodes:
        match node:
            case Words(words):
                parts.append(escaped(words))
            case Break():
                parts.append("<br />")
            case Smilie(name):
                path = f"/engine/data/emoticons/{name}"
                parts.append(
                    f'<!--smile:{name}--><img alt="{name}" class="emoji" src="{path}.png" '
                    f'srcset="{path}@2x.png 2x"><!--/smile-->'
                )
            case Anchor(url, words):
                target = percent_encoded(b64encode(url.encode()).decode(), safe="")
                parts.append(
                    f'<!--dle_leech_begin--><a href="{base_url}/index.php?do=go&amp;url={target}" '
                    f'target="_blank">{escaped(words)}</a><!--dle_leech_end-->'
                )
            case Bullets(items):
                parts.append("<ul>" + "".join(f"<li>{escaped(item)}</li>" for item in items) + "</ul>")
            case Gallery(paths):
                parts.append(_gallery(paths))
            case Quotation():
                parts.append(quotation(node, html(node.nodes, base_url=base_url, quotation=quotation)))
    return "".join(parts)


def _gallery(paths: Sequence[str]) -> str:
    items = (f'<li><a href="{path}" target="_blank"><img src="{path}" alt=""></a></li>' for path in paths)
    return f'<ul class="comments-image-gallery">{"".join(items)}</ul>'


def escaped(text: str) -> str:
    """Text as the engine stores it: it also writes the dollar and the hard space as references."""
    return escape(text).replace("$", "&#036;").replace("\N{NO-BREAK SPACE}", "&nbsp;")
