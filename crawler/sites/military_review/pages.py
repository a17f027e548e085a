"""
What the pages of Military Review say.

Pure functions from the text of a page to an item. Each first asks whether this is the page that its
address promises, and raises NotUnderstood where it is not, naming what was missing and the address.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from parsel import Selector
from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle import ajax, paging
from crawler.dle.addresses import Address, address, ajax_address, ajax_path
from crawler.dle.comments import NotAlike, comments, rating
from crawler.dle.recognition import NAMES, not_shown, recognised
from crawler.dle.repeats import Shortened, shortened
from crawler.dle.text import Written, beginning, folded, written
from crawler.dle.tree import tree
from crawler.errors import OBSTACLES, NotUnderstood
from crawler.items import Article, ArticlePage, CommentAnswer, CommentPage, Entry, ListingPage
from crawler.reading import PageReaders, refuse_pathological
from crawler.site import Edition
from crawler.sites.military_review import skins
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
#: What stands in place of the form where a thread is closed: by hand, or by its age.
_CLOSED = re.compile(
    r"""\bcomment\w*\b.{0,60}\b(?:closed|disabled|switched\ off|no\ longer)\b
      | \bcomment\w*\b.{0,60}\b(?:only|possible)\b.{0,40}\b(?:within|during|for)\b.{0,20}\bdays?\b
      | комментир\w+.{0,60}(?:закрыт|отключ|невозмож|запрещ|прекращ|заверш)
      | комментари\w+.{0,40}(?:закрыт|отключ|больше\ не\ приним)
      | комментир\w+.{0,60}в\ течени\w+.{0,20}(?:дней|дня)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: Longer than any such note.
_LONGEST_FOOTNOTE = 900
_LONGEST_CAPTION = 300
#: Longer than nearly any title, lead or byline.
_LONGEST_FIELD = 400

#: The engine's own marks of a thread, one of which a page has even where nobody has written yet.
_THREAD = (
    "#dle-comments-list, #dlemasscomments, #dle-ajax-comments, #dle-comments-form, .comments-tree-list,"
    " [id^='comment-id-']"
)

#: "&#xD800;" to "&#xDFFF;", also in decimal.
_HALF_CHARACTER = re.compile(
    r"&#(?:x0*d[89a-f][0-9a-f]{2}|0*(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));",
    re.IGNORECASE,
)

_SECTION_PATH = re.compile(r"/([a-z][a-z0-9_-]*(?:/[a-z][a-z0-9_-]*)*)/")
_PAGE_PATH = re.compile(r"(.*/)page/([0-9]{1,6})/")


def article_page(html: str, url: str, edition: Edition) -> ArticlePage:
    """
    The article on a page, and the comments of one comment page.

    Raises:
        NotUnderstood: The page does not show the article of its address; it is cut short; it says that
            there are comments and shows none; or its comments are not built as the engine builds them.
    """
    short = shortened(html)
    if short is not None:
        try:
            return _article_page(short.html, url, edition, short)
        except (NotAlike, NotUnderstood):
            pass  # The whole page is sure to read right, and to say what is wrong with it.
    return _article_page(html, url, edition, None)


