"""
May we read it, which editions and which engine has it, and what stands in the way?

The question that a public function answers stands in `QUESTIONS`.
"""

import re
from collections import Counter
from collections.abc import Mapping

from crawler.errors import NotUnderstood
from crawler.fetching import robots
from crawler.site import Edition
from crawler.survey.questions.words import lines_or_nothing, listed
from crawler.survey.received import NothingReceived, Purpose, Survey

#: What robots.txt is asked about.
PATHS: Mapping[str, str] = {
    "articles": "/128836-slug.html",
    "comment pages": "/page,1,2,128836-slug.html",
    "articles by number": "/index.php?newsid=128836",
    "feed": "/rss.xml",
    "front page": "/",
    "sections": "/news/",
    "section pages": "/news/page/2/",
    "days": "/2017/11/03/",
    "sitemap": "/sitemap.xml",
    "AJAX (engine 13 to 16)": "/engine/ajax/controller.php?mod=comments&cstart=2&news_id=128836",
    "AJAX (engine 20)": "/index.php?controller=ajax&mod=comments&cstart=2&news_id=128836",
}

#: What every edition is asked for.
ASKED_EVERYWHERE: Mapping[Purpose, str] = {"article": "article", "feed": "rss.xml", "sitemap": "sitemap.xml"}

#: Marks that only some versions of the engine leave in a page.
SIGNS: Mapping[str, str] = {
    "/engine/ajax/comments.php": "10 or older",
    "comments-ratig-layer-id=": "16 or newer",
    'id="comments-ratig-layer-': "10.4 to 15",
    "/engine/ajax/controller.php": "13 to 16",
    "controller=ajax": "20",
    "quote_body": "16 or newer",
    "data-commentid": "20",
    "comments-user-profile": "20",
    "dle-spoiler": "20",
    "rssdzen.xml": "15 or newer",
}

#: Names of services that stand between a site and robots, by what they leave in headers, cookies or pages.
GUARDS = re.compile(
    r"cf-ray|cf-mitigated|__cf_bm|cloudflare|ddos-guard|__ddg\w*|qrator|variti|stormwall|incapsula|sucuri"
    r"|akamai|captcha|checking your browser|проверка браузера|enable javascript and cookies|access denied",
    re.IGNORECASE,
)

_GENERATOR = re.compile(r"""<meta\s[^>]{0,200}name=["']generator["'][^>]{0,300}>""", re.IGNORECASE)
_VARIABLE = re.compile(r"\bvar\s+(dle_\w{1,40})\s*=\s*('[^']{0,80}'|\w{1,20})")
_CHARSET = re.compile(r"""<meta\s[^>]{0,200}charset=["']?([\w-]{1,20})""", re.IGNORECASE)
_LOC = re.compile(r"<loc>\s*([^<\s]{1,500})\s*</loc>")
_LASTMOD = re.compile(r"<lastmod>\s*([^<]{1,60}?)\s*</lastmod>")


def robots_rules(survey: Survey) -> str:
    lines = []
    for page in survey.all("robots"):
        found = robots.verdict(page.status or 0, page.body)
        if found.state != "rules":
            why = f": {found.reason}" if found.reason else ", so all is allowed"
            lines.append(f"{page.edition.code}: {found.state}{why}.")
            continue
        text = found.text or ""
        may = {
            name: robots.allowed(text, page.edition.base_url + path, survey.user_agent)
            for name, path in PATHS.items()
        }
        delay = robots.crawl_delay(text, survey.user_agent)
        lines.append(
            f"{page.edition.code}: allows {listed(name for name in may if may[name])}; "
            f"forbids {listed(name for name in may if not may[name])}; "
            f"Crawl-delay: {'none' if delay is None else f'{delay:g} s'}."
        )
    return lines_or_nothing(lines, "robots.txt was not received")


