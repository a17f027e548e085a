"""
Whom a comment answers where the thread's tree does not say: inferred from what the comment itself says.

Two places need it. A page without a tree (engines up to 10.4, or the tree turned off) shows comments
one after another. And engine 20 writes all answers below its depth limit into one list, so that the
tree proves an ancestor only ("capped"). There the comment's own words are asked, the stronger first:

    a quotation with the number of a comment      "quote"    engines from 20 on write it
    a quotation with a name and words             "quote"    the latest earlier comment by that author
                                                             that has these words, one after another
    a mention of a member before the first word   "mention"  engine 20 puts it where one answers below
                                                             the limit: the last comment by that member
                                                             before this one, in the same list

What is never done, since no parent is better than an invented one:

- Only the first quotation that says whose it is counts, and only one that is not itself quoted. If what
  it names is not there, the next one is not tried.
- Numbers grow with time, so a later number is never what a comment answers.
- Below the depth limit only comments that the tree allows are taken: the proven ancestor, and those of its list
  that stand before the comment. What names another branch is no answer.
- On a page without a tree a mention proves nothing: it names a person who may have written many
  comments, here or on an earlier page. So does a quotation without words that can be compared.
- A quotation by name and words finds its comment on the same page only.

Where words were cut out of a page because somebody is to be forgotten (see `crawler.dle.redaction`), what they told
stands in an attribute of the comment's text, `data-answers="quote 17"`, and is believed; empty, they told nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.items import Comment, ParentSource, Quote
from crawler.normalise.nicknames import nickname

#: So many of an author's comments are searched for quoted words, the latest first: people answer what they
#: have just read, and a page of thousands of comments by one author must not take minutes.
MOST_SEARCHED = 50

#: The attribute of a comment's text in which stands what cut words told.
ANSWERS = "data-answers"

_TOLD = re.compile(r"(quote|mention) ([1-9][0-9]{0,17})")
_TEXT_ID = re.compile(r"comm-id-([1-9][0-9]{0,17})")
_NUMBER = re.compile(r"([1-9][0-9]{0,17})")
_WORD = re.compile(r"\w+")


def with_inferred_parents(
    comments: Sequence[Comment], document: LexborHTMLParser, *, flat: bool, article_id: int
) -> tuple[Comment, ...]:
    """
    The comments of a page with the parents that their words tell, where the tree tells none.

    Args:
        comments: In the order of the page, with the parents that the tree proves.

        document: The page, for what stands in it of quoted and mentioned comments.

        flat: Whether the page shows no tree.

        article_id: A quoted comment that is not on the page counts where it is said to be of this article.
    """
    if flat:
        found = _of_a_flat_page(comments, document, article_id)
    elif any(comment.parent_source == "capped" for comment in comments):
        found = _of_a_capped_tree(comments, mentions(document))
    else:
        return tuple(comments)
    told = _told(document)
    if not told:
        return found
    return tuple(
        (_with_parent(comment, *answer) if (answer := told[comment.id]) is not None else comment)
        if comment.id in told
        else inferred
        for comment, inferred in zip(comments, found, strict=True)
    )


def _told(document: LexborHTMLParser) -> dict[int, tuple[int, ParentSource] | None]:
    """What cut words told, by the comment's number; None where they told nothing."""
    found: dict[int, tuple[int, ParentSource] | None] = {}
    for node in document.css(f"[{ANSWERS}]"):
        match = _TEXT_ID.fullmatch(node.id or "")
        if match is None:
            continue
        id = int(match[1])
        told = _TOLD.fullmatch(node.attributes.get(ANSWERS) or "")
        if told is None or int(told[2]) >= id:
            found.setdefault(id, None)
        else:
            found.setdefault(id, (int(told[2]), "quote" if told[1] == "quote" else "mention"))
    return found


def mentions(document: LexborHTMLParser) -> dict[int, str]:
    """The member whom a comment mentions before its first word, by the comment's number."""
    found: dict[int, str] = {}
    for node in document.css("span.comments-user-profile[data-username]"):
        name = nickname(node.attributes.get("data-username") or "")
        number = _begins_text(node)
        if name and number is not None:
            found.setdefault(number, name)
    return found


def _begins_text(node: LexborNode) -> int | None:
    """The comment whose text begins with an element; None where words, a quotation or an image come first."""
    here: LexborNode | None = node
    # Deeper than any editor puts it: where earlier comments left <b>, <i> … open, parsers repeat them around it.
    for _ in range(120):
        if here is None:
            return None
        match = _TEXT_ID.fullmatch(here.id or "")
        if match:
            return int(match[1])
        before = here.prev
        while before is not None:
            if before.tag == "-text":
                if (before.text_content or "").strip():
                    return None
            elif before.tag not in ("-comment", "br"):
                return None
            before = before.prev
        here = here.parent
    return None


