"""What the article's part of a page says: its text without what is not text, and all that stands around it."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle import paging
from crawler.dle.fields import rating
from crawler.dle.text import Written, folded, written
from crawler.items import Article
from crawler.site import Edition
from crawler.sites.military_review import skins
from crawler.sites.military_review.links import base, path_of
from crawler.sites.military_review.skins import ArticleSkin

_CREDIT = re.compile(
    r"(?:photos?\s+used|использован\w*\s+фото(?:графи\w+)?|использованы\s+материалы|使用した写真)\s?[:：]\s*(.*)",
    re.IGNORECASE,
)

#: What the page says to its reader below the article.
_BOILERPLATE = re.compile(
    r"""dear\ reader,.*comment.* | уважаемый\ читатель,.*комментари.*
      | .{0,120}\bctrl\s?\+?\s?enter\b.{0,60}
      | (?:i\ have\ an\ account|already\ (?:have|registered)|уже\ (?:есть|зарегистрир)).{0,40}(?:sign\ in|войти).*
      | (?:information|информация|情報|share|поделиться|reklama|реклама|advertis\w*)
    """,
    re.VERBOSE | re.IGNORECASE,
)

#: Notes on organisations that are banned or must be marked by law.
_FOOTNOTE = re.compile(
    r"""\*.*
      | .*(?:запрещ\w+|banned|prohibited).{0,60}(?:росси|\bрф\b|russia).*
      | .*(?:призна\w+|recogni[sz]ed|designated).{0,80}
        (?:террорист|экстремист|иноагент|иностранн|terrorist|extremist|foreign\ agent).*
      | .*(?:выполня\w+\ функции\ иностранного\ агента|performing\ the\ functions\ of\ a\ foreign\ agent).*
    """,
    re.VERBOSE | re.IGNORECASE,
)

#: Longer than any such note.
_LONGEST_FOOTNOTE = 900

_LONGEST_CAPTION = 300

#: Longer than nearly any title, lead or byline.
_LONGEST_FIELD = 400

_SECTION_PATH = re.compile(r"/([a-z][a-z0-9_-]*(?:/[a-z][a-z0-9_-]*)*)/")


def frame_of(
    document: LexborHTMLParser,
) -> tuple[ArticleSkin | None, LexborNode | None, LexborNode | None]:
    """The first skin that fits, the frame of the article and its text."""
    for skin in skins.ARTICLES:
        frame = document.css_first(skin.frame)
        body = frame.css_first(skin.body) if frame is not None else None
        if body is not None:
            return skin, frame, body
    return None, None, None


def article_in(
    document: LexborHTMLParser,
    id: int,
    path: str,
    title: str,
    skin: ArticleSkin | None,
    frame: LexborNode | None,
    body: LexborNode | None,
    edition: Edition,
) -> Article:
    """
    The article in its frame; of a page in an unknown template only what does not depend on one.

    Args:
        skin, frame, body: What `frame_of` found.
    """
    if skin is None or frame is None or body is None:
        return Article(id=id, path=path, title=title, comments_stated=paging.stated_count(document))
    text = _written(body, edition)
    lines, credit = _without_credit(text.body.split("\n"))
    lines = [line for line in lines if not _BOILERPLATE.fullmatch(line)]
    lines, footnotes = _without_footnotes(lines)
    if credit is None:
        around = _written(frame, edition, besides=body)
        credit = _without_credit(around.body.split("\n"))[1]
    time = frame.css_first(skin.date)
    views = frame.css_first(skin.views)
    counted = frame.css_first(skin.comments)
    stated = paging.count(counted.text()) if counted is not None else None
    if stated is None:
        stated = paging.stated_count(document)
    votes = frame.css_first(f"#ratig-layer-{id}, [data-ratig-layer-id='{id}']")
    return Article(
        id=id,
        path=path,
        title=title,
        lead=_said(frame, skin.lead) or _meta(document, "og:description", "description"),
        body=re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(),
        footnotes=tuple(footnotes),
        section=_section(frame, skin),
        byline=_said(frame, skin.byline),
        source_credit=credit,
        tags=_tags(frame),
        images=text.images,
        published_raw=(folded(time.text()) or None) if time is not None else None,
        published_machine=_machine_date(document, frame, time),
        views=paging.count(views.text()) if views is not None else None,
        rating=rating(votes.text()) if votes is not None else None,
        comments_stated=stated,
    )


def swallows(article: Article) -> bool:
    """Whether a field is so long that its element may have been left open, and holds the comments, too."""
    fields = (article.title, article.lead, article.byline, article.published_raw, *article.tags)
    return any(field is not None and len(field) > _LONGEST_FIELD for field in fields)


def _written(node: LexborNode, edition: Edition, *, besides: LexborNode | None = None) -> Written:
    """The text of an article, or of what stands around it, without what is not text."""
    captions, caption_nodes = _captions(node)
    leave_out = {other.mem_id for other in node.css(skins.NOT_TEXT)} | caption_nodes
    if besides is not None:
        leave_out.add(besides.mem_id)
    leave_out.discard(node.mem_id)
    return written(node, base_url=base(edition), leave_out=leave_out, captions=captions)


def _captions(body: LexborNode) -> tuple[dict[int, str], set[int]]:
    """The captions of images by the image's memory id, and the elements that hold them."""
    captions: dict[int, str] = {}
    nodes: set[int] = set()
    for image in body.css("figure img, div[style*='center'] img"):
        caption = _caption_element(image)
        if caption is not None and caption.mem_id not in nodes:
            text = folded(caption.text())
            if text and len(text) <= _LONGEST_CAPTION and caption.css_first("img") is None:
                captions[image.mem_id] = text
                nodes.add(caption.mem_id)
    return captions, nodes


