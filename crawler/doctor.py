"""
Is everything here that a crawl needs? What `crawler doctor` looks at, and what it says about it.

Nothing is changed by looking: what is written on trial is taken back, and a database that is not there yet is not made.
"""

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from crawler.environment import EMBEDDED_DATABASE, Environment
from crawler.errors import BadArgument, CannotStore
from crawler.storage import checks, database
from crawler.storage.checks import Durability, Examination

Mark = Literal["ok", "warn", "FAIL"]
"""warn: a crawl works, but something is less safe or less polite than it should be"""

#: Bytes of free disk space. A crawl of a day writes some hundred MB into the archive; Postgres stops when it has none.
GIB = 1024**3
SPACE_NEEDED = 2 * GIB
SPACE_WANTED = 10 * GIB

#: No clock that is right shows an earlier day to this program.
WRITTEN_IN = datetime(2026, 1, 1, tzinfo=UTC)
ABSURD_AFTER = datetime(2100, 1, 1, tzinfo=UTC)

#: Two machines that write one archive differ by so much, or a clock that is set right by its time server.
CLOCK_TOLERANCE = timedelta(minutes=1)
#: A file server's clock differs by less, or its time server is missing.
FILE_CLOCK_TOLERANCE = timedelta(seconds=10)

#: A crawl gives a sign of life every 20 seconds; one that has been silent for so long is gone.
SILENCE = timedelta(minutes=5)

#: The oldest Postgres that its makers still mend and that the tests run on.
OLDEST_POSTGRES = 15

