"""
Saved pages of every site, and what should be read from them.

A case is a folder `tests/sites/<site>/pages/<case>/`:

    page.html       the page, byte for byte
    source.txt      "url:", "edition:" and "fetched:" on a line each, then what the page is there to show
    expected.json   the fields that matter, and nothing else: what it does not name is not compared.
                    {"error": "part of the message", "kind": "check"} for a page that must not be understood,
                    with what it is instead, where that matters.
"""

import importlib
import json
import pkgutil
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import crawler.sites
from crawler.errors import NotUnderstood
from crawler.reading import read

FOLDER = Path(__file__).parent
SITES = sorted(module.name for module in pkgutil.iter_modules(crawler.sites.__path__) if module.ispkg)
CASES = sorted(FOLDER.glob("*/pages/*/"))


def name(case: Path) -> str:
    return f"{case.parent.parent.name}: {case.name}"


@pytest.mark.parametrize("site", SITES)
def test_every_site_has_saved_pages(site: str) -> None:
    assert list(FOLDER.glob(f"{site}/pages/*/page.html")), (
        f"save pages of {site}: see crawler/sites/__init__.py"
    )


def test_every_saved_page_is_of_a_site() -> None:
    assert {case.parent.parent.name for case in CASES} <= set(SITES)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_saved_page(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    if "error" in expected:
        with pytest.raises(NotUnderstood, match=re.escape(expected["error"])) as raised:
            understood(case)
        assert raised.value.kind == expected.get("kind", raised.value.kind)
    else:
        assert_has(asdict(understood(case)), expected, case.name)


def understood(case: Path) -> Any:
    """What is read from a saved page."""
    site_name = case.parent.parent.name
    site = importlib.import_module(f"crawler.sites.{site_name}").SITE
    lines = (case / "source.txt").read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(": ", 1) for line in lines[:3])
    return read(
        (case / "page.html").read_bytes(),
        url=facts["url"],
        fetched_at=datetime.fromisoformat(facts["fetched"]),
        edition=site.edition(facts["edition"]),
        charset=site.charset,
        pages=importlib.import_module(f"crawler.sites.{site_name}.pages").PAGES,
    )


def assert_has(read: Any, expected: Any, where: str) -> None:
    """Compare what was read with what is expected of it; a list is compared to its end."""
    if isinstance(expected, dict):
        assert isinstance(read, dict), f"{where}: {read!r}"
        for key, value in expected.items():
            assert key in read, f"{where}.{key} is no field"
            assert_has(read[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(read) == len(expected), f"{where}: {read!r}"
        for place, (one, other) in enumerate(zip(read, expected, strict=True)):
            assert_has(one, other, f"{where}[{place}]")
    else:
        assert read == expected, where
