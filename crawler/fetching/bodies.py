"""
Did the whole body come, unharmed?

Scrapy unpacks as much of a damaged body as it can and says nothing: a gzip stream that was cut, or
whose checksum is wrong, gives half a page with status 200 as long as Content-Length fits the bytes
that were sent. Half a page would look like a thread whose comments were deleted. So every body is
unpacked here, strictly, and nowhere else: what comes from the site as well as what comes from the archive.
"""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import brotli  # type: ignore[import-untyped]  # Scrapy itself requires it

from crawler.items import FetchOutcome

ENCODINGS: Final = ("gzip", "deflate", "br")
"""What we ask for: the encodings whose end we can prove. (zstd would need one more library.)"""

MAX_LAYERS: Final = 2
"""Nobody packs a page three times except to keep the reader busy."""

MAX_HEADERS: Final = 200
"""Real answers have 10 to 40 header lines; 100,000 of them are accepted by Scrapy and take seconds."""

_CHUNK: Final = 64 * 1024

# Where neither Content-Length nor chunks say where a body ends, it ends when the connection does,
# and a broken connection looks the same. Then only the text itself can say that it is whole.
_LAST_WORDS: Final = (b"</html>", b"</rss>", b"</feed>", b"</urlset>", b"</sitemapindex>")

Fault = tuple[FetchOutcome, str]
"""What is wrong with an answer, and one line on it."""


class Damaged(Exception):
    """The packed body is cut or its bytes are wrong."""


class TooBig(Exception):
    """The body, unpacked, is longer than we read."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was looked at."""

    #: Unpacked; empty where it is not whole.
    text: bytes = b""
    #: What is wrong with it; None where it is whole.
    fault: Fault | None = None


def looked_at(
    sent: bytes,
    *,
    encodings: Iterable[bytes],
    headers: int = 0,
    flags: Collection[str] = (),
    max_bytes: int,
) -> Body:
    """
    An answer's body, and whether it is whole.

    Args:
        sent: The body as sent, still packed.

        encodings: The values of Content-Encoding, as sent.

        headers: How many header lines the answer had.

        flags: Scrapy's own remarks: "partial" (ended by the end of the connection) and "dataloss".

        max_bytes: Longest body that we read, unpacked; 0 for no bound.
    """
    try:
        return Body(_whole(sent, packings(encodings), headers, flags, max_bytes))
    except _Faulty as error:
        return Body(fault=error.fault)


class _Faulty(Exception):
    def __init__(self, outcome: FetchOutcome, detail: str) -> None:
        super().__init__(detail)
        self.fault: Fault = (outcome, detail)


def packings(encodings: Iterable[bytes]) -> list[str]:
    """How a body is packed, in the order in which that was done."""
    names = b",".join(encodings).decode("latin-1").lower().split(",")
    return [name.strip() for name in names if name.strip() not in ("", "identity")]


def _whole(body: bytes, layers: list[str], headers: int, flags: Collection[str], max_bytes: int) -> bytes:
    """The body, unpacked. Raises _Faulty where it is not whole."""
    if headers > MAX_HEADERS:
        raise _Faulty("failed", f"{headers} header lines, more than the {MAX_HEADERS} that we read")
    if len(layers) > MAX_LAYERS:
        raise _Faulty("failed", f"packed {len(layers)} times, more than the {MAX_LAYERS} that we unpack")
    if "dataloss" in flags:
        raise _Faulty("incomplete", "the body ended before its time")
    packed = bool(layers) and bool(body)
    for encoding in reversed(layers):
        if not body:
            break
        if encoding not in (*ENCODINGS, "x-gzip"):
            raise _Faulty("failed", f"packed as {encoding!r}, for which we did not ask")
        try:
            body = unpacked(body, encoding, max_bytes=max_bytes)
        except Damaged as exc:
            raise _Faulty("incomplete", f"the {encoding} body is damaged: {exc}") from exc
        except TooBig as exc:
            raise _Faulty("too_big", f"longer than {max_bytes} bytes when unpacked") from exc
    if "partial" in flags and not packed and not _says_its_end(body):
        raise _Faulty("incomplete", "the connection ended and nothing proves that the body was whole")
    return body


