"""
What a page is that is not the page asked for.

A reader first looks for the marks of the page that it expects. Only where they are missing is it asked
here what came instead, since the answer decides what to do: a check for humans passes, a page that the
site does not have is a fact, and a page that nobody knows is a layout that must be learnt. Asking in
this order matters: sites load guards' scripts on good pages too, and people write "access denied" in comments.

Such pages were never collected for this site; their marks are those that the makers of guards, servers and
engines print everywhere. Nothing here solves or goes around a check.
"""

import re
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.dle.addresses import address
from crawler.errors import NotUnderstood, PageKind

#: What each kind is called in a message behind "it is".
NAMES: dict[PageKind, str] = {
    "article": "an article",
    "answer": "an answer to the script that loads comments",
    "listing": "a list of articles",
    "feed": "a feed",
    "sitemap": "a sitemap",
    "print": "the print version of an article, which says nothing of comments",
    "not_found": "the site's notice that there is nothing at this address",
    "moved": "a page that leads on to another",
    "login": "for members only",
    "check": "a check for humans or browsers, which we do not try to pass",
    "blocked": "a refusal by a guard in front of the site",
    "maintenance": "a notice that the site is closed for maintenance",
    "database_error": "a notice that the site cannot reach its database",
    "parked": "a host without a site: the domain is for sale or the account suspended",
    "garbled": "garbled",
}

#: How much of a page is searched for the marks of guards and for strange letters, in characters.
_SEARCHED = 100_000
#: Words of a page that are looked at, in characters: a notice says what it is at once …
_BEGINNING = 600
#: … and elements in which they are looked for.
_NODES = 3_000
#: A list has more articles than a notice links to.
_LISTED = 5
#: A page with more words than this leads nowhere by itself.
_SHORT = 300

#: In the addresses and names of guards' scripts.
_GUARDS = re.compile(
    r"""/\.well-known/ddos-guard/ | check\.ddos-guard\.net | \bddg_?captcha\b
      | _cf_chl_opt\b | /cdn-cgi/challenge-platform/h/ | \bcf-(?:challenge|turnstile|chl)\b
      | challenges\.cloudflare\.com/turnstile
      | /__qrator/ | \bqauth\.js\b | _incapsula_resource\b | sucuri_cloudproxy | \bservicepipe\b
      | \banubis_challenge\b | /\.within\.website/x/cmd/anubis/
      | \b(?:g-recaptcha|h-captcha|smart-captcha|smartcaptcha)\b | \bshowcaptcha\b
      | \b(?:proof[-_ ]of[-_ ]work|pow[-_]challenge)\b
    """,
    re.VERBOSE,
)
#: A script that sets a cookie and loads the page again lets only browsers in.
_COOKIE = re.compile(r"document\.cookie\s*=(?!=)")
_LEADS_ON = re.compile(r"\blocation(?:\.href)?\s*=(?!=)|\blocation\.(?:replace|assign|reload)\(")

