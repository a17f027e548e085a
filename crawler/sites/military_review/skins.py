"""
Where the site's templates have put things over the years. Data: a new template is a new entry here.

Articles and listings were seen on saved pages and in public code that reads the site. Nobody has kept
a page with the markup of a comment: that skin is the one of a template whose vocabulary the site shares,
and it agrees with the order in which the text of comments was seen (avatar, name, date). Where
it does not fit, comments are still read by the engine's own ids and reported as an unknown skin.
"""

from dataclasses import dataclass

from crawler.dle.skins import DEFAULT, Skin

#: The likeliest first.
COMMENTS = (
    Skin(
        name="topwar-2021",
        recognises=".comment-head .name",
        author=".comment-head .name",
        date=".comment-head .date, .comment-meta time",
        avatar=".comment-head .avatar img",
    ),
    # The simplest way to write a comment's head: avatar, the engine's own link to the author, the date. A guest has no
    # such link, so of a guest's name nothing is said.
    Skin(
        name="plain-head",
        recognises=".comment-head > a[onclick^='ShowProfile']",
        author=".comment-head > a[onclick^='ShowProfile']",
        date=".comment-head > .date",
        avatar=".comment-head > img",
    ),
    DEFAULT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSkin:
    """Where the article page of one template keeps the article, as CSS selectors."""

    name: str
    #: The element around article, title and date. All other selectors look inside it.
    frame: str
    #: The element with the text. A page fits a skin where frame and text are both there.
    body: str
    date: str = "time[datetime]"
    views: str = ".meta__views"
    comments: str = ".meta__coms"
    byline: str = ".meta__author, [itemprop='author']"
    section: str = ".speedbar a, .breadcrumbs a, .category a, a.section"
    lead: str = ".subtitle, .full-story-lead, [itemprop='alternativeHeadline']"


#: The newest first; the last fits nearly any page with an article element.
ARTICLES = (
    ArticleSkin(name="2025", frame="#full-story, .full-story-cont", body=".full-story-text"),
    ArticleSkin(name="2021", frame="#full-story", body=".pfull-cont"),
    ArticleSkin(
        name="dle-default",
        frame=".fullstory",
        body=".text",
        date="time",
        views=".meta [title^='Просмотр'], .meta [title^='View']",
        comments=".meta [title^='Комментар'], .meta [title^='Comment']",
        byline=".story_author, [itemprop='author']",
    ),
    ArticleSkin(name="2018", frame="body", body="article", date="article time"),
)

#: What stands in an article's frame and is no part of its text.
NOT_TEXT = (
    "#shareline, .alert_in, .channels, .g-news, .gl-news, .ya-news, .yandex_dzen, .sticky, .banner,"
    " .banner-full-story, .banner-block, .dle_b_floor_ad, [id^='google_full_story'], [id^='unit_'],"
    " [id^='smi_teaser'], [id^='yandex_rtb'], [class^='yandex_rtb'], [id^='adfox'], [class^='adfox'],"
    " a[href*='vk.cc'], form, h1, time, nav, .meta, .speedbar, .b-comments"
)

#: The boxes in which the page speaks to its reader: "Information …".
NOTICES = ".alert-line, .berrors, .alert_in, .infomessage, .info-message, .alert, .message-info"

#: The links of the cards in a listing, all eras. The menu and the sidebar link to articles too.
CARD_LINKS = (
    "article.post.item a.item-link, article.poster.item a.item-link,"  # 2025 on
    " article.post.item div.post-cont > h2 > a, #dle-content > article h2 a,"  # about 2021 to 2024
    " a.post__title_link,"  # about 2018 to 2020
    " article.shortstory h2.title a, .shortstory .title a"  # the engine's own
)
CARD_COMMENTS = ".meta__coms, [title^='Комментар'], [title^='Comment']"
LISTING_PAGES = "nav.pages-list a, .navigation a, .pages a"
