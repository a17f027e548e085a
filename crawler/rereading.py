"""
What the archive holds, read again: the very exchanges that the spider handed on to be stored.

Visits go through the same functions as in a crawl (`crawler.visiting`), so that a visit that is told again has the same
outcome, as long as the same reader reads its pages. Another reader may see in a page what the one of then did not:

    it sees more pages than were asked      the visit did not end
    it sees the end before the last page    the visit ends with the last page all the same
    it does not understand one of the pages that were asked later on     the visit was no sweep
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from crawler.errors import BadRecord
from crawler.fetching.bodies import Body
from crawler.fetching.capture import Place
from crawler.fetching.charsets import old_charset
from crawler.fetching.headers import one_line, redirect, server_time
from crawler.fetching.records import Archived, ArchiveReader
from crawler.items import Exchange, Fetch, Recorded, Visit, VisitOutcome
from crawler.site import Edition
from crawler.visiting import Progress, Reply, SiteReader, alone, asked_path, begun, listing, step

_LISTS = frozenset(("feed", "listing", "archive", "sitemap"))


def exchanges(archived: Iterable[Archived], readers: Mapping[int, SiteReader]) -> Iterator[Exchange]:
    """
    What was stored of these exchanges: one for each, in the same order.

    All of a visit's must be among them, or its end is told wrongly. They are held in memory as they were sent, packed:
    give it an article at a time. Those of robots.txt, lists and foreign archives belong to no visit and may come alone.

    Args:
        archived: In the order of the numbers of their fetches.

        readers: How the pages of each edition are read, by its number; see `crawler.sites.readers`.

    Raises:
        KeyError: There is no reader for an edition.
        ValueError: They are out of order, or one is there twice.
    """
    given = list(archived)
    last = {one.visit_id: one.fetch.id for one in given}
    visits: dict[int, _Retold] = {}
    before = -1
    for one in given:
        fetch = one.fetch
        if fetch.id <= before:
            raise ValueError(
                f"fetch {fetch.id} comes after {before}: give them in the order of their numbers"
            )
        before = fetch.id
        reader = readers[fetch.edition_id]
        edition = next(edition for edition in reader.site.editions if edition.id == fetch.edition_id)
        if fetch.kind == "robots":
            yield Exchange(edition=edition, fetch=fetch)
        elif fetch.kind in _LISTS:
            yield listing(_reply(one), edition, reader).exchange
        elif one.visit_id is None or fetch.article_id is None:
            yield alone(_reply(one), edition, reader)
        else:
            if one.visit_id not in visits:
                visits[one.visit_id] = _Retold(_beginning(one, edition, one.visit_id, fetch.article_id))
            retold = visits[one.visit_id]
            is_last = last[one.visit_id] == fetch.id
            yield retold.exchange(_reply(one), reader, is_last=is_last)
            if is_last:
                del visits[one.visit_id]


def reread(
    known: Iterable[Recorded], archive: ArchiveReader, readers: Mapping[int, SiteReader]
) -> Iterator[Exchange]:
    """
    What was stored of exchanges that the database knows, as the archive tells it: see `exchanges`.

    Raises:
        BadRecord: One of them is not in the archive, or cannot be read there.
    """
    return exchanges((_from(archive, one.fetch) for one in known), readers)


def _from(archive: ArchiveReader, fetch: Fetch) -> Archived:
    if fetch.warc_file is None or fetch.warc_offset is None:
        raise BadRecord("no file", 0, f"the fetch {fetch.id} of {fetch.url} was never archived")
    archived = archive.at(Place(fetch.warc_file, fetch.warc_offset))
    if archived.fetch.id != fetch.id:
        problem = f"it is of the fetch {archived.fetch.id}, not of {fetch.id}"
        raise BadRecord(fetch.warc_file, fetch.warc_offset, problem)
    return archived


def _reply(archived: Archived) -> Reply:
    """What came, as it came in the crawl."""
    fetch = archived.fetch
    body = archived.body() if fetch.outcome == "ok" else Body()
    if body.fault is not None:  # a crawl would have seen it; an archive of others' may hold anything
        fetch = replace(fetch, outcome=body.fault[0], detail=one_line(body.fault[1]))
    return Reply(
        fetch=fetch,
        body=body.text,
        seen_at=server_time(archived.header(b"Date"), fetch.fetched_at),
        location=redirect(archived.header(b"Location")),
        charset=old_charset(body.text, archived.header(b"Content-Type"))
        if fetch.source == "import"
        else None,
    )


def _beginning(archived: Archived, edition: Edition, visit_id: int, article_id: int) -> Progress:
    fetch = archived.fetch
    path = asked_path(fetch.url)
    return begun(
        Visit(id=visit_id, edition=edition, article_id=article_id, path=path, started_at=fetch.fetched_at)
    )


@dataclass(slots=True)
class _Retold:
    """A visit that is told again."""

    #: How far it has come, and what would be asked next.
    progress: Progress
    #: What the latest page makes of the visit; None where it goes on.
    ended: VisitOutcome | None = None
    #: What the first page that went wrong makes of it.
    flaw: VisitOutcome | None = None

    def exchange(self, reply: Reply, reader: SiteReader, *, is_last: bool) -> Exchange:
        """What came next in it."""
        page = reply.fetch.page or 1
        progress = self.progress
        if self.ended is not None or progress.page != page:
            # The reader of today would have gone another way, or a record is lost.
            if self.ended is None:
                self.flaw = self.flaw or "partial"
            progress = replace(progress, page=page, linked=False, hops=0, tries=0)
        done = step(progress, reply, reader)
        self.progress, self.ended = done.progress, done.exchange.ends
        if self.ended not in (None, "swept"):
            self.flaw = self.flaw or self.ended
        if not is_last:
            return replace(done.exchange, ends=None, seen=frozenset())
        if self.flaw is not None:
            return replace(done.exchange, ends=self.flaw, seen=frozenset())
        return done.exchange
