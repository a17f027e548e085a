"""
The comments of a page that only repeat the markup of another one, taken out before the page is parsed.

One template writes all comments of a page. So most of them are, tag for tag, the same as one that stood
before, but for the words and addresses in them; and to build a tree of each, only to ask every tree the
same questions, is most of what reading a page would cost. Here the first comment of each kind is turned
into a pattern (see `crawler.dle.kinds`), which recognises the others of its kind in the raw text; they are
taken out of the page, with their words noted, and what is left is a small page for the parser. What stands
where in a comment of a kind is found by the reader of trees, once: see `crawler.dle.patterned`.

The result must be that of reading the whole page, so the rules are strict, and where one does not hold
the page is not folded at all:

- From the first comment to the last there is nothing but comments, lists and items, white space, and
  other elements; and each comment and other element closes what it opens, in good order, and holds
  only elements that parse the same wherever they stand. So a parser is in the same state before and behind
  each of them, and its tree is the one that is written.
- An element that stands at its place in comments of a kind stays in the page the first time. So a search of
  the whole page finds what it would.
- Words are such that they need no parser: plain, or with references whose meaning is beyond doubt. The
  text of a comment may also hold line breaks and smilies. Where it is odd (it has quotations, links
  or anything else) it is parsed, but apart, and the other fields are read as those of its kind.

What closes all that it opens has no part in the tree of the thread and none in the nesting around it, so the tags
are noted of what stands between the comments only.

A page whose comments are in no known skin is read whole, too: there the date is found by what it looks like.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crawler.dle.between import NOBODY, PLACE, Between, end_of_sound, known_between
from crawler.dle.kinds import START, Kind, element, kind_of
from crawler.dle.parents import ANSWERS
from crawler.dle.tags import Tag, tags
from crawler.dle.tree import Steps

#: Kinds of comments on a page: with and without a profile link, a rating, a signature … Comments of
#: further kinds are left in the page.
MAX_KINDS = 12

Repeat = tuple[Kind, re.Match[str]]
"""
A comment that its kind's pattern matches. The groups are what is its own. A plain tuple, because there are
thousands.
"""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A page without the comments that only repeat the markup of another one."""

    html: str
    #: The numbers of all comments, in the order of the page.
    order: tuple[int, ...]
    #: Those that were taken out.
    repeats: dict[int, Repeat]
    #: Those of a kind that stayed: the first with some element, and with links or the like in their text.
    stayed: dict[int, Repeat]
    #: The odd texts of both, which the match is without.
    texts: dict[int, str]
    #: The markup of those that are of no kind, which stayed, too.
    strange: dict[int, str]
    #: The kinds of all others.
    kinds: tuple[Kind, ...]
    #: Names of the elements of the page's first comment, in the order in which they open.
    names: tuple[str, ...]
    #: How deep comments nest their elements.
    depth: int
    #: What stands in no comment.
    between: list[Between]
    #: What of the page belongs to its tree.
    steps: Steps


#: The kinds of the last page that had any, the most frequent first: the next one is likely of the same template.
#: That saves making them again; what is read does not depend on it.
_lately: list[Kind] = []

#: The page that is to be asked for again, and the answer.
_kept: tuple[str | bytes, Shortened | None] = "", None


def shortened(html: str | bytes, *, text: str | None = None, keep: bool = False) -> Shortened | None:
    """
    A page without the comments that only repeat the markup of another one; None where it must be read whole.

    Two pages with the same text are two: to look for equal texts would cost as much as a scan.

    Args:
        html: As text or in UTF-8.

        text: The same as text, where it is at hand.

        keep: Whether the same page will be asked for again: the safety scan comes before the reader of comments. The
            answer is kept until then and no longer, as it takes several times the memory of the page.
    """
    global _kept
    page, answer = _kept
    if page is not html:
        if text is None:
            text = html if isinstance(html, str) else html.decode()
        answer = _shortened(text)
    _kept = (html, answer) if keep else ("", None)
    return answer