#: File systems of other machines: their locks and shared memory are not to be relied on, and SQLite needs both.
NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "virtiofs"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    mark: Mark
    #: What was looked at: "database", "schema", "archive" …
    about: str
    found: str
    #: What to do about it; empty where there is nothing to do.
    remedy: str = ""

    @property
    def line(self) -> str:
        """The finding for people."""
        return f"{self.mark:4}  {self.about}: {self.found}" + (f" {self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, str]:
        """The finding for other programs."""
        return asdict(self)


def exit_code(findings: Sequence[Finding]) -> int:
    """0 where nothing failed, 3 where database or archive cannot be used, 1 for any other failure."""
    failed = {finding.about for finding in findings if finding.mark == "FAIL"}
    if failed & {"database", "schema", "archive"}:
        return CannotStore.exit_code
    return 1 if failed else 0


def findings(environment: Environment, *, now: datetime | None = None) -> list[Finding]:
    """
    Everything that was looked at, in the order in which one would mend it.

    Args:
        now: What our clock shows, aware; the real one by default.
    """
    now = now or datetime.now(UTC)
    found = [_versions(), _clock(now), *_database(environment.database_url, now)]
    found += _archive(environment.warc_dir)
    found += _space(environment)
    found.append(_contact(environment.contact))
    return found


def _versions() -> Finding:
    packages = ("discussion-archive", "scrapy", "sqlalchemy", "psycopg", "selectolax")
    told = ", ".join(f"{name} {version(name)}" for name in packages)
    return Finding(mark="ok", about="versions", found=f"Python {platform.python_version()}, {told}.")


def _clock(now: datetime) -> Finding:
    if not WRITTEN_IN <= now < ABSURD_AFTER:
        return Finding(
            mark="FAIL",
            about="clock",
            found=f"it shows {now:%Y-%m-%d %H:%M} UTC, which cannot be: every page would be stored under a false time.",
            remedy="Set the clock and let a time server keep it: timedatectl set-ntp true.",
        )
    return Finding(mark="ok", about="clock", found=f"it is {now:%Y-%m-%d %H:%M:%S} UTC.")


def _contact(contact: str | None) -> Finding:
    if contact:
        return Finding(mark="ok", about="contact", found=f"the crawled site can reach you at {contact}.")
    return Finding(
        mark="warn",
        about="contact",
        found="CONTACT is not set: people of the crawled site see no address in the User-Agent and can only block us.",
        remedy="Set it to an address or page of yours: CONTACT=you@example.org.",
    )


# --- the database ------------------------------------------------------------------------------------------------


def _database(url: str, now: datetime) -> Iterator[Finding]:
    try:
        file = _file(url)
    except BadArgument as error:
        yield Finding(mark="FAIL", about="database", found=str(error))
        return
    embedded = url == EMBEDDED_DATABASE
    if file is not None:
        if (kind := file_system(file)) in NETWORK_FILE_SYSTEMS:
            yield Finding(
                mark="warn",
                about="database",
                found=f"{file} lies on a file system of another machine ({kind}), where SQLite can be damaged.",
                remedy="Set DATABASE_URL to a local disk, or use Postgres.",
            )
        if not file.exists():
            yield _missing_file(file, embedded=embedded)
            return
    shown = database.shown(url)
    try:
        examined = checks.examination(url)
    except CannotStore as error:
        yield Finding(
            mark="FAIL",
            about="database",
            found=f"{shown} cannot be used: {str(error).rstrip('.')}.",
            remedy=(
                "Start the server, or correct the address, name and password in DATABASE_URL."
                if file is None
                else database.READ_ONLY_REMEDY
                if str(error) == database.READ_ONLY
                else "If it is locked, end what holds it; if it is damaged, restore it from a backup."
            ),
        )
        return
    yield from database_findings(examined, shown=shown, embedded=embedded)
    yield from history_findings(examined, now)


def _file(url: str) -> Path | None:
    """The file of an SQLite database; None for Postgres. Raises BadArgument for what is neither."""
    address = database.database_address(url)
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None


def _missing_file(file: Path, *, embedded: bool) -> Finding:
    try:
        _write_on_trial(file.parent)
    except OSError as error:
        return Finding(
            mark="FAIL",
            about="database",
            found=f"there is none at {file}, and its folder cannot be written: {error.strerror}.",
            remedy="Make the folder, give yourself the right to write there, or set DATABASE_URL to another place.",
        )
    if embedded:
        found = f"there is none at {file.absolute()} yet; the first crawl makes it."
        return Finding(mark="ok", about="database", found=found)
    return Finding(
        mark="FAIL",
        about="database",
        found=f"there is none at {file}.",
        remedy="Run `crawler migrate` to make it.",
    )


def file_system(path: Path, mounts: str | None = None) -> str | None:
    """
    The kind of file system that a path lies on: "ext4", "nfs4" …; None where the machine does not tell.

    Args:
        path: It need not exist.

        mounts: What is mounted where, as Linux lists it in /proc/self/mountinfo, which is the default.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(errors="replace")
        except OSError:
            return None
    kinds: dict[Path, str] = {}
    for line in mounts.splitlines():
        place, _, kind = line.partition(" - ")
        # A blank in a folder's name is written \040.
        kinds[Path(place.split()[4].replace("\\040", " "))] = kind.split()[0]
    resolved = path.resolve()
    return next((kinds[folder] for folder in (resolved, *resolved.parents) if folder in kinds), None)


def database_findings(examined: Examination, *, shown: str, embedded: bool) -> Iterator[Finding]:
    """
    What a database's own words mean for a crawl.

    Args:
        shown: Its address, without its password.

        embedded: Whether it is the one that nobody chose: crawls migrate that one by themselves.
    """
    if examined.damage:
        yield Finding(
            mark="FAIL",
            about="database",
            found=f"{shown} is damaged: {'; '.join(examined.damage[:3])}.",
            remedy="Stop crawling into it and restore it from a backup.",
        )
    elif examined.not_writable is not None:
        yield Finding(
            mark="FAIL",
            about="database",
            found=f"{shown} can be read but not written: {examined.not_writable.rstrip('.')}.",
            remedy="Give its user the right to write, or free the disk that it lies on.",
        )
    else:
        server = "SQLite" if examined.durability is None else "Postgres"
        yield Finding(mark="ok", about="database", found=f"{shown} answers ({server} {examined.version}).")
    if examined.journal_mode not in (None, "wal"):
        yield Finding(
            mark="warn",
            about="database",
            found=f"its journal is {examined.journal_mode!r}, it cannot be a WAL here: readers wait for the crawl.",
            remedy="Move it to a local disk.",
        )
    if examined.durability is not None:
        yield from _postgres_findings(examined.version, examined.durability)
    yield _schema_finding(examined, embedded=embedded)


def _postgres_findings(release: str, durability: Durability) -> Iterator[Finding]:
    if int(re.split(r"\D", release)[0]) < OLDEST_POSTGRES:
        yield Finding(
            mark="warn",
            about="database",
            found=f"Postgres {release} is older than {OLDEST_POSTGRES}, the oldest that we test on.",
            remedy="Update the server.",
        )
    for name, value in durability.settings.items():
        if value == "off":
            yield Finding(
                mark="warn",
                about="database",
                found=f"{name} is off: when the power fails, what was stored last may be lost, or all of it.",
                remedy=f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();",
            )
    if durability.encoding != "UTF8":
        yield Finding(
            mark="FAIL",
            about="database",
            found=f"its encoding is {durability.encoding}, which cannot hold every letter.",
            remedy="Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and set DATABASE_URL to it.",
        )
    elif not durability.folds_cyrillic:
        yield Finding(
            mark="warn",
            about="database",
            found="lower('ПРИВЕТ') changes nothing: a search would find Cyrillic words only as they are written.",
            remedy="Make one with CREATE DATABASE … LOCALE 'C.UTF-8' TEMPLATE template0, and set DATABASE_URL to it.",
        )


def _schema_finding(examined: Examination, *, embedded: bool) -> Finding:
    found, wanted = examined.schema_version, database.HEAD
    if examined.schema == "current":
        return Finding(mark="ok", about="schema", found=f"version {found}, as this program needs.")
    if examined.schema == "newer":
        told = f"version {found}, made by a newer program than this one, which knows only {wanted}."
        return Finding(mark="FAIL", about="schema", found=told, remedy="Update this program.")
    told = (
        "the database has no tables yet"
        if found is None
        else f"version {found}, but this program needs {wanted}"
    )
    if embedded:
        return Finding(mark="ok", about="schema", found=f"{told}; the next crawl sets that right.")
    return Finding(mark="FAIL", about="schema", found=f"{told}.", remedy="Run `crawler migrate`.")


def history_findings(examined: Examination, now: datetime) -> Iterator[Finding]:
    """What earlier crawls tell: of the clock, and of crawls that never ended."""
    newest = examined.newest_fetch
    if newest is not None and newest > now + CLOCK_TOLERANCE:
        yield Finding(
            mark="FAIL",
            about="clock",
            found=(
                f"the newest stored page was fetched at {newest:%Y-%m-%d %H:%M:%S} UTC, which is later than now: "
                "the clock is behind, or was ahead then."
            ),
            remedy="Set the clock and let a time server keep it: timedatectl set-ntp true.",
        )
    for crawl in examined.running:
        if now - crawl.heartbeat_at > SILENCE:
            yield Finding(
                mark="warn",
                about="crawls",
                found=(
                    f"crawl {crawl.id} of the edition {crawl.edition} says that it runs, but gave its last sign of "
                    f"life at {crawl.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC: it was killed, or hangs."
                ),
                remedy="If no such process is left, the next crawl of this edition sets it right by itself.",
            )


# --- folders and disks -------------------------------------------------------------------------------------------


def _write_on_trial(folder: Path) -> datetime:
    """
    Write a small file to the disk and remove it again.

    Returns:
        When the file system says that it was written, in UTC.

    Raises:
        OSError: No such folder, no right, no space.
    """
    handle, name = tempfile.mkstemp(prefix=".doctor-", dir=folder)
    try:
        os.write(handle, b"written on trial by `crawler doctor`\n")
        os.fsync(handle)
        return datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)
    finally:
        os.close(handle)
        Path(name).unlink()


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    path = path.absolute()
    return next((each for each in (path, *path.parents) if each.exists()), path)


def _archive(folder: Path) -> Iterator[Finding]:
    before = datetime.now(UTC)
    try:
        written_at = _write_on_trial(_existing(folder))
    except OSError as error:
        yield Finding(
            mark="FAIL",
            about="archive",
            found=f"the folder {folder} cannot be {'written' if folder.is_dir() else 'made'}: {error.strerror}.",
            remedy="Give yourself the right to write there, or set WARC_DIR to another place.",
        )
        return
    there = "can be written" if folder.is_dir() else "does not exist yet; the first crawl can make it"
    yield Finding(mark="ok", about="archive", found=f"the folder {folder} {there}.")
    if not before - FILE_CLOCK_TOLERANCE <= written_at <= datetime.now(UTC) + FILE_CLOCK_TOLERANCE:
        yield Finding(
            mark="warn",
            about="clock",
            found=(
                f"the file system of {folder} shows {written_at:%Y-%m-%d %H:%M:%S} UTC, "
                f"this machine {before:%Y-%m-%d %H:%M:%S}."
            ),
            remedy="Let a time server keep both clocks.",
        )


def _space(environment: Environment) -> Iterator[Finding]:
    """Free space under archive and database, once where both lie on one disk."""
    places = {"the archive": environment.warc_dir}
    with suppress(BadArgument):  # which was said already
        if (file := _file(environment.database_url)) is not None:
            places["the database"] = file
    disks: dict[int, tuple[Path, list[str]]] = {}
    for name, path in places.items():
        existing = _existing(path)
        disks.setdefault(existing.stat().st_dev, (existing, []))[1].append(name)
    for existing, names in disks.values():
        yield space_finding(shutil.disk_usage(existing).free, " and ".join(names))


def space_finding(free: int, names: str) -> Finding:
    """What so many free bytes mean for those who share them."""
    found = f"{free / GIB:.1f} GiB are free for {names}"
    if free >= SPACE_WANTED:
        return Finding(mark="ok", about="disk", found=f"{found}.")
    return Finding(
        mark="FAIL" if free < SPACE_NEEDED else "warn",
        about="disk",
        found=f"{found}: {'too little to begin with' if free < SPACE_NEEDED else 'that will not last long'}.",
        remedy=f"Have {SPACE_WANTED // GIB} GiB free, or move the archive: WARC_DIR.",
    )
