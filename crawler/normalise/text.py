"""Plain text as both databases can hold it and people can read it."""

import re

#: A text longer than this is cut: no comment or article comes near, and a search index has its limits.
MAX_BYTES = 1_000_000

#: The C0 and C1 control characters that are not white space on a page.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_OTHER_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def storable(raw: str) -> str:
    """
    The same text, in a form that both databases take.

    NUL (Postgres refuses it, SQLite hides what follows it) and lone surrogates (no database can encode
    them; JSON can smuggle them in) become U+FFFD, the sign that something unreadable stood here.
    """
    if "\0" in raw:
        raw = raw.replace("\0", "\ufffd")
    try:
        raw.encode()
    except UnicodeEncodeError:
        # Pairs of surrogates, which JSON may deliver apart, are one good character together.
        return raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return raw


def clean(raw: str) -> str:
    """
    A text with the line breaks of its paragraphs and none of the accidents of its markup.

    Every kind of line end is a line feed. White space within a line, also no-break spaces, is one
    space; lines and the whole are trimmed; two paragraphs have at most one empty line between them.
    What no database or terminal should meet is replaced (see `storable`) or, as other control
    characters, dropped. Letters are left as they were written, zero-width and bidirectional ones too:
    they belong to the author's words.

    Returns:
        The text, at most `MAX_BYTES` long in UTF-8. Cleaning it again changes nothing.
    """
    text = storable(raw)
    if "\r" in text or "\u2028" in text or "\u2029" in text:
        text = _OTHER_LINE_ENDS.sub("\n", text)
    text = "\n".join([_folded(part) for part in text.split("\n")])
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    text = text.strip("\n")
    if len(text) > MAX_BYTES // 4 and len(encoded := text.encode()) > MAX_BYTES:
        text = encoded[:MAX_BYTES].decode(errors="ignore").rstrip()
    return text


def line(raw: str) -> str:
    """A text of one line, such as a title: as `clean`, with its line breaks folded into spaces."""
    return " ".join(clean(raw).split())


def _folded(part: str) -> str:
    """One line without control characters, its white space folded and trimmed."""
    if not part.isprintable():
        part = _CONTROLS.sub("", part)
    return " ".join(part.split())
