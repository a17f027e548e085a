"""What of an article's page is the article on Military Review, and what is the page's furniture."""

from datetime import UTC, datetime

import pytest

from crawler.items import ArticlePage
from crawler.reading import read
from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES

URL = "https://en.topwar.ru/280501-most.html"

FRAMES = {
    "2025": '<div id="full-story"><div class="full-story-cont"><h1>Bridge</h1>{before}'
    '<div class="full-story-text text">{text}</div>{after}</div></div>',
    "2021": '<div id="full-story"><article><h1 class="heading fs-15">Bridge</h1>{before}'
    '<div class="pfull-cont text">{text}</div>{after}</article></div>',
    "2018": "<article><h1>Bridge</h1>{before}{text}{after}</article>",
}

#: SITE 5 and the filter lists behind it: nothing of these is the article's.
FURNITURE = (
    '<div id="shareline">FURNITURE</div>',
    '<div class="alert_in">FURNITURE</div>',
    '<div class="channels"><a href="https://chat.example/">FURNITURE</a></div>',
    '<div class="g-news">FURNITURE</div>',
    '<div class="gl-news">FURNITURE</div>',
    '<div class="ya-news">FURNITURE</div>',
    '<div class="yandex_dzen">FURNITURE</div>',
    '<div id="google_full_story_7"><img src="/ad.png">FURNITURE</div>',
    '<div class="sticky">FURNITURE</div>',
    '<div class="banner">FURNITURE</div>',
    '<div class="banner-full-story">FURNITURE</div>',
    '<div class="banner-block"><div>FURNITURE</div></div>',
    '<div class="dle_b_floor_ad">FURNITURE</div>',
    '<div id="yandex_rtb_R-A-1-2">FURNITURE</div>',
    '<div class="yandex_rtb_4">FURNITURE</div>',
    '<div id="adfox_1">FURNITURE</div>',
    '<div class="adfox-banner-background">FURNITURE</div>',
    '<div id="unit_9001">FURNITURE</div>',
    '<div id="smi_teaser_11">FURNITURE</div>',
    '<a href="https://vk.cc/x1">FURNITURE</a>',
    "<script>document.write('FURNITURE')</script>",
    '<meta itemprop="author" content="FURNITURE">',
    "<form><label>FURNITURE</label></form>",
)


def page(era: str, *, text: str, before: str = "", after: str = "") -> ArticlePage:
    html = (
        f'<!DOCTYPE html><html><head><title>Bridge</title><link rel="canonical" href="{URL}"></head><body>'
        f"<div id='dle-content'>{FRAMES[era].format(text=text, before=before, after=after)}</div></body></html>"
    )
    page_ = read(
        html.encode(),
        url=URL,
        fetched_at=datetime(2026, 5, 1, tzinfo=UTC),
        edition=SITE.edition("en"),
        charset=SITE.charset,
        pages=PAGES,
    )
    assert isinstance(page_, ArticlePage)
    return page_


@pytest.mark.parametrize("era", FRAMES)
@pytest.mark.parametrize("furniture", FURNITURE)
def test_furniture_is_no_text(era: str, furniture: str) -> None:
    words = "The bridge stands.<br><br>It is long."
    for article in (
        page(era, text=f"The bridge stands.<br><br>{furniture}It is long.").article,
        page(era, text=words, before=furniture).article,
        page(era, text=words, after=furniture).article,
    ):
        assert article.body == "The bridge stands.\n\nIt is long."
        assert article.images == ()


@pytest.mark.parametrize("era", FRAMES)
@pytest.mark.parametrize(
    "line",
    [
        "Dear reader, to leave comments on the publication, you must sign in.",
        "I have an account? Sign in",
        "Noticed a mistake? Highlight it and press Ctrl + Enter",
        "Ctrl Enter",
        "Information",
        "情報",
        "Уважаемый читатель, чтобы оставлять комментарии к публикации, войдите.",
        "Уже зарегистрированы? Войти",
        "Заметили неточность? Отметьте её и нажмите Ctrl+Enter",
    ],
)
def test_what_the_page_says_to_its_reader_is_no_text(era: str, line: str) -> None:
    assert page(era, text=f"<p>The bridge stands.</p><p>{line}</p>").article.body == "The bridge stands."


@pytest.mark.parametrize("era", FRAMES)
@pytest.mark.parametrize(
    ("credit", "source"),
    [
        ("<div>Photos used: district press service</div>", "district press service"),
        ("<div>Photos used:</div><div>district archive</div>", "district archive"),
        ("<div>Использованы фотографии: архив округа</div>", "архив округа"),
        ('<div>使用した写真：<a href="https://e.example/">e.example</a></div>', "e.example"),
    ],
)
def test_the_source_of_images_stands_apart(era: str, credit: str, source: str) -> None:
    for article in (
        page(era, text=f"<p>The bridge stands.</p>{credit}").article,
        page(era, text="<p>The bridge stands.</p>", after=credit).article,
    ):
        assert (article.body, article.source_credit) == ("The bridge stands.", source)


@pytest.mark.parametrize("era", FRAMES)
@pytest.mark.parametrize(
    "note",
    [
        "* An organization banned in Russia.",
        "* Организация, запрещённая в РФ.",
        "The group is recognized in Russia as terrorist and its work is banned.",
    ],
)
def test_notes_on_banned_organisations_stand_apart(era: str, note: str) -> None:
    article = page(era, text=f"<p>The group * took the bridge.</p><p>{note}</p>").article
    assert (article.body, article.footnotes) == ("The group * took the bridge.", (note,))
