"""What a probe found, for people and for other programs."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from crawler.dle.comments import Block
from crawler.items import ArticlePage, Comment, ListingPage
from crawler.probe.findings import Comments, Field, Findings
from crawler.probe.proposal import Place, Proposal, as_source

#: Things of one kind that people are shown.
SHOWN = 12

#: A value longer than this is cut, in characters.
WIDTH = 60


def lines(found: Findings) -> Iterator[str]:
    """What people are shown."""
    page = found.page
    yield page.url
    yield from _pairs(
        {
            "page": found.kind,
            "served": f"{page.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, edition {page.edition.code}"
            + ("" if page.status is None else f", status {page.status}"),
            "generator": (found.engine.generator or "none named") if found.engine else None,
            "thread": found.engine.thread if found.engine else None,
        }
    )
    if found.stopped_by is not None:
        yield f"\nNOT UNDERSTOOD: {found.stopped_by}"
    if isinstance(found.item, ArticlePage):
        yield f"\nThe article {found.item.article.id}: skin {found.article_skin or 'unknown'}"
        yield from _fields(found.article, of=None)
    if isinstance(found.item, ListingPage):
        yield from _listing(found.item)
    if found.comments is not None:
        yield from _comments(found.comments)
    if found.remarks:
        yield "\nRemarks"
        yield from (f"  {remark}" for remark in found.remarks)


def as_dict(found: Findings) -> dict[str, Any]:
    """The same for other programs, with everything that was read in full."""
    comments = found.comments
    return {
        "url": found.page.url,
        "edition": found.page.edition.code,
        "fetched_at": found.page.at,
        "status": found.page.status,
        "kind": found.kind,
        "understood": found.stopped_by is None,
        "stopped_by": found.stopped_by,
        "engine": found.engine and dataclasses.asdict(found.engine),
        "article": {
            "skin": found.article_skin,
            "fields": [_field_as_dict(each) for each in found.article],
        }
        if found.article
        else None,
        "comments": comments
        and {
            "skin": comments.skin,
            "read": len(comments.read),
            "stated": comments.stated,
            "number": comments.number,
            "pages": comments.pages,
            "fields": [_field_as_dict(each) for each in comments.fields],
            "parents": dict(comments.parents),
            "authors": dict(comments.authors),
            "precisions": dict(comments.precisions),
            "dates_unread": dict(comments.dates_unread),
            "uncovered": [{"words": words, "comments": count} for words, count in comments.uncovered],
            "proposal": _proposal_as_dict(comments.proposal, comments.proposed),
            "items": [dataclasses.asdict(comment) for comment in comments.read],
        },
        "listing": dataclasses.asdict(found.item) if isinstance(found.item, ListingPage) else None,
        "remarks": found.remarks,
    }


def _field_as_dict(field: Field) -> dict[str, Any]:
    return dataclasses.asdict(field)


def _proposal_as_dict(proposal: Proposal | None, proposed: Block | None) -> dict[str, Any] | None:
    if proposal is None or proposed is None:
        return None
    return dataclasses.asdict(proposal) | {
        "source": "\n".join(as_source(proposal.skin)),
        "reads": [
            {name: getattr(comment, name) for name in ("id", "nickname_raw", "author_kind", "posted_raw")}
            for comment in proposed.comments
        ],
    }


def _listing(listing: ListingPage) -> Iterator[str]:
    yield f"\n{len(listing.entries)} articles, {len(listing.lists)} further lists; next page: {listing.next_path}"
    for entry in listing.entries[:SHOWN]:
        said = [str(entry.id), entry.published_raw or "?", entry.title or "?"]
        yield f"  {_cut(' · '.join(said), 2 * WIDTH)}"
    if len(listing.entries) > SHOWN:
        yield f"  … and {len(listing.entries) - SHOWN} more"


def _comments(comments: Comments) -> Iterator[str]:
    number = len(comments.read)
    stated = "no number of them is stated" if comments.stated is None else f"{comments.stated} are stated"
    place = f"page {comments.number} of {comments.pages or '?'}"
    yield f"\nComments: {number} read, {stated}; {place}; skin {comments.skin}"
    yield from _fields(comments.fields, of=number)
    yield from _pairs(
        {
            "parents": _counted(comments.parents),
            "authors": _counted(comments.authors),
            "dates": f"read to the {_counted(comments.precisions)}" if comments.precisions else "none read",
            "dates unread": _unread(comments.dates_unread),
        }
    )
    if comments.uncovered:
        yield "\nWords in comments that no field covers"
        yield from (f"  {count:5} × {_cut(words)}" for words, count in comments.uncovered[:SHOWN])
        if len(comments.uncovered) > SHOWN:
            yield f"  … and {len(comments.uncovered) - SHOWN} more"
    if comments.proposal is not None and comments.proposed is not None:
        yield from _proposal(comments.proposal, comments.proposed.comments)
    elif comments.skin == "unknown" and number:
        yield "\nNo skin can be proposed: nothing in the comments names their authors for sure."


def _proposal(proposal: Proposal, read: Sequence[Comment]) -> Iterator[str]:
    yield "\nThe page seems to have this skin; look at it, name it, and put it into skins.py:\n"
    yield from as_source(proposal.skin)
    yield ""
    yield from _pairs(
        {
            "author": _right(proposal.author, proposal.of),
            "date": _right(proposal.date, proposal.of)
            if proposal.date
            else "no element holds a date and nothing else; the reader looks for words like a date",
            "avatar": _right(proposal.avatar, proposal.of) if proposal.avatar else "none found",
            "rating": f"{_right(proposal.rating, proposal.of)}: a signed number, whose place a skin cannot name"
            if proposal.rating
            else None,
        }
    )
    if "." not in proposal.skin.recognises and "[" not in proposal.skin.recognises:
        yield "  It names no class, so it may fit other templates too: put it behind all other skins."
    yield "\nWith it the page reads"
    for comment in read[:SHOWN]:
        name = comment.nickname_raw or "nobody"
        yield f"  {comment.id}  {name} ({comment.author_kind}) · {comment.posted_raw or 'no date'}"
    if len(read) > SHOWN:
        yield f"  … and {len(read) - SHOWN} more"


def _right(place: Place, of: int) -> str:
    wrong = f", something else in {place.wrong}" if place.wrong else ""
    return f"{place.selector} finds it in {place.right} of {of} comments{wrong}"


def _fields(fields: Iterable[Field], *, of: int | None) -> Iterator[str]:
    """A line a field: its name, in how many comments it is, its place, its values."""
    shown = [(field, _cut(field.selector or "", 40)) for field in fields]
    width = max((len(field.name) for field, _ in shown), default=0)
    places = max((len(place) for _, place in shown), default=0)
    for field, place in shown:
        count = "" if of is None else f"{field.filled:4} of {of}  "
        one = len(field.examples) == 1
        values = " | ".join(_cut(_value(each), WIDTH if one else 24) for each in field.examples)
        yield f"  {field.name:{width}}  {count}{place:{places}}  {values or '-'}"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        first = _value(value[0])
        return first if len(value) == 1 else f"{len(value)}, the first: {first}"
    for name in ("url", "text"):
        value = getattr(value, name, value)
    return str(value)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _unread(dates: Mapping[str, int]) -> str:
    shown = [f"«{_cut(words)}» {count}" for words, count in list(dates.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(dates) - SHOWN} more" if len(dates) > SHOWN else "") or "none"


def _pairs(pairs: Mapping[str, str | None]) -> Iterator[str]:
    width = max(map(len, pairs))
    return (f"  {name:{width}}  {value}" for name, value in pairs.items() if value is not None)


def _cut(text: str, width: int = WIDTH) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
