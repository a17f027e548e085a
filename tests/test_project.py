"""What the files around the code promise each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAKEFILE = (ROOT / "Makefile").read_text()


def targets() -> set[str]:
    """What can be asked of make by name: all that .PHONY lists."""
    listed = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    return set(listed[1].replace("\\\n", " ").split())


def test_make_alone_lists_every_target_and_no_other() -> None:
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert set(re.findall(r"^ *make ([a-z-]+) +\S", told, re.MULTILINE)) == targets()


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "docker-compose.yml", ".ci/run"])
def test_make_commands_in(page: str) -> None:
    named = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", (ROOT / page).read_text(), re.MULTILINE))
    assert named <= targets()


def test_image_and_make_take_the_uv_of_the_lock_file() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (version,) = [package["version"] for package in lock["package"] if package["name"] == "uv"]
    (command,) = set(re.findall(r"sed -n '.*?' uv\.lock", MAKEFILE.replace("$$", "$")))
    assert command in (ROOT / "Dockerfile").read_text()
    told = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S602
    assert told.stdout.strip() == version


def test_image_gets_what_the_dockerfile_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text()
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).split():
        assert f"\n!{name}\n" in ignored


def test_no_data_and_no_password_can_be_committed() -> None:
    private = ["crawler.db", "crawler.db-wal", "archive/a.warc.gz", "secrets/db_password", ".venv/a"]
    told = subprocess.run(
        ["git", "check-ignore", *private],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == private
