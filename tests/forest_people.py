"""Random people and random dates, as pages write them and as they are meant."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from html import escape
from random import Random
from typing import Literal
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

from crawler.items import Moment

ZONE = ZoneInfo("Europe/Moscow")

Edition = Literal["en", "ru"]

_LETTERS = "abcdefXYZ0129абвгЯЖёЁїłüß日本_-.!?'\"<>&+%/#@*()~|"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who comments."""

    #: The name as people read it.
    nickname: str
    #: The same as it stands on the page.
    shown: str
    #: The name in the address of the profile; None for a guest.
    profile: str | None
    #: What is written in place of the profile's address: percent-encoded, or Cyrillic as it is.
    path: str = ""
    #: The number in the address of an uploaded avatar.
    number: int | None = None
    #: A real name that stands in brackets behind the nickname.
    full_name: str | None = None
    #: Whether a guest's name is a link to his mail.
    mail: bool = False

    @property
    def link(self) -> str:
        """The name on the page, with its link."""
        name = escape(self.shown, quote=False)
        if self.profile is None:
            return f'<a href="mailto:someone@example.org">{name}</a>' if self.mail else name
        href = f"https://topwar.ru/user/{self.path}/"
        call = f"ShowProfile('{self.path}', '{href}', '0'); return false;"
        behind = f" ({escape(self.full_name)})" if self.full_name else ""
        return f'<a onclick="{call}" href="{href}">{name}</a>{behind}'

    @property
    def short_link(self) -> str:
        """The name as a quotation's title has it in engine 20: with a link where there is a profile."""
        name = escape(self.shown, quote=False)
        return name if self.profile is None else f'<a href="/user/{self.path}/">{name}</a>'

    @property
    def address_name(self) -> str:
        """The name in the profile's address, as names are compared; of a guest nothing."""
        return (self.profile or "").casefold()

    @property
    def avatar(self) -> str:
        if self.number is None:
            return "/templates/vo/dleimages/noavatar.png"
        return f"/uploads/fotos/foto_{self.number}.jpg?{self.number % 7}"


def people(random: Random, count: int) -> list[Person]:
    """So many people; some share a nickname, some look like others."""
    found = [_person(random) for _ in range(count)]
    if random.random() < 0.5:
        member = random.choice(found)  # and a guest who calls himself the same
        found.append(Person(member.nickname, member.shown, None))
    return found


def _person(random: Random) -> Person:
    name = _name(random)
    profile = name
    if random.random() < 0.2:
        profile = _name(random)  # the translated edition shows another name than the profile has
    shown = name
    change = random.randint(0, 9)
    if change == 0:
        shown = name[:1] + "\u200b" + name[1:] + "\u00ad"
    elif change == 1:
        shown = unicodedata.normalize("NFD", name)
    elif change == 2:
        shown = f"  {name}\n"
    if random.random() < 0.2:
        return Person(name, shown, None, mail=random.random() < 0.5)
    path = quote_plus(profile)
    if profile.isalnum() and random.random() < 0.3:
        path = profile
    number = random.randint(1, 400_000) if random.random() < 0.5 else None
    full_name = random.choice(("Ivan Petrov", "Иван (младший) Ветров")) if random.random() < 0.2 else None
    return Person(name, shown, profile, path, number, full_name)


def _name(random: Random) -> str:
    words = (
        "".join(random.choices(_LETTERS, k=random.randint(1, 6))) for _ in range(random.choice((1, 1, 2)))
    )
    # A letter at both ends: a name of signs alone would do, but brackets behind it are a real name.
    name = f"{random.choice('KRvдЖ')}{' '.join(words)}{random.choice('kz7я')}"
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True, slots=True)
class Dated:
    """A date as a page writes it, and the moment that it means."""

    words: str
    #: The attribute `datetime`, where there is one.
    machine: str | None
    #: None where nobody can tell.
    moment: Moment | None


# fmt: off
_MONTHS_RU = ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября",
              "ноября", "декабря")
_MONTHS_EN = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
              "November", "December")
_DAYS_RU = ("В понедельник", "Во вторник", "В среду", "В четверг", "В пятницу", "В субботу", "В воскресенье")
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# fmt: on

_UNREADABLE = ("", "31 февраля 2017 12:20", "12 мая 2014 25:61", "3 ноября 3017 12:20")


DateForm = Literal["out", "day", "ago", "machine", "bad"]
"""
out      with day, month, year and time
day      a day counted from that of the fetch
ago      a span back from the fetch
machine  with an attribute `datetime`, which counts before the words
bad      none that can be read
"""


