"""Who wrote: the name as people read it, the identity behind it, and which names look alike."""

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

from crawler.items import Author, AuthorKind
from crawler.normalise.text import storable

#: In characters, for names and keys. The engine allows 40; a key must also fit into an index.
MAX_LENGTH = 256

#: White space to the eye, though Unicode counts it among the symbols.
_BLANKS = "\u2800"

#: Control, format, private use, surrogates.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})

#: What is invisible or never a character, whatever its category: fillers, joiners, variation selectors,
#: the places that Unicode keeps for more of them, and the noncharacters.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\ufdd0-\ufdef\U000e0000-\U000e0fff"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


@lru_cache(maxsize=10_000)
def nickname(raw: str) -> str:
    """
    A name as people read it.

    Composed (NFC), without control, format (zero-width, bidirectional, soft hyphen), private-use and
    surrogate characters and without others that are invisible by definition; white space is one space,
    and none at the ends. Case, punctuation and alphabet stay: look-alikes are found by `skeleton`.

    Characters that Unicode has not assigned yet stay too: each release assigns some, so dropping them
    would make one name two under two versions of Python. Noncharacters never will be, so they go.

    Returns:
        At most `MAX_LENGTH` characters, perhaps none. Reading it again changes nothing.
    """
    # The cut is made twice: here, so that a name of megabytes costs nothing, and at the end.
    name = raw[: 16 * MAX_LENGTH]
    if not (name.isascii() and name.isprintable()):
        for blank in _BLANKS:
            name = name.replace(blank, " ")
        name = " ".join(name.split())
        name = _IGNORABLE.sub("", "".join(filter(_is_seen, name)))
        # Only now, as what was removed may have stood between a letter and its accent.
        name = unicodedata.normalize("NFC", name)
    return " ".join(name.split())[:MAX_LENGTH].rstrip()


def author(
    *,
    nickname_raw: str,
    kind: AuthorKind,
    profile_name: str | None,
    full_name: str | None = None,
    site_user_id: int | None = None,
) -> Author | None:
    """
    The identity behind a name, or None where the page names nobody.

    The key is not the text that people see. A member's is the profile name, casefolded and otherwise
    untouched, as the site itself tells its members apart; a guest's is `guest:` and the casefolded
    nickname, so that a guest with a member's nick is another author. Where it is not sure whether a
    profile link is missing or was not found, it is `unknown:` and the casefolded nickname; such
    authors are never mixed with guests, and a better reader can move their comments later.

    Args:
        nickname_raw: The name as written on the page.

        kind: What the page shows of the author. A "member" without a profile name counts as "unknown".

        profile_name: The name in the profile link, percent-decoded. Counts for members only; where
            nothing is left of the nickname, it is also the name to show.

        full_name: A real name that the page shows apart.

        site_user_id: The site's number of the member.
    """
    profile_name = storable(profile_name)[:MAX_LENGTH] if profile_name and profile_name.strip() else None
    name = nickname(nickname_raw) or (nickname(profile_name) or profile_name if profile_name else "")
    if not name:
        return None
    if kind == "member" and profile_name is not None:
        key = profile_name.casefold()
    elif kind == "guest":
        key = "guest:" + name.casefold()
    else:
        kind = "unknown"
        key = "unknown:" + name.casefold()
    return Author(
        key=key[:MAX_LENGTH],
        nickname=name,
        kind=kind,
        skeleton=skeleton(name)[:MAX_LENGTH],
        profile_name=profile_name,
        full_name=(nickname(full_name) or None) if full_name else None,
        site_user_id=site_user_id,
    )


@lru_cache(maxsize=10_000)
def skeleton(text: str) -> str:
    """
    What a name looks like: two names that people may confuse have the same skeleton.

    The internal skeleton of Unicode Technical Standard #39: decomposed (NFD), invisible characters
    dropped, each character replaced by its prototype, decomposed again. It is for comparing only:
    "Admin" becomes "Adrnin". Case stays, as the standard has it. Names are taken in the order of
    their characters; the display order of mixed scripts is not considered, because `nickname` has
    removed the characters that make it deceive.

    The mapping is Unicode's own (confusables.txt beside this module says which version). A package
    would have been better; those found hold old data, no direction, or a compiler's work.
    """
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", decomposed.translate(_prototypes()))


@lru_cache(maxsize=1)
def _prototypes() -> dict[int, str]:
    """Code point → what it looks like. Read at first use: not every command compares names."""
    prototypes: dict[int, str] = {}
    lines = files(__package__).joinpath("confusables.txt").read_text(encoding="utf-8").splitlines()
    for entry in lines:
        if entry.startswith("#"):
            continue
        prototype, _, alike = entry.partition(";")
        looks = "".join(chr(int(code, 16)) for code in prototype.split())
        for span in alike.split():
            first, _, last = span.partition("-")
            for code in range(int(first, 16), int(last or first, 16) + 1):
                prototypes[code] = looks
    return prototypes