def _shortened(html: str) -> Shortened | None:
    start = START.search(html)
    if start is not None and "\r" in html:  # To HTML all line ends are line feeds.
        html = html.replace("\r\n", "\n").replace("\r", "\n")
        start = START.search(html)
    if start is None:
        return None
    before = tags(html[: start.end()])
    if not before or before.pop() != (b"div", start[0][4:-1].encode()):
        return None  # It stands in a script, a remark or the value of an attribute.
    page = _Page(html, before)
    if not page.takes_all(start.start()) or not page.repeats or len(set(page.order)) < len(page.order):
        return None
    short = page.short()
    # Each element of a comment that is taken out is like one that stays, so what the page had anywhere is still there.
    if ANSWERS in short.html:  # what stands for a comment that was cut out is read with the whole page
        return None
    # Whatever else claims to be the text of a comment may stand before the true one, and then counts.
    texts = short.html.count("='comm-id-") + short.html.count('="comm-id-')
    return None if texts > len(short.order) - len(short.repeats) else short


class _Page:
    """A page that is being shortened."""

    def __init__(self, html: str, before: list[Tag]) -> None:
        self.html = html
        self.kinds = list(_lately)
        #: How often each kind was met.
        self.met = dict.fromkeys(self.kinds, 0)
        self.outlines = {kind.outline for kind in self.kinds}
        self.order: list[int] = []
        self.repeats: dict[int, Repeat] = {}
        self.stayed: dict[int, Repeat] = {}
        self.texts: dict[int, str] = {}
        self.strange: dict[int, str] = {}
        self.names: tuple[str, ...] = ()
        self.depth = 0
        self.between = [Between(before)]
        self.steps = Steps()
        self.steps.add(before)
        #: The elements of the comments that stay, each with all that it stands in.
        self.shown: set[str] = set()
        #: What stays of the page …
        self.kept: list[str] = []
        #: … and what each piece opens that may yet turn out to hold nothing, see `Between`.
        self.opened: list[bytes] = []

    def takes_all(self, at: int) -> bool:
        """
        Take the comments one after another; False where the page must be read whole.

        Args:
            at: Where the first begins.
        """
        html, kinds, met, shown, order, repeats = (
            self.html, self.kinds, self.met, self.shown, self.order, self.repeats
        )  # fmt: skip
        behind = 0  # the last comment
        passed = 0  # what was seen of what stands behind it
        while at >= 0:
            match = None
            for kind in kinds:
                match = kind.pattern.match(html, at)
                if match is not None:
                    number = match[1]
                    break
            else:
                begin = START.search(html, at)
                if begin is None:
                    break
                if begin.start() > at:  # what begins before it is no comment
                    at = begin.start()
                    continue
                number = begin[2]
            between = known_between(html[behind:at], number) if order else None
            if between is not None and not between.is_sound:
                passed = end_of_sound(html, max(behind, passed), at)
                if passed < at:
                    return False
                if passed > at:
                    at = html.find(_BEGINNING, passed)
                    continue
            id = int(number)
            if match is None:
                end = self._odd(id, at) or self._strange(id, at)
                if end < at:
                    return False
                if end == at:
                    continue  # A kind was learnt from it.
            else:
                end = match.end()
                if met[kind] or kind.paths <= shown:
                    repeats[id] = kind, match
                else:
                    self._stay(id, kind, match, _IN_TEXT.findall(match[kind.text]))
                met[kind] += 1
            if between is None:
                self._keep(html[:at])
            else:
                self._pass(between, id, number)
            if id not in repeats:
                self._keep(html[at:end])
            order.append(id)
            behind = end
            # Nearly always the next one is near, and a search in a short piece takes no preparing.
            at = html.find(_BEGINNING, end, end + _NEAR)
            if at < 0:
                at = html.find(_BEGINNING, end)
        after = Between(tags(html[behind:]))
        self.between.append(after)
        self.steps.add(after.tags)
        self._keep(html[behind:])
        return True

    def _pass(self, between: Between, id: int, number: str) -> None:
        """Keep what stands before the comment with this number, but for what is left without anything in it."""
        self.between.append(between)
        run = between.run
        if between.steps is None:
            self.steps.add(between.tags)
        elif not self.steps.add_known(between.steps, between.own, id, run):
            self.steps.add((name, rest.replace(b"%d" % NOBODY, b"%d" % id)) for name, rest in between.tags)
        kept, opened = self.kept, self.opened
        if run is not None and (closes := run.closes):
            if opened[-len(closes) :] == closes:
                del opened[-len(closes) :], kept[-len(closes) :]
            else:
                self._keep(between.closing)
        opened += between.opens
        kept += between.opening
        if between.is_numbered:
            kept[-1] = kept[-1].replace(PLACE, number)

    def _keep(self, markup: str) -> None:
        self.kept.append(markup)
        self.opened.append(b"")

    def short(self) -> Shortened:
        kinds = sorted(
            (kind for kind in self.kinds if self.met[kind]), key=self.met.__getitem__, reverse=True
        )
        _lately[:] = kinds[:MAX_KINDS]
        return Shortened(
            html="".join(self.kept),
            order=tuple(self.order),
            repeats=self.repeats,
            stayed=self.stayed,
            texts=self.texts,
            strange=self.strange,
            kinds=tuple(kinds),
            names=self.names,
            depth=max(self.depth, *(kind.depth for kind in kinds)),
            between=self.between,
            steps=self.steps,
        )

    def _stay(self, id: int, kind: Kind, match: re.Match[str], in_text: Sequence[str]) -> None:
        self.stayed[id] = kind, match
        self.shown |= kind.paths
        self.names = self.names or kind.names(in_text)

    def _odd(self, id: int, at: int) -> int:
        """Take a comment that is of a kind but for its text; returns where it ends, 0 where it is no such comment."""
        html = self.html
        coming = START.search(html, at + 1)
        limit = coming.start() if coming else len(html)
        own = html.find(f"comm-id-{id}", at, limit)
        begin = html.find(">", own, limit) + 1
        if own < 0 or not begin:
            return 0
        for around in {kind.around: None for kind in self.kinds}:
            text = element(html, begin, around)
            if text is None:
                continue
            end = text.tokens[-1].start("end") - len("</")
            # Without its text it is a comment with an empty one.
            frame = html[at:begin] + html[end : min(limit, end + _LONGEST_FOOT)]
            for kind in self.kinds:
                match = kind.pattern.match(frame) if kind.around == around else None
                if match is not None and match.span(kind.text) == (begin - at, begin - at):
                    self.met[kind] += 1
                    self.texts[id] = markup = html[begin:end]
                    self.depth = max(self.depth, text.depth)
                    paths = kind.paths | text.paths(kind.place)
                    if paths <= self.shown and _LOOKED_FOR.search(markup) is None:
                        self.repeats[id] = kind, match
                    else:
                        self._stay(id, kind, match, text.names)
                        self.shown |= paths
                    return match.end() + at + end - begin
        return 0

    def _strange(self, id: int, at: int) -> int:
        """
        Take a comment that is of no kind, or learn a kind from it.

        Returns:
            Where it ends; where it begins, if a kind was learnt; -1 where the page must be read whole.
        """
        comment = element(self.html, at)
        if comment is None:
            return -1
        if comment.outline not in self.outlines and len(self.outlines) < 2 * MAX_KINDS:
            self.outlines.add(comment.outline)
            kind = kind_of(comment, str(id))
            if kind is not None and kind not in self.met:
                self.kinds.append(kind)
                self.met[kind] = 0
                return at
        self.strange[id] = self.html[at : comment.end]
        self.names = self.names or comment.names
        self.depth = max(self.depth, comment.depth)
        return comment.end


#: What each comment begins with, and much else.
_BEGINNING = "<div id="
#: In characters: more than stands between most comments.
_NEAR = 1_000
#: What a page may be searched for not only until it is found: links, mentions, notices … So only quotations and tags
#: without attributes are not such.
_LOOKED_FOR = re.compile(r"""<[a-z]+[ \t\n]+(?!/?>|class=["'](?:title_)?quote["']>)""")
#: In characters: more than stands behind the text of any comment.
_LONGEST_FOOT = 20_000
#: The elements that a text may hold that is not odd.
_IN_TEXT = re.compile("<(br|img)")
