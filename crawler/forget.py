"""
Forgetting somebody: out of the archive, out of the database, and for good.

Everywhere that a page marks as that person the bytes are cut out; what is cut, and what is not, is told by
`crawler.dle.redaction`. The order of things, so that it may be ended at any point:

1. A row of `erasures`: from here on no crawl, reparse or import stores anything of the person.
2. The files of the archive are searched, all pages of the edition, as nothing else is sure to know where somebody
   is quoted. Those that show the person, and those that refer to them, are written anew beside the old ones.
3. A journal in the archive's folder names the old and the new files; then the new ones get their lasting names.
4. One transaction lets `fetches` name the new files, folds the articles anew and takes the person's own rows out.
5. The old files are destroyed, the database gives up what deleted rows have left in its files, and the journal goes.

Whoever finds the journal later (the next crawl or forgetting) knows by `fetches` whether the transaction was done:
then it does what is left of 5, else it destroys the new files (`finished`). In the second case somebody has to forget
once more.

What crawls that were killed left torn at the end of a file is destroyed as well: nobody can read what it shows.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from crawler.dle.persons import alias_key, name_keys
from crawler.errors import AlreadyRunning, BadArgument, BadRecord, CannotStore
from crawler.families import Run
from crawler.fetching.files import locked, sync_folder
from crawler.fetching.records import ArchiveReader
from crawler.fetching.repair import repaired
from crawler.fetching.rewriting import Moved, Rewriting, Searched, destroy, leftovers, searched, to_rewrite
from crawler.items import Exchange, Recorded
from crawler.kept_out import JOURNAL, MIN_SECRET, KeptOut, finished, loaded
from crawler.normalise.erasure import ErasureKind, Erasures, author_hash, check_hash, kind_of
from crawler.normalise.nicknames import nickname
from crawler.reading import READER_VERSION
from crawler.rereading import reread
from crawler.site import Edition
from crawler.sites import readers
from crawler.storage.erasures import (
    Move,
    articles_of,
    let_go,
    overwrite_freed,
    renames_of,
    save_erasures,
    spellings,
)
from crawler.upkeep import opened
from crawler.work import Progress, Say, shared


@dataclass(slots=True)
class Summary:
    """What forgetting came to, without a word on who it was."""

    applied: bool
    #: Files of the archive that were searched, and that were written anew.
    files: int = 0
    rewritten: int = 0
    #: Answers in them that show the person.
    answers: int = 0
    articles: int = 0
    #: Articles that could not be read again, and why. The person's comments and quotations from them are out of their
    #: rows all the same.
    unread: dict[str, str] = field(default_factory=dict)
    #: Other authors who were renamed to the person, or to whom the person was.
    renames: int = 0
    #: Whether the database has given up the bytes of deleted rows.
    overwritten: bool = True


def forget(
    url: str,
    folder: Path,
    key: str,
    editions: Sequence[Edition],
    *,
    secret: str | None,
    reason: str,
    apply: bool,
    processes: int,
    say: Say,
    now: datetime | None = None,
) -> Summary:
    """
    Forget the author of a key in some editions.

    Args:
        url: The database.

        folder: The archive.

        key: As in the table `authors`: a member's profile name, "guest:" and a guest's nickname.

        secret: FORGET_KEY.

        reason: Is kept beside the hash, so it should not say who it is.

        apply: Whether to do it; otherwise it is only counted.

        processes: How many search the archive at a time.

        say: Is told how far it is. It never hears a name.

        now: When it is done; now for None.

    Raises:
        BadArgument: FORGET_KEY is missing, too short, or not the one with which people were forgotten before.
        CannotStore: The archive or the database cannot be used, or a file of the archive is damaged: nobody knows
            what that shows.
        AlreadyRunning: A crawl of one of the editions is running, or somebody is being forgotten in the same archive,
            be it in other editions; and something is to be written.
    """
    if not secret or len(secret) < MIN_SECRET:
        raise BadArgument(
            f"FORGET_KEY must be set, to at least {MIN_SECRET} characters that nobody can guess, and kept: without it "
            "people who were forgotten would come back. `openssl rand -hex 32` makes one."
        )
    key = key.strip().casefold()
    if not key:
        raise BadArgument("Whom to forget? Give a key of the table authors, such as vasya or guest:vasya.")
    with opened(url, editions, apply=apply) as run:
        work = _Work(
            run, url, folder, key, editions, secret.encode(), processes, say, now or datetime.now(UTC)
        )
        return work.done(reason) if apply else work.counted()


class _Work:
    """One person who is being forgotten."""

    def __init__(
        self,
        run: Run,
        url: str,
        folder: Path,
        key: str,
        editions: Sequence[Edition],
        secret: bytes,
        processes: int,
        say: Say,
        now: datetime,
    ) -> None:
        self._run = run
        self._url = url
        self._folder = folder
        self._key = key
        self._editions = {edition.id: edition for edition in editions}
        self._secret = secret
        self._processes = processes
        self._say = say
        self._now = now
        self._overwritten = True
        self._readers = readers()
        # Of all editions: two keys in one archive, and whoever reads it whole would need both.
        before = loaded(self._run, self._readers, self._readers, secret.decode())
        self._hashes = {id: self._hashes_in(id) for id in self._editions}
        erased = {
            id: Erasures(
                secret,
                frozenset(hash for hash, kind in hashes.items() if kind != "check")
                | (before.erasures[id].hashes if id in before.erasures else frozenset()),
                guests=True,
            )
            for id, hashes in self._hashes.items()
        }
        self._kept_out = KeptOut(erased, self._readers)

    def _hashes_in(self, edition_id: int) -> dict[str, ErasureKind]:
        """What is stored of the person: the key, and the spellings of names that are not part of it."""
        kind = kind_of(self._key)
        hashes: dict[str, ErasureKind] = {check_hash(self._secret): "check"}
        for name in self._run(spellings, edition_id, self._key):
            plain = nickname(name)
            if plain and self._key not in name_keys(plain):
                hashes[author_hash(self._secret, alias_key(plain))] = "alias"
        hashes[author_hash(self._secret, self._key)] = kind
        return hashes

    def counted(self) -> Summary:
        """What would be done."""
        found = self._searched()
        articles = {id for edition in self._editions for id in self._run(articles_of, edition, self._key)}
        renames = sum(self._run(renames_of, edition, self._key) for edition in self._editions)
        return Summary(
            applied=False,
            files=len(found),
            rewritten=len(to_rewrite(found)),
            answers=sum(one.showing for one in found.values()),
            articles=len(articles),
            renames=renames,
        )

    def done(self, reason: str) -> Summary:
        """Do it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as alone:
            try:  # of other editions others may forget, but the folder has one journal
                alone.enter_context(locked(self._folder))
            except BlockingIOError:
                raise AlreadyRunning(
                    f"Somebody else is just being forgotten in the archive folder {self._folder}. "
                    "This one stops and changes nothing."
                ) from None
            return self._done(reason)

    def _done(self, reason: str) -> Summary:
        if self._finished() is False:
            self._say("An earlier forgetting had been cut short; what it had begun is undone.")
        if (self._folder / JOURNAL).exists():
            raise CannotStore(
                "An earlier forgetting in another edition or database was cut short: first forget that person there "
                f"once more. Where that database is gone, remove {self._folder / JOURNAL}."
            )
        renames = sum(self._run(renames_of, edition, self._key) for edition in self._editions)
        for edition_id, hashes in self._hashes.items():
            self._run(save_erasures, edition_id, hashes, now=self._now, reason=reason)
        self._say("From now on nothing of the person is stored any more.")
        repaired(self._folder)
        destroy(self._folder, leftovers(self._folder))
        found = self._searched()
        names = to_rewrite(found)
        rewriting = Rewriting(self._folder, self._kept_out.without, on=self._now.date())
        progress = Progress(self._say, "written anew", len(names), "files")
        try:
            for name in names:
                rewriting.write(name)
                progress.add(1)
        except BadRecord as error:
            raise _damaged(error) from error
        hash = author_hash(self._secret, self._key)
        _write_journal(self._folder, dict.fromkeys(self._editions, hash), rewriting.files)
        self._say(f"{len(names)} files are written anew.")
        rewriting.publish()
        self._say("They stand beside the old ones.")
        articles, unread = self._run(
            let_go,
            self._editions,
            self._key,
            [_move(one) for one in rewriting.moved.values()],
            rewriting.files,
            self._again,
            reader_version=READER_VERSION,
        )
        self._say("The database knows the new files alone.")
        self._finished()
        return Summary(
            applied=True,
            files=len(found),
            rewritten=len(names),
            answers=sum(one.showing for one in found.values()),
            articles=articles,
            unread=unread,
            renames=renames,
            overwritten=self._overwritten,
        )

    def _finished(self) -> bool | None:
        return finished(self._folder, self._run, self._editions, self._overwrite)

    def _overwrite(self) -> None:
        self._overwritten = overwrite_freed(self._url)

    def _searched(self) -> dict[str, Searched]:
        """What each file of the archive shows of the person."""
        if not self._folder.exists():
            return {}
        names = [name for name in ArchiveReader(self._folder).files() if (self._folder / name).exists()]
        progress = Progress(self._say, "searched", len(names), "files")
        found: dict[str, Searched] = {}
        search = partial(_search, self._folder, self._kept_out)
        for name, said in shared(search, names, min(self._processes, len(names))):
            said = _search(self._folder, self._kept_out, name) if said is None else said
            if isinstance(said, BadRecord):
                raise _damaged(said)
            found[name] = said
            progress.add(1)
        names = to_rewrite(found)
        others = {id for name in names for id in found[name].editions} - self._editions.keys()
        if others:
            raise BadArgument(
                "Files that show this person hold pages of other editions, too: forget them without --edition."
            )
        return found

    def _again(self, known: Iterable[Recorded]) -> Iterator[Exchange]:
        return reread(known, ArchiveReader(self._folder), self._kept_out.reading(self._readers))


def _move(moved: Moved) -> Move:
    return Move(
        fetch_id=moved.fetch_id,
        edition_id=moved.edition_id,
        article_id=moved.article_id,
        old_place=(moved.old.file, moved.old.offset),
        place=(moved.new.file, moved.new.offset),
        body=(moved.changed.bytes, moved.changed.digest) if moved.changed else None,
    )


def _search(folder: Path, kept_out: KeptOut, name: str) -> Searched | BadRecord:
    """What a file shows, looked for in a process of its own."""
    try:
        return searched(folder, kept_out.without, name)
    except BadRecord as error:
        return error


def _damaged(error: BadRecord) -> CannotStore:
    return CannotStore(
        f"The archive is damaged, so nobody knows what it shows: {error}. Mend or remove that file, then forget again."
    )


def _write_journal(folder: Path, hashes: Mapping[int, str], files: Mapping[str, str]) -> None:
    journal = {"hashes": hashes, "old": list(files), "new": list(files.values())}
    beside = folder / (JOURNAL + ".new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(folder / JOURNAL)
    sync_folder(folder)
