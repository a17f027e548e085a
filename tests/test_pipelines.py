"""What comes of an item that cannot be stored."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from crawler.items import Exchange
from crawler.pipelines import Store
from crawler.tally import Tally, verdict
from tests.storing import EN, fetch


def test_a_mistake_of_ours_in_storing_counts_as_a_failure() -> None:
    """Else a crawl that stored nothing at all would have finished well."""

    async def store(*_: Any, **__: Any) -> None:
        raise NotImplementedError("a time in words")

    tally = Tally(answered=True)
    spider: Any = SimpleNamespace(
        archive=SimpleNamespace(store=store), crawl_ids={EN.id: 1}, tallies={EN.id: tally}, reread=None
    )
    with pytest.raises(NotImplementedError):
        asyncio.run(Store(spider).process_item(Exchange(edition=EN, fetch=fetch(1))))
    end = verdict(tally, stopped_by=None, close_reason="finished")
    assert end.state == "degraded"
    assert "not stored (NotImplementedError: a time in words)" in end.reason
    assert tally.errors == 1
