"""
The comments of a page.

Found by the engine's own ids, which a template can hardly change: `comment-id-N` around each comment,
`comm-id-N` around its text. What lies between is the template's; `crawler.dle.skins` says where.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from crawler.dle.fields import RATINGS, Fields, Owners, elements, shown_rating, source_hash, user_number
from crawler.dle.parents import with_inferred_parents
from crawler.dle.patterned import (
    NONE_APART,
    NotAlike,
    apart,
    check_items,
    check_place,
    is_of,
    patterned,
    places,
    texts_apart,
)
from crawler.dle.repeats import Repeat, Shortened
from crawler.dle.skins import Skin
from crawler.dle.text import written
from crawler.dle.tree import ROOT, Tree
from crawler.errors import NotUnderstood
from crawler.items import Comment

#: The name under which a page is reported whose template is not known.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Block:
    """What the comments of a page say."""

    comments: tuple[Comment, ...]
    #: Name of the skin that fitted; `UNKNOWN` where none did; None where there are no comments.
    skin: str | None
    remarks: tuple[str, ...]


def comments(
    document: LexborHTMLParser,
    tree: Tree,
    *,
    skins: Sequence[Skin],
    base_url: str,
    article_id: int,
    repeats: Shortened | None = None,
) -> Block:
    """
    The comments of a page, in the order of the page.

    Args:
        tree: The same page's thread, from its raw tags.

        skins: The templates that the site is known to have had, the likeliest first.

        base_url: What relative addresses are relative to.

        article_id: The article's number, by which a quoted comment is known to be of the same thread.

        repeats: What was taken out of the page before it became the document and the tree.

    Raises:
        NotUnderstood: A comment has no text element, so it is not built as the engine builds them.

        NotAlike: Only with `repeats`.
    """
    found = elements(document)
    if repeats is not None:
        check_place(repeats, found)
    order: Sequence[int] = repeats.order if repeats is not None else tuple(found.roots)
    if not order:
        return Block((), None, ())
    missing = [id for id in found.roots if id not in found.texts]
    if missing:
        raise NotUnderstood(f"comment {missing[0]} has no text: there is no element comm-id-{missing[0]}")
    remarks = [f"comment {id} stands twice on the page, the first one counts" for id in found.again]
    if not tree.balanced:
        remarks.append("the lists of the thread do not close as any known engine closes them")
    not_in_tree = [id for id in order if id not in tree.parents] if tree.parents else []
    if not_in_tree:
        remarks.append(f"comment {not_in_tree[0]} stands outside the tree, and {len(not_in_tree) - 1} more")

    alike: Mapping[int, Repeat] = {} if repeats is None else {**repeats.stayed, **repeats.repeats}
    owners = Owners(document, found)
    if repeats is not None:
        owners = apart(repeats.strange.values()) if repeats.strange else NONE_APART
    skin, fitting = _skin(owners, skins, order, alike)
    if skin is not None and len(fitting) < len(order):
        unlike = next(id for id in order if id not in fitting)
        remarks.append(
            f"comment {unlike} does not look like skin {skin.name}, and {len(order) - len(fitting) - 1} more"
        )
    # The first of the engine's ways to show ratings that the page has.
    ratings = next((way for way in RATINGS if document.css_first(", ".join(way)) is not None), ())
    read: dict[int, Comment] = {}
    if repeats is not None:
        if skin is None:
            raise NotAlike
        check_items(document, skin, ratings, order)
        groups = {kind: where for kind in repeats.kinds if (where := places(kind, skin, ratings))}
        if len(groups) < len(repeats.kinds):
            if any(kind not in groups for kind, _ in repeats.repeats.values()):
                raise NotAlike
            # They have all stayed in the page, so they are read there.
            alike = {id: of_kind for id, of_kind in alike.items() if of_kind[0] in groups}
            owners = Owners(document, found)
        # An odd text that stays in the page is in its tree already.
        odd = {id: written(found.texts[id], base_url=base_url) for id in repeats.texts if id in found.texts}
        odd |= texts_apart({id: text for id, text in repeats.texts.items() if id not in odd}, base_url)
        read = patterned(alike, tree, groups, odd)
    fields = Fields(owners, skin, ratings)
    for id in order:
        if id not in read:
            read[id] = _comment(id, owners, fields, tree, base_url=base_url, known=id in fitting)
            owners.forget(id)
    answered = with_inferred_parents(
        [read[id] for id in order], document, flat=not tree.parents, article_id=article_id
    )
    return Block(answered, skin.name if skin else UNKNOWN, tuple(remarks))


def _comment(id: int, owners: Owners, fields: Fields, tree: Tree, *, base_url: str, known: bool) -> Comment:
    """
    A comment, from the tree that it stands in.

    Args:
        known: Whether it has the skin of the page.
    """
    parent = tree.parents.get(id, ROOT)
    what = written(owners.texts[id], base_url=base_url)
    links = fields.profile_links(id)
    author = fields.author(id, links, known=known)
    posted_raw, posted_machine = fields.date(id, known=known)
    return Comment(
        id=id,
        parent_id=parent.id,
        parent_source=parent.source,
        nickname_raw=author.nickname,
        author_kind=author.kind,
        profile_name=author.profile_name,
        full_name=author.full_name,
        site_user_id=user_number(fields.avatar(id)) if author.profile_name else None,
        posted_raw=posted_raw,
        posted_machine=posted_machine,
        body=what.body,
        quotes=what.quotes,
        links=what.links,
        images=what.images,
        rating=shown_rating(fields.ratings(id)),
        source_hash=source_hash(
            what.marks, author.nickname, links[0][1] if links else None, posted_raw, posted_machine
        ),
    )


def _skin(
    owners: Owners, skins: Sequence[Skin], order: Sequence[int], alike: Mapping[int, Repeat]
) -> tuple[Skin | None, frozenset[int]]:
    """The skin that most comments have, and the comments that have it."""
    best: Skin | None = None
    fitting: frozenset[int] = frozenset()
    kinds = {kind for kind, _ in alike.values()}
    for skin in skins:
        of_skin = {kind for kind in kinds if is_of(kind, skin)}
        ids = alike if of_skin == kinds else [id for id, (kind, _) in alike.items() if kind in of_skin]
        found = frozenset((*ids, *owners.found(skin.recognises)))
        if len(found) > len(fitting):
            best, fitting = skin, found
        if len(fitting) == len(order):
            break
    return best, fitting
