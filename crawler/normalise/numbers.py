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
    comments = said.comments
    wide = [article.id, article.views or 0, *[comment.site_user_id or 0 for comment in comments]]
    narrow = [article.rating or 0, article.comments_stated or 0, said.stated or 0, said.pages or 0]
    narrow += [comment.rating or 0 for comment in comments]
    ids = [comment.id for comment in comments]
    ids += [comment.parent_id for comment in comments if comment.parent_id is not None]
    for id in (min(ids, default=0), max(ids, default=0)):
        segment(id)
    for numbers, bits in ((wide, 64), (narrow, 32)):
        for number in (min(numbers), max(numbers)):
            if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
                raise NotUnderstood(f"The article {article.id} shows the number {number}, which cannot be.")
