"""Writing articles, and the states that they leave behind."""

from typing import Any

from sqlalchemy import Connection, insert, select, update

from crawler.fold.articles import ArticleStep
from crawler.fold.look import Row
from crawler.site import Edition
from crawler.storage.schema import article_states, articles


def stored_article(connection: Connection, edition: Edition, article_id: int) -> Row | None:
    """The row of an article; None where it was never seen."""
    query = select(articles).where(articles.c.id == article_id, articles.c.edition_id == edition.id)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def save_article(connection: Connection, old: Row | None, step: ArticleStep) -> None:
    """Write what a look made of an article."""
    row = step.row
    if old is None:
        connection.execute(insert(articles).values(row))
        return
    if step.state is not None:
        connection.execute(insert(article_states).values(step.state))
    changed: dict[str, Any] = {name: value for name, value in row.items() if value != old[name]}
    if changed:
        connection.execute(
            update(articles)
            .where(articles.c.id == row["id"], articles.c.edition_id == row["edition_id"])
            .values(changed)
        )