def _caption_element(image: LexborNode) -> LexborNode | None:
    """The element beside an image that may be its caption: behind it, or behind the box that centres it."""
    box = image.parent
    while box is not None and box.tag not in ("div", "figure"):
        image, box = box, box.parent
    beside = _next_element(image)
    if beside is not None:
        return beside if beside.tag in ("div", "span", "figcaption", "i", "em") else None
    behind = _next_element(box) if box is not None and box.tag == "div" else None
    if behind is None or behind.tag not in ("div", "span"):
        return None
    return behind if "center" in (behind.attributes.get("style") or "") else None


def _next_element(node: LexborNode) -> LexborNode | None:
    """The next element beside a node; None where words come first."""
    here = node.next
    while here is not None:
        if here.tag == "-text":
            if (here.text_content or "").strip():
                return None
        elif here.tag != "-comment":
            return here
        here = here.next
    return None


def _without_credit(lines: list[str]) -> tuple[list[str], str | None]:
    """The lines without the one that names the source of the images, and that source."""
    for place, line in enumerate(lines):
        match = _CREDIT.fullmatch(line)
        if match is None:
            continue
        credit, last = match[1].strip(), place
        if not credit:
            following = next((at for at in range(place + 1, len(lines)) if lines[at]), None)
            if following is not None and not _BOILERPLATE.fullmatch(lines[following]):
                credit, last = lines[following], following
        return lines[:place] + lines[last + 1 :], credit or None
    return lines, None


def _without_footnotes(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines without the notes at their end, and those notes."""
    end = len(lines)
    notes: list[str] = []
    while end and (not lines[end - 1] or _is_footnote(lines[end - 1])):
        end -= 1
        if lines[end]:
            notes.append(lines[end])
    return lines[:end], notes[::-1]


def _is_footnote(line: str) -> bool:
    return len(line) <= _LONGEST_FOOTNOTE and _FOOTNOTE.fullmatch(line) is not None


def _said(frame: LexborNode, selector: str) -> str | None:
    """The words of the first element that a selector finds, or its attribute content."""
    for node in frame.css(selector):
        said = folded(node.attributes.get("content") or node.text())
        if said:
            return said
    return None


def _meta(document: LexborHTMLParser, *names: str) -> str | None:
    """What the first of these names says in the page's head."""
    if document.head is not None:
        for name in names:
            node = document.head.css_first(f"meta[property='{name}'], meta[name='{name}']")
            said = folded(node.attributes.get("content") or "") if node is not None else ""
            if said:
                return said
    return None


def _machine_date(document: LexborHTMLParser, frame: LexborNode, time: LexborNode | None) -> str | None:
    if time is not None and (time.attributes.get("datetime") or "").strip():
        return (time.attributes.get("datetime") or "").strip()
    return _said(frame, "meta[itemprop='datePublished']") or _meta(document, "article:published_time")


def _section(frame: LexborNode, skin: ArticleSkin) -> str | None:
    """The path of the article's section: "news", "armament/drones"."""
    section = None
    for node in frame.css(skin.section):
        match = _SECTION_PATH.fullmatch(path_of(node.attributes.get("href") or ""))
        if match and not match[1].startswith(("tags/", "user/")):
            section = match[1]
    return section


def _tags(frame: LexborNode) -> tuple[str, ...]:
    tags = (folded(node.text()) for node in frame.css("a[href*='/tags/']"))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
