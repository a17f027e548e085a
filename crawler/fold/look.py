"""One look at the site."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crawler.items import Fetch
from crawler.site import Edition

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """By which fetch something was seen, when, and how it was read."""

    fetch_id: int
    at: datetime
    #: Version of the reader that read the page.
    reader_version: int | None
    #: Whether the edition is a translation: its words may change because they were translated anew.
    translated: bool = False
    #: Whether the page shows no tree, so that all comments on it seem to be roots.
    flat: bool = False


def look(edition: Edition, fetch: Fetch, reader_version: int | None, *, flat: bool = False) -> Look:
    """The look that a fetch of this edition was."""
    return Look(fetch.id, fetch.fetched_at, reader_version, edition.translation_of is not None, flat)
