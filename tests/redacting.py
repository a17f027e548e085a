"""Random threads by people who can be told apart anywhere, and whether a page still shows one of them."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from random import Random
from urllib.parse import quote_plus, unquote, unquote_plus

from crawler.dle.persons import comment_keys
from crawler.dle.redaction import redacted
from crawler.items import Comment
from crawler.sites.military_review.skins import COMMENTS
from tests.forest import COMMENT_SKINS, CommentSkin, Era, Forest, Page, Post, forest, in_json, split, written
from tests.forest_people import Person

#: What stands in names and must not get in the way of finding them.
_SIGNS = (
    "",
    "+",
    "%",
    " & ",
    "'",
    '"',
    "<b>",
    "/",
    "?",
    "#",
    "Мир ",
    "ё",
    "(1)",
    "%41",
    "&amp;",
    "日",
    " ",
    "-",
    "@",
)


def marked_people(random: Random, count: int) -> list[Person]:
    """Members and guests, each with a token in every name that nothing else on a page has."""
    found = []
    for number in range(count):
        token = f"zq{number}q"
        signs = random.choice(_SIGNS)
        name = f"K{signs}{token}z"
        if random.random() < 0.3:
            found.append(Person(name, name, None, mail=random.random() < 0.3))
            continue
        profile = name if random.random() < 0.7 else f"P{random.choice(_SIGNS)}{token}p"
        found.append(
            Person(
                name,
                f"  {name}\n" if random.random() < 0.1 else name,
                profile,
                quote_plus(profile),
                700_000 + number if random.random() < 0.5 else None,
                f"Ivan {token}f" if random.random() < 0.3 else None,
            )
        )
    return found


def marked_forest(random: Random, era: Era, *, skins: Sequence[CommentSkin] = COMMENT_SKINS) -> Forest:
    """A random thread by such people."""
    return forest(random, era, skins=skins, authors=marked_people(random, random.randint(1, 5)))


def keys_of(person: Person) -> set[str]:
    """All keys under which a person may be stored."""
    name = person.nickname.casefold()
    if person.profile is None:
        return {f"guest:{name}", f"unknown:{name}"}
    return {person.profile.casefold(), f"unknown:{name}", f"name:{name}"}


def token_of(person: Person) -> str:
    token = re.search(r"zq\d+q", person.nickname)
    assert token is not None
    return token[0]


def is_by(comment: Comment, keys: set[str]) -> bool:
    return any(key in keys for key in comment_keys(comment))


def redacted_page(page: Page, keys: set[str]) -> str:
    return redacted(page.html, keys.__contains__, url=page.url, skins=COMMENTS)


def decoded(text: str) -> str:
    """A text with all that may hide a name made plain: JSON, entities, percent-encoding."""
    plain = [text]
    if text.startswith("{"):
        plain.append(re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).replace("\\", ""))
    for _ in range(3):
        plain += [unescape(plain[-1]), unquote(plain[-1]), unquote_plus(plain[-1])]
    return "\n".join(plain).casefold()


def touched(forest: Forest, person: Person, page: Page) -> dict[int, str]:
    """
    What may change on a page where a person is forgotten, by comment and in the order of the page: the person's own
    comments, and the texts that quote or mention them.
    """
    parts = {}
    for post in split(forest)[page.number - 1]:
        if post.author is person:
            parts[post.id] = written(forest, post)
        elif quotes_of(post, person) or (post.mentions is person):
            parts[post.id] = post.text.html
    if page.html.startswith("{"):
        return {id: in_json(forest, part) for id, part in parts.items()}
    return parts


def quotes_of(post: Post, person: Person) -> bool:
    return any(quote.author == person.nickname for quote in post.text.quotes)


def untouched_parts(page: Page, changing: Sequence[str]) -> Iterator[str]:
    """What stands around the changing parts of a page."""
    at = 0
    for part in changing:
        start = page.html.index(part, at)
        yield page.html[at:start]
        at = start + len(part)
    yield page.html[at:]
