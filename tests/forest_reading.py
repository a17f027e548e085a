"""
Whether reading the pages of random threads gives the threads back: `make forests` asks it of thousands.

A difference is told with its era and seed: `list(differences(forest(Random(seed), era)))` shows it again
(every tenth thread is a longer one, `most=60`).
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import chain
from random import Random

from crawler.items import Article, ArticlePage, CommentAnswer, NormalComment, NormalPage
from crawler.normalise import normal_page
from crawler.normalise.threads import places
from crawler.reading import read
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from tests.forest import ERAS, KNOWN_SKINS, MOST, Forest, Page, Truth, answers, forest, pages, truths


def normal(forest: Forest, page: Page) -> NormalPage:
    """A page, read and normalised; of an answer without an article the comments alone."""
    item = read(
        page.html.encode(),
        url=page.url,
        fetched_at=forest.fetched_at,
        edition=SITE.edition(forest.edition),
        charset=SITE.charset,
        pages=PAGES,
    )
    if isinstance(item, CommentAnswer):
        none = Article(id=item.article_id, path=forest.path, title="")
        item = ArticlePage(article=none, comments=item.comments, skin=item.skin, remarks=item.remarks)
    assert isinstance(item, ArticlePage)
    return normal_page(
        item, zone=SITE.time_zone, words=SITE.date_words[forest.edition], seen_at=forest.fetched_at
    )


def differences(forest: Forest, rendered: Sequence[Page] | None = None) -> Iterator[str]:
    """
    Where reading the pages of a thread does not give back what they prove, a line each.

    Args:
        rendered: The pages to be read in place of the thread's own.
    """
    read_pages = [(page, normal(forest, page)) for page in (pages(forest) if rendered is None else rendered)]
    for page, item in read_pages:
        yield from _article_differences(forest, page, item, len(read_pages))
    yield from _thread_differences(forest, read_pages)


def answer_differences(forest: Forest) -> Iterator[str]:
    """Where what the engine answers its script does not give the same comments."""
    read_answers = [(answer, normal(forest, answer)) for answer in answers(forest)]
    for answer, item in read_answers:
        if item.article.written.id != forest.article_id:
            yield f"{answer.url}: article is {forest.article_id}, read as {item.article.written.id}"
        if item.written.comments.number != answer.number:
            yield f"{answer.url}: page number is {answer.number}, read as {item.written.comments.number}"
    yield from _thread_differences(forest, read_answers)


def _article_differences(forest: Forest, page: Page, item: NormalPage, count: int) -> Iterator[str]:
    thread = item.written.comments
    known = forest.skin in KNOWN_SKINS
    for name, read_, meant in (
        ("title", item.article.title, forest.title),
        ("published", item.article.published, forest.published.moment),
        ("article", item.article.body.split(), ["The", "ferry", "has", "come.", "Паром", "пришёл."]),
        ("page number", thread.number, page.number),
        ("stated", thread.stated, len(forest.posts)),
        ("pages", thread.pages, stated_pages(count)),
        ("skin", item.written.skin, forest.skin if known else "unknown"),
        ("remarks", item.written.remarks, ()),
    ):
        if read_ != meant:
            yield f"{page.url}: {name} is {meant!r}, read as {read_!r}"


def _thread_differences(forest: Forest, read_pages: Sequence[tuple[Page, NormalPage]]) -> Iterator[str]:
    told: dict[int, tuple[int, NormalComment]] = {}
    for page, item in read_pages:
        for comment in item.comments:
            if comment.written.id in told:
                yield f"{page.url}: comment {comment.written.id} was read twice"
            told[comment.written.id] = page.number, comment
    found = places((id, comment.written.parent_id) for id, (_, comment) in told.items())
    read_truths = {id: truth(comment, page, found[id].depth) for id, (page, comment) in told.items()}
    meant_truths = truths(forest)
    if list(read_truths) != list(meant_truths):
        yield f"the comments are {list(meant_truths)}, read as {list(read_truths)}"
    for id in sorted(meant_truths.keys() & read_truths.keys()):
        for field in fields(Truth):
            meant, read_ = getattr(meant_truths[id], field.name), getattr(read_truths[id], field.name)
            if read_ != meant:
                yield f"comment {id}: {field.name} is {meant!r}, read as {read_!r}"


def stated_pages(count: int) -> int | None:
    """How many comment pages a page says there are."""
    return None if count == 1 else count


def truth(comment: NormalComment, page: int, depth: int) -> Truth:
    written, who = comment.written, comment.author
    return Truth(
        id=written.id,
        page=page,
        parent_id=written.parent_id,
        parent_source=written.parent_source,
        depth=depth,
        author=(who.key, who.nickname, who.full_name, who.site_user_id) if who else None,
        posted=comment.posted,
        rating=written.rating,
        body=comment.body,
        quotes=comment.quotes,
        links=written.links,
        images=written.images,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.forest_reading", description=__doc__)
    parser.add_argument("--number", type=int, default=10_000, help="threads of each era (10,000)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one (0)")
    arguments = parser.parse_args()
    wrong = 0
    for era in ERAS:
        started = time.monotonic()
        comments = 0
        for seed in range(arguments.first, arguments.first + arguments.number):
            thread = forest(Random(seed), era, most=60 if seed % 10 == 0 else MOST)  # noqa: S311 - no secrets
            comments += len(thread.posts)
            for difference in chain(differences(thread), answer_differences(thread)):
                wrong += 1
                sys.stdout.write(f"era {era}, seed {seed}: {difference}\n")
        sys.stdout.write(
            f"era {era}: {arguments.number:,} threads, {comments:,} comments,"
            f" {time.monotonic() - started:.0f} s\n"
        )
    sys.exit(f"{wrong} differences" if wrong else 0)


if __name__ == "__main__":
    main()
