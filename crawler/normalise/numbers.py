"""Which numbers of a page can be: what is longer than any column is no number of anything."""

from crawler.errors import NotUnderstood
from crawler.items import ArticlePage
from crawler.normalise.threads import segment


def require_possible(page: ArticlePage) -> None:
    """
    Raises:
        NotUnderstood: The page holds a number that no article, comment, counter or rating can have.
    """
    article, said = page.article, page.comments
    wide = [article.id, article.views, *(comment.site_user_id for comment in said.comments)]
    narrow = [article.rating, article.comments_stated, said.stated, said.pages]
    narrow += [comment.rating for comment in said.comments]
    ids = [comment.id for comment in said.comments]
    ids += [comment.parent_id for comment in said.comments if comment.parent_id is not None]
    for id in (min(ids, default=0), max(ids, default=0)):
        segment(id)
    for numbers, bits in ((wide, 64), (narrow, 32)):
        known = [number for number in numbers if number is not None]
        for number in (min(known, default=0), max(known, default=0)):
            if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
                raise NotUnderstood(f"The article {article.id} shows the number {number}, which cannot be.")
