"""Military Review (Военное обозрение): Russian, with a machine translation of every page under its own host."""

from zoneinfo import ZoneInfo

from crawler.normalise.datewords import ENGLISH, RUSSIAN
from crawler.site import Edition, Site

SITE = Site(
    name="military_review",
    title="Military Review",
    editions=(
        Edition(id=1, code="en", base_url="https://en.topwar.ru", language="en", translation_of="ru"),
        Edition(id=2, code="ru", base_url="https://topwar.ru", language="ru"),
    ),
    time_zone=ZoneInfo("Europe/Moscow"),
    charset="utf-8",
    # The translation leaves a word in Russian now and then.
    date_words={"en": (ENGLISH, RUSSIAN), "ru": (RUSSIAN, ENGLISH)},
    sections=("news", "armament", "armament/drones", "armament/space", "history", "opinions", "video"),
    delay_s=1.0,
)
