"""Writing articles, and the states that they leave behind."""

from crawler.fold.articles import ArticleStep
from crawler.fold.look import Row
from crawler.storage.bulk import Writes
from crawler.storage.schema import article_states, articles


def save_article(writes: Writes, old: Row | None, step: ArticleStep) -> None:
    """Write what a look made of an article."""
    row = step.row
    if old is None:
        writes.insert(articles, [row])
        return
    if step.state is not None:
        writes.insert(article_states, [step.state])
    writes.update(articles, row, [name for name, value in row.items() if value != old[name]])
