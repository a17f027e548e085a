"""
What the pages answer: pure functions from what was received to words.

    site      may we read it, which editions and which engine has it, what stands in the way
    comments  how comments are built, divided into pages, and nested
    dates     how dates and names are written
    words     how lists of what was found are put

Each question is a function that returns its answer, or raises `NothingReceived` or `NotUnderstood` where that could
not be told. Where our own page functions fail, and that is what a survey finds out, regular expressions still say
something.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from crawler.errors import NotUnderstood
from crawler.survey.questions import comments, dates, site
from crawler.survey.received import NothingReceived, Survey

QUESTIONS: Mapping[str, Callable[[Survey], str]] = {
    "What does robots.txt allow us?": site.robots_rules,
    "Which editions answer, and what works there?": site.which_editions,
    "Which version of the engine is it?": site.engine,
    "Are the comments in the first HTML?": comments.in_first_html,
    "How is a comment built, and which skin of ours fits?": comments.markup,
    "How are comments divided into pages?": comments.paging,
    "How many comments has a page, and how deep do they nest?": comments.sizes,
    "Does the address of the second comment page work?": comments.second_page,
    "What comes behind the last comment page?": comments.behind_the_last,
    "Does the address for scripts (AJAX) answer?": comments.ajax,
    "Are threads from before 2015 flat or trees?": comments.old_thread,
    "Does an article's number lead to it?": comments.by_number,
    "How are dates written, and which can we not read?": dates.dates,
    "Which zone does the site's clock have?": dates.zone,
    "Do profile links keep Cyrillic names?": dates.names,
    "What is the sitemap like?": site.sitemap_form,
    "How are pages encoded?": site.charset,
    "Which cookies are set?": site.cookies,
    "Are there signs of a guard against robots?": site.guards,
}
"""Each question with what answers it, in the order in which they are shown."""


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
