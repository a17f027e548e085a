"""What the rest of a crawl is told of its exchanges: two signals, and that something was not asked at all."""

from typing import Final

from scrapy.exceptions import IgnoreRequest

exchanged: Final = object()
"""
Scrapy signal: an exchange took place that no spider callback will see (robots.txt).

Sent with `fetch`, an `items.Fetch`. Handlers may be coroutines: the middleware waits for them.
"""

host_changed: Final = object()
"""
Scrapy signal: what we must remember of a host has changed.

Sent with `host`, an `items.Host`, whole. Handlers are plain functions that return at once: requests
wait meanwhile.
"""


class NotAsked(IgnoreRequest):
    """The request was never sent; the text says what stood before it."""
