"""
Comments that were taken out of their page, read from the groups of their kind's pattern.

Nothing is asked of a tree but once for each kind: the questions that the reader of trees puts to a comment
on a page are put to the kind's sample, and the answers tell which group of the pattern holds which field.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice, repeat
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.fields import (
    PROFILE,
    SPACE,
    TIME,
    Elements,
    Fields,
    Owners,
    comment_number,
    elements,
    profile_name,
    shown_rating,
    source_hash,
    user_number,
)
from crawler.dle.kinds import SAMPLE, Kind, mark
from crawler.dle.repeats import Repeat, Shortened
from crawler.dle.skins import Skin
from crawler.dle.text import Written, plain, unescaped, unescaped_all, written
from crawler.dle.tree import ROOT, Tree
from crawler.items import AuthorKind, Comment, many


class NotAlike(Exception):
    """The repeats that were taken out of a page are not sure to read as they would in it: read it whole."""


#: What may stand around the comments: nothing that stays in force inside them.
_AROUND = frozenset(("article", "aside", "body", "div", "form", "html", "li", "main", "ol", "section", "ul"))
_MARK = re.compile(mark(0).replace("0", "([0-9]+)"))


def check_place(repeats: Shortened, found: Elements) -> None:
    """
    Check that a parser reads comments where they stand as it reads one that stands alone.

    Args:
        found: In the page without the repeats.

    Raises:
        NotAlike: There are other comments than the raw text shows, or other texts, so it is not what it seems;
            or something that stands around the first comment reaches into it.
    """
    if found.has_others or [id for id in repeats.order if id not in repeats.repeats] != list(found.roots):
        raise NotAlike
    if not repeats.repeats.keys().isdisjoint(found.texts):
        raise NotAlike
    first = found.roots[repeats.order[0]]
    if _names(first) != repeats.names:
        raise NotAlike
    here = first.parent
    while here is not None and here.tag != "-document":
        if here.tag not in _AROUND:
            raise NotAlike
        here = here.parent


def check_items(document: LexborHTMLParser, skin: Skin, ratings: Sequence[str], order: Iterable[int]) -> None:
    """
    Check that nothing stands beside a comment in its item that would be taken for one of its fields.

    Raises:
        NotAlike: Something does.
    """
    numbers = frozenset(order)
    seen: set[int] = set()  # elements that were met on the way up, so that depth costs once
    for node in document.css(_fields_outside(skin, ratings)):
        here = node.parent
        while here is not None and here.mem_id not in seen:
            number = comment_number(here)
            if number in numbers:
                raise NotAlike
            if number is not None:
                break
            seen.add(here.mem_id)
            here = here.parent


@lru_cache(maxsize=256)
def _fields_outside(skin: Skin, ratings: Sequence[str]) -> str:
    """A selector of all that could be a field and stands in no comment."""
    selectors = (skin.author, skin.date, skin.full_name, skin.avatar, *ratings, PROFILE, TIME)
    return f":is({', '.join(filter(None, selectors))}):not([id^='comment-id-'] *)"


def _names(root: LexborNode) -> tuple[str, ...]:
    """The names of an element and of what stands in it, in the order in which they open."""
    return tuple(node.tag or "" for node in root.traverse() if node.tag != "-comment")


@lru_cache(maxsize=256)
def _sample(kind: Kind) -> Owners | None:
    """A comment of a kind, to be asked as if it were one on a page; None where it is not read as it is written."""
    owners = apart([kind.sample])
    if list(owners.roots) != [SAMPLE] or list(owners.texts) != [SAMPLE]:
        return None
    return owners if _names(owners.roots[SAMPLE]) == kind.elements else None


def apart(markup: Iterable[str]) -> Owners:
    """Comments in a tree of their own."""
    document = LexborHTMLParser(f"<ol><li>{'</li><li>'.join(markup)}</li></ol>")
    return Owners(document, elements(document))


#: A tree without comments.
NONE_APART = apart(())


#: So many texts are parsed together, so that a page of thousands needs no large tree.
_AT_ONCE = 100


def texts_apart(markup: Mapping[int, str], base_url: str) -> dict[int, Written]:
    """What stands in the odd texts of comments, by number. Raises NotAlike."""
    read = {}
    texts = iter(markup.items())
    while some := dict(islice(texts, _AT_ONCE)):
        body = LexborHTMLParser("".join(f"<div id='{id}'>{text}</div>" for id, text in some.items())).body
        node = body.first_child if body is not None else None
        for id in some:
            if node is None or node.id != str(id):
                raise NotAlike
            read[id] = written(node, base_url=base_url)
            node = node.next
    return read


def is_of(kind: Kind, skin: Skin) -> bool:
    """Whether the comments of a kind have a skin."""
    sample = _sample(kind)
    return sample is not None and SAMPLE in sample.found(skin.recognises)


@lru_cache(maxsize=256)
def places(kind: Kind, skin: Skin | None, ratings: Sequence[str]) -> tuple[int, ...] | None:
    """
    Where the comments of a kind keep their fields; None where finding them takes more than to look into a group.

    The same questions are put to the kind's sample as to a comment on a page, and the answers are marks.

    Returns:
        Groups of the kind's pattern: the text, the nickname, the profile's address, the date in words and for
        machines, the avatar's address and style, and the one or two texts of the rating.
    """
    owners = _sample(kind)
    if owners is None or skin is None or not is_of(kind, skin):
        return None
    fields = Fields(owners, skin, ratings)
    links = fields.profile_links(SAMPLE)
    author = fields.author(SAMPLE, links, known=True)
    posted_raw, posted_machine = fields.date(SAMPLE, known=True)
    source, _, style = fields.avatar(SAMPLE).partition(" ")
    shown = fields.ratings(SAMPLE)
    profiles = {name for _, name in links}
    place = owners.first(SAMPLE, skin.author)
    if place is None or _MARK.fullmatch(place.text().strip()) is None:
        return None  # There is more than a nickname, and what it is depends on its words.
    if author.full_name is not None or profiles != {author.profile_name} - {None} or not posted_raw:
        return None
    answers = (author.nickname, author.profile_name, posted_raw, posted_machine, source, style, *shown)
    groups = [kind.text]
    for answer in answers:
        match = _MARK.fullmatch((answer or mark(kind.nothing)).strip())
        if match is None:
            return None
        groups.append(int(match[1]))
    return tuple(groups)


class _Author(NamedTuple):
    nickname: str
    kind: AuthorKind
    profile_name: str | None
    number: int | None


@lru_cache(maxsize=5_000)
def _author(nickname: str, profile: str, source: str, style: str) -> _Author:
    """Who wrote a comment: name, profile's address and avatar as written; people write more than once."""
    name = profile_name(profile) if profile else None
    number = None if name is None else user_number(unescaped(f"{source} {style}"))
    return _Author(unescaped(nickname).strip(SPACE), "guest" if name is None else "member", name, number)


