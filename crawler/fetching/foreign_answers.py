"""An answer out of an archive that others made, as our own holds it."""

import re
from dataclasses import dataclass, field
from typing import Final

from crawler.fetching.bodies import ENCODINGS, MAX_LAYERS, Damaged, TooBig, packings, unpacked
from crawler.fetching.foreign import MAX_RECORD

_GZIP: Final = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAnswer:
    """
    An answer as our archive holds it: without what Transfer-Encoding did, and no line in its head that misleads about
    its body.
    """

    status: int
    #: Status line and header lines, with the empty line at the end.
    head: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    #: Packed as Content-Encoding says.
    body: bytes = field(repr=False)
    #: What proves that the body is whole, in the words of `crawler.fetching.bodies`: "dataloss": it is not; "partial":
    #: nothing does but itself.
    flags: frozenset[str]

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return _values(self.headers, name)


def answer(block: bytes, *, date: bytes | None = None) -> ForeignAnswer | None:
    """
    The answer in the block of a record; None where there is none.

    Foreign heads often do not fit the body: chunks were joined or a body unpacked when it was archived, and the lines
    that said so were kept, or bear the prefix X-Crawler-. What is there is looked at, not what is said.

    Args:
        date: The header Date, where another one is to be put in its place; empty for none at all.
    """
    parsed = _parsed(block)
    if parsed is None:
        return None
    version, status, phrase, headers, body = parsed
    if date is not None:
        headers = [(name, value) for name, value in headers if name.lower() != b"date"]
        headers += [(b"Date", date)] if date else []
    flags = {"partial"}  # until something proves that it is whole
    misleading: set[bytes] = set()
    said = _said_length(headers)
    if any(b"chunked" in value.lower() for value in _values(headers, b"transfer-encoding")):
        joined, whole = _joined(body)
        said = None
        if joined is not None:
            body, flags = joined, set() if whole else {"dataloss"}
    # Packed for the way alone, over what Content-Encoding says.
    for coding in reversed(_packed_for_the_way(headers)):
        if _is_packed(body, coding.encode()):
            said = None
            try:
                body = unpacked(body, coding, max_bytes=MAX_RECORD)
            except (Damaged, TooBig):
                flags = {"dataloss"}
                break
            flags -= {"partial"}
    misleading.add(b"transfer-encoding")
    packing = b",".join(_values(headers, b"content-encoding")).strip().lower()
    if packing not in (b"", b"identity") and not _is_packed(body, packing):
        misleading.add(b"content-encoding")
        said = None  # that was the length of the packed body
    if said is not None and said >= len(body):
        flags = set() if said == len(body) else {"dataloss"}
    if said != len(body):
        misleading.add(b"content-length")
    lines = [b"%s %d %s" % (version, status, phrase)]
    kept = tuple((b"X-Crawler-" * (name.lower() in misleading) + name, value) for name, value in headers)
    lines += [name + b": " + value for name, value in kept]
    return ForeignAnswer(
        status=status,
        head=b"\r\n".join([*lines, b"", b""]),
        headers=kept,
        body=body,
        flags=frozenset(flags),
    )


_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE: Final = re.compile(rb"(HTTP/[0-9.]{1,4}) +([0-9]{3})(?: +([^\r\n]*))?")


def _parsed(block: bytes) -> tuple[bytes, int, bytes, list[tuple[bytes, bytes]], bytes] | None:
    """Version, status, phrase, headers and body of an answer."""
    end = _HEAD_END.search(block)
    first = _STATUS_LINE.match(block)
    if end is None or first is None:
        return None
    headers: list[tuple[bytes, bytes]] = []
    for line in block[: end.start()].splitlines()[1:]:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and headers:  # a long line, folded
            headers[-1] = (headers[-1][0], headers[-1][1] + b" " + line.strip())
        elif colon:
            headers.append((name.strip(), value.strip()))
    version = first[1] if first[1] in (b"HTTP/1.0", b"HTTP/1.1") else b"HTTP/1.1"
    return version, int(first[2]), (first[3] or b"").strip(), headers, block[end.end() :]


def _values(
    headers: "list[tuple[bytes, bytes]] | tuple[tuple[bytes, bytes], ...]", name: bytes
) -> list[bytes]:
    return [value for other, value in headers if other.lower() == name.lower()]


def _said_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    said = {value for value in _values(headers, b"content-length") if value.isdigit() and len(value) < 16}
    return int(said.pop()) if len(said) == 1 else None


def _packed_for_the_way(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """What Transfer-Encoding says beside the chunks, as far as we unpack it, in the order in which that was done."""
    codings = packings(_values(headers, b"transfer-encoding"))
    return [coding for coding in codings if coding in (*ENCODINGS, "x-gzip")][-MAX_LAYERS:]


def _is_packed(body: bytes, packing: bytes) -> bool:
    """Whether a body is packed, as its head says, or was unpacked before it was archived."""
    if packing.rpartition(b",")[2].strip() in (b"gzip", b"x-gzip"):
        return body.startswith(_GZIP[:2])
    return not body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


def _joined(body: bytes) -> tuple[bytes | None, bool]:
    """
    A body without the sizes of its chunks, and whether the last one was there.

    None where it has no chunks: who archived it joined them.
    """
    parts: list[bytes] = []
    at = 0
    while (size := _CHUNK_SIZE.match(body, at)) is not None:
        length = int(size[1], 16)
        if length == 0:
            return b"".join(parts), True
        part = body[size.end() : size.end() + length]
        parts.append(part)
        if len(part) < length:
            return b"".join(parts), False
        at = size.end() + length
        at += 2 if body.startswith(b"\r\n", at) else 1 if body.startswith(b"\n", at) else 0
    return (b"".join(parts), False) if parts else (None, False)
