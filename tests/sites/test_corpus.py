"""
What the saved pages are there to show, all together.

A line "traps: a, b, c" in a case's source.txt names what its page holds that a reader may stumble over; a page
that is there for one thing alone may leave the line out, and its name is its trap.
"""

import json
from itertools import combinations
from pathlib import Path

CASES = sorted(Path(__file__).parent.glob("*/pages/*/"))


def stated(case: Path) -> str:
    """The traps that a case names; empty where it names none."""
    lines = (case / "source.txt").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("traps: ")), "")


def traps(case: Path) -> frozenset[str]:
    """The traps of a case."""
    named = stated(case) or case.name.replace("_", " ")
    return frozenset(trap.strip() for trap in named.split(","))


def test_there_are_enough_pages() -> None:
    assert len([case for case in CASES if stated(case)]) >= 60
    threads = [
        case for case in CASES if "comments" in json.loads((case / "expected.json").read_text("utf-8"))
    ]
    assert len(threads) >= 50


def test_no_two_pages_hold_the_same_traps() -> None:
    held = {case.name: traps(case) for case in CASES}
    assert not [(one, other) for one, other in combinations(held, 2) if held[one] == held[other]]


def test_all_eras_modes_and_skins_are_there() -> None:
    held = " | ".join(trap for case in CASES for trap in traps(case))
    # fmt: off
    for what in (
        "article of 2018", "article of 2021", "article of 2025", "article of the default skin",
        "listing of 2018", "listing of 2022", "listing of 2026", "listing of the default skin",
        "10.5 unclosed", "10.6 unclosed", "13 items in items", "16 balanced", "20 flattened", "flat",
        "default skin", "unknown skin of tables", "unknown skin of cards", "unknown skin of indented items",
        "unknown skin of definition lists", "unknown skin without an element around a comment",
        "links to comment pages", "AJAX links", "lazy loading", "last page", "comment page past the end",
        "stars", "likes only", "signed ratings of 13", "signed ratings of 16", "apart of 13", "apart of 16",
        "quote of the old editor", "quote of 16", "quote of 20", "quotes nested", "quotes without a name",
        "smilie of 10.6", "smilie of 16", "emoji of 20", "spoiler", "hidden text", "gallery", "go-link",
        "signature outside", "signature inside", "escaped item and number", "open div", "open bold", "open link",
        "number that stands twice", "nested lists in a text", "guest with mailto", "percent-encoded", "in Cyrillic",
        "XNUMX", "time torn apart", "relative dates of 16", "relative dates in translation", "no date",
        "entities", "NUL", "comments closed", "zero comments",
    ):
        assert what in held, what
    # fmt: on
