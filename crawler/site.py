"""The facts that a site declares about itself. Each folder under `crawler.sites` has one `SITE`."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class DateWords:
    """The words with which dates are written in one language. All are lower case."""

    #: ISO code of the language, also for dateparser.
    language: str
    #: Twelve tuples, January first; each holds every form met: nominative, genitive, short.
    months: tuple[tuple[str, ...], ...]
    #: Seven tuples, Monday first, as they stand after "on": ("понедельник",), ("среду", "среда") …
    weekdays: tuple[tuple[str, ...], ...]
    today: tuple[str, ...]
    yesterday: tuple[str, ...]
    #: "just now" in all its spellings.
    now: tuple[str, ...]
    #: What stands between the day and the time, or before a weekday: "at", "on", "в", "во".
    at: tuple[str, ...]
    #: What follows "5 minutes": "ago", "назад", and what machine translation makes of it.
    ago: tuple[str, ...]
    minutes: tuple[str, ...]
    hours: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One language of a site under its own host. Article and comment numbers are those of the site."""

    #: Small number, declared once and never used again for another edition: part of every key.
    id: int
    #: Short name on the command line: "en".
    code: str
    #: Scheme and host, without a slash at the end: "https://en.topwar.ru".
    base_url: str
    #: ISO code of the language of the page's own words (dates, headings).
    language: str
    #: Code of the edition that this one is a machine translation of.
    translation_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What must be known of a site before its first page is asked for."""

    #: Name of the site, of its spider and of its folder: "military_review".
    name: str
    #: The name that people know it by.
    title: str
    editions: tuple[Edition, ...]
    #: The zone of the site's clock, which its pages do not print.
    time_zone: ZoneInfo
    #: How its pages are encoded; decoding is strict.
    charset: str
    #: The languages in which its dates are written, most likely first, by edition code.
    date_words: Mapping[str, tuple[DateWords, ...]]
    #: Sections that can be asked for by name; each is a path on the site, without slashes at the ends.
    sections: tuple[str, ...]
    #: Least time between two requests, in seconds, where robots.txt asks for no longer one.
    delay_s: float = 1.0

    def edition(self, code: str) -> Edition:
        """The edition with this code. Raises KeyError where there is none."""
        for edition in self.editions:
            if edition.code == code:
                return edition
        raise KeyError(code)
