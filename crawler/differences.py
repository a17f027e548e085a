"""What differs between two states of the same thing, down to the words."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal

#: A line feed is a word of its own; spaces are folded in all stored texts, so that one stands between any two words.
_WORD: Final = re.compile(r"\n+|\S+")

#: Where fewer words than one in so many are still the same, the whole is another text and shown as such.
_ONE_IN: Final = 4

#: More words than these are compared line by line: word by word it could take many seconds.
MOST_WORDS: Final = 3_000


Became = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words in a row of which the same has become."""

    became: Became
    text: str


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Iterable[str]
) -> dict[str, tuple[Any, Any]]:
    """The columns of these names that differ: what stood there before, and after."""
    return {name: (before[name], after[name]) for name in names if before[name] != after[name]}


def stretches(before: str, after: str) -> list[Stretch]:
    """
    How a text has become another, word by word.

    Removed stretches stand before those that were added in their place. The stretches that are not "added" are the
    words of the old text in their order, those that are not "removed" the words of the new one.
    """
    old, new = _words(before, after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    removed, added = old[start : len(old) - end], new[start : len(new) - end]
    matcher = SequenceMatcher(a=removed, b=added)
    same = start + end + sum(block.size for block in matcher.get_matching_blocks())
    if _ONE_IN * same < max(len(old), len(new)):
        return _stretches([("removed", old), ("added", new)])
    found: list[tuple[Became, Sequence[str]]] = [("same", old[:start])]
    for tag, first, last, first_new, last_new in matcher.get_opcodes():
        if tag == "equal":
            found.append(("same", removed[first:last]))
        else:
            found.append(("removed", removed[first:last]))
            found.append(("added", added[first_new:last_new]))
    found.append(("same", old[len(old) - end :]))
    return _stretches(found)


def marked(before: str, after: str, *, context: int | None = None) -> str:
    """
    The new text with the old words in it: `[-removed-]{+added+}`.

    Args:
        context: Of words that are the same, so many are kept beside those that are not; the others become "…".
            None keeps all.
    """
    found = stretches(before, after)
    text = ""
    for place, stretch in enumerate(found):
        left = found[place - 1] if place else None
        if left is not None and (left.became, stretch.became) != ("removed", "added"):
            text += "" if left.text.endswith("\n") or stretch.text.startswith("\n") else " "
        if stretch.became == "removed":
            text += f"[-{stretch.text}-]"
        elif stretch.became == "added":
            text += f"{{+{stretch.text}+}}"
        else:
            text += _shortened(stretch.text, context, first=left is None, last=stretch is found[-1])
    return text


def shortened(text: str, most_words: int) -> str:
    """The beginning of a text, in one line."""
    words = text.split()
    return " ".join(words if len(words) <= most_words else [*words[:most_words], "…"])


def _stretches(found: Iterable[tuple[Became, Sequence[str]]]) -> list[Stretch]:
    return [Stretch(became, _text(words)) for became, words in found if words]


def _words(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return list(_lines(old)), list(_lines(new))
    return old, new


def _lines(words: Iterable[str]) -> Iterator[str]:
    line: list[str] = []
    for word in words:
        if word.startswith("\n"):
            if line:
                yield " ".join(line)
            yield word
            line = []
        else:
            line.append(word)
    if line:
        yield " ".join(line)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _text(words: Iterable[str]) -> str:
    return re.sub(r" ?(\n+) ?", r"\1", " ".join(words))


def _shortened(text: str, context: int | None, *, first: bool, last: bool) -> str:
    words = text.split()
    kept_before, kept_after = (0 if first else context or 0), (0 if last else context or 0)
    if context is None or len(words) <= kept_before + kept_after + 1:
        return text
    return " ".join([*words[:kept_before], "…", *words[len(words) - kept_after :]])
