"""
How the sample site looks: the pages of a DataLife Engine site in its skin of the 2020s.

Pure functions from content to text. The engine's own markup (ids, the tree of comments, quotations,
ratings, paging) is that of versions 13 to 16; around it stands what every such page has and no reader
wants: menu, advertising, hints. The English edition is written as the site's machine translation
writes it, with a space after the colon of every time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import quote_plus

from crawler.sample import markup
from crawler.sample.content import ZONE, Edition, Person, SampleArticle, SampleComment
from crawler.sample.markup import escaped

#: Cards on one listing page.
CARDS_PER_PAGE = 3

#: Articles in a feed.
FEED_LENGTH = 10

#: The deepest level with a list of its own; below it the engine nests list items directly.
TREE_LEVELS = 5

SECTIONS: Mapping[str, Mapping[Edition, str]] = {
    "news": {"en": "News", "ru": "Новости"},
    "armament": {"en": "Armament", "ru": "Вооружение"},
    "armament/drones": {"en": "Drones", "ru": "Беспилотники"},
    "armament/space": {"en": "Space", "ru": "Космос"},
    "history": {"en": "History", "ru": "История"},
    "opinions": {"en": "Opinions", "ru": "Мнения"},
    "video": {"en": "Video", "ru": "Видео"},
}

_MONTHS: Mapping[Edition, tuple[str, ...]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "ru": (
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
}

_WORDS: Mapping[str, Mapping[Edition, str]] = {
    "site": {"en": "Field Notebook", "ru": "Полевая тетрадь"},
    "about": {"en": "Made-up news for trying things on", "ru": "Выдуманные новости для проб"},
    "advertising": {"en": "Advertising", "ru": "Реклама"},
    "share": {"en": "Tell your friends", "ru": "Рассказать друзьям"},
    "channels": {"en": "Read us in the feed, too", "ru": "Читайте нас и в ленте"},
    "mistake": {
        "en": "Noticed a mistake? Highlight it and press Ctrl + Enter",
        "ru": "Нашли ошибку? Выделите её и нажмите Ctrl + Enter",
    },
    "photos": {"en": "Photos used:", "ru": "Использованы фотографии:"},
    "tags": {"en": "Tags:", "ru": "Теги:"},
    "information": {"en": "Information", "ru": "Информация"},
    "register": {
        "en": "Dear reader, only registered people can leave comments.",
        "ru": "Уважаемый читатель, оставлять комментарии могут только зарегистрированные.",
    },
    "sign in": {"en": "Already have a name here? Sign in", "ru": "Уже есть имя? Войти"},
    "reply": {"en": "Reply", "ru": "Ответить"},
    "member": {"en": "Visitors", "ru": "Посетители"},
    "guest": {"en": "Guests", "ru": "Гости"},
    "quote": {"en": "Quote:", "ru": "Цитата:"},
    "wrote": {"en": "wrote:", "ru": "написал:"},
    "not found": {
        "en": "No publications were found at this address, or you have no access to them.",
        "ru": "Публикаций по этому адресу нет, или у вас нет к ним доступа.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a page depends on besides its content."""

    edition: Edition
    #: Scheme and host of all links, without a slash at the end.
    base_url: str

    def word(self, name: str) -> str:
        return _WORDS[name][self.edition]

    def time(self, moment: datetime) -> str:
        """Hours and minutes of the site's clock; the translation puts a space after the colon."""
        return moment.astimezone(ZONE).strftime("%H: %M" if self.edition == "en" else "%H:%M")

    def comment_date(self, moment: datetime) -> str:
        """ "3 ноября 2017 12:20", in English "3 November 2017 12: 20"."""
        local = moment.astimezone(ZONE)
        return f"{local.day} {_MONTHS[self.edition][local.month - 1]} {local.year} {self.time(moment)}"

    def news_date(self, moment: datetime) -> str:
        """ "3-11-2017, 09:15"."""
        local = moment.astimezone(ZONE)
        return f"{local.day}-{local:%m-%Y}, {self.time(moment)}"