#: What notices say, in small letters. The first that is found counts.
_SAYINGS: tuple[tuple[PageKind, re.Pattern[str]], ...] = (
    (
        "database_error",
        re.compile(
            r"""\b(?:my)?sql\s(?:fatal\s)?error\b | \bdatabase\s(?:connection\s)?error\b | \bsqlstate\[
              | error\sestablishing\sa\sdatabase | mysql\sserver\shas\sgone | too\smany\s(?:mysql\s)?connections
              | ошибк\w+\s.{0,30}баз\w+\sданных | баз\w+\sданных\s.{0,30}(?:недоступн|не\sотвеча)
            """,
            re.VERBOSE,
        ),
    ),
    (
        "blocked",
        re.compile(
            r"""\baccess\s(?:is\s|has\sbeen\s)?(?:denied|blocked|restricted|forbidden) | \b403\sforbidden\b
              | \b(?:you|your\sip(?:\saddress)?)\s(?:have|has|are|is)\s(?:been\s)?(?:blocked|banned)
              | \brequest\s(?:was\s|has\sbeen\s)?(?:blocked|rejected) | \berror\s10(?:06|07|08|09|15|20)\b
              | \btoo\smany\srequests\b
              | доступ\s.{0,60}(?:запрещ|ограничен|заблокирован|закрыт) | ваш\s?.{0,30}\bip\b.{0,60}заблокирован
              | слишком\sмного\sзапросов
            """,
            re.VERBOSE,
        ),
    ),
    (
        "check",
        re.compile(
            r"""\bcaptcha\b | \bкапч | checking\s(?:your|the)\sbrowser | verif(?:y|ying)\s(?:that\s)?you\sare
              | \b(?:are|aren.t|are\snot|not|you)\s(?:you\s)?(?:a\s)?(?:human|robot|bot)\b
              | \bjust\sa\smoment\b | security\scheck | browser\s(?:check|verification)
              | enable\s(?:javascript|cookies)\b.{0,60}\bcontinue
              | провер\w+\s.{0,20}браузер | вы\s.{0,20}(?:не\s)?(?:робот|человек) | ddos-(?:guard|защит)
            """,
            re.VERBOSE,
        ),
    ),
    (
        "maintenance",
        re.compile(
            r"""\bmaintenance\b | \btemporarily\s(?:unavailable|closed|down) | \bbe\sback\ssoon\b
              | \b50[234]\s(?:bad|service|gateway) | \bservice\sunavailable\b
              | реконструкци | техническ\w+\s(?:работ|перерыв|обслуживан) | временно\s(?:недоступ|закрыт|не\sработа)
            """,
            re.VERBOSE,
        ),
    ),
    (
        "parked",
        re.compile(
            r"""domain\s.{0,60}(?:for\ssale|parked|expired|available) | buy\sthis\sdomain
              | (?:account|hosting|website)\s.{0,40}suspended
              | домен\w*\s.{0,60}(?:прода|припаркован|истек|свобод) | (?:аккаунт|хостинг)\w*\s.{0,40}приостановлен
            """,
            re.VERBOSE,
        ),
    ),
    (
        "not_found",
        re.compile(
            r"""\b404\b | \bno\s(?:publications|articles|news|posts|entries)\b.{0,40}\bfound
              | \b(?:page|publications?|articles?|news)\b.{0,60}\b(?:not\s(?:been\s)?found|does\snot\sexist)
              | (?:публикаци|страниц|новост|стат(?:ья|ьи|ей))\w*\s.{0,60}(?:не\sнайден|не\sсуществу|удалён|удален)
              | не\sнайден\w*\s.{0,40}(?:публикаци|страниц|новост|стат(?:ья|ьи|ей))
              | 見つかりません
            """,
            re.VERBOSE,
        ),
    ),
    (
        "login",
        re.compile(
            r"""\b(?:sign|log)\sin\b.{0,60}\b(?:to\s)?(?:view|read|see|continue)
              | \b(?:only|available)\s.{0,40}\b(?:registered|members|authori[sz]ed)
              | \bmust\sbe\s(?:registered|logged\sin) | \b(?:no|not\shave)\s.{0,30}\b(?:permission|rights?)\b
              | (?:войдите|авториз\w+|зарегистриру\w+)\s.{0,60}(?:просм|прочит|чтоб|продолж)
              | (?:просм|прочит|чтен|доступ)\w*\s.{0,60}(?:зарегистрирован|авторизован|авторизу|войдите)
              | (?:недостаточно|нет)\s.{0,20}прав\b | \bгрупп\w+\s.{0,60}не\sмогут
            """,
            re.VERBOSE,
        ),
    ),
)

_REPLACED = "\ufffd"
#: What the second and later bytes of a letter in UTF-8 are taken for, in windows-1251 and -1252 and ISO 8859-1.
_LATER_BYTE = (
    "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u0401-\u040f\u0451-\u045f\u0490\u0491\u2013-\u2122]"
)
#: How letters are lost, and what then stands all over a page but in no language.
_MISREADINGS = (
    ("windows-1251 that was read as Latin letters", re.compile("[îò]")),
    ("UTF-8 that was read as Latin letters", re.compile(f"[ÐÑãæå]{_LATER_BYTE}")),
    ("UTF-8 that was read as Latin letters twice", re.compile(f"[ÃÂ]{_LATER_BYTE}")),
    ("UTF-8 that was read as windows-1251", re.compile(f"[РС]{_LATER_BYTE}")),
)
#: In UTF-8, what all Latin letters among these begin with, and the two others.
_LETTERS = ("î".encode()[:1], "Р".encode(), "С".encode())
#: A byte that each of these has and few others.
_BYTES = (b"\xc3", b"\xa0", b"\xa1")
#: One letter in so many shows that a page is garbled: markup is most of a page, and letters other than
#: these half of its words.
_ONE_IN = 33


