"""Old pages out of foreign archives: taken with their own dates, once, and folded as if we had been there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.importing import Summary, import_files
from crawler.sample import SampleArticle, SampleSite, render_article
from crawler.sites.military_review import SITE
from tests.crawling import crawl, rows
from tests.foreign import ForeignFile, Seen
from tests.lives import SHORT
from tests.test_reparse import REBUILT, dump, read_again

EN, RU = SITE.edition("en"), SITE.edition("ru")
FEBRUARY = datetime(2018, 2, 19, 12, 30, 15, tzinfo=UTC)
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])

Imported = Callable[..., Summary]


def seen(
    article: SampleArticle,
    at: datetime = FEBRUARY,
    *,
    page: int = 1,
    base_url: str = "http://en.topwar.ru",
    **fields: Any,
) -> Seen:
    """A page of an article as somebody else's crawler got it."""
    edition: Any = "en" if "//en." in base_url or "//www.en." in base_url else "ru"
    path = article.path if page == 1 else f"/page,1,{page},{article.path[1:]}"
    body = render_article(article, page, edition, base_url).encode()
    return Seen(uri=base_url + path, at=at, body=body, **fields)


def imported(
    url: str,
    folder: Path,
    *files: Path,
    editions: tuple[Any, ...] = (EN, RU),
    dry_run: bool = False,
    **more: Any,
) -> Summary:
    return import_files(url, folder, files, editions, dry_run=dry_run, say=print, **more)


#: A comment that was deleted before our first crawl, and one that was edited.
DELETED, EDITED = SHORT.comments[-1], SHORT.comments[0]
OF_OLD = replace(
    SHORT.rewritten(EDITED.id, en="I was of another opinion then.", ru="Тогда я думал иначе."),
    text={code: replace(text, title=f"{text.title}, says the editor") for code, text in SHORT.text.items()},
)


@KINDS
@pytest.mark.parametrize("first", ["import", "crawl"])
def test_an_old_capture_is_what_we_would_have_seen_then(
    kind: str, first: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, folder = new_database(kind), tmp_path / "archive"
    file = ForeignFile()
    file.common_crawl(seen(OF_OLD))
    theirs = file.written(tmp_path / "theirs.warc.gz")
    with SampleSite(edition="en") as site:
        site.put(SHORT.without(DELETED.id))
        steps: list[Callable[[], object]] = [
            lambda: imported(url, folder, theirs),
            lambda: crawl(url, site.url, f"ids={SHORT.id}", WARC_DIR=str(folder)),
        ]
        for step in steps if first == "import" else reversed(steps):
            step()
    [edited] = rows(url, "SELECT * FROM comments WHERE id = :id", id=EDITED.id)
    [before] = rows(url, "SELECT * FROM comment_states WHERE comment_id = :id", id=EDITED.id)
    assert before["body"] == "I was of another opinion then."
    assert edited["body"] == EDITED.body("en")
    assert edited["change"] == "translation"
    assert moment(before["seen_at"]) == moment(edited["first_seen_at"]) == FEBRUARY
    [title] = rows(url, "SELECT title FROM article_states WHERE article_id = :id", id=SHORT.id)
    assert title["title"] == OF_OLD.text["en"].title
    # What only the capture shows is missing since the first sweep of ours, and gone after the next.
    [deleted] = rows(url, "SELECT * FROM comments WHERE id = :id", id=DELETED.id)
    assert (deleted["state"], moment(deleted["first_seen_at"])) == ("missing", FEBRUARY)
    names = rows(
        url, "SELECT first_seen_at FROM author_names WHERE author_key = :key", key=edited["author_key"]
    )
    assert [moment(name["first_seen_at"]) for name in names] == [FEBRUARY]
    [fetch] = rows(url, "SELECT * FROM fetches WHERE source = 'import'")
    assert fetch["id"] == before["fetch_id"]
    assert fetch["id"] == int(FEBRUARY.timestamp()) * 10**8 + EN.id
    assert (fetch["url"], fetch["article_id"], fetch["page"]) == (EN.base_url + SHORT.path, SHORT.id, 1)
    assert (fetch["crawl_id"], fetch["visit_id"], fetch["outcome"]) == (None, None, "ok")
    assert fetch["warc_file"].startswith("military_review-en-import-")
    # The archive tells all of it again, the source too; and it is no crawl that was lost.
    empty = new_database(kind)
    assert read_again(empty, folder).unread == {}
    known, rebuilt = dump(url), dump(empty)
    for name in REBUILT:
        assert rebuilt[name] == known[name], name
    # Importing again changes nothing.
    again = imported(url, folder, theirs)
    assert (again.taken, again.known, again.articles) == (0, 1, 0)
    assert dump(url) == known


def moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@pytest.fixture
def url(new_database: Callable[[str], str]) -> str:
    return new_database("sqlite")
