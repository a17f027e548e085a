"""One WARC record of ours: what its fields say, and errors that tell where it stands."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final, Self, TypeVar, get_args

from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader

from crawler.errors import BadRecord
from crawler.fetching.capture import Place, payload_digest
from crawler.items import Fetch, FetchKind, FetchOutcome, FetchSource

_LOADER: Final = ArcWarcRecordLoader()

_Name = TypeVar("_Name", bound=str)


@dataclass(frozen=True, slots=True)
class Changed:
    """A body that was changed."""

    bytes: int
    #: SHA-256 in hexadecimal; None where nothing is left.
    digest: str | None


class Record:
    """A record, and errors that say where it stands."""

    def __init__(self, record: ArcWarcRecord, block: bytes, file: str, offset: int) -> None:
        self.file = file
        self.offset = offset
        self.kind: str = record.rec_type or ""
        self.block = block
        self._fields: dict[str, str] = {name.lower(): value for name, value in record.rec_headers.headers}

    @classmethod
    def of(cls, data: bytes, file: str, offset: int) -> Self:
        """Of a gzip member. Raises BadRecord where it holds no whole record."""
        try:
            record = _LOADER.parse_record_stream(BytesIO(data), known_format="warc", no_record_parse=True)
        except (ArchiveLoadFailed, EOFError) as error:
            raise BadRecord(file, offset, "this is no WARC record") from error
        block = record.raw_stream.read()
        if record.length is None or len(block) != record.length:
            raise BadRecord(file, offset, "the record is shorter than it says")
        return cls(record, block, file, offset)

    def bad(self, problem: str) -> BadRecord:
        return BadRecord(self.file, self.offset, problem)

    def check(self) -> None:
        """Raises BadRecord where the block is not the one that its digest names."""
        if self._digest("WARC-Block-Digest") != hashlib.sha256(self.block).hexdigest():
            raise self.bad("its block is not the one that its digest names")

    def payload_digest(self) -> str:
        """Of the body, in hexadecimal, as the record says. Raises BadRecord where it does not."""
        return self._digest("WARC-Payload-Digest")

    def _digest(self, name: str) -> str:
        algorithm, _, value = self.text(name).partition(":")
        try:
            if algorithm != "sha256":
                raise ValueError(algorithm)
            return base64.b32decode(value).hex()
        except (ValueError, binascii.Error) as error:
            raise self.bad(f"its {name} is no SHA-256 in base 32") from error

    def answer(self) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        """Status, headers and body of a response. Raises BadRecord where it has no head."""
        head, end, body = self.block.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        words = first.split(b" ", 2)
        if not end or len(words) < 2 or not words[1].isdigit():
            raise self.bad("its block does not begin as an answer does")
        pairs = (line.partition(b":") for line in lines)
        return int(words[1]), tuple((name, value.strip()) for name, _, value in pairs), body

    def fetch(
        self, place: Place, *, status: int | None = None, size: int = 0, digest: str | None = None
    ) -> Fetch:
        """The fetch that its fields tell of. Raises BadRecord where they do not."""
        return Fetch(
            id=self.number("Archive-Fetch-Id"),
            edition_id=self.number("Archive-Edition-Id"),
            kind=self.one_of(get_args(FetchKind), "Archive-Kind"),
            url=self.text("WARC-Target-URI"),
            fetched_at=self.moment("WARC-Date"),
            status=status,
            bytes=size,
            digest=digest,
            outcome=self.one_of(get_args(FetchOutcome), "Archive-Outcome"),
            detail=self._fields.get("archive-detail"),
            article_id=self.number_or_none("Archive-Article-Id"),
            page=self.number_or_none("Archive-Page"),
            warc_file=place.file,
            warc_offset=place.offset,
            source=self.one_of(get_args(FetchSource), "Archive-Source", "live"),
        )

    @property
    def crawl_id(self) -> int | None:
        return self.number_or_none("Archive-Crawl-Id")

    @property
    def visit_id(self) -> int | None:
        return self.number_or_none("Archive-Visit-Id")

    def text(self, name: str) -> str:
        value = self._fields.get(name.lower())
        if value is None:
            raise self.bad(f"it has no {name}")
        return value

    def has(self, name: str) -> bool:
        return name.lower() in self._fields

    def number(self, name: str) -> int:
        value = self.text(name)
        if not (value.isascii() and value.isdigit()):
            raise self.bad(f"its {name} is no number but {value!r}")
        return int(value)

    def number_or_none(self, name: str) -> int | None:
        return self.number(name) if self.has(name) else None

    def moment(self, name: str) -> datetime:
        value = self.text(name)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise self.bad(f"its {name} is no moment but {value!r}") from error
        if moment.tzinfo is None:
            raise self.bad(f"its {name} has no time zone: {value!r}")
        return moment

    def one_of(self, names: tuple[_Name, ...], name: str, default: _Name | None = None) -> _Name:
        value = self._fields.get(name.lower(), default) or self.text(name)
        if value not in names:
            raise self.bad(f"its {name} is {value!r}, which nobody knows")
        return value


class RawRecord(Record):
    """A record that can be changed and written again."""

    def __init__(self, record: ArcWarcRecord, block: bytes, file: str, offset: int) -> None:
        super().__init__(record, block, file, offset)
        self._lines: list[tuple[str, str]] = list(record.rec_headers.headers)
        self._version: str = record.rec_headers.protocol
        #: What its body has become, where that was changed.
        self.changed: Changed | None = None

    def set(self, name: str, value: str) -> None:
        """Change a field, or add it."""
        at = next((at for at, (other, _) in enumerate(self._lines) if other.lower() == name.lower()), None)
        if at is None:
            self._lines.append((name, value))
        else:
            self._lines[at] = (name, value)
        self._fields[name.lower()] = value

    def written(self) -> bytes:
        """The whole record, its length and the digest of its block in keeping with it."""
        self.set("WARC-Block-Digest", payload_digest(hashlib.sha256(self.block).hexdigest()))
        self.set("Content-Length", str(len(self.block)))
        head = "".join(f"{name}: {value}\r\n" for name, value in self._lines)
        return f"{self._version}\r\n{head}\r\n".encode() + self.block + b"\r\n\r\n"


def header_lines(head: bytes) -> list[tuple[bytes, bytes]]:
    """The header lines in the head of an answer."""
    _, *lines = head.split(b"\r\n")
    return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