@lru_cache(maxsize=1_000)
def _rating(*shown: str) -> int | None:
    return shown_rating([unescaped(text) for text in shown])


def patterned(
    found: Mapping[int, Repeat],
    tree: Tree,
    groups: Mapping[Kind, Sequence[int]],
    odd: Mapping[int, Written],
) -> dict[int, Comment]:
    """
    The comments that are of a kind, by number.

    Args:
        groups: The `places` of each kind.

        odd: What stands in the texts that no pattern matches.
    """
    columns: Iterable[tuple[str, ...]] = zip(
        *[match.group(*groups[kind]) for kind, match in found.values()], strict=True
    )
    texts, nicknames, profiles, dates, machines, sources, styles, *shown = columns
    names, kinds, profile_names, numbers = zip(
        *map(_author, nicknames, profiles, sources, styles), strict=True
    )
    parents, parent_sources = zip(*map(tree.parents.get, found, repeat(ROOT)), strict=True)
    bodies, marks = zip(
        *[
            (odd[id].body, odd[id].marks) if id in odd else plain(text)
            for id, text in zip(found, texts, strict=True)
        ],
        strict=True,
    )
    posted = [" ".join(date.split()) or None for date in unescaped_all(dates)]
    posted_machine = [date.strip() or None for date in unescaped_all(machines)]
    read = many(
        Comment,
        id=found,
        parent_id=parents,
        parent_source=parent_sources,
        nickname_raw=names,
        author_kind=kinds,
        profile_name=profile_names,
        site_user_id=numbers,
        posted_raw=posted,
        posted_machine=posted_machine,
        body=bodies,
        quotes=[odd[id].quotes if id in odd else () for id in found],
        links=[odd[id].links if id in odd else () for id in found],
        images=[odd[id].images if id in odd else () for id in found],
        rating=list(map(_rating, *shown)) if shown else [None] * len(found),
        source_hash=list(map(source_hash, marks, names, profile_names, posted, posted_machine)),
    )
    return dict(zip(found, read, strict=True))
