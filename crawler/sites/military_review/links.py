"""Which links are the site's own, and where they lead."""

from urllib.parse import urljoin, urlsplit

from crawler.dle.addresses import Address, address
from crawler.site import Edition


def own_article(place: str, url: str, edition: Edition) -> Address | None:
    """The article that a link leads to, where it leads to one of this site by its full address."""
    if not is_own(place, url, edition):
        return None
    target = address(joined(url, place))
    return target if target is not None and target.slug is not None else None


def is_own(place: str, url: str, edition: Edition) -> bool:
    """
    Whether a link leads to the edition's host, to the host that was asked instead of it, or to the host
    of the original, to which a translation's links may still lead.
    """
    try:
        host = urlsplit(joined(url, place)).hostname
        asked = urlsplit(url).hostname
    except ValueError:
        return False
    own = urlsplit(edition.base_url).hostname or ""
    original = own.partition(".")[2] if edition.translation_of else own
    return host is not None and host.removeprefix("www.") in (own, original, asked)


def base(edition: Edition) -> str:
    """What relative addresses on the edition's pages are relative to."""
    return edition.base_url + "/"


def path_of(href: str) -> str:
    """The path of an address; nothing where it is none."""
    try:
        return urlsplit(href).path
    except ValueError:
        return ""


def joined(url: str, place: str) -> str:
    """The address that a link on a page leads to; nothing where it is none, such as "http://["."""
    try:
        return urljoin(url, place.strip())
    except ValueError:
        return ""