def dated(random: Random, forms: Sequence[DateForm], *, fetched_at: datetime, edition: Edition) -> Dated:
    """
    A random date of the past.

    Args:
        forms: In which it may be written.

        fetched_at: When the page was fetched: relative words count from here.
    """
    now = fetched_at.astimezone(ZONE).replace(tzinfo=None)
    colon = random.choice((": ", ":")) if edition == "en" else ":"
    form = random.choice(forms)
    if form == "bad":
        return Dated(random.choice(_UNREADABLE), None, None)
    if form == "ago":
        return _ago(random, fetched_at, edition)
    if form == "day":
        return _counted_day(random, now, edition, colon)
    at = _before(random, now, since=datetime(2010, 1, 1))  # noqa: DTZ001 - the site's own clock
    meant = _moment(at)
    words = _written_out(random, at, edition, colon)
    if form == "machine":
        # Translation may have made nonsense of the words; or the attribute is nonsense, and the words count.
        return random.choice(
            (
                Dated(words, f"{at:%Y-%m-%dT%H:%M}", meant),
                Dated("once upon a time", f"{at:%Y-%m-%dT%H:%M}", meant),
                Dated(words, "-0001-11-30T00:00", meant),
            )
        )
    return Dated(words, None, meant)


def _written_out(random: Random, at: datetime, edition: Edition, colon: str) -> str:
    clock = f"{at:%H}{colon}{at:%M}"
    if random.random() < 0.2:
        return f"{at.day}-{at:%m-%Y}, {clock}"
    if edition == "ru" or random.random() < 0.1:  # the translation leaves some Russian
        month = _MONTHS_RU[at.month - 1]
        form = random.choice(("{} {} {} {}", "{} {} {} в {}", "{} {} {}, {}"))
        return form.format(at.day, random.choice((month, month.capitalize())), at.year, clock)
    return f"{at.day} {_MONTHS_EN[at.month - 1]} {at.year} {random.choice(('', 'at '))}{clock}"


def _counted_day(random: Random, now: datetime, edition: Edition, colon: str) -> Dated:
    days = random.choice((0, 1, random.randint(2, 6)))
    day = now.date() - timedelta(days=days)
    last = 24 * 60 - 1 if days else 60 * now.hour + now.minute
    clock = time(*divmod(random.randint(0, last), 60))
    written = f"{clock:%H}{colon}{clock:%M}"
    if edition == "ru":
        words = ("Сегодня", "Вчера")[days] if days < 2 else _DAYS_RU[day.weekday()]
        words += random.choice((", ", " в ")) if days < 2 else " в "
    else:
        words = ("Today", "Yesterday")[days] if days < 2 else f"On {_DAYS_EN[day.weekday()]}"
        words += random.choice((", ", " at ")) if days < 2 else " at "
    return Dated(words + written, None, _moment(datetime.combine(day, clock)))


def _ago(random: Random, fetched_at: datetime, edition: Edition) -> Dated:
    minute = fetched_at.astimezone(UTC).replace(second=0, microsecond=0)
    number = random.randint(0, 12)
    if number == 0:
        words = "Только что" if edition == "ru" else "Just now"
        return Dated(words, None, Moment(at=minute, precision="minute"))
    if random.random() < 0.5:
        unit = _form(number, "час", "часа", "часов") if edition == "ru" else "hour" + "s" * (number > 1)
        meant = Moment(at=minute - timedelta(hours=number), precision="hour")
    else:
        number *= 4
        unit = _form(number, "минуту", "минуты", "минут") if edition == "ru" else "minutes"
        meant = Moment(at=minute - timedelta(minutes=number), precision="minute")
    return Dated(f"{number} {unit} {'назад' if edition == 'ru' else 'ago'}", None, meant)


def _form(number: int, one: str, few: str, many: str) -> str:
    if number % 10 == 1 and number != 11:
        return one
    return few if 2 <= number % 10 <= 4 and not 12 <= number <= 14 else many


def _before(random: Random, now: datetime, *, since: datetime) -> datetime:
    minutes = int((now - since).total_seconds()) // 60
    return since + timedelta(minutes=random.randint(0, minutes))


def _moment(at: datetime) -> Moment:
    """A time of the site's clock. One that was twice counts as the first, one that never was by the old zone."""
    return Moment(at=at.replace(tzinfo=ZONE).astimezone(UTC), precision="minute")
