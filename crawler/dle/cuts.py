"""
The changes that cut somebody out of a page, given where the page shows them (`crawler.dle.persons`).

What they leave of a comment is its skeleton: tags with ids and classes, the date, the rating, so that it keeps its
place in the thread and the answers to it theirs. What a quotation or mention proves is kept: where the reader found
whom a comment answers by words that are cut out, that is written into the tag of the comment's text
(`crawler.dle.parents.ANSWERS`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from html import escape, unescape

from crawler.dle.fields import DATE
from crawler.dle.parents import ANSWERS
from crawler.dle.persons import Persons, Quotation, State
from crawler.dle.pieces import Edit, Piece, attributes, cancelling
from crawler.dle.text import folded
from crawler.normalise.nicknames import nickname

#: What stays of the tags of a cut comment: what selectors and the tree of comments go by.
_STRUCTURE = frozenset(("id", "class", "datetime"))
_RATING_NUMBERS = ("data-comments-", "data-vote-")
#: A quotation keeps what it proves.
_PROOFS = frozenset(("id", "class", "data-commenttime", "data-commentid", "data-commentpostid"))
_FRAME = re.compile(r"<!--\s*Quote(?:EBegin|End|EEnd)\s*-->")
_PROFILE_CALL = re.compile(r"\s*ShowProfile\s*\(")
#: Calls that put a name into the form for an answer.
NAMING_CALLS = ("dle_ins", "dle_copy_quote", "dle_reply", "dle_fastreply")
_NAMING_CALL = re.compile(rf"""\b(?:{"|".join(NAMING_CALLS)})\s*\(\s*(['"])(.*?)\1""")
_BY_AUTHOR = re.compile(r"(?:^|[.:])(?:author|creator)$", re.IGNORECASE)


class Cuts:
    """What is cut out of a page."""

    def __init__(self, shown: Persons) -> None:
        self._shown = shown

    def told(self, answers: Mapping[int, str]) -> list[Edit]:
        """The changes that write into the texts of comments what cut words told: "quote 17", or nothing."""
        edits = []
        for id, told in answers.items():
            if id in self._shown.texts:
                tag = self._shown.pieces[self._shown.texts[id]]
                at = tag.start + 1 + len(tag.name)
                edits.append(Edit(at, at, f' {ANSWERS}="{told}"'))
        return edits

    def edits(self, *, thorough: bool = True) -> list[Edit]:
        """
        The changes that cut the forgotten out, in order.

        Args:
            thorough: Whether the tags in cut texts go too, where they leave no trace. Otherwise all stay, bare.
        """
        texts: dict[object, set[int]] = {}
        edits: dict[int, list[Edit]] = {}
        cut_links: set[str] = set()
        frames = {
            number for each in self._shown.quotations if each.says_whose for number in (each.box, each.marker)
        }
        for number, state in self._shown.states.items():
            piece = self._shown.pieces[number]
            quotation = self._whose(state)
            if state.comment in self._shown.forgotten:
                if state.in_text:
                    if number != self._shown.texts.get(state.comment):
                        texts.setdefault(state.comment, set()).add(number)
                        continue
                    edits[number] = list(self._stripped(piece, _STRUCTURE | {ANSWERS}))
                else:
                    edits[number] = list(self._head_edits(piece, state))
            elif state.title in self._shown.cut:
                edits[number] = list(self._title_edits(number, state.title))
            elif number in frames or (state.title is not None and state.title.says_whose):
                if number == state.link:
                    edits[number] = list(self._stripped(piece, _STRUCTURE))
            elif quotation in self._shown.cut:
                texts.setdefault(quotation, set()).add(number)
            elif number == state.mention:
                edits[number] = list(self._stripped(piece, frozenset(("class",))))
            elif number == state.link:
                edits[number] = list(self._stripped(piece, frozenset(("class", "id", "rel", "target"))))
            elif state.mention is not None or state.link is not None:
                if state.link is not None and state.comment is None and piece.kind == "text":
                    cut_links.add(nickname(unescape(self._shown.html[piece.start : piece.end])).casefold())
                edits[number] = list(self._stripped(piece, frozenset(("class",))))
        for each in self._shown.cut:
            if each.marker is not None:
                marker = self._shown.pieces[each.marker]
                edits[each.marker] = [Edit(marker.start, marker.end, "<!--QuoteBegin-->")]
        for own in texts.values():
            edits |= self._text_edits(own, thorough=thorough)
        self._cut_calls_and_bylines(edits, cut_links)
        return sorted(edit for some in edits.values() for edit in some)

    def _whose(self, state: State) -> Quotation | None:
        """The quotation whose words these are: the innermost one that says whose it is, or that stands in none."""
        quotation = state.quote
        while quotation is not None and not quotation.says_whose and quotation.outer is not None:
            quotation = quotation.outer
        return quotation

    def _text_edits(self, own: set[int], *, thorough: bool) -> dict[int, list[Edit]]:
        gone = cancelling(self._shown.pieces, own) if thorough else set()
        edits: dict[int, list[Edit]] = {}
        for number in own | gone:
            piece = self._shown.pieces[number]
            if number in gone or piece.kind == "text":
                edits[number] = [Edit(piece.start, piece.end, "")]
            elif piece.kind == "note":
                if not _FRAME.fullmatch(self._shown.html, piece.start, piece.end):
                    edits[number] = [Edit(piece.start, piece.end, "")]
            else:
                edits[number] = list(self._stripped(piece, frozenset()))
        return edits

    def _head_edits(self, piece: Piece, state: State) -> Iterator[Edit]:
        if piece.kind == "text":
            if not state.kept:
                yield Edit(piece.start, piece.end, self._date_in(piece, state))
            return
        yield from self._stripped(piece, _STRUCTURE, head=True)

    def _date_in(self, piece: Piece, state: State) -> str:
        """What stays of a text in the head of a cut comment: the date, where nothing but its looks says what it is."""
        assert state.comment is not None
        comment = self._shown.comments.get(state.comment)
        if comment is None or comment.posted_raw is None or state.comment in self._shown.dated:
            return ""
        raw = comment.posted_raw
        first = next(
            (
                text
                for text in self._shown.heads.get(state.comment, ())
                if (match := DATE.search(folded(text.words)[:200])) and match[0] == raw
            ),
            None,
        )
        if first is None or not first.numbers or self._shown.pieces[first.numbers[0]] is not piece:
            return ""
        for name in self._shown.names_of(state.comment):
            rest = raw[len(name) :].strip() if name and raw.casefold().startswith(name.casefold()) else ""
            if rest and DATE.fullmatch(rest):
                raw = rest
        return f" {escape(raw, quote=False)} "

    def _title_edits(self, number: int, quotation: Quotation) -> Iterator[Edit]:
        piece = self._shown.pieces[number]
        if number == quotation.title:
            yield from self._stripped(piece, _PROOFS)
        else:
            yield from self._stripped(piece, frozenset())

    def _stripped(self, piece: Piece, keep: Collection[str], *, head: bool = False) -> Iterator[Edit]:
        """Cut a piece down to its tag, and that to the attributes that are kept."""
        if piece.kind in ("text", "note"):
            if piece.kind == "text" or not _FRAME.fullmatch(self._shown.html, piece.start, piece.end):
                yield Edit(piece.start, piece.end, "")
            return
        at = piece.start + 1 + len(piece.name)
        for name, value, start, end in attributes(self._shown.html, piece):
            at = end
            if name in keep or (head and name.startswith(_RATING_NUMBERS)):
                continue
            if head and name == "onclick" and _PROFILE_CALL.match(unescape(value)):
                yield Edit(start, end, ' onclick="ShowProfile()"')
            else:
                yield Edit(start, end, "")
        if piece.kind == "opaque":
            inside = self._shown.html.find(">", at, piece.end) + 1
            if 0 < inside < piece.end:
                yield Edit(inside, piece.end, "")

    def _cut_calls_and_bylines(self, edits: dict[int, list[Edit]], linked: Collection[str]) -> None:
        """Names in calls that begin an answer, and in what says who wrote the article, where its byline is cut."""
        linked = {*linked, *(nickname(profile).casefold() for profile in self._shown.links.values())}
        for number, piece in enumerate(self._shown.pieces):
            if piece.kind != "start" or number in edits:
                continue
            raw = self._shown.html[piece.start : piece.end]
            if piece.name == "meta" and linked:
                own = {name: unescape(value) for name, value, _, _ in attributes(self._shown.html, piece)}
                says = own.get("itemprop") or own.get("name") or own.get("property") or ""
                if _BY_AUTHOR.search(says) and nickname(own.get("content", "")).casefold() in linked:
                    edits[number] = list(self._stripped(piece, frozenset(("itemprop", "name", "property"))))
            elif "onclick" in raw.lower():
                for name, value, start, end in attributes(self._shown.html, piece):
                    call = _NAMING_CALL.search(unescape(value)) if name == "onclick" else None
                    if call and self._shown.means_forgotten(call[2]):
                        edits[number] = [Edit(start, end, "")]