def render_article(article: SampleArticle, page: int, edition: Edition, base_url: str) -> str:
    """The article's page with its comment page `page` (from 1), without any server."""
    view = View(edition=edition, base_url=base_url)
    text = article.text[edition]
    url = base_url + article.path
    head = f"""\
<meta name="description" content="{escaped(text.lead)}">
<meta name="keywords" content="{escaped(", ".join(text.tags))}">
<meta property="og:type" content="article">
<meta property="og:title" content="{escaped(text.title)}">
<meta property="og:description" content="{escaped(text.lead)}">
<meta property="og:url" content="{url}">
<link rel="canonical" href="{url}">"""
    content = f"""\
<div id="full-story"><article class="full-story-cont">
<div class="speedbar"><a href="{base_url}/">{view.word("site")}</a> &raquo;
{_section_link(article, view)}</div>
<h1 class="heading fs-15 fs-sm-2 fs-md-2 font">{escaped(text.title)}</h1>
<div class="meta fs-0875 c-muted fw-b">
{_time(article, view, "meta__time")}
<div class="meta__author">{escaped(text.byline)}</div>
<div class="meta__views">{_thousands(article.views)}</div>
<div class="meta__coms"><a href="{url}#comment">{len(article.comments)}</a></div>
{_article_rating(article)}</div>
<div class="pfull-cont full-story-text text">
{_article_body(article, view)}
</div>
<div class="alert_in">{view.word("channels")}</div>
<div class="pfull-source">{view.word("photos")} <span>{escaped(text.source_credit)}</span></div>
<div class="pfull-tags">{view.word("tags")} {_tag_links(text.tags, view)}</div>
<div id="shareline">{view.word("share")}</div>
<div class="pfull-hint">{view.word("mistake")}</div>
</article></div>
{_comments_block(article, page, view)}"""
    return _page(f"{text.title} &raquo; {view.word('site')}", content, view, head=head)


def _thousands(number: int) -> str:
    """ "15 680"."""
    return f"{number:,}".replace(",", " ")


def _time(article: SampleArticle, view: View, css: str) -> str:
    """The attribute has the site's clock and, as on the real site, no zone."""
    local = article.published_at.astimezone(ZONE)
    words = view.news_date(article.published_at)
    return f'<time class="{css}" datetime="{local:%Y-%m-%dT%H:%M}">{words}</time>'


def _section_link(article: SampleArticle, view: View) -> str:
    name = SECTIONS[article.section][view.edition]
    return f'<a class="section" href="{view.base_url}/{article.section}/">{name}</a>'


def _tag_links(tags: Sequence[str], view: View) -> str:
    return ", ".join(f'<a href="{view.base_url}/tags/{quote_plus(tag)}/">{escaped(tag)}</a>' for tag in tags)


def _article_rating(article: SampleArticle) -> str:
    if article.rating is None:
        return ""
    return (
        f'<span id="ratig-layer-{article.id}" class="ignore-select">'
        f'<span class="ratingtypeplus ignore-select">{article.rating}</span></span>\n'
    )


def _article_body(article: SampleArticle, view: View) -> str:
    """The text with what else stands in its frame; the notes are its last paragraphs."""
    text = article.text[view.edition]
    paragraphs = [escaped(paragraph) for paragraph in (*text.paragraphs, *text.footnotes)]
    banner = f'<div id="google_full_story_1" class="banner-full-story">{view.word("advertising")}</div>\n'
    paragraphs[2] = banner + paragraphs[2]
    author = f'<meta itemprop="author" content="{escaped(text.byline)}">\n'
    return author + _article_image(article, view) + "<br />\n<br />\n".join(paragraphs)


def _article_image(article: SampleArticle, view: View) -> str:
    if article.image is None:
        return ""
    text = article.text[view.edition]
    caption = f'<div style="text-align:center;"><i>{escaped(text.caption)}</i></div>' if text.caption else ""
    return (
        f'<div style="text-align:center;"><!--dle_image_begin:{view.base_url}{article.image}|-->'
        f'<img src="{article.image}" alt="{escaped(text.title)}" width="700" height="467" loading="lazy">'
        f"<!--dle_image_end--></div>{caption}\n"
    )


