"""What a page says, where each thing was found, and what in it nobody has read."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from crawler.dle.addresses import address
from crawler.dle.comments import UNKNOWN, Block, comments
from crawler.dle.fields import rating
from crawler.dle.skins import Skin
from crawler.dle.tags import list_tags
from crawler.dle.text import folded
from crawler.dle.tree import tree
from crawler.errors import NotUnderstood
from crawler.items import Article, ArticlePage, Comment, CommentAnswer, CommentPage, ListingPage, Moment
from crawler.normalise import normal_page
from crawler.normalise.numbers import require_possible
from crawler.probe.elements import Own, is_within, own_parts
from crawler.probe.page import Page
from crawler.probe.proposal import DateReader, Proposal, proposal
from crawler.reading import read, refuse_pathological
from crawler.site import Edition
from crawler.sites.military_review import SITE, skins
from crawler.sites.military_review.articles import frame_of
from crawler.sites.military_review.pages import PAGES

#: Values of one field that are kept as examples.
EXAMPLES = 4

#: Where more comments than this share of all lack an author or a readable date, the skin is in doubt.
DOUBTFUL = 0.1

#: What in a skin names the place of each field of an article, and of a comment.
_ARTICLE_PLACES = {
    "body": "body",
    "lead": "lead",
    "section": "section",
    "byline": "byline",
    "published_raw": "date",
    "published_machine": "date",
    "views": "views",
    "comments_stated": "comments",
}
_COMMENT_PLACES = {
    "nickname_raw": "author",
    "profile_name": "author",
    "full_name": "full_name",
    "site_user_id": "avatar",
    "posted_raw": "date",
    "posted_machine": "date",
}
#: Fields that are shown in another way, or say nothing to people.
_NOT_SHOWN = frozenset(("id", "path", "parent_id", "parent_source", "author_kind", "source_hash"))

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What was read for one field: of the article, or of all comments together."""

    name: str
    #: The selector that gave it; None where it was found by the engine's own marks, or in the page's head.
    selector: str | None
    #: In how many it is there: of one article, or of the comments.
    filled: int
    #: The first of its values.
    examples: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The marks by which the version of the engine may be known."""

    generator: str | None
    #: How the thread is written, in words.
    thread: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """What was read of the comments of a page, and what was not."""

    skin: str
    read: tuple[Comment, ...]
    number: int
    stated: int | None
    pages: int | None
    fields: tuple[Field, ...]
    #: How many there are of each parent_source, author_kind and posted_precision.
    parents: Mapping[str, int]
    authors: Mapping[str, int]
    precisions: Mapping[str, int]
    #: Dates as written that cannot be read, and how often each occurs.
    dates_unread: Mapping[str, int]
    #: Words in comments that belong to no field, the most frequent first; numbers in them may differ.
    uncovered: tuple[tuple[str, int], ...]
    proposal: Proposal | None
    #: What is read from the same page where the proposal is its skin.
    proposed: Block | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a probe found."""

    page: Page
    kind: str
    #: Why the page is not understood; None where it is.
    stopped_by: str | None
    engine: Engine | None
    item: ArticlePage | ListingPage | CommentAnswer | None
    article_skin: str | None
    article: tuple[Field, ...]
    #: Also of a page that is not understood, as far as its comments are.
    comments: Comments | None
    remarks: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 where the page is understood, else 5."""
        return 0 if self.stopped_by is None else 5


def findings(page: Page) -> Findings:
    """What a page says, where that was found, and what was not understood."""
    item: ArticlePage | ListingPage | CommentAnswer | None = None
    stopped_by: str | None = None
    try:
        if page.status is not None and page.status != 200:
            where = f" and leads to {page.location}" if page.location else ""
            raise NotUnderstood(f"{page.url} answers {page.status}{where}")
        item = read(
            page.body,
            url=page.url,
            fetched_at=page.at,
            edition=page.edition,
            charset=SITE.charset,
            pages=PAGES,
        )
        if isinstance(item, ArticlePage):
            require_possible(item)
    except NotUnderstood as error:
        item = None
        stopped_by = str(error)
    text = _safe_text(page)
    document = LexborHTMLParser(text) if text is not None and not _is_xml(text) else None
    shown = item if isinstance(item, ArticlePage) else None
    if shown is None and item is None and document is not None and text is not None:
        shown = _comments_alone(page, text, document)
    article_skin = frame_of(document)[0] if document is not None else None
    frame = article_skin.frame if article_skin is not None else ""
    article = isinstance(item, ArticlePage) and document is not None
    return Findings(
        page=page,
        kind=_kind(item, text),
        stopped_by=stopped_by,
        engine=_engine(document, text) if document is not None and text is not None else None,
        item=item,
        article_skin=article_skin.name if article_skin is not None and article else None,
        article=(
            tuple(_article_fields(item.article, document, frame, article_skin))
            if isinstance(item, ArticlePage) and document is not None
            else ()
        ),
        comments=_comments(page, shown, text, document) if shown and document and text else None,
        remarks=shown.remarks if shown else (),
    )


def _safe_text(page: Page) -> str | None:
    """The text of a page that may be given to a parser; None where it is none, or built to harm."""
    try:
        text = page.body.decode(SITE.charset)
        refuse_pathological(text, page.url)
    except (UnicodeDecodeError, NotUnderstood):
        return None
    return text


def _is_xml(text: str) -> bool:
    return text[:200].lstrip("\ufeff \r\n\t").startswith("<?xml")


def _kind(item: ArticlePage | ListingPage | CommentAnswer | None, text: str | None) -> str:
    if isinstance(item, ArticlePage):
        return "article" if item.comments.number == 1 else f"comment page {item.comments.number}"
    if isinstance(item, CommentAnswer):
        return f"comment page {item.comments.number}, loaded by script"
    if item is None:
        return "not understood"
    if text is None or not _is_xml(text):
        return "listing"
    return "sitemap" if "<urlset" in text[:2000] or "<sitemapindex" in text[:2000] else "feed"


def _comments_alone(page: Page, text: str, document: LexborHTMLParser) -> ArticlePage | None:
    """What can be read of the comments on a page that is not understood; None where there are none."""
    where = address(page.url)
    try:
        block = _block(document, text, page.edition, where.id if where else 0, skins.COMMENTS)
        alone = ArticlePage(
            article=Article(id=where.id if where else 0, path=where.article_path if where else "", title=""),
            comments=CommentPage(number=where.comment_page if where else 1, comments=block.comments),
            skin=block.skin or UNKNOWN,
            remarks=block.remarks,
        )
        require_possible(alone)
    except NotUnderstood:
        return None
    return alone if block.comments else None


def _block(
    document: LexborHTMLParser, text: str, edition: Edition, article_id: int, known: Sequence[Skin]
) -> Block:
    return comments(document, tree(text), skins=known, base_url=edition.base_url + "/", article_id=article_id)


# --- the engine -----------------------------------------------------------------------------------------------


def _engine(document: LexborHTMLParser, text: str) -> Engine:
    generator = document.css_first("meta[name='generator']")
    said = folded(generator.attributes.get("content") or "") if generator is not None else ""
    return Engine(generator=said or None, thread=_thread_style(text))


def _thread_style(text: str) -> str:
    parents = tree(text).parents
    if not parents:
        return "no tree: the comments, if there are any, stand one after the other"
    sources = Counter(parent.source for parent in parents.values())
    tags = [(name, rest) for name, rest in list_tags(text) if name in (b"li", b"/li")]
    opened = sum(name == b"li" for name, _ in tags)
    banners = sum(b"comments-tree-item" in rest and b"comments-tree-item-" not in rest for _, rest in tags)
    if 2 * opened > len(tags) + 1:
        return "a tree whose li are left open, as engine 10.5 and 10.6 write it"
    if sources["recovered"]:
        return "a tree with li in li below the depth limit, as engine 13 to 16 writes it"
    if sources["capped"] or banners:
        return "a tree that is flattened below the depth limit, as engine 20 writes it"
    return "a tree of closed lists above the depth limit, as engine 13 to 20 writes it"


# --- the article ----------------------------------------------------------------------------------------------


def _article_fields(
    article: Article, document: LexborHTMLParser, frame: str, skin: skins.ArticleSkin | None
) -> Iterator[Field]:
    for name, value in _shown_values(article):
        selector = getattr(skin, _ARTICLE_PLACES.get(name, ""), None)
        if selector is not None and value is not None and not _says(document, frame, selector, value):
            selector = None  # it was found in another place, such as the page's head
        yield Field(
            name=name,
            selector=selector,
            filled=int(_is_filled(value)),
            examples=(value,) if _is_filled(value) else (),
        )


def _says(document: LexborHTMLParser, frame: str, selector: str, value: Any) -> bool:
    """Whether the first elements that a selector finds in the frame have this value in words or attributes."""
    wanted = folded(str(value))[:40]
    wanted = _digits(wanted) if isinstance(value, int) else wanted
    for around in document.css(frame)[:3]:
        for node in around.css(selector)[:20]:
            told = [node.text(), *(each or "" for each in node.attributes.values())]
            if any(wanted in (_digits(each) if isinstance(value, int) else folded(each)) for each in told):
                return True
    return False


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))


# --- the comments ---------------------------------------------------------------------------------------------


def _comments(page: Page, shown: ArticlePage, text: str, document: LexborHTMLParser) -> Comments | None:
    written = shown.comments.comments
    if not written and shown.comments.stated is None:
        return None
    dates = DateReader(zone=SITE.time_zone, words=SITE.date_words[page.edition.code], seen_at=page.at)
    normal = normal_page(shown, zone=dates.zone, words=dates.words, seen_at=dates.seen_at)
    unread = Counter(
        each.written.posted_raw or each.written.posted_machine or ""
        for each in normal.comments
        if each.posted is None and (each.written.posted_raw or each.written.posted_machine)
    )
    skin = next((skin for skin in skins.COMMENTS if skin.name == shown.skin), None)
    parts = own_parts(document, [comment.id for comment in written])
    proposed: Block | None = None
    found: Proposal | None = None
    if written and _is_doubtful(shown.skin, [(each.written, each.posted) for each in normal.comments]):
        found = proposal(document, parts, dates, name=f"seen-{page.at:%Y-%m}")
    if found is not None:
        proposed = _block(document, text, page.edition, shown.article.id, (found.skin, *skins.COMMENTS))
    return Comments(
        skin=shown.skin,
        read=written,
        number=shown.comments.number,
        stated=shown.comments.stated,
        pages=shown.comments.pages,
        fields=tuple(_comment_fields(written, skin)),
        parents=Counter(comment.parent_source for comment in written),
        authors=Counter(comment.author_kind for comment in written),
        precisions=Counter(each.posted.precision for each in normal.comments if each.posted),
        dates_unread=dict(unread.most_common()),
        uncovered=tuple(_uncovered(parts, {comment.id: comment for comment in written}, skin)),
        proposal=found,
        proposed=proposed,
    )


def _is_doubtful(skin: str, read: Sequence[tuple[Comment, Moment | None]]) -> bool:
    """Whether the page's template seems to be another than those that are known."""
    lacking = sum(not comment.nickname_raw or posted is None for comment, posted in read)
    return skin == UNKNOWN or lacking > DOUBTFUL * len(read)


