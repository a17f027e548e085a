"""
How comments are built, divided into pages, and nested.

The question that a public function answers stands in `QUESTIONS`.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.addresses import address
from crawler.errors import NotUnderstood
from crawler.items import ArticlePage, Comment
from crawler.survey.questions.words import lines_or_nothing, listed
from crawler.survey.received import NothingReceived, Purpose, Survey

_COMMENT_ID = re.compile(r"""\bid\s*=\s*["']comment-id-(\d{1,18})["']""")

#: Lines of an outline that are shown.
OUTLINE_LINES = 60


def in_first_html(survey: Survey) -> str:
    page = survey.page("article")
    shown = len(set(_COMMENT_ID.findall(page.text)))
    try:
        comments = survey.article(page).comments
    except NotUnderstood as error:
        return f"{shown} comments stand in the first HTML of {page.url}; our reader fails: {error}."
    stated, pages = comments.stated, comments.pages
    return (
        f"{'Yes' if shown else 'NO'}: {shown} comments stand in the first HTML of {page.url}; "
        f"the page says that there are {'?' if stated is None else stated} on {pages or '?'} pages."
    )


def markup(survey: Survey) -> str:
    page = survey.page("article")
    try:
        read: ArticlePage | None = survey.article(page)
        first = read.comments.comments[0] if read and read.comments.comments else None
        told = f"our skin {read.skin} fits" if read and read.skin != "unknown" else "NO skin of ours fits"
    except NotUnderstood as error:
        read, first, told = None, None, f"our reader fails: {error}"
    ids = _COMMENT_ID.findall(page.text)
    if not ids:
        raise NothingReceived(f"{page.url} has no element comment-id-N")
    number = str(first.id) if first else ids[0]
    marks = _marks(first) if first else {}
    return "\n".join([f"{told}; one comment, without its words:", *outline(page.text, number, marks)])


def _marks(comment: Comment) -> dict[str, str]:
    """What the words of a comment are, by the words."""
    rating = (
        {} if comment.rating is None else {f"{comment.rating:+d}": "RATING", str(comment.rating): "RATING"}
    )
    written = {comment.nickname_raw: "NICK", comment.posted_raw or "": "DATE"}
    return {words: mark for words, mark in (rating | written).items() if words}


def outline(html: str, comment_id: str, marks: Mapping[str, str]) -> list[str]:
    """
    The elements of one comment, indented, with ids, classes and names of other attributes, without words.

    Args:
        comment_id: Its number; N stands for it in the outline.

        marks: What certain words are: {"Rotmistr": "NICK"}. Other words are shown as "…".
    """
    top = LexborHTMLParser(html).css_first(f"[id='comment-id-{comment_id}']")
    if top is None:
        return []
    lines: list[str] = []
    # A stack, not recursion: the page may be built to harm.
    stack: list[tuple[LexborNode, int]] = [(top, 0)]
    while stack and len(lines) < OUTLINE_LINES:
        node, depth = stack.pop()
        lines.append("  " * min(depth, 20) + _element(node, comment_id, marks))
        if (node.attributes.get("id") or "") == f"comm-id-{comment_id}":
            continue  # what the author wrote
        inner = [child for child in node.iter(include_text=False) if child.tag not in ("script", "style")]
        other = [child for child in inner if not _is_other_comment(child, comment_id)]
        stack += [(child, depth + 1) for child in reversed(other)]
    return lines if not stack else [*lines, "…"]


def _is_other_comment(node: LexborNode, comment_id: str) -> bool:
    found = re.fullmatch(r"comment(?:-id|s-tree-item)-(\d+)", node.attributes.get("id") or "")
    return found is not None and found[1] != comment_id


def _element(node: LexborNode, comment_id: str, marks: Mapping[str, str]) -> str:
    attributes = {name: (value or "").replace(comment_id, "N") for name, value in node.attributes.items()}
    name = node.tag or "?"
    name += f"#{attributes['id']}" if attributes.get("id") else ""
    name += "".join(f".{each}" for each in attributes.get("class", "").split())
    others = []
    for key, value in attributes.items():
        if key in ("id", "class"):
            continue
        shape = urlsplit(value).path.split("/")[1:2] if key in ("href", "src") else []
        others.append(f'{key}="/{shape[0][:20]}/…"' if shape and shape[0] else key)
    name += f"[{' '.join(others)}]" if others else ""
    words = " ".join(node.text(deep=False).split())
    return f"{name} {marks.get(words, '…')}" if words else name


def paging(survey: Survey) -> str:
    page = survey.page("article")
    number = address(page.url)
    links = re.findall(r"/page,1,(\d{1,6}),(\d{1,18})-", page.text)
    linked = {int(n) for n, article in links if number is not None and int(article) == number.id}
    modes = []
    if "CommentsPage(" in page.text:
        modes.append("AJAX links (onclick CommentsPage)")
    elif linked:
        modes.append("plain links")
    if found := re.search(r"total_comments_pages\s*=\s*'?(\d+)", page.text):
        modes.append(f"lazy loading (total_comments_pages = {found[1]})")
    elif "ajax_comments_area" in page.text:
        modes.append("lazy loading (ajax_comments_area)")
    if not modes:
        return f"{page.url} has only one comment page, or hides the others: no link, no AJAX call, no page total."
    return f"{' and '.join(modes)}; the highest page that is linked is {max(linked, default=0) or 'none'}."


def sizes(survey: Survey) -> str:
    page = survey.page("article")
    comments = survey.article(page).comments.comments
    if not comments:
        raise NothingReceived(f"{page.url} shows no comments")
    depths = _depths(comments)
    sources = Counter(comment.parent_source for comment in comments)
    roots = sum(comment.parent_id is None for comment in comments)
    return (
        f"{len(comments)} comments on the first page, {roots} of them roots; the deepest is at level "
        f"{max(depths.values())} (a root is at 0); parents known by {listed(f'{k}: {n}' for k, n in sources.items())}."
    )


def _depths(comments: Sequence[Comment]) -> dict[int, int]:
    """The level of each comment of a page, where parents stand before their answers; a root is at 0."""
    depths: dict[int, int] = {}
    for comment in comments:
        depths[comment.id] = depths[comment.parent_id] + 1 if comment.parent_id in depths else 0
    return depths


def second_page(survey: Survey) -> str:
    page = survey.page("comments")
    first = set(_COMMENT_ID.findall(survey.page("article").text))
    second = set(_COMMENT_ID.findall(page.text))
    return (
        f"Yes: {page.url} shows {len(second)} comments, {len(second - first)} of them not on the first page."
    )


def behind_the_last(survey: Survey) -> str:
    tried = list(survey.all("beyond"))
    if not tried or tried[-1].failure:
        survey.page("beyond")
    page = tried[-1]
    seen = set(_COMMENT_ID.findall(survey.page("article").text + survey.page("comments").text))
    shown = set(_COMMENT_ID.findall(page.text))
    leads = f" and leads to {page.header('Location')[0]}" if page.header("Location") else ""
    return f"{page.url} answers {page.status}{leads}, with {len(shown)} comments, {len(shown - seen)} of them new."


def ajax(survey: Survey) -> str:
    lines = []
    for page in survey.all("ajax"):
        if page.failure or page.status != 200:
            lines.append(f"{page.url} {page.failure or f'answered {page.status}'}.")
            continue
        try:
            told = json.loads(page.text)
        except ValueError:
            lines.append(f"{page.url} answers no JSON but {page.text[:80]!r}.")
            continue
        if not isinstance(told, dict):
            lines.append(f"{page.url} answers JSON that is no object.")
            continue
        shown = len(set(_COMMENT_ID.findall(str(told.get("comments")))))
        lines.append(f"{page.url} answers JSON with {listed(told)}; {shown} comments in it.")
    return lines_or_nothing(lines, "it was not asked for, as no article was received")


def old_thread(survey: Survey) -> str:
    page = survey.page("old")
    shown = len(set(_COMMENT_ID.findall(page.text)))
    tree = "comments-tree-item-" in page.text
    lines = [f"{page.url}: {shown} comments, {'in a tree' if tree else 'flat'}."]
    try:
        sources = Counter(comment.parent_source for comment in survey.article(page).comments.comments)
        lines.append(f"Parents known by {listed(f'{kind}: {count}' for kind, count in sources.items())}.")
    except NotUnderstood as error:
        lines.append(f"Our reader fails: {error}.")
    return "\n".join(lines)


def by_number(survey: Survey) -> str:
    lines = []
    by_number: tuple[Purpose, ...] = ("seed", "old")
    for purpose in by_number:
        for page in survey.all(purpose):
            leads = f", leads to {page.header('Location')[0]}" if page.header("Location") else ""
            lines.append(f"{page.url}: {page.failure or page.status}{leads}")
    return lines_or_nothing(lines, "no article was asked for by its number")