def which_editions(survey: Survey) -> str:
    lines = []
    for edition in survey.editions:
        told = [f"{name} {_came(survey, purpose, edition)}" for purpose, name in ASKED_EVERYWHERE.items()]
        lines.append(f"{edition.code} ({edition.base_url}): {', '.join(told)}.")
    if len(survey.editions) == 1:
        lines.append("With --base-url no other edition is asked.")
    return "\n".join(lines)


def _came(survey: Survey, purpose: Purpose, edition: Edition) -> str:
    try:
        page = survey.page(purpose, edition)
    except NothingReceived:
        tried = [each for each in survey.all(purpose) if each.edition == edition]
        return f"no ({tried[-1].failure or tried[-1].status})" if tried else "not asked for"
    try:
        survey.read(page)
    except NotUnderstood as error:
        return f"answers, but is not understood ({error})"
    return "yes"


def engine(survey: Survey) -> str:
    page = survey.found("article") or survey.page("front")
    generator = _GENERATOR.search(page.text)
    variables = dict(_VARIABLE.findall(page.text))
    signs = [f"{sign} ({versions})" for sign, versions in SIGNS.items() if sign in page.text]
    return "\n".join(
        [
            f"generator: {generator[0] if generator else 'none'}",
            f"script variables: {listed(f'{name}={value}' for name, value in variables.items())}",
            f"signs of a version: {listed(signs)}",
        ]
    )


def sitemap_form(survey: Survey) -> str:
    lines = []
    for edition in survey.editions:
        page = survey.found("sitemap", edition)
        if page is None:
            continue
        places, changed = _LOC.findall(page.text), _LASTMOD.findall(page.text)
        kind = "an index of sitemaps" if "<sitemapindex" in page.text else "one list of pages"
        kind = kind if "<urlset" in page.text or "<sitemapindex" in page.text else "no sitemap"
        lines.append(
            f"{edition.code}: {kind}, {len(places)} addresses such as {listed(places[:2])}; "
            f"lastmod such as {listed(changed[:1])}."
        )
    if not lines:
        survey.page("sitemap")
    return "\n".join(lines)


def charset(survey: Survey) -> str:
    pages = [page for page in survey.all() if page.status == 200 and page.body and page.purpose != "robots"]
    lines = set()
    for page in pages:
        declared = _CHARSET.search(page.text[:5000])
        try:
            page.body.decode(survey.site.charset)
            decodes = f"decodes as {survey.site.charset}"
        except UnicodeDecodeError as error:
            decodes = f"does NOT decode as {survey.site.charset} (byte {error.start} of {page.url})"
        header = listed(page.header("Content-Type"))
        lines.add(
            f"{page.edition.code}: header {header}, page {declared[1] if declared else 'silent'}, {decodes}."
        )
    return lines_or_nothing(sorted(lines), "no page was received")


def cookies(survey: Survey) -> str:
    names = Counter(
        cookie.partition("=")[0].strip() for page in survey.all() for cookie in page.header("Set-Cookie")
    )
    if not survey.asked:
        raise NothingReceived("no page was received")
    return f"{listed(f'{name} ({count} answers)' for name, count in names.items())}. We send none back."


def guards(survey: Survey) -> str:
    signs = Counter[str]()
    for page in survey.all():
        told = [
            f"{name}: {value}" for name, value in page.headers if name.lower() != "content-security-policy"
        ]
        # In a whole page such words may be an article's; a page of a guard is short.
        told += [page.text] if page.status != 200 or len(page.body) < 5000 else []
        signs.update({found.lower() for found in GUARDS.findall("\n".join(told))})
    refusals = [f"{page.url} {page.status}" for page in survey.all() if page.status in (401, 403, 429, 503)]
    waits = [value for page in survey.all() for value in page.header("Retry-After")]
    servers = {value for page in survey.all() for value in page.header("Server")}
    if not servers and not survey.asked:
        raise NothingReceived("no page was received")
    return "\n".join(
        [
            f"signs: {listed(f'{sign} ({count} answers)' for sign, count in signs.items())}",
            f"refusals: {listed(refusals)}; Retry-After: {listed(waits)}; Server: {listed(sorted(servers))}",
        ]
    )
