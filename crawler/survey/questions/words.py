"""How lists of what was found are put into words."""

from collections.abc import Iterable, Sequence

from crawler.survey.received import NothingReceived

#: Examples of one thing that are shown.
SHOWN = 8


def listed(words: Iterable[str]) -> str:
    """`a, b`, or that there are none."""
    return ", ".join(words) or "none"


def quoted(words: Iterable[str]) -> str:
    """The first ones, each in marks of quotation, and how many more there are."""
    shown = [f"«{word}»" for word in words]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return listed(shown[:SHOWN]) + more


def lines_or_nothing(lines: Sequence[str], nothing: str) -> str:
    """The lines; raises NothingReceived with these words where there are none."""
    if not lines:
        raise NothingReceived(nothing)
    return "\n".join(lines)