def legible(sent: bytes, *, encodings: Iterable[bytes], max_bytes: int) -> bytes:
    """What can be read of a body that is not whole, unpacked as far as that goes."""
    for encoding in reversed(packings(encodings)):
        if encoding == "br":
            sent = _beginning_of_brotli(sent, max_bytes)
        elif encoding in ("gzip", "x-gzip"):
            sent = _beginning_of_stream(sent, zlib.MAX_WBITS | 16, max_bytes)
        elif encoding == "deflate":
            zlib_format = _beginning_of_stream(sent, zlib.MAX_WBITS, max_bytes)
            sent = zlib_format or _beginning_of_stream(sent, -zlib.MAX_WBITS, max_bytes)
    return sent


def _beginning_of_stream(body: bytes, wbits: int, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    # By single bytes: an error takes all with it that its call would have given.
    for at in range(len(body)):
        try:
            parts.append(stream.decompress(body[at : at + 1], max_bytes))
        except zlib.error:
            break
        if stream.eof or sum(map(len, parts[-1:])) >= max_bytes:
            break
    return b"".join(parts)


def _beginning_of_brotli(body: bytes, max_bytes: int) -> bytes:
    stream = brotli.Decompressor()
    parts: list[bytes] = []
    for at in range(len(body)):
        try:
            parts.append(stream.process(body[at : at + 1], output_buffer_limit=max_bytes))
        except brotli.error:
            break
        if stream.is_finished():
            break
    return b"".join(parts)


def unpacked(body: bytes, encoding: str, *, max_bytes: int = 0) -> bytes:
    """
    The body without one layer of packing, and nothing else than a whole one.

    Raises:
        Damaged: It is cut, its checksum is wrong, or something follows it. A gzip body of several
            members that was cut exactly between two of them cannot be told from a whole one.

        TooBig: It is longer than `max_bytes` (0: no bound).
    """
    if encoding == "br":
        return _unpacked_brotli(body, max_bytes)
    if encoding == "deflate":
        # Meant is the zlib format; some servers send the naked stream, which has no header.
        zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _inflated(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS, max_bytes)[0]
    whole = b""
    while True:
        member, rest = _inflated(body, zlib.MAX_WBITS | 16, max_bytes and max_bytes - len(whole))
        whole += member
        body = rest.lstrip(b"\0")  # zeros after the end are padding, which gzip allows
        if not body:
            return whole
        if not body.startswith(b"\x1f"):
            raise Damaged(f"{len(body)} bytes follow its end")


def _inflated(body: bytes, wbits: int, max_bytes: int) -> tuple[bytes, bytes]:
    """One zlib stream, unpacked, and the bytes after it."""
    stream = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    size = 0
    while not stream.eof:
        try:
            part = stream.decompress(body, _CHUNK)
        except zlib.error as exc:
            raise Damaged(str(exc).rpartition(": ")[2]) from exc
        body = stream.unconsumed_tail
        if not part and not body and not stream.eof:
            raise Damaged("it was cut")
        size += len(part)
        if max_bytes and size > max_bytes:
            raise TooBig
        parts.append(part)
    return b"".join(parts), stream.unused_data


def _unpacked_brotli(body: bytes, max_bytes: int) -> bytes:
    stream = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    while not stream.is_finished():
        try:
            part: bytes = stream.process(body, output_buffer_limit=_CHUNK)
        except brotli.error as exc:
            raise Damaged("its bytes make no sense") from exc
        body = b""
        if not part and not stream.is_finished():
            raise Damaged("it was cut")
        size += len(part)
        if max_bytes and size > max_bytes:
            raise TooBig
        parts.append(part)
    return b"".join(parts)


def _says_its_end(body: bytes) -> bool:
    """Whether the text closes its outermost element; banners and comments may follow it."""
    end = body[-1024:].lower()
    return any(words in end for words in _LAST_WORDS)
