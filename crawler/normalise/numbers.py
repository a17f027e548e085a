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
    wide = [article.id, article.views]
    narrow = [article.rating, article.comments_stated, said.stated, said.pages]
    for comment in said.comments:
        segment(comment.id)
        if comment.parent_id is not None:
            segment(comment.parent_id)
        wide.append(comment.site_user_id)
        narrow.append(comment.rating)
    for numbers, bits in ((wide, 64), (narrow, 32)):
        for number in numbers:
            if number is not None and not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
                raise NotUnderstood(f"The article {article.id} shows the number {number}, which cannot be.")
