"""Databases with tables, for crawls."""

import shutil
from pathlib import Path

import pytest

from crawler.storage import database


@pytest.fixture
def lite(bare_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with tables, for what does not depend on its kind."""
    return f"sqlite:///{shutil.copy(bare_sqlite, tmp_path_factory.mktemp('lite') / 'test.db')}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A database with tables, on each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("lite"))
    url = str(request.getfixturevalue("postgres_url"))
    database.migrate(url)
    return url
