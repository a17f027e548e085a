"""
The words of dates in the languages that we read ourselves; other languages go through dateparser.

English also holds what machine translation makes of the Russian words, and the wording of the engine's
own English language file ("5 minutes above"). Letters are lower case; "ё" is written "е" nowhere, as
none of these words has one. Words are compared whole, so short forms stand without their full stop.
"""

from crawler.site import DateWords

RUSSIAN = DateWords(
    language="ru",
    months=(
        ("январь", "января", "янв"),
        ("февраль", "февраля", "фев", "февр"),
        ("март", "марта", "мар"),
        ("апрель", "апреля", "апр"),
        ("май", "мая"),
        ("июнь", "июня", "июн"),
        ("июль", "июля", "июл"),
        ("август", "августа", "авг"),
        ("сентябрь", "сентября", "сен", "сент"),
        ("октябрь", "октября", "окт"),
        ("ноябрь", "ноября", "ноя", "нояб"),
        ("декабрь", "декабря", "дек"),
    ),
    weekdays=(
        ("понедельник", "пн"),
        ("вторник", "вт"),
        ("среду", "среда", "ср"),
        ("четверг", "чт"),
        ("пятницу", "пятница", "пт"),
        ("субботу", "суббота", "сб"),
        ("воскресенье", "вс"),
    ),
    today=("сегодня",),
    yesterday=("вчера",),
    now=("только что", "сейчас", "прямо сейчас"),
    at=("в", "во", "от", "г", "год", "года"),
    ago=("назад", "тому назад"),
    minutes=("минут", "минуту", "минуты", "минута", "мин"),
    hours=("часов", "часа", "час", "ч"),
)

ENGLISH = DateWords(
    language="en",
    months=(
        ("january", "jan"),
        ("february", "feb"),
        ("march", "mar"),
        ("april", "apr"),
        ("may",),
        ("june", "jun"),
        ("july", "jul"),
        ("august", "aug"),
        ("september", "sep", "sept"),
        ("october", "oct"),
        ("november", "nov"),
        ("december", "dec"),
    ),
    weekdays=(
        ("monday", "mon"),
        ("tuesday", "tue", "tues"),
        ("wednesday", "wed"),
        ("thursday", "thu", "thur", "thurs"),
        ("friday", "fri"),
        ("saturday", "sat"),
        ("sunday", "sun"),
    ),
    today=("today",),
    yesterday=("yesterday",),
    now=("just now", "now", "just", "right now", "only now", "only that", "only what", "a moment ago"),
    at=("at", "on", "in", "the", "of", "from", "o'clock"),
    ago=("ago", "back", "above", "before", "earlier"),
    minutes=("minutes", "minute", "mins", "min"),
    hours=("hours", "hour", "hrs", "hr", "h"),
)
