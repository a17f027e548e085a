"""
How dates and names are written.

The question that a public function answers stands in `QUESTIONS`.
"""

import re
from collections import Counter

from crawler.errors import NotUnderstood, UnreadableDate
from crawler.items import ArticlePage
from crawler.normalise import timestamps
from crawler.site import Edition
from crawler.survey.questions.words import SHOWN, lines_or_nothing, listed, quoted
from crawler.survey.received import NothingReceived, Purpose, Received, Survey

_PUB_DATE = re.compile(r"<pubDate>\s*([^<]{1,60}?)\s*</pubDate>")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


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


def dates(survey: Survey) -> str:
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
            lines.append(f"{edition.code}: {len(raw)} dates in {len(forms)} forms: {quoted(forms.values())};")
            lines.append(f"    not readable by us: {quoted(unreadable)}.")
    return lines_or_nothing(lines, "no article was received and understood")


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


def zone(survey: Survey) -> str:
    page = survey.page("feed")
    dates = _PUB_DATE.findall(page.text)
    if not dates:
        raise NothingReceived(f"{page.url} has no pubDate")
    offsets = Counter(date.rsplit(" ", 1)[-1] for date in dates)
    return f"The feed writes {dates[0]!r}; zones: {listed(f'{zone} ({n})' for zone, n in offsets.items())}."


def names(survey: Survey) -> str:
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
                f"letters; shown otherwise than in the link: {listed(other[:SHOWN])}."
            )
    return lines_or_nothing(lines, "no article with comments was received and understood")