def _comment_fields(written: Sequence[Comment], skin: Skin | None) -> Iterator[Field]:
    by_name: dict[str, list[Any]] = {}
    for comment in written:
        for name, value in _shown_values(comment):
            by_name.setdefault(name, []).append(value)
    for name, values in by_name.items():
        filled = [value for value in values if _is_filled(value)]
        place = _COMMENT_PLACES.get(name)
        yield Field(
            name=name,
            selector=getattr(skin, place) if skin is not None and place is not None else None,
            filled=len(filled),
            examples=tuple(dict.fromkeys(map(_plain, filled)))[:EXAMPLES],
        )


def _uncovered(
    parts: Iterable[Own], written: Mapping[int, Comment], skin: Skin | None
) -> list[tuple[str, int]]:
    """The words in comments that no field covers, with how many comments have them."""
    counted = Counter[str]()
    example: dict[str, str] = {}
    places = [skin.author, skin.date, skin.full_name] if skin is not None else []
    for own in parts:
        comment = written[own.id]
        elements = {node.mem_id for node in own.elements}
        covered = {
            next((node.mem_id for node in own.root.css(place) if node.mem_id in elements), 0)
            for place in places
            if place is not None
        }
        rest = {_unread(words, comment) for words, node in own.words if not is_within(node, covered)} - {""}
        for words in rest:
            shape = _DIGITS.sub("0", words)[:80]
            counted[shape] += 1
            example.setdefault(shape, words)
    return [(example[shape], count) for shape, count in counted.most_common()]


def _unread(words: str, comment: Comment) -> str:
    """What is left of some words of a comment without the values of its fields."""
    number = rating(words)
    if number is not None and number == comment.rating:
        return ""
    if words in (folded(comment.nickname_raw), comment.full_name, f"({comment.full_name})"):
        return ""
    if comment.posted_raw:
        words = words.replace(comment.posted_raw, "", 1)
        words = "" if words and words in comment.posted_raw else words
    words = words.strip()
    return words if any(map(str.isalnum, words)) else ""


# --- values ---------------------------------------------------------------------------------------------------


def _shown_values(value: Article | Comment) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if field.name not in _NOT_SHOWN:
            yield field.name, getattr(value, field.name)


def _is_filled(value: Any) -> bool:
    return value is not None and value != "" and value != ()


def _plain(value: Any) -> Any:
    """A value that can be compared and shown: of a list its first element's text or address."""
    if isinstance(value, tuple):
        value = value[0]
    for name in ("url", "text"):
        value = getattr(value, name, value)
    return value
