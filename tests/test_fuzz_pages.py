"""No damaged page makes the reader fail, or takes it long."""

import time

import pytest

from tests.fuzz_pages import LONGEST, damaged, good_pages, understood

PAGES = good_pages()


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_a_damaged_page_is_read_or_refused(first: int) -> None:
    readings = []
    for number in range(first, first + 50):
        page = damaged(PAGES, 1, number)
        started = time.process_time()
        readings.append(understood(page))
        assert time.process_time() - started < LONGEST, (number, page.name)
    assert set(readings) == {True, False}  # damaged enough, and not too much


def test_a_damaged_page_can_be_made_again() -> None:
    assert damaged(PAGES, 1, 17) == damaged(PAGES, 1, 17)
    assert damaged(PAGES, 1, 17).body != damaged(PAGES, 1, 18).body
