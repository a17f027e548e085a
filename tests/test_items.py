"""Many values at once are those that are made one by one."""

import pytest

from crawler.items import Comment, Image, Link, many


def test_many_values_are_the_same_as_single_ones() -> None:
    urls, captions = ["/a", "/b", "/c"], ["A", None, ""]
    assert many(Image, url=urls, caption=captions) == [
        Image(url=url, caption=caption) for url, caption in zip(urls, captions, strict=True)
    ]
    assert many(Image, url=urls) == [Image(url=url) for url in urls]
    assert many(Image, url=[]) == []


def test_they_are_as_frozen_as_single_ones() -> None:
    image = many(Image, url=["/a"])[0]
    with pytest.raises(AttributeError):
        image.url = "/b"  # type: ignore[misc]
    assert hash(image) == hash(Image(url="/a"))


def test_fields_without_a_default_are_needed() -> None:
    with pytest.raises(ValueError, match="Comment has a field parent_id"):
        many(Comment, id=[1, 2])


def test_other_fields_and_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="Link has no field target"):
        many(Link, text=["x"], url=["/"], target=["y"])
    with pytest.raises(ValueError, match="different lengths"):
        many(Link, text=["x", "y"], url=["/"])
    with pytest.raises(ValueError, match="different lengths"):
        many(Link)
