"""
Dates as discussion sites write them.

A date is read in two steps. What its words say ("yesterday", 12:20) follows from the words alone and is
remembered; which moment that is follows from the clock of the fetch and is worked out each time. So a
cached reading never grows stale. Words that our own grammar does not know go to dateparser, which is some
hundred times slower and is therefore asked last, once for each text and minute of fetching.

Where clocks are changed, a time that never was (spring) counts as if the clock had not been changed yet,
and a time that was twice (autumn) as the first of the two. The page does not tell which; reading the same
words always gives the same moment, and it is wrong by an hour at most.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from crawler.errors import UnreadableDate
from crawler.items import Moment, Precision
from crawler.normalise.datewords import ENGLISH
from crawler.site import DateWords

#: How far a written-out date may lie after the fetch. Not all pages know the time of their fetch better
#: than to the day, and clocks differ; a day and month mistaken for each other are further off.
TOLERANCE = timedelta(days=1)

#: The same for words that are counted from the fetch: "today, 22:00" on a page of 21:00 was written
#: before midnight and kept, and means yesterday. Clocks of two machines differ by less than this.
#: It holds for dateparser's readings too, which are less sure and do not say how they came about.
RELATIVE_TOLERANCE = timedelta(minutes=5)

#: In characters. Dates are short; what is longer is a piece of page.
MAX_LENGTH = 200

#: No page of the web is older, none of ours can be younger.
_YEARS = range(1990, 2200)


# Sayings are told apart by identity: each is remembered with its text, and to hash one costs more than to read it.
@dataclass(frozen=True, slots=True, eq=False)
class _Day:
    """A day counted from the fetch: so many days back, or the last one of that name (Monday is 0)."""

    days_ago: int = 0
    weekday: int | None = None
    clock: time | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Ago:
    """A span back from the fetch."""

    span: timedelta
    precision: Precision


#: What words say: a moment, something counted from the fetch, why they cannot be a date, or None where
#: the grammar does not know them. A date without a zone becomes a moment by the site's own.
_Saying = Moment | _Day | _Ago | str | None


def moment(text: str, *, zone: ZoneInfo, words: tuple[DateWords, ...], seen_at: datetime) -> Moment:
    """
    Read a date as this kind of site writes it.

    Args:
        text: "Вчера, 14:05", "5 May 2024 10: 00" … exactly as on the page.

        zone: Where the site's clock hangs; the page does not say.

        words: The languages that the date may be written in, most likely first.

        seen_at: When the page was fetched, aware. "Yesterday" is counted from here and in the
            site's zone, so an old page reads the same for ever.

    Returns:
        The moment, and how exactly it is known: "3 hours ago" to the hour, a date without a time to
        the day (then it is that day's midnight at the site).

    Raises:
        UnreadableDate: The words are of no known form, name a date that cannot be (31 February), or
            one that lies after the fetch.
    """
    return _resolved(_grammar(words).saying(text, zone), text, zone, seen_at, words)


def machine_moment(text: str, *, zone: ZoneInfo, seen_at: datetime) -> Moment:
    """
    Read a date as machines write it: ISO 8601 (the attribute `datetime`) or RFC 822 (feeds).

    Args:
        text: "2017-11-03T12:20", "2017-11-03T12:20:31+03:00", "Fri, 03 Nov 2017 12:20:00 +0300" …

        zone: Where the site's clock hangs, for dates that name no zone.

        seen_at: When the page was fetched, aware.

    Raises:
        UnreadableDate: As for `moment`. Names of zones other than UTC's are not guessed at.
    """
    return _resolved(_machine_saying(text, zone), text, zone, seen_at, ())


def named_moment(text: str, *, zone: ZoneInfo, words: tuple[DateWords, ...]) -> Moment | None:
    """
    The moment that the words of a date name by themselves, whenever the page was fetched.

    None where they count from the fetch ("yesterday, 14:05"), name a day without a time, or are of no form that our
    own grammar knows.
    """
    saying = _grammar(words).saying(text, zone)
    return saying if type(saying) is Moment and saying.precision == "minute" else None


def _resolved(
    saying: _Saying, text: str, zone: ZoneInfo, seen_at: datetime, words: tuple[DateWords, ...]
) -> Moment:
    """The moment that was meant, checked against the clock of the fetch."""
    if seen_at.tzinfo is None:
        raise ValueError(f"the time of the fetch needs a time zone, {seen_at} has none")
    if type(saying) is Moment and saying.at <= seen_at:
        return saying
    tolerance = TOLERANCE
    try:
        if saying is None and words:
            tolerance = RELATIVE_TOLERANCE
            fetched = _on_site(seen_at, zone).replace(tzinfo=None, second=0, microsecond=0, fold=0)
            saying = _foreign_saying(text, zone, tuple(each.language for each in words), fetched)
        elif type(saying) is _Day:
            tolerance = RELATIVE_TOLERANCE
            saying = _counted_day(saying, _on_site(seen_at, zone).date(), zone)
        elif type(saying) is _Ago:
            saying = _counted_span(saying, seen_at)
        if type(saying) is Moment and saying.at > seen_at + tolerance:
            saying = _after(seen_at)
    except OverflowError:
        saying = "it lies outside the calendar"
    if type(saying) is Moment:
        return saying
    reason = saying if type(saying) is str else "its words are of no known form"
    raise UnreadableDate(f"The date {_shown(text)} cannot be read: {reason}.")


@lru_cache(maxsize=16)
def _after(seen_at: datetime) -> str:
    return f"it lies after the page was fetched ({seen_at:%Y-%m-%d %H:%M %Z})"


@lru_cache(maxsize=16)
def _on_site(seen_at: datetime, zone: ZoneInfo) -> datetime:
    return seen_at.astimezone(zone)


@lru_cache(maxsize=5_000)
def _counted_span(ago: _Ago, seen_at: datetime) -> Moment:
    at = seen_at.astimezone(UTC).replace(second=0, microsecond=0) - ago.span
    return Moment(at=at, precision=ago.precision)


@lru_cache(maxsize=5_000)
def _counted_day(day: _Day, today: date, zone: ZoneInfo) -> Moment | str:
    days_ago = day.days_ago
    if day.weekday is not None:
        days_ago = (today.weekday() - day.weekday) % 7
        if days_ago == 0:
            # The engine names the last six days only, so this is today or a week ago. Which?
            return "it names the weekday of the fetch itself, which is never written so"
    return _local(today - timedelta(days=days_ago), day.clock, zone)


def _local(day: date, clock: time | None, zone: ZoneInfo) -> Moment:
    local = datetime.combine(day, clock or time(), zone)
    return Moment(at=local.astimezone(UTC), precision="day" if clock is None else "minute")


def _shown(text: str) -> str:
    short = " ".join(text[:MAX_LENGTH].split())
    return repr(short if len(short) <= 80 else short[:79] + "…")


# --- Numbers that make a date -------------------------------------------------------------------


def _date(year: str, month: int, day: str) -> date | str:
    if int(year) not in _YEARS:
        return f"the year {int(year)} is not one in which it can have been written"
    try:
        return date(int(year), month, int(day))
    except ValueError:
        return f"there is no day {int(day)} of month {month} in {int(year)}"


def _clock(hour: str, minute: str, second: str | None, half: str | None) -> time | str:
    h = int(hour)
    if half:
        if not 1 <= h <= 12:
            return f"there is no {h} o'clock {half}m"
        h = h % 12 + (12 if half.startswith("p") else 0)
    try:
        return time(h, int(minute), int(second or 0))
    except ValueError:
        return f"there is no time {hour}:{minute}" + (f":{second}" if second else "")


# --- What machines write ------------------------------------------------------------------------

_ISO = re.compile(
    r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:(?:t|\s)\s*([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"\s?(z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?)?\s*",
    re.IGNORECASE,
)
_RFC_822 = re.compile(
    r"\s*(?:[a-z]{3,9}\s*,\s*)?([0-9]{1,2})\s+([a-z]{3})\s+([0-9]{4})\s+"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?:\s+(z|utc?|gmt|[+-][0-9]{4}))?\s*",
    re.IGNORECASE,
)
_ENGLISH_MONTHS = {forms[0][:3]: number for number, forms in enumerate(ENGLISH.months, start=1)}


@lru_cache(maxsize=10_000)
def _machine_saying(text: str, zone: ZoneInfo) -> Moment | str | None:
    if len(text) > MAX_LENGTH:
        return "it is too long for a date"
    return _iso_form(text, zone) or _rfc_822_form(text, zone)


def _iso_form(text: str, zone: ZoneInfo) -> Moment | str | None:
    if found := _ISO.fullmatch(text):
        year, month, day, *clock, offset = found.groups()
        return _zoned(_date(year, int(month), day), clock, offset, zone)
    return None


def _rfc_822_form(text: str, zone: ZoneInfo) -> Moment | str | None:
    if found := _RFC_822.fullmatch(text):
        day, name, year, *clock, offset = found.groups()
        if number := _ENGLISH_MONTHS.get(name.lower()):
            return _zoned(_date(year, number, day), clock, offset, zone)
    return None


def _zoned(day: date | str, clock: list[str | None], offset: str | None, zone: ZoneInfo) -> Moment | str:
    if isinstance(day, str):
        return day
    hour, minute, second = clock
    if hour is None or minute is None:
        return _local(day, None, zone)
    at = _clock(hour, minute, second, None)
    if isinstance(at, str):
        return at
    if offset is None:
        return _local(day, at, zone)
    span = timedelta()
    if offset[0] in "+-":
        digits = offset[1:].replace(":", "")
        span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
        if span > timedelta(hours=14):
            return f"no clock on earth is {offset} from UTC"
        span = -span if offset[0] == "-" else span
    local = datetime.combine(day, at, timezone(span))
    return Moment(at=local.astimezone(UTC), precision="minute")


# --- What people read ---------------------------------------------------------------------------

#: Translation tears times apart ("12: 20"); some languages write "12 h 20".
_TORN_TIME = re.compile(r"(?<![\d:])(\d{1,2})(?:\s*[:∶]\s*|\s?h\s?)(\d{2})(?:\s*[:∶]\s*(\d{2}))?(?!\d)")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
_TIME = re.compile(
    r"(?<![\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?(?![\d:])(?:\s?([ap])\.?m\b\.?)?"  # 12:20, 12:20:31, 1:05 pm
)
#: Numbers, words, and any other sign that does not merely separate.
_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['’][^\W\d_]+)*|[^\s,.:;/|·•()–—-]")
_NOT_SHOWN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def _mended(text: str) -> str:
    """The text in lower case and plain characters, its times in one piece."""
    text = unicodedata.normalize("NFKC", text).lower()
    if not text.isascii():
        text = _NOT_SHOWN.sub("", text)
    text = _TORN_TIME.sub(lambda m: ":".join(part for part in m.groups() if part), text)
    return " ".join(text.split())


class _Grammar:
    """The forms of dates, compiled for some languages."""

    __slots__ = ("_ago", "_at", "_days", "_months", "_now", "_weekdays", "saying", "words")

    def __init__(self, words: tuple[DateWords, ...]) -> None:
        #: Kept so that no other tuple can come to have the same id.
        self.words = words
        self._months = {form: n for each in words for n, forms in enumerate(each.months, 1) for form in forms}
        self._weekdays = {
            form: n for each in words for n, forms in enumerate(each.weekdays) for form in forms
        }
        self._at = frozenset(form for each in words for form in each.at)
        self._now = frozenset(form for each in words for form in each.now)
        self._days: dict[str, int] = {}
        #: "minutes ago" and so on, as one phrase.
        self._ago: dict[str, _Ago] = {}
        minute, hour = _Ago(timedelta(minutes=1), "minute"), _Ago(timedelta(hours=1), "hour")
        for each in words:
            self._days |= dict.fromkeys(each.today, 0) | dict.fromkeys(each.yesterday, 1)
            for ago in each.ago:
                self._ago |= {f"{unit} {ago}": minute for unit in each.minutes}
                self._ago |= {f"{unit} {ago}": hour for unit in each.hours}
        #: What a text says, remembered: (text, zone) → saying.
        self.saying: Callable[[str, ZoneInfo], _Saying] = lru_cache(maxsize=10_000)(self._read)

    def _read(self, text: str, zone: ZoneInfo) -> _Saying:
        if len(text) > MAX_LENGTH:
            return "it is too long for a date"
        text = _mended(text)
        if iso := _iso_form(text, zone):
            return iso
        text = _ORDINAL.sub("", text)
        clock: time | str | None = None
        if found := _TIME.search(text):
            clock = _clock(*found.groups())
            text = f"{text[: found.start()]} {text[found.end() :]}"
        tokens: list[str] = _TOKEN.findall(text)
        # Some skins write "от" or "from" before it: "от Только что".
        told = [token for token in tokens if token not in self._at]
        if " ".join(tokens) in self._now or " ".join(told) in self._now:
            return _Ago(timedelta(), "minute") if clock is None else None
        day = self._day(told)
        if day is None and clock is None:
            return self._span(told)
        if day is None or isinstance(day, str):
            return day
        if isinstance(clock, str):
            return clock
        if isinstance(day, _Day):
            return _Day(days_ago=day.days_ago, weekday=day.weekday, clock=clock)
        return _local(day, clock, zone)

    def _day(self, told: list[str]) -> date | _Day | str | None:
        """The day, from what is left without its time: "3 ноября 2017", "Вчера", "понедельник" …"""
        if len(told) == 1:
            word = told[0]
            if word in self._days:
                return _Day(days_ago=self._days[word])
            if word in self._weekdays:
                return _Day(weekday=self._weekdays[word])
            return None
        if len(told) == 4 and (told[0] in self._weekdays or told[3] in self._weekdays):
            # The name of the day beside its date adds nothing, and translators get it wrong.
            told = told[1:] if told[0] in self._weekdays else told[:3]
        if len(told) != 3:
            return None
        first, second, third = told
        if second in self._months:
            day, month, year = first, self._months[second], third
        elif first in self._months:
            day, month, year = second, self._months[first], third
        elif second.isdecimal() and len(second) <= 2:
            day, month, year = first, int(second), third
        else:
            return None
        if len(day) == 4 and len(year) <= 2:
            day, year = year, day
        if len(year) < 4 or len(day) > 2 or not (year.isdecimal() and day.isdecimal()):
            return None
        return _date(year, month, day)

    def _span(self, tokens: list[str]) -> _Ago | None:
        """The span in "5 минут назад". One without a number ("час назад") is left to dateparser."""
        if not tokens or not tokens[0].isdecimal() or len(tokens[0]) > 3:
            return None
        unit = self._ago.get(" ".join(tokens[1:]))
        return unit and _Ago(unit.span * int(tokens[0]), unit.precision)


_grammars: dict[int, _Grammar] = {}


def _grammar(words: tuple[DateWords, ...]) -> _Grammar:
    """
    The grammar of these languages.

    Found by the identity of the tuple, for hashing hundreds of words would cost more than reading a
    date. A site declares its tuples once, so there are a handful.
    """
    grammar = _grammars.get(id(words))
    if grammar is None:
        if len(_grammars) >= 100:
            _grammars.clear()
        grammar = _grammars[id(words)] = _Grammar(words)
    return grammar


# --- What only dateparser knows -----------------------------------------------------------------


@lru_cache(maxsize=1_000)
def _foreign_saying(text: str, zone: ZoneInfo, languages: tuple[str, ...], fetched: datetime) -> _Saying:
    """
    What dateparser makes of a text; None where it makes nothing of it.

    Args:
        fetched: The time of the fetch on the site's clock, to the minute: it stands for itself in
            the key of the cache, so that "vor 2 Stunden" is never taken from another page.
    """
    text = _mended(text)
    if len(text) > 64:
        return None
    parser = _date_parser(languages, fetched)
    try:
        read = parser.get_date_data(text)
    except Exception:  # noqa: BLE001 - on odd words it fails in many ways, and all mean "cannot read"
        return None
    if read.date_obj is None:
        return None
    if read.period not in ("time", "day"):
        return f"it is known to the {read.period} only"
    at: datetime = read.date_obj
    if at.year not in _YEARS:
        return f"the year {at.year} is not one in which it can have been written"
    if read.period == "day":
        return _local(at.date(), None, zone)
    at = at.replace(second=0, microsecond=0, tzinfo=at.tzinfo or zone)
    # "vor 3 Stunden" comes back as a time, too.
    return Moment(at=at.astimezone(UTC), precision="minute" if _TIME.search(text) else "hour")


@lru_cache(maxsize=4)
def _date_parser(languages: tuple[str, ...], fetched: datetime) -> Any:
    # Imported here because that takes a third of a second, and most crawls never need it.
    from dateparser.date import DateDataParser

    return DateDataParser(
        languages=list(languages),
        use_given_order=True,
        settings={
            "DATE_ORDER": "DMY",
            "PREFER_LOCALE_DATE_ORDER": False,
            # No day, month or year is ever filled in.
            "STRICT_PARSING": True,
            "RELATIVE_BASE": fetched,
            "RETURN_TIME_AS_PERIOD": True,
            # Not "timestamp": a bare number is no date.
            "PARSERS": ["relative-time", "absolute-time"],
        },
    )