def _article_page(html: str, url: str, edition: Edition, short: Shortened | None) -> ArticlePage:
    where = address(url)
    if where is None:
        raise NotUnderstood(f"{url} is not the address of an article")
    if where.printed:
        raise NotUnderstood(f"{url} is {NAMES['print']}", kind="print")
    document = LexborHTMLParser(html)
    shown = _shown_address(document, url, edition)
    if shown is not None and shown.id != where.id:
        raise NotUnderstood(f"{url} shows article {shown.id} instead", kind="moved")
    skin, frame, body = _frame(document)
    heading = (frame and frame.css_first("h1")) or document.css_first("h1")
    title = folded(heading.text()) if heading is not None else ""
    missing = None
    has_thread = document.css_first(_THREAD) is not None
    if shown is None and not has_thread and (skin is None or document.css_first("#full-story") is None):
        missing = "neither a canonical link nor the frame of one nor a thread"
    elif not title:
        missing = "it has no title"
    elif skin is None and not has_thread:
        missing = "neither its text nor its thread is where a known template has them"
    if missing is not None:
        raise not_shown(f"{url} shows no article", document, html, missing=missing)
    if "</html" not in html[-20_000:].lower():
        raise NotUnderstood(f"{url} is cut short: the page has no end")
    path = _named(document, where, shown, url, edition).article_path

    thread = tree(html, short.tags if short is not None else None)
    try:
        block = comments(
            document,
            thread,
            skins=skins.COMMENTS,
            base_url=_base(edition),
            article_id=where.id,
            repeats=short,
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"{url}: {error}") from error
    article = _article(document, where.id, path, title, skin, frame, body, edition)
    if short is not None and _swallows(article):
        raise NotAlike
    stated = article.comments_stated
    number = where.comment_page
    if stated and number == 1 and not block.comments:
        raise NotUnderstood(f"{url} says that there are {stated} comments and shows none that can be read")
    pages = paging.page_count(document, html, article_id=where.id, number=number)
    part = where.article_page
    parts = paging.part_count(document, html, article_id=where.id, part=part)
    remarks = list(block.remarks)
    if skin is None:
        remarks.append("the article's template is not known: title and comments were read, its text was not")
    if parts > 1:
        remarks.append(f"the article is divided into {parts} pages: the text is that of page {part} alone")
    return ArticlePage(
        article=replace(article, part=part, parts=parts) if parts > 1 else article,
        comments=CommentPage(
            number=number,
            comments=block.comments,
            stated=stated,
            pages=pages,
            next_path=paging.next_path(path=path, number=number, pages=pages),
            closed=_is_closed(document),
            flat=bool(block.comments) and not thread.parents,
        ),
        skin=block.skin or (skin.name if skin else "unknown"),
        remarks=tuple(remarks),
    )


def comment_answer(text: str, url: str, edition: Edition) -> CommentAnswer:
    """
    The comments that the engine answers the script which loads them.

    Raises:
        NotUnderstood: The engine refuses, or answers something else; or the comments are not built as the
            engine builds them.
    """
    where = ajax_address(url)
    if where is None:
        raise NotUnderstood(f"{url} is not an address that comments are loaded from")
    found = ajax.fragment(text, url)
    html = found.comments + found.navigation
    refuse_pathological(html, url)
    document = LexborHTMLParser(html)
    try:
        block = comments(
            document, tree(html), skins=skins.COMMENTS, base_url=_base(edition), article_id=where.article_id
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"{url}: {error}") from error
    if not block.comments:
        body = LexborHTMLParser(found.comments).body
        missing = None
        if found.bare and document.css_first(_THREAD) is None:
            missing = "there is neither a comment nor any mark of a thread"
        elif body is not None and beginning(body):
            missing = "there are words, but none in a comment as the engine builds them"
        if missing is not None:
            raise not_shown(f"{url} answers no comments", document, html, missing=missing)
    pages = paging.page_count(document, html, article_id=where.article_id, number=where.number)
    following = None
    if where.skin is not None and pages is not None and where.number < pages:
        following = ajax_path(where.era, where.article_id, where.number + 1, where.skin)
    return CommentAnswer(
        article_id=where.article_id,
        comments=CommentPage(number=where.number, comments=block.comments, pages=pages, next_path=following),
        skin=block.skin or "unknown",
        remarks=block.remarks,
    )


def listing_page(html: str, url: str, edition: Edition) -> ListingPage:
    """
    The articles that a section, a day or the front page lists, in the order of the page.

    Raises:
        NotUnderstood: The page is not one of the engine's, or links to articles in no known way.
    """
    page = Selector(text=html, type="html")
    entries: dict[int, Entry] = {}
    for link in page.css(skins.CARD_LINKS):
        target = _own_article(link.xpath("@href").get(""), url, edition)
        if target is None or target.id in entries:
            continue
        card = link.xpath("ancestor::article[1]") or link.xpath(
            "ancestor::*[contains(@class,'shortstory')][1]"
        )
        times = card.css("time")
        entries[target.id] = Entry(
            id=target.id,
            path=target.article_path,
            title=folded(link.xpath("string()").get("")) or None,
            published_raw=_first(times.xpath("@datetime").getall())
            or _first(times.xpath("string()").getall()),
            comments_stated=_first_count(card.css(skins.CARD_COMMENTS).xpath("string()").getall()),
        )
    if not entries:
        document = LexborHTMLParser(html)
        content = document.css_first("#dle-content")
        if content is None:
            missing = "it has neither cards nor the engine's #dle-content"
            raise not_shown(f"{url} lists no articles", document, html, missing=missing)
        links = (node.attributes.get("href") or "" for node in content.css("a"))
        if any(_own_article(href, url, edition) for href in links):
            raise NotUnderstood(f"{url} links to articles, but not in a card of any known template")
        # "Nothing found" is what stands behind the last page of a section, and on a day without news.
        kind = recognised(document, html)
        if kind in OBSTACLES or kind == "login":
            raise NotUnderstood(f"{url} lists no articles: it is {NAMES[kind]}", kind=kind)
    return ListingPage(entries=tuple(entries.values()), next_path=_next_listing(page, url))