def _comments_block(article: SampleArticle, page: int, view: View) -> str:
    """The heading, the box for those who are not signed in, the tree, the paging."""
    shown = [comment for comment in article.comment_page(page) if comment.parent_id is None]
    tree = _branches(article, shown, 0, view) if shown else ""
    return f"""\
<div class="block b-comments">
<div class="b-head"><h3 class="section-title">{_comment_count(len(article.comments), view.edition)}</h3></div>
{_information(view.word("register") + f' <a href="#login">{view.word("sign in")}</a>', view)}
<form method="post" name="dlemasscomments" id="dlemasscomments"><div id="dle-comments-list">
<div id="comment"></div>{tree}
</div></form>
{_comments_navigation(article, page, view)}</div>"""


def _comment_count(count: int, edition: Edition) -> str:
    if edition == "en":
        return f"{count} comment" if count == 1 else f"{count} comments"
    ones, tens = count % 10, count % 100
    if ones == 1 and tens != 11:
        return f"{count} комментарий"
    if ones in (2, 3, 4) and tens not in (12, 13, 14):
        return f"{count} комментария"
    return f"{count} комментариев"


def _branches(article: SampleArticle, comments: Sequence[SampleComment], depth: int, view: View) -> str:
    """Comments of one parent with all below them. Below the limit the list around them is missing."""
    items = "".join(
        f'<li id="comments-tree-item-{comment.id}" class="comments-tree-item" >'
        f"{_comment(article, comment, view)}{_answers(article, comment, view)}</li>"
        for comment in comments
    )
    return f'<ol class="comments-tree-list">{items}</ol>' if depth <= TREE_LEVELS else items


def _answers(article: SampleArticle, comment: SampleComment, view: View) -> str:
    answers = article.answers(comment.id)
    return _branches(article, answers, comment.depth + 1, view) if answers else ""


def _comment(article: SampleArticle, comment: SampleComment, view: View) -> str:
    nickname = escaped(comment.author.nickname[view.edition])
    group = view.word("guest" if comment.author.profile_name is None else "member")
    text = markup.html(
        markup.parsed(comment.source[view.edition]),
        base_url=view.base_url,
        quotation=lambda quotation, inner: _quotation(article, quotation, inner, view),
    )
    return f"""\
<div id='comment-id-{comment.id}'><div class="comment">
<div class="comment-head">
<div class="avatar fit-cover"><img src="{_avatar(comment.author)}" alt="{nickname}" loading="lazy"></div>
<div class="name truncate">{_author(comment.author, view)}</div>
<div class="comment-meta"><span class="group-label">{group}</span>
<time class="date c-muted">{view.comment_date(comment.posted_at)}</time></div>
</div>
<div class="comment-text"><div id='comm-id-{comment.id}'>{text}</div>{_signature(comment.author, view)}</div>
<div class="comment-foot">
<ul class="comment-tools"><li class="com__reply"><a href="#">{view.word("reply")}</a></li></ul>
<div class="com-likes">{_rating(comment)}</div></div>
</div></div>"""


def _avatar(author: Person) -> str:
    if author.user_id is None:
        return "/templates/field/dleimages/noavatar.png"
    return f"/uploads/fotos/foto_{author.user_id}.jpg"


def _author(author: Person, view: View) -> str:
    nickname = escaped(author.nickname[view.edition])
    if author.profile_name is not None:
        name = quote_plus(author.profile_name)
        profile = f"{view.base_url}/user/{name}/"
        return (
            f"<a onclick=\"ShowProfile('{name}', '{profile}', '0'); return false;\" "
            f'href="{profile}">{nickname}</a>'
        )
    if author.email is not None:
        return f'<a href="mailto:{author.email}">{nickname}</a>'
    return nickname


def _signature(author: Person, view: View) -> str:
    if author.signature is None:
        return ""
    return f'<div class="signature">--------------------<br />{escaped(author.signature[view.edition])}</div>'


def _rating(comment: SampleComment) -> str:
    if comment.rating is None:
        return ""
    kind = "ratingplus" if comment.rating > 0 else "ratingminus" if comment.rating < 0 else "ratingzero"
    shown = f"{comment.rating:+d}" if comment.rating else "0"
    return (
        f'<span id="comments-ratig-layer-{comment.id}" class="ignore-select">'
        f'<span class="ratingtypeplusminus ignore-select {kind}">{shown}</span></span>'
    )


