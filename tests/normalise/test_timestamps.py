"""Dates: what is read, how exactly, and what is refused. Moments are compared in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.errors import UnreadableDate
from crawler.items import Moment
from crawler.normalise.datewords import ENGLISH, RUSSIAN
from crawler.normalise.timestamps import TOLERANCE, machine_moment, moment
from crawler.site import DateWords

MOSCOW = ZoneInfo("Europe/Moscow")
WORDS = (RUSSIAN, ENGLISH)

#: A Sunday, 15:34 in Moscow.
SEEN = datetime(2017, 11, 5, 12, 34, 56, tzinfo=UTC)
#: On Moscow's clock; adding to it moves the hands, whatever became of the clock in between.
FIRST = datetime(1996, 1, 1, tzinfo=MOSCOW)


def other_language(code: str) -> tuple[DateWords, ...]:
    """A language without words of ours."""
    none: tuple[str, ...] = ()
    return (
        DateWords(
            language=code,
            months=(none,) * 12,
            weekdays=(none,) * 7,
            today=none,
            yesterday=none,
            now=none,
            at=none,
            ago=none,
            minutes=none,
            hours=none,
        ),
    )


def read(
    text: str, seen: datetime = SEEN, *, zone: ZoneInfo = MOSCOW, words: tuple[DateWords, ...] = WORDS
) -> str:
    return shown(moment(text, zone=zone, words=words, seen_at=seen))


def shown(found: Moment) -> str:
    assert found.at.tzinfo is UTC
    return f"{found.at:%Y-%m-%d %H:%M} {found.precision}"


@pytest.mark.parametrize(
    "text",
    [
        "3 ноября 2017 12:20",
        "3 Ноября 2017 в 12:20",
        "3 ноя 2017, 12:20",
        "03 ноября 2017 г. в 12:20",
        "от 3 ноября 2017 года, 12:20",
        "Пятница, 3 ноября 2017 12:20",
        "12:20, 3 ноября 2017",
        "3 November 2017 12:20",
        "3 November 2017 12: 20",
        "3 november 2017 12 : 20",
        "3 November 2017, at 12： 20",
        "November 3, 2017 12:20",
        "Nov. 3rd, 2017 at 12:20 PM",
        "Friday, 3 November 2017 12: 20",
        "03-11-2017, 12:20",
        "03 - 11 - 2017, 12: 20",
        "3-11-2017, 12:20",
        "03.11.2017 12:20",
        "03. 11. 2017 12:20",
        "03/11/2017 12:20",
        "2017-11-03 12:20",
        "2017-11-03T12:20",
        "2017-11-03T12: 20",
        "2017-11-03T12:20:59+03:00",
        "Fri, 03 Nov 2017 12:20:00 +0300",
        "\n\t 3\N{NO-BREAK SPACE}ноября\N{NO-BREAK SPACE}2017\n 12:20 ",
        "\N{LEFT-TO-RIGHT MARK}3 ноября 2017\N{ZERO WIDTH SPACE} 12:20",
        "３ ноября ２０１７ １２：２０",
    ],
)
def test_one_minute_in_all_its_spellings(text: str) -> None:
    assert read(text) == "2017-11-03 09:20 minute"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Сегодня, 04:17", "2017-11-05 01:17 minute"),
        ("Сегодня в 04:17", "2017-11-05 01:17 minute"),
        ("Today, 04: 17", "2017-11-05 01:17 minute"),
        ("Today at 4:17 am", "2017-11-05 01:17 minute"),
        ("Вчера, 12:20", "2017-11-04 09:20 minute"),
        ("Вчера в 12:20", "2017-11-04 09:20 minute"),
        ("Yesterday, 12: 20", "2017-11-04 09:20 minute"),
        ("12:20 yesterday", "2017-11-04 09:20 minute"),
        ("Вчера", "2017-11-03 21:00 day"),
        ("В понедельник в 12:20", "2017-10-30 09:20 minute"),
        ("Во вторник в 12:20", "2017-10-31 09:20 minute"),
        ("В среду в 12:20", "2017-11-01 09:20 minute"),
        ("В четверг в 12:20", "2017-11-02 09:20 minute"),
        ("В пятницу в 12:20", "2017-11-03 09:20 minute"),
        ("В субботу в 12:20", "2017-11-04 09:20 minute"),
        ("On Monday at 12: 20", "2017-10-30 09:20 minute"),
        ("In Tuesday in 12: 20", "2017-10-31 09:20 minute"),
        ("5 минут назад", "2017-11-05 12:29 minute"),
        ("1 минуту назад", "2017-11-05 12:33 minute"),
        ("минуту назад", "2017-11-05 12:33 hour"),
        ("5 minutes ago", "2017-11-05 12:29 minute"),
        ("5 minutes back", "2017-11-05 12:29 minute"),
        ("5 minutes above", "2017-11-05 12:29 minute"),
        ("3 часа назад", "2017-11-05 09:34 hour"),
        ("11 часов назад", "2017-11-05 01:34 hour"),
        ("час назад", "2017-11-05 11:34 hour"),
        ("an hour ago", "2017-11-05 11:34 hour"),
        ("3 hours ago", "2017-11-05 09:34 hour"),
        ("Только что", "2017-11-05 12:34 minute"),
        ("Just now", "2017-11-05 12:34 minute"),
        ("Now", "2017-11-05 12:34 minute"),
        ("3 ноября 2017", "2017-11-02 21:00 day"),
        ("03.11.2017", "2017-11-02 21:00 day"),
        ("2017-11-03", "2017-11-02 21:00 day"),
        ("1 may 2017 00:00", "2017-04-30 21:00 minute"),
        ("29 февраля 2016 23:59", "2016-02-29 20:59 minute"),
    ],
)
def test_what_words_mean_and_how_exactly(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["ru", "en"])
def test_every_form_of_every_month(words: DateWords) -> None:
    for number, forms in enumerate(words.months, start=1):
        for form in forms:
            for spelling in (form, form.title(), form.upper()):
                assert read(f"9 {spelling} 2016 12:20") == f"2016-{number:02}-09 09:20 minute"


@pytest.mark.parametrize(
    ("seen", "text", "expected"),
    [
        # Midnight in Moscow is 21:00 UTC: "today" changes there and not at Greenwich.
        ("2017-11-05T20:59:59Z", "Сегодня, 23:58", "2017-11-05 20:58 minute"),
        ("2017-11-05T21:00:00Z", "Вчера, 23:58", "2017-11-05 20:58 minute"),
        ("2017-11-05T21:00:00Z", "Сегодня, 00:00", "2017-11-05 21:00 minute"),
        ("2017-11-05T21:04:30Z", "10 минут назад", "2017-11-05 20:54 minute"),
        ("2017-11-05T21:04:30Z", "В воскресенье в 12:20", "2017-11-05 09:20 minute"),
        # Months and years end, also on 29 February.
        ("2017-11-30T21:00:00Z", "Вчера, 12:20", "2017-11-30 09:20 minute"),
        ("2016-02-29T21:10:00Z", "Вчера в 12:20", "2016-02-29 09:20 minute"),
        ("2017-12-31T21:10:00Z", "Вчера, 12:20", "2017-12-31 09:20 minute"),
        ("2017-12-31T21:10:00Z", "3 часа назад", "2017-12-31 18:10 hour"),
        ("2018-01-02T09:00:00Z", "В четверг в 12:20", "2017-12-28 09:20 minute"),
        # Moscow put its clocks on for good on 27 March 2011 and back on 26 October 2014.
        ("2011-03-27T09:00:00Z", "Вчера, 12:20", "2011-03-26 09:20 minute"),
        ("2011-03-27T09:00:00Z", "Сегодня, 12:20", "2011-03-27 08:20 minute"),
        ("2014-10-26T09:30:00Z", "Вчера, 12:20", "2014-10-25 08:20 minute"),
        ("2014-10-26T09:30:00Z", "Сегодня, 12:20", "2014-10-26 09:20 minute"),
        ("2014-10-26T00:30:00Z", "3 часа назад", "2014-10-25 21:30 hour"),
        ("2017-11-05T12:00:00Z", "1 июля 2010 12:20", "2010-07-01 08:20 minute"),
        ("2017-11-05T12:00:00Z", "1 января 2011 12:20", "2011-01-01 09:20 minute"),
        ("2017-11-05T12:00:00Z", "27 марта 2011 12:20", "2011-03-27 08:20 minute"),
        ("2017-11-05T12:00:00Z", "1 января 2013 12:20", "2013-01-01 08:20 minute"),
        ("2017-11-05T12:00:00Z", "25 октября 2014 12:20", "2014-10-25 08:20 minute"),
        ("2017-11-05T12:00:00Z", "26 октября 2014 12:20", "2014-10-26 09:20 minute"),
        # A time that never was counts by the old clock; of a time that was twice, the first.
        ("2017-11-05T12:00:00Z", "27 марта 2011 02:30", "2011-03-26 23:30 minute"),
        ("2017-11-05T12:00:00Z", "26 октября 2014 01:30", "2014-10-25 21:30 minute"),
    ],
)
def test_days_are_counted_on_the_clock_of_the_site(seen: str, text: str, expected: str) -> None:
    assert read(text, datetime.fromisoformat(seen)) == expected


def test_the_same_words_on_two_days_are_two_moments() -> None:
    assert read("Вчера, 12:20", SEEN) != read("Вчера, 12:20", SEEN + timedelta(days=1))
    assert read("2 дня назад", SEEN) != read("2 дня назад", SEEN + timedelta(days=1))


def test_zones_do_not_mix() -> None:
    assert read("3 ноября 2017 12:20", zone=ZoneInfo("Asia/Vladivostok")) == "2017-11-03 02:20 minute"
    assert read("3 ноября 2017 12:20", zone=MOSCOW) == "2017-11-03 09:20 minute"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("31 февраля 2017", "no day 31 of month 2"),
        ("29 февраля 2017 12:20", "no day 29 of month 2"),
        ("00.11.2017", "no day 0"),
        ("03.13.2017 12:20", "month 13"),
        ("2017-02-30T10:00", "no day 30 of month 2"),
        ("3 ноября 2017 24:20", "no time 24:20"),
        ("Вчера, 12:60", "no time 12:60"),
        ("Today, 13:20 pm", "no 13 o'clock pm"),
        ("1 января 300000", "the year 300000"),
        ("1 января 1970 03:00", "the year 1970"),
        ("3 ноября 2018 12:20", "after the page was fetched"),
        ("Сегодня, 15:50", "after the page was fetched"),
        ("завтра", "after the page was fetched"),
        ("Tomorrow, 12:20", "after the page was fetched"),
        ("В воскресенье в 12:20", "the weekday of the fetch itself"),
        ("3 ноября", "no known form"),
        ("ноябрь 2017", "no known form"),
        ("12:20", "no known form"),
        ("3 ноября 2017 12:20 13:40", "no known form"),
        ("3 ноября 2017 12:20 Вася", "no known form"),
        ("1509700800", "no known form"),
        ("минут назад", "no known form"),
        ("сколько-то часов назад", "no known form"),
        ("Вася Пупкин", "no known form"),
        ("", "no known form"),
        ("2 weeks ago", "known to the week only"),
        ("3 ноября 2017 12:20" + " " * 200, "too long"),
    ],
)
def test_what_is_refused_and_why(text: str, why: str) -> None:
    with pytest.raises(UnreadableDate) as refused:
        read(text)
    assert why in str(refused.value)
    assert repr(text[:10])[1:-1] in str(refused.value)


def test_a_date_may_be_a_little_ahead_of_the_fetch() -> None:
    assert read("5 ноября 2017 23:00") == "2017-11-05 20:00 minute"
    seen = datetime(2017, 11, 3, 9, 20, tzinfo=UTC) - TOLERANCE
    assert read("3 ноября 2017 12:20", seen) == "2017-11-03 09:20 minute"
    with pytest.raises(UnreadableDate, match="after the page was fetched"):
        read("3 ноября 2017 12:20", seen - timedelta(minutes=1))
    assert read("Сегодня, 15:36") == "2017-11-05 12:36 minute"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "3 novembre 2017 à 12: 20", "2017-11-03 09:20 minute"),
        ("fr", "3 novembre 2017 à 12 h 20", "2017-11-03 09:20 minute"),
        ("de", "3. November 2017 12: 20", "2017-11-03 09:20 minute"),
        ("de", "gestern, 12: 20", "2017-11-04 09:20 minute"),
        ("de", "gestern", "2017-11-03 21:00 day"),
        ("de", "vor 3 Stunden", "2017-11-05 09:34 hour"),
        ("ja", "2017年11月3日 12:20", "2017-11-03 09:20 minute"),
        ("ja", "昨日 12:20", "2017-11-04 09:20 minute"),
        ("uk", "3 листопада 2017 12:20", "2017-11-03 09:20 minute"),
        ("de", "03.11.2017 12:20", "2017-11-03 09:20 minute"),
    ],
)
def test_other_languages(language: str, text: str, expected: str) -> None:
    assert read(text, words=other_language(language)) == expected


def test_a_language_that_is_not_declared_is_not_read() -> None:
    with pytest.raises(UnreadableDate):
        read("3 novembre 2017 12:20", words=WORDS)
    with pytest.raises(UnreadableDate):
        read("3 ноября 2017 12:20", words=(ENGLISH,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-11-03T12:20", "2017-11-03 09:20 minute"),
        ("2017-11-03 12:20:59", "2017-11-03 09:20 minute"),
        ("2017-11-03T12:20:59.123456", "2017-11-03 09:20 minute"),
        ("2017-11-03T12:20:59Z", "2017-11-03 12:20 minute"),
        ("2017-11-03T12:20+05:00", "2017-11-03 07:20 minute"),
        ("2017-11-03T12:20-0330", "2017-11-03 15:50 minute"),
        ("2017-11-03T12:20+05", "2017-11-03 07:20 minute"),
        (" 2017-11-03 ", "2017-11-02 21:00 day"),
        ("Fri, 03 Nov 2017 12:20:00 +0300", "2017-11-03 09:20 minute"),
        ("Fri, 3 Nov 2017 12:20 GMT", "2017-11-03 12:20 minute"),
        ("03 Nov 2017 12:20:00", "2017-11-03 09:20 minute"),
    ],
)
def test_what_machines_write(text: str, expected: str) -> None:
    assert shown(machine_moment(text, zone=MOSCOW, seen_at=SEEN)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Вчера, 12:20",
        "20171103",
        "2017-W44-5",
        "2017-11-03T25:00",
        "2017-11-31T12:20",
        "2017-11-03T12:20+99:00",
        "2018-11-03T12:20",
        "Fri, 03 Nov 2017 12:20:00 EST",
        "Fri, 03 Foo 2017 12:20:00 +0300",
        "2017-11-03" + " " * 200,
    ],
)
def test_what_machines_do_not_write(text: str) -> None:
    with pytest.raises(UnreadableDate):
        machine_moment(text, zone=MOSCOW, seen_at=SEEN)


def test_seconds_are_kept_where_they_are_written() -> None:
    assert machine_moment("2017-11-03T12:20:59", zone=MOSCOW, seen_at=SEEN).at.second == 59


def test_a_fetch_without_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        moment("Вчера", zone=MOSCOW, words=WORDS, seen_at=SEEN.replace(tzinfo=None))


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 21 * 365 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
    st.sampled_from(
        ["{d} {ru} {y} {t}", "{d} {en} {y} {t}", "{en} {d}, {y} at {t}", "{d:02}-{m:02}-{y}, {t}"]
    ),
    st.sampled_from([":", ": ", " : ", "："]),
)
def test_what_is_written_on_the_clock_of_the_site_is_read_back(at: datetime, form: str, colon: str) -> None:
    text = form.format(
        d=at.day,
        m=at.month,
        y=at.year,
        ru=RUSSIAN.months[at.month - 1][1],
        en=ENGLISH.months[at.month - 1][0],
        t=f"{at:%H}{colon}{at:%M}",
    )
    written = at.astimezone(UTC)
    assert moment(text, zone=MOSCOW, words=WORDS, seen_at=SEEN) == Moment(at=written, precision="minute")


DATE_LIKE = """
    3 31 2017 99999 12:20 25:61 : , . - +03:00 T pm 1st февраля may вчера today в at понедельник назад ago
    часа minutes
"""
date_like = st.lists(st.sampled_from(DATE_LIKE.split()), max_size=8).map(" ".join)


@settings(deadline=None, max_examples=200)
@given(
    st.text(max_size=60) | date_like,
    st.datetimes(timezones=st.just(UTC)) | st.just(SEEN),
)
@example("999 часов назад", datetime.min.replace(tzinfo=UTC))
@example("Вчера", datetime.min.replace(tzinfo=UTC))
@example("Сегодня", datetime.max.replace(tzinfo=UTC))
def test_any_text_is_a_moment_or_an_unreadable_date(text: str, seen: datetime) -> None:
    readings: tuple[Callable[[], Moment], ...] = (
        lambda: moment(text, zone=MOSCOW, words=WORDS, seen_at=seen),
        lambda: machine_moment(text, zone=MOSCOW, seen_at=seen),
    )
    for reading in readings:
        try:
            found = reading()
        except UnreadableDate:
            continue
        assert found.at.tzinfo is UTC
        assert found.at - seen <= TOLERANCE
        assert reading() == found
