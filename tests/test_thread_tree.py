"""A thread as people see it: what of it is missing, and what has happened to it."""

from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from crawler.normalise.threads import places
from crawler.thread_tree import tree_lines
from tests.storing import NOON, at


def row(id: int, parent: int | None = None, **fields: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": id,
        "parent_id": parent,
        "nickname": f"N{id}",
        "posted_at": NOON,
        "posted_raw": None,
        "posted_precision": "minute",
        "rating": None,
        "state": "live",
        "change": "new",
        "seen_at": NOON,
        "quotes": [],
        "body": "",
    }
    return said | fields


def lines(*rows: dict[str, Any], gone: Collection[int] = ()) -> list[str]:
    standing = places(
        (row["id"], row["parent_id"]) for row in [*rows, *({"id": id, "parent_id": None} for id in gone)]
    )
    placed = [row | {"depth": standing[row["id"]].depth, "path": standing[row["id"]].path} for row in rows]
    placed.sort(key=lambda row: row["path"])
    shown = tree_lines(placed, zone=ZoneInfo("Europe/Moscow"), width=80, gone=gone)
    return [line.replace(" · 5 Nov 2017 15:00", "") for line in shown]


def test_answers_to_comments_that_are_not_there_stand_below_a_line_that_says_so() -> None:
    assert lines(row(1), row(3, 2), row(4, 3), row(5, 2), row(6)) == [
        "N1",
        "(a comment that was never seen)",
        "├─ N3",
        "│  └─ N4",
        "└─ N5",
        "N6",
    ]


def test_one_that_is_gone() -> None:
    assert lines(row(1), row(3, 2), gone=[2]) == ["N1", "(gone)", "└─ N3"]


def test_several_above_each_other_are_not_there() -> None:
    rows = [row(4, 3), row(5)]
    rows[0]["path"], rows[0]["depth"] = "".join(f"{id:010d}" for id in (1, 2, 3, 4)), 3
    rows[1]["path"], rows[1]["depth"] = f"{5:010d}", 0
    assert list(tree_lines(rows, zone=ZoneInfo("UTC"), width=80, gone=[1, 3])) == [
        "(gone)",
        "└─ (a comment that was never seen)",
        "   └─ (gone)",
        "      └─ N4 · 5 Nov 2017 12:00",
        "N5 · 5 Nov 2017 12:00",
    ]


def test_what_has_happened_is_said_behind_the_name() -> None:
    assert lines(
        row(1, change="edit", seen_at=at(1)),
        row(2, change="missing", state="missing", seen_at=at(2)),
        row(3, change="gone", state="gone", seen_at=at(3)),
        row(4, change="return", seen_at=at(4)),
        row(5),
    ) == [
        "N1 · edited 5 Nov 2017 15:01 · #1",
        "N2 · missing since 5 Nov 2017 15:02 · #2",
        "N3 · gone since 5 Nov 2017 15:03 · #3",
        "N4 · there again 5 Nov 2017 15:04 · #4",
        "N5",
    ]