def _quotation(article: SampleArticle, quotation: markup.Quotation, inner: str, view: View) -> str:
    """The frame of a quotation: the old one of BBCode, or the newer one that names the comment."""
    author = escaped(quotation.author or "")
    if quotation.comment_id is not None:
        posted_at = article.comment(quotation.comment_id).posted_at
        return (
            '<div class="quote_block noncontenteditable">'
            f'<div class="title_quote" data-commenttime="{posted_at.timestamp():.0f}" '
            f'data-commentuser="{author}" data-commentid="{quotation.comment_id}" '
            f'data-commentpostid="{article.id}" data-commentgast="0">'
            f"{view.comment_date(posted_at)}, {author} {view.word('wrote')}</div>"
            f'<div class="quote"><div class="quote_body contenteditable">{inner}</div></div></div>'
        )
    begin, title = "<!--QuoteBegin-->", ""
    if author:
        begin = f"<!--QuoteBegin {author} -->"
        title = f'<div class="title_quote">{view.word("quote")} {author}</div>'
    return f'{begin}{title}<div class="quote"><!--QuoteEBegin-->{inner}<!--QuoteEnd--></div><!--QuoteEEnd-->'


def comments_path(article: SampleArticle, page: int) -> str:
    """The path of a comment page; the first is the article itself."""
    return article.path if page == 1 else f"/page,1,{page},{article.path[1:]}"


def _comments_navigation(article: SampleArticle, page: int, view: View) -> str:
    if article.comment_pages == 1:
        return ""
    numbers = " ".join(
        f"<span>{number}</span>"
        if number == page
        else f'<a href="{view.base_url}{comments_path(article, number)}#comment">{number}</a>'
        for number in range(1, article.comment_pages + 1)
    )
    return f'<div class="dle-comments-navigation"><div class="navigation">{numbers}</div></div>\n'


