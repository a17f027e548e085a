"""
What the pages answer: pure functions from what was received to words.

Each question is a function that returns its answer, or raises `NothingReceived` or `NotUnderstood` where that could
not be told. Where our own page functions fail, and that is what a survey finds out, regular expressions still say
something.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.addresses import address
from crawler.errors import NotUnderstood, UnreadableDate
from crawler.fetching import robots
from crawler.items import ArticlePage, Comment
from crawler.normalise import timestamps
from crawler.site import Edition
from crawler.survey.received import NothingReceived, Purpose, Received, Survey

#: What robots.txt is asked about.
PATHS: Mapping[str, str] = {
    "articles": "/128836-slug.html",
    "comment pages": "/page,1,2,128836-slug.html",
    "articles by number": "/index.php?newsid=128836",
    "feed": "/rss.xml",
    "front page": "/",
    "sections": "/news/",
    "section pages": "/news/page/2/",
    "days": "/2017/11/03/",
    "sitemap": "/sitemap.xml",
    "AJAX (engine 13 to 16)": "/engine/ajax/controller.php?mod=comments&cstart=2&news_id=128836",
    "AJAX (engine 20)": "/index.php?controller=ajax&mod=comments&cstart=2&news_id=128836",
}

#: What every edition is asked for.
ASKED_EVERYWHERE: Mapping[Purpose, str] = {"article": "article", "feed": "rss.xml", "sitemap": "sitemap.xml"}

#: Marks that only some versions of the engine leave in a page.
SIGNS: Mapping[str, str] = {
    "/engine/ajax/comments.php": "10 or older",
    "comments-ratig-layer-id=": "16 or newer",
    'id="comments-ratig-layer-': "10.4 to 15",
    "/engine/ajax/controller.php": "13 to 16",
    "controller=ajax": "20",
    "quote_body": "16 or newer",
    "data-commentid": "20",
    "comments-user-profile": "20",
    "dle-spoiler": "20",
    "rssdzen.xml": "15 or newer",
}

#: Names of services that stand between a site and robots, by what they leave in headers, cookies or pages.
GUARDS = re.compile(
    r"cf-ray|cf-mitigated|__cf_bm|cloudflare|ddos-guard|__ddg\w*|qrator|variti|stormwall|incapsula|sucuri"
    r"|akamai|captcha|checking your browser|проверка браузера|enable javascript and cookies|access denied",
    re.IGNORECASE,
)

_COMMENT_ID = re.compile(r"""\bid\s*=\s*["']comment-id-(\d{1,18})["']""")
_GENERATOR = re.compile(r"""<meta\s[^>]{0,200}name=["']generator["'][^>]{0,300}>""", re.IGNORECASE)
_VARIABLE = re.compile(r"\bvar\s+(dle_\w{1,40})\s*=\s*('[^']{0,80}'|\w{1,20})")
_CHARSET = re.compile(r"""<meta\s[^>]{0,200}charset=["']?([\w-]{1,20})""", re.IGNORECASE)
_LOC = re.compile(r"<loc>\s*([^<\s]{1,500})\s*</loc>")
_LASTMOD = re.compile(r"<lastmod>\s*([^<]{1,60}?)\s*</lastmod>")
_PUB_DATE = re.compile(r"<pubDate>\s*([^<]{1,60}?)\s*</pubDate>")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")

#: Examples of one thing that are shown.
SHOWN = 8
#: Lines of an outline that are shown.
OUTLINE_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question with what the site answered, in words."""

    question: str
    text: str
    #: False where it could not be told.
    told: bool


def answers(survey: Survey) -> list[Answer]:
    """The answers to all questions, in their order."""
    given = []
    for question, ask in QUESTIONS.items():
        try:
            given.append(Answer(question=question, text=ask(survey), told=True))
        except (NothingReceived, NotUnderstood) as reason:
            given.append(Answer(question=question, text=f"Could not be told: {reason}.", told=False))
    return given


def summary(survey: Survey, given: Iterable[Answer], *, now: datetime) -> str:
    """The answers as a page in Markdown."""
    parts = [
        f"# What {survey.main.base_url} answered",
        f"{survey.answered} answers, {now:%Y-%m-%d %H:%M} UTC.",
    ]
    for answer in given:
        parts += [f"## {answer.question}", "\n".join(f"    {line}" for line in answer.text.splitlines())]
    parts += ["## What was asked, in this order", "\n".join(_log(survey))]
    if survey.stopped_by is not None:
        parts += ["## Why it ended early", str(survey.stopped_by)]
    return "\n\n".join(parts) + "\n"


def _log(survey: Survey) -> Iterator[str]:
    for page in survey.received:
        came = page.failure or f"{page.status}, {len(page.body):,} bytes"
        kept = f" ({page.file})" if page.file else ""
        yield f"- {page.purpose}, {page.edition.code}: {page.url}: {came}{kept}"


# --- may we, and what is there -----------------------------------------------------------------------------------


def _robots_rules(survey: Survey) -> str:
    lines = []
    for page in survey.all("robots"):
        found = robots.verdict(page.status or 0, page.body)
        if found.state != "rules":
            why = f": {found.reason}" if found.reason else ", so all is allowed"
            lines.append(f"{page.edition.code}: {found.state}{why}.")
            continue
        text = found.text or ""
        may = {
            name: robots.allowed(text, page.edition.base_url + path, survey.user_agent)
            for name, path in PATHS.items()
        }
        delay = robots.crawl_delay(text, survey.user_agent)
        lines.append(
            f"{page.edition.code}: allows {_listed(name for name in may if may[name])}; "
            f"forbids {_listed(name for name in may if not may[name])}; "
            f"Crawl-delay: {'none' if delay is None else f'{delay:g} s'}."
        )
    return _lines(lines, "robots.txt was not received")


def _which_editions(survey: Survey) -> str:
    lines = []
    for edition in survey.editions:
        told = [f"{name} {_came(survey, purpose, edition)}" for purpose, name in ASKED_EVERYWHERE.items()]
        lines.append(f"{edition.code} ({edition.base_url}): {', '.join(told)}.")
    if len(survey.editions) == 1:
        lines.append("With --base-url no other edition is asked.")
    return "\n".join(lines)


def _came(survey: Survey, purpose: Purpose, edition: Edition) -> str:
    try:
        page = survey.page(purpose, edition)
    except NothingReceived:
        tried = [each for each in survey.all(purpose) if each.edition == edition]
        return f"no ({tried[-1].failure or tried[-1].status})" if tried else "not asked for"
    try:
        survey.read(page)
    except NotUnderstood as error:
        return f"answers, but is not understood ({error})"
    return "yes"


def _engine(survey: Survey) -> str:
    page = survey.found("article") or survey.page("front")
    generator = _GENERATOR.search(page.text)
    variables = dict(_VARIABLE.findall(page.text))
    signs = [f"{sign} ({versions})" for sign, versions in SIGNS.items() if sign in page.text]
    return "\n".join(
        [
            f"generator: {generator[0] if generator else 'none'}",
            f"script variables: {_listed(f'{name}={value}' for name, value in variables.items())}",
            f"signs of a version: {_listed(signs)}",
        ]
    )


def _sitemap_form(survey: Survey) -> str:
    lines = []
    for edition in survey.editions:
        page = survey.found("sitemap", edition)
        if page is None:
            continue
        places, changed = _LOC.findall(page.text), _LASTMOD.findall(page.text)
        kind = "an index of sitemaps" if "<sitemapindex" in page.text else "one list of pages"
        kind = kind if "<urlset" in page.text or "<sitemapindex" in page.text else "no sitemap"
        lines.append(
            f"{edition.code}: {kind}, {len(places)} addresses such as {_listed(places[:2])}; "
            f"lastmod such as {_listed(changed[:1])}."
        )
    if not lines:
        survey.page("sitemap")
    return "\n".join(lines)


def _charset(survey: Survey) -> str:
    pages = [page for page in survey.all() if page.status == 200 and page.body and page.purpose != "robots"]
    lines = set()
    for page in pages:
        declared = _CHARSET.search(page.text[:5000])
        try:
            page.body.decode(survey.site.charset)
            decodes = f"decodes as {survey.site.charset}"
        except UnicodeDecodeError as error:
            decodes = f"does NOT decode as {survey.site.charset} (byte {error.start} of {page.url})"
        header = _listed(page.header("Content-Type"))
        lines.add(
            f"{page.edition.code}: header {header}, page {declared[1] if declared else 'silent'}, {decodes}."
        )
    return _lines(sorted(lines), "no page was received")


def _cookies(survey: Survey) -> str:
    names = Counter(
        cookie.partition("=")[0].strip() for page in survey.all() for cookie in page.header("Set-Cookie")
    )
    if not survey.asked:
        raise NothingReceived("no page was received")
    return f"{_listed(f'{name} ({count} answers)' for name, count in names.items())}. We send none back."


def _guards(survey: Survey) -> str:
    signs = Counter[str]()
    for page in survey.all():
        told = [
            f"{name}: {value}" for name, value in page.headers if name.lower() != "content-security-policy"
        ]
        # In a whole page such words may be an article's; a page of a guard is short.
        told += [page.text] if page.status != 200 or len(page.body) < 5000 else []
        signs.update({found.lower() for found in GUARDS.findall("\n".join(told))})
    refusals = [f"{page.url} {page.status}" for page in survey.all() if page.status in (401, 403, 429, 503)]
    waits = [value for page in survey.all() for value in page.header("Retry-After")]
    servers = {value for page in survey.all() for value in page.header("Server")}
    if not servers and not survey.asked:
        raise NothingReceived("no page was received")
    return "\n".join(
        [
            f"signs: {_listed(f'{sign} ({count} answers)' for sign, count in signs.items())}",
            f"refusals: {_listed(refusals)}; Retry-After: {_listed(waits)}; Server: {_listed(sorted(servers))}",
        ]
    )


# --- comments ----------------------------------------------------------------------------------------------------


def _in_first_html(survey: Survey) -> str:
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


def _markup(survey: Survey) -> str:
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


def _paging(survey: Survey) -> str:
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


def _sizes(survey: Survey) -> str:
    page = survey.page("article")
    comments = survey.article(page).comments.comments
    if not comments:
        raise NothingReceived(f"{page.url} shows no comments")
    depths = _depths(comments)
    sources = Counter(comment.parent_source for comment in comments)
    roots = sum(comment.parent_id is None for comment in comments)
    return (
        f"{len(comments)} comments on the first page, {roots} of them roots; the deepest is at level "
        f"{max(depths.values())} (a root is at 0); parents known by {_listed(f'{k}: {n}' for k, n in sources.items())}."
    )


def _depths(comments: Sequence[Comment]) -> dict[int, int]:
    """The level of each comment of a page, where parents stand before their answers; a root is at 0."""
    depths: dict[int, int] = {}
    for comment in comments:
        depths[comment.id] = depths[comment.parent_id] + 1 if comment.parent_id in depths else 0
    return depths


def _second_page(survey: Survey) -> str:
    page = survey.page("comments")
    first = set(_COMMENT_ID.findall(survey.page("article").text))
    second = set(_COMMENT_ID.findall(page.text))
    return (
        f"Yes: {page.url} shows {len(second)} comments, {len(second - first)} of them not on the first page."
    )


def _behind_the_last(survey: Survey) -> str:
    tried = list(survey.all("beyond"))
    if not tried or tried[-1].failure:
        survey.page("beyond")
    page = tried[-1]
    seen = set(_COMMENT_ID.findall(survey.page("article").text + survey.page("comments").text))
    shown = set(_COMMENT_ID.findall(page.text))
    leads = f" and leads to {page.header('Location')[0]}" if page.header("Location") else ""
    return f"{page.url} answers {page.status}{leads}, with {len(shown)} comments, {len(shown - seen)} of them new."


def _ajax(survey: Survey) -> str:
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
        lines.append(f"{page.url} answers JSON with {_listed(told)}; {shown} comments in it.")
    return _lines(lines, "it was not asked for, as no article was received")


def _old_thread(survey: Survey) -> str:
    page = survey.page("old")
    shown = len(set(_COMMENT_ID.findall(page.text)))
    tree = "comments-tree-item-" in page.text
    lines = [f"{page.url}: {shown} comments, {'in a tree' if tree else 'flat'}."]
    try:
        sources = Counter(comment.parent_source for comment in survey.article(page).comments.comments)
        lines.append(f"Parents known by {_listed(f'{kind}: {count}' for kind, count in sources.items())}.")
    except NotUnderstood as error:
        lines.append(f"Our reader fails: {error}.")
    return "\n".join(lines)


def _by_number(survey: Survey) -> str:
    lines = []
    by_number: tuple[Purpose, ...] = ("seed", "old")
    for purpose in by_number:
        for page in survey.all(purpose):
            leads = f", leads to {page.header('Location')[0]}" if page.header("Location") else ""
            lines.append(f"{page.url}: {page.failure or page.status}{leads}")
    return _lines(lines, "no article was asked for by its number")


# --- dates and names ---------------------------------------------------------------------------------------------


def _article_pages(survey: Survey, edition: Edition) -> list[tuple[Received, ArticlePage]]:
    pages = []
    with_comments: tuple[Purpose, ...] = ("article", "comments", "seed", "old")
    for purpose in with_comments:
        page = survey.found(purpose, edition)
        try:
            if page is not None:
                pages.append((page, survey.article(page)))
        except NotUnderstood:
            continue
    return pages


def _dates(survey: Survey) -> str:
    lines = []
    for edition in survey.editions:
        raw = [
            (words, page)
            for page, read in _article_pages(survey, edition)
            for words in (
                read.article.published_raw,
                *(comment.posted_raw for comment in read.comments.comments),
            )
            if words
        ]
        if raw:
            forms = {_NUMBER.sub("0", words): words for words, _ in raw}
            unreadable = {words: None for words, page in raw if not _is_readable(words, page, survey)}
            lines.append(
                f"{edition.code}: {len(raw)} dates in {len(forms)} forms: {_quoted(forms.values())};"
            )
            lines.append(f"    not readable by us: {_quoted(unreadable)}.")
    return _lines(lines, "no article was received and understood")


def _is_readable(words: str, page: Received, survey: Survey) -> bool:
    known = survey.site.date_words
    try:
        timestamps.moment(
            words,
            zone=survey.site.time_zone,
            words=known.get(page.edition.code) or known[survey.main.code],
            seen_at=page.seen_at,
        )
    except UnreadableDate:
        return False
    return True


def _zone(survey: Survey) -> str:
    page = survey.page("feed")
    dates = _PUB_DATE.findall(page.text)
    if not dates:
        raise NothingReceived(f"{page.url} has no pubDate")
    offsets = Counter(date.rsplit(" ", 1)[-1] for date in dates)
    return f"The feed writes {dates[0]!r}; zones: {_listed(f'{zone} ({n})' for zone, n in offsets.items())}."


def _names(survey: Survey) -> str:
    lines = []
    for edition in survey.editions:
        pages = [read for _, read in _article_pages(survey, edition)]
        comments = [comment for page in pages for comment in page.comments.comments]
        named = {comment.profile_name: comment.nickname_raw for comment in comments if comment.profile_name}
        cyrillic = [name for name in named if _CYRILLIC.search(name)]
        other = [f"{nick} for {name}" for name, nick in named.items() if name != nick]
        if comments:
            lines.append(
                f"{edition.code}: {len(named)} names in profile links, {len(cyrillic)} of them with Cyrillic "
                f"letters; shown otherwise than in the link: {_listed(other[:SHOWN])}."
            )
    return _lines(lines, "no article with comments was received and understood")


# --- words -------------------------------------------------------------------------------------------------------


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def _quoted(words: Iterable[str]) -> str:
    shown = [f"«{word}»" for word in words]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return _listed(shown[:SHOWN]) + more


def _lines(lines: Sequence[str], nothing: str) -> str:
    if not lines:
        raise NothingReceived(nothing)
    return "\n".join(lines)


QUESTIONS: Mapping[str, Callable[[Survey], str]] = {
    "What does robots.txt allow us?": _robots_rules,
    "Which editions answer, and what works there?": _which_editions,
    "Which version of the engine is it?": _engine,
    "Are the comments in the first HTML?": _in_first_html,
    "How is a comment built, and which skin of ours fits?": _markup,
    "How are comments divided into pages?": _paging,
    "How many comments has a page, and how deep do they nest?": _sizes,
    "Does the address of the second comment page work?": _second_page,
    "What comes behind the last comment page?": _behind_the_last,
    "Does the address for scripts (AJAX) answer?": _ajax,
    "Are threads from before 2015 flat or trees?": _old_thread,
    "Does an article's number lead to it?": _by_number,
    "How are dates written, and which can we not read?": _dates,
    "Which zone does the site's clock have?": _zone,
    "Do profile links keep Cyrillic names?": _names,
    "What is the sitemap like?": _sitemap_form,
    "How are pages encoded?": _charset,
    "Which cookies are set?": _cookies,
    "Are there signs of a guard against robots?": _guards,
}
"""Each question with what answers it, in the order in which they are shown."""
