"""In which letters an old page is written: archives of others hold pages from before everybody wrote UTF-8."""

import codecs
import re
from typing import Final

#: The charset of Russian sites before UTF-8. Nearly every text can be decoded so, whatever it is written in: that it
#: makes sense only the page itself can say.
_OLD: Final = {"windows-1251": "cp1251", "cp1251": "cp1251", "win-1251": "cp1251"}

_HEADER: Final = re.compile(rb"""charset\s*=\s*["']?([A-Za-z0-9_-]{1,20})""", re.IGNORECASE)
_META: Final = re.compile(rb"""<meta\s[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9_-]{1,20})""", re.IGNORECASE)

#: Browsers look for it no further than this.
_HEAD: Final = 1024


def old_charset(text: bytes, content_type: bytes | None) -> str | None:
    """
    The charset from before UTF-8 in which a page says that it is written, as Python names it.

    None where it says nothing of the kind, or is UTF-8 whatever it says: no text in another charset is so by accident.

    Args:
        text: The body, unpacked.

        content_type: The answer's header, which counts more than what the page says.
    """
    try:
        codecs.decode(text, "utf-8")
    except UnicodeDecodeError:
        said = _HEADER.search(content_type or b"") or _META.search(text[:_HEAD])
        return _OLD.get(said[1].decode("ascii").lower()) if said else None
    return None