def render_listing(
    articles: Sequence[SampleArticle], *, path: str, page: int, title: str, edition: Edition, base_url: str
) -> str | None:
    """
    Page `page` of a listing, or None past its end.

    Args:
        articles: All that the listing has, newest first.

        path: Where it stands, with a slash at the end: "/", "/news/", "/2017/11/03/".
    """
    view = View(edition=edition, base_url=base_url)
    shown = articles[(page - 1) * CARDS_PER_PAGE : page * CARDS_PER_PAGE]
    if not shown:
        return None
    cards = [_card(article, view) for article in shown]
    if path == "/" and page == 1:
        cards[0] = _poster(shown[0], view)
    cards.insert(2, f'<div id="id-{page}07" class="banner">{view.word("advertising")}</div>')
    last = -(-len(articles) // CARDS_PER_PAGE)
    content = "\n".join(["<div id='dle-content'>", *cards, _pages_list(path, page, last, view), "</div>"])
    return _page(title, content, view)


def _card(article: SampleArticle, view: View) -> str:
    text, url = article.text[view.edition], view.base_url + article.path
    image = f'<img src="{article.image}" alt="">' if article.image else ""
    return f"""\
<article class="post item g-item cv-auto">
<div class="post-img fit-cover">{image}</div>
<div class="post-cont">
<h2 class="title"><a class="item-link" href="{url}">{escaped(text.title)}</a></h2>
<div class="post-text">{escaped(text.lead)}</div>
<div class="post-meta">{_time(article, view, "meta meta-time")}
<div class="meta__views">{_thousands(article.views)}</div>
<div class="meta__coms">{len(article.comments)}</div></div>
</div></article>"""


def _poster(article: SampleArticle, view: View) -> str:
    """The large card at the top of the home page."""
    text, url = article.text[view.edition], view.base_url + article.path
    return f"""\
<article class="poster item"><div class="poster-cont">
<div class="post-meta">{_time(article, view, "meta meta-time")}
<div class="meta__coms">{len(article.comments)}</div></div>
<h2 class="title-lg"><a class="item-link" href="{url}">{escaped(text.title)}</a></h2>
</div></article>"""


def _pages_list(path: str, page: int, last: int, view: View) -> str:
    if last == 1:
        return ""
    numbers = " ".join(
        f"<span>{number}</span>"
        if number == page
        else f'<a href="{view.base_url}{path}{f"page/{number}/" if number > 1 else ""}">{number}</a>'
        for number in range(1, last + 1)
    )
    return f'<nav class="pages-list">{numbers}</nav>'


def section_title(section: str, edition: Edition) -> str:
    return f"{SECTIONS[section][edition]} &raquo; {_WORDS['site'][edition]}"


def home_title(edition: Edition) -> str:
    return f"{_WORDS['site'][edition]}: {_WORDS['about'][edition]}"


def day_title(day: date, edition: Edition) -> str:
    return f"{day.day} {_MONTHS[edition][day.month - 1]} {day.year} &raquo; {_WORDS['site'][edition]}"


def render_not_found(edition: Edition, base_url: str) -> str:
    """The engine's box for an address that leads nowhere."""
    view = View(edition=edition, base_url=base_url)
    box = _information(view.word("not found"), view)
    return _page(view.word("information"), f"<div id='dle-content'>{box}</div>", view)


def _information(message: str, view: View) -> str:
    return (
        f'<div class="alert-line berrors"><b>{view.word("information")}</b>'
        f'<div class="alert-cont">{message}</div></div>'
    )


def _page(title: str, content: str, view: View, *, head: str = "") -> str:
    base = view.base_url
    menu = "\n".join(
        f'<li><a href="{base}/{section}/">{names[view.edition]}</a></li>'
        for section, names in SECTIONS.items()
    )
    return f"""\
<!DOCTYPE html>
<html lang="{view.edition}"><head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="generator" content="DataLife Engine (http://dle-news.ru)">
{head}
<link rel="alternate" type="application/rss+xml" title="{view.word("site")}" href="{base}/rss.xml">
<meta name="viewport" content="width=device-width, initial-scale=1">
</head><body>
<script>var dle_root='/'; var dle_login_hash=''; var dle_group=5; var dle_skin='field';</script>
<header><a class="logo" href="{base}/">{view.word("site")}</a>
<nav class="menu"><ul>
{menu}
</ul></nav></header>
<div class="banner" id="smi_teaser_1">{view.word("advertising")}</div>
<main>
{content}
</main>
<div class="channels"><a href="{base}/rss.xml">{view.word("channels")}</a></div>
<footer>{view.word("site")} &middot; {view.word("about")}</footer>
</body></html>
"""


def render_feed(articles: Sequence[SampleArticle], *, path: str, edition: Edition, base_url: str) -> str:
    """RSS 2.0 of the newest articles; `articles` are newest first."""
    view = View(edition=edition, base_url=base_url)
    items = "\n".join(_feed_item(article, view) for article in articles[:FEED_LENGTH])
    return f"""\
<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>{view.word("site")}</title>
<link>{base_url}/</link>
<atom:link href="{base_url}{path}" rel="self" type="application/rss+xml" />
<language>{edition}</language>
<description>{view.word("about")}</description>
<generator>DataLife Engine</generator>
{items}
</channel></rss>
"""


def _feed_item(article: SampleArticle, view: View) -> str:
    text, url = article.text[view.edition], view.base_url + article.path
    return f"""\
<item>
<title>{escape(text.title)}</title>
<guid isPermaLink="true">{url}</guid>
<link>{url}</link>
<description><![CDATA[{escape(text.lead)}]]></description>
<category>{SECTIONS[article.section][view.edition]}</category>
<dc:creator>{escape(text.byline)}</dc:creator>
<pubDate>{format_datetime(article.published_at.astimezone(ZONE))}</pubDate>
</item>"""


def render_sitemap(articles: Sequence[SampleArticle], base_url: str) -> str:
    urls = "\n".join(
        f"<url><loc>{base_url}{article.path}</loc>"
        f"<lastmod>{article.published_at.astimezone(ZONE):%Y-%m-%d}</lastmod></url>"
        for article in articles
    )
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{urls}
</urlset>
"""


def render_robots(base_url: str) -> str:
    return f"""\
User-agent: *
Disallow: /engine/go.php
Disallow: /user/
Disallow: /newposts/
Disallow: /statistics.html
Disallow: /*subaction=userinfo
Disallow: /*do=lastcomments
Disallow: /*do=search
Disallow: /*do=go

Sitemap: {base_url}/sitemap.xml
"""