def _of_a_flat_page(
    comments: Sequence[Comment], document: LexborHTMLParser, article_id: int
) -> tuple[Comment, ...]:
    if not any(comment.quotes for comment in comments):
        return tuple(comments)
    here = {comment.id for comment in comments}
    of_this_article = {
        int(match[1])
        for node in document.css(f"[data-commentpostid='{article_id}']")
        if (match := _NUMBER.fullmatch(node.attributes.get("data-commentid") or ""))
    }
    parents: dict[int, int] = {}
    earlier = _Earlier()
    for comment in sorted(comments, key=lambda comment: comment.id):
        quote = _telling(comment.quotes)
        if quote is not None:
            found = quote.comment_id
            if found is None:
                found = earlier.quoted(quote, by=comment)
            elif found >= comment.id or (found not in here and found not in of_this_article):
                found = None
            if found is not None:
                parents[comment.id] = found
        earlier.add(comment)
    return tuple(
        _with_parent(comment, parents[comment.id], "quote") if comment.id in parents else comment
        for comment in comments
    )


def _of_a_capped_tree(comments: Sequence[Comment], mentioned: Mapping[int, str]) -> tuple[Comment, ...]:
    by_number = {comment.id: comment for comment in comments}
    lists: dict[int, _Earlier] = {}  # what stands in a list so far, by the comment that the list stands in
    result = []
    for comment in comments:
        ancestor = comment.parent_id
        if ancestor is None:
            result.append(comment)
            continue
        earlier = lists.get(ancestor)
        if earlier is None:
            earlier = lists[ancestor] = _Earlier()
            if ancestor in by_number:
                earlier.add(by_number[ancestor])
        result.append(
            _below_the_limit(comment, earlier, mentioned.get(comment.id))
            if comment.parent_source == "capped"
            else comment
        )
        earlier.add(comment)
    return tuple(result)


def _below_the_limit(comment: Comment, earlier: "_Earlier", mentioned: str | None) -> Comment:
    """A comment of a flattened list, with the one that it answers among those before it, if it says which."""
    quote = _telling(comment.quotes)
    if quote is not None:
        if quote.comment_id is None:
            found = earlier.quoted(quote, by=comment)
        else:
            found = (
                quote.comment_id if quote.comment_id in earlier and quote.comment_id < comment.id else None
            )
        if found is not None:
            return _with_parent(comment, found, "quote")
    if mentioned is not None:
        found = earlier.last(mentioned, before=comment.id)
        if found is not None:
            return _with_parent(comment, found, "mention")
    return comment


class _Earlier:
    """The comments that another one may answer, in their order, by author."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._by_name: dict[str, list[Comment]] = {}
        self._words: dict[int, str] = {}

    def add(self, comment: Comment) -> None:
        self._ids.add(comment.id)
        # What the author may be called in a quotation or mention.
        for name in {_name(comment.nickname_raw), _name(comment.profile_name)} - {""}:
            self._by_name.setdefault(name, []).append(comment)

    def __contains__(self, id: int | None) -> bool:
        return id in self._ids

    def quoted(self, quote: Quote, *, by: Comment) -> int | None:
        """The last comment by the quoted author that has the quoted words."""
        words = _words(quote.text)
        if words.isspace():
            return None
        for comment in self._latest(_name(quote.author), by.id):
            if comment.id not in self._words:
                self._words[comment.id] = _words(comment.body)
            if words in self._words[comment.id]:
                return comment.id
        return None

    def last(self, name: str, *, before: int) -> int | None:
        """The last comment by an author."""
        return next((comment.id for comment in self._latest(_name(name), before)), None)

    def _latest(self, name: str, before: int) -> Iterator[Comment]:
        latest = islice(reversed(self._by_name.get(name, ())), MOST_SEARCHED)
        return (comment for comment in latest if comment.id < before)


def _telling(quotes: Iterable[Quote]) -> Quote | None:
    """The quotation that tells whom a comment answers: the first with a number, or else with a name."""
    own = [quote for quote in quotes if quote.level == 1]
    numbered = next((quote for quote in own if quote.comment_id is not None), None)
    return numbered or next((quote for quote in own if quote.author), None)


def _with_parent(comment: Comment, parent: int, source: ParentSource) -> Comment:
    return replace(comment, parent_id=parent, parent_source=source)


def _name(name: str | None) -> str:
    """A name as names are compared."""
    return nickname(name).casefold() if name else ""


def _words(text: str) -> str:
    """
    The words of a text, each between spaces, so that one text has the words of another if it contains it.

    Punctuation and spacing do not count: editions put spaces where there were none.
    """
    return f" {' '.join(_WORD.findall(text.casefold()))} "