def feed(xml: str, url: str, edition: Edition) -> ListingPage:
    """
    The articles in an RSS feed, also in the one for Dzen.

    Raises:
        NotUnderstood: It is no feed.
    """
    document = _xml(xml)
    if not document.xpath("/*[local-name()='rss' or local-name()='RDF']"):
        raise NotUnderstood(f"{url} is no feed: there is no rss element")
    return _entries(
        (
            (
                _texts(item, "link") + _texts(item, "guid"),
                _first(_texts(item, "title")),
                _first(_texts(item, "pubDate")),
            )
            for item in document.xpath("//*[local-name()='item']")
        ),
        url,
        edition,
    )


def sitemap(xml: str, url: str, edition: Edition) -> ListingPage:
    """
    The articles in a sitemap, or the further sitemaps that an index of them names.

    Raises:
        NotUnderstood: It is neither.
    """
    document = _xml(xml)
    if document.xpath("/*[local-name()='sitemapindex']"):
        paths = [
            urlsplit(place).path
            for item in document.xpath("/*/*[local-name()='sitemap']")
            for place in _texts(item, "loc")
            if _is_own(place, url, edition)
        ]
        return ListingPage(entries=(), lists=tuple(dict.fromkeys(paths)))
    if not document.xpath("/*[local-name()='urlset']"):
        raise NotUnderstood(f"{url} is no sitemap: there is neither an urlset nor a sitemapindex")
    return _entries(
        (
            (_texts(item, "loc"), None, _first(_texts(item, "lastmod")))
            for item in document.xpath("/*/*[local-name()='url']")
        ),
        url,
        edition,
    )


PAGES = PageReaders(
    article=article_page, listing=listing_page, feed=feed, sitemap=sitemap, answer=comment_answer
)


# --- the article ------------------------------------------------------------------------------------------


def _shown_address(document: LexborHTMLParser, url: str, edition: Edition) -> Address | None:
    """The article that the page itself says it shows, in its canonical link or og:url."""
    head = document.head
    if head is None:
        return None
    for node in head.css("link[rel='canonical'], meta[property='og:url']"):
        attributes = node.attributes
        place = (attributes.get("href") or attributes.get("content") or "").strip()
        shown = address(_joined(url, place)) if place and _is_own(place, url, edition) else None
        if shown is not None:
            return shown
    return None


def _named(
    document: LexborHTMLParser, where: Address, shown: Address | None, url: str, edition: Edition
) -> Address:
    """The article's address with its slug: the page's own, or else the one asked, or one that the page links to."""
    if shown is not None and shown.slug is not None:
        return shown
    if where.slug is None:
        for node in document.css(f"a[href*='{where.id}-']"):
            linked = _own_article(node.attributes.get("href") or "", url, edition)
            if linked is not None and linked.id == where.id:
                return linked
    return where


def _is_closed(document: LexborHTMLParser) -> bool:
    """Whether the page says that no more comments are accepted."""
    return any(_CLOSED.search(beginning(node)) for node in document.css(skins.NOTICES))


def _swallows(article: Article) -> bool:
    """Whether a field is so long that its element may have been left open, and holds the comments, too."""
    fields = (article.title, article.lead, article.byline, article.published_raw, *article.tags)
    return any(field is not None and len(field) > _LONGEST_FIELD for field in fields)