def recognised(document: LexborHTMLParser, html: str) -> PageKind | None:
    """
    What a page is that lacks the marks of the page asked for; None where nobody knows.

    It is not for pages that have those marks: a good article may well load a guard's script.

    Args:
        html: The same page as text.
    """
    start = html[:500].lstrip("\ufeff \t\r\n").lower()
    if start.startswith("{"):
        return "answer" if '"comments"' in html[:_SEARCHED] or '"comments"' in html[-_SEARCHED:] else None
    if start.startswith(("<?xml", "<rss", "<urlset", "<sitemapindex")):
        if "<urlset" in start or "<sitemapindex" in start:
            return "sitemap"
        return "feed" if "<rss" in start else None

    content = document.css_first("#dle-content")
    if content is not None:
        if _articles(content) >= _LISTED:
            return "listing"
        return _said(_words(content))

    searched = html[:_SEARCHED].lower()
    title = document.css_first("title")
    body = document.body
    words = _words(body) if body is not None else ""
    said = _said(f"{title.text() if title is not None else ''} {words}".lower())
    if said in ("database_error", "blocked", "check"):
        return said
    if _GUARDS.search(searched):
        return "check"
    if said is not None:
        return said
    if document.css_first("input[type='password']") is not None:
        return "login"
    if "window.print(" in searched:
        return "print"
    if body is not None and _articles(body) >= _LISTED:
        return "listing"
    if len(words) < _SHORT and (_LEADS_ON.search(searched) or _refreshes(document)):
        return "check" if _COOKIE.search(searched) else "moved"
    return None


def not_shown(claim: str, document: LexborHTMLParser, html: str, *, missing: str) -> NotUnderstood:
    """
    The error for a page that does not show what it should, with what it is instead.

    Args:
        claim: What is said of it: "https://… shows no article".

        missing: What it lacks, for the message where nobody knows what the page is.
    """
    kind = recognised(document, html)
    return NotUnderstood(f"{claim}: {missing if kind is None else f'it is {NAMES[kind]}'}", kind=kind)


def garbling(text: str) -> str | None:
    """
    How the letters of a page were lost before it was encoded as it is; None where they were not.

    A page that decodes without an error may still have been decoded wrongly on its way. Letters that
    are rare in every language then make up a good part of it. That somebody has pasted such letters in
    a comment is no reason to refuse a page, so the share is that of the page with its markup,
    as far as its beginning shows.
    """
    if text.isascii():
        return None
    if _REPLACED in text and text.count(_REPLACED) * 1000 > len(text):
        return "characters that were replaced because they could not be decoded"
    text = text[:_SEARCHED]
    length = len(text)
    # Counting bytes is so much faster than a pattern that it spares nearly every page the pattern, and single ones are
    # counted fastest: there are at least as many as letters with them.
    encoded = text.encode(errors="replace")
    if any(sum(map(encoded.count, some)) * _ONE_IN <= length for some in (_BYTES, _LETTERS)):
        return None
    return next(
        (name for name, letters in _MISREADINGS if len(letters.findall(text)) * _ONE_IN > length), None
    )


def _refreshes(document: LexborHTMLParser) -> bool:
    """Whether a page tells browsers to go to another one after some seconds."""
    return any(
        (node.attributes.get("http-equiv") or "").lower() == "refresh"
        and "url=" in (node.attributes.get("content") or "").lower().replace(" ", "")
        for node in document.css("meta[http-equiv]")
    )


def _said(words: str) -> PageKind | None:
    return next((kind for kind, saying in _SAYINGS if saying.search(words)), None)


def _words(node: LexborNode) -> str:
    """The first words that stand in an element, in small letters."""
    words = ""
    for part in islice(node.traverse(include_text=True), _NODES):
        if part.tag != "-text" or (part.parent is not None and part.parent.tag in ("script", "style")):
            continue
        words = f"{words} {(part.text_content or '')[:_BEGINNING]}"
        if len(words) > 2 * _BEGINNING:
            break
    return " ".join(words.split())[:_BEGINNING].lower()


def _articles(node: LexborNode) -> int:
    """How many articles are linked to in an element, counted up to some."""
    found = set()
    for link in node.css("a[href*='.html']"):
        target = address(link.attributes.get("href") or "")
        if target is not None:
            found.add(target.id)
            if len(found) >= _LISTED:
                break
    return len(found)
