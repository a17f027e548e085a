"""The archive's files on the disk: files that nobody else writes, and bytes that are really there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

OPEN: Final = ".open"
"""What the name of a file ends in while it is written."""

TORN: Final = ".torn"
"""What the name of a file ends in that holds what a killed run left half-written."""


def is_written(path: Path) -> bool:
    """
    Whether a process that lives still writes this file, which ends in `.open`.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # its writer closed it just now
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def lock(fd: int, path: Path) -> None:
    """
    Lock a file until it is closed or the process ends.

    Raises:
        BlockingIOError: Another process holds the lock, or has just given the file another name.
    """
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        same = os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        same = False
    if not same:
        raise BlockingIOError(f"{path} has just been closed by another process")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """
    Keep a folder from all others who would lock it; files are made and written in it as before.

    Raises:
        BlockingIOError: Another process has locked it.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def write(fd: int, data: bytes) -> None:
    """Write all of it. A disk that is nearly full takes a part and says so only by its count."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_folder(folder: Path) -> None:
    """Make sure that the names of new, renamed and removed files outlive a loss of power."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