def _frame(
    document: LexborHTMLParser,
) -> tuple[ArticleSkin | None, LexborNode | None, LexborNode | None]:
    """The first skin that fits, the frame of the article and its text."""
    for skin in skins.ARTICLES:
        frame = document.css_first(skin.frame)
        body = frame.css_first(skin.body) if frame is not None else None
        if body is not None:
            return skin, frame, body
    return None, None, None


def _article(
    document: LexborHTMLParser,
    id: int,
    path: str,
    title: str,
    skin: ArticleSkin | None,
    frame: LexborNode | None,
    body: LexborNode | None,
    edition: Edition,
) -> Article:
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


def _written(node: LexborNode, edition: Edition, *, besides: LexborNode | None = None) -> Written:
    """The text of an article, or of what stands around it, without what is not text."""
    captions, caption_nodes = _captions(node)
    leave_out = {other.mem_id for other in node.css(skins.NOT_TEXT)} | caption_nodes
    if besides is not None:
        leave_out.add(besides.mem_id)
    leave_out.discard(node.mem_id)
    return written(node, base_url=_base(edition), leave_out=leave_out, captions=captions)


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
        match = _SECTION_PATH.fullmatch(_path(node.attributes.get("href") or ""))
        if match and not match[1].startswith(("tags/", "user/")):
            section = match[1]
    return section


def _tags(frame: LexborNode) -> tuple[str, ...]:
    tags = (folded(node.text()) for node in frame.css("a[href*='/tags/']"))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


# --- lists ------------------------------------------------------------------------------------------------


def _entries(
    found: Iterator[tuple[list[str], str | None, str | None]], url: str, edition: Edition
) -> ListingPage:
    entries: dict[int, Entry] = {}
    for places, title, published in found:
        for place in places:
            target = _own_article(place, url, edition)
            if target is not None:
                entries.setdefault(
                    target.id,
                    Entry(id=target.id, path=target.article_path, title=title, published_raw=published),
                )
                break
    return ListingPage(entries=tuple(entries.values()))


def _next_listing(page: Selector, url: str) -> str | None:
    """The path of the next page of a listing, where the page links to any later one."""
    path = urlsplit(url).path or "/"
    match = _PAGE_PATH.fullmatch(path)
    base, number = (match[1], int(match[2])) if match else (path, 1)
    for href in page.css(skins.LISTING_PAGES).xpath("@href").getall():
        later = _PAGE_PATH.fullmatch(_path(_joined(url, href)))
        if later and later[1] == base and int(later[2]) > number:
            return f"{base}page/{number + 1}/"
    return None


def _xml(text: str) -> Selector:
    """The document, without references to halves of characters, over which the XML parser stumbles."""
    return Selector(text=_HALF_CHARACTER.sub("\ufffd", text), type="xml")


def _texts(item: Selector, name: str) -> list[str]:
    found = item.xpath(f"./*[local-name()='{name}']").xpath("string()").getall()
    return [text for text in map(folded, found) if text]


def _first(texts: list[str]) -> str | None:
    return next((text for text in map(folded, texts) if text), None)


def _first_count(texts: list[str]) -> int | None:
    return paging.count(texts[0]) if texts else None


# --- addresses --------------------------------------------------------------------------------------------


def _own_article(place: str, url: str, edition: Edition) -> Address | None:
    """The article that a link leads to, where it leads to one of this site by its full address."""
    if not _is_own(place, url, edition):
        return None
    target = address(_joined(url, place))
    return target if target is not None and target.slug is not None else None


def _is_own(place: str, url: str, edition: Edition) -> bool:
    """
    Whether a link leads to the edition's host, to the host that was asked instead of it, or to the host
    of the original, to which a translation's links may still lead.
    """
    try:
        host = urlsplit(_joined(url, place)).hostname
        asked = urlsplit(url).hostname
    except ValueError:
        return False
    own = urlsplit(edition.base_url).hostname or ""
    original = own.partition(".")[2] if edition.translation_of else own
    return host is not None and host.removeprefix("www.") in (own, original, asked)


def _base(edition: Edition) -> str:
    return edition.base_url + "/"


def _path(href: str) -> str:
    try:
        return urlsplit(href).path
    except ValueError:
        return ""


def _joined(url: str, place: str) -> str:
    try:
        return urljoin(url, place.strip())
    except ValueError:
        return ""
