"""
One folder a site.

To add one (with numeric ids), in six steps:

1. Make `crawler/sites/<name>/` with an `__init__.py` that declares `SITE`: its editions, its clock, its
   sections. Edition ids are used once and never again.
2. Save a page of each kind under `tests/sites/<name>/pages/<case>/page.html`, and beside it in
   `source.txt` its address, its edition, the time of the fetch, and what the page is there to show.
3. Write `expected.json` by hand, for the fields that you care about; what it does not name is not compared.
4. Write `pages.py` until `pytest tests/sites -k <name>` is green: functions from the text of a page to an
   item, gathered in `PAGES`. First ask whether this is the page that you think it is. On a site run
   by DataLife Engine, `crawler.dle` does most of it, and `skins.py` says where the template puts things.
5. Write `spider.py`: a class of a few lines that carries `SITE` and `PAGES`. `scrapy list` shows it;
   nothing is registered.
6. Run `scrapy crawl <name>` with a small `limit`, and look at what `crawler crawls` says.

When a layout changes: save the new page as a new case, keep the old one, and add a skin. Old pages are
still read, from the archive.
"""

from importlib import import_module
from pkgutil import iter_modules

from crawler.visiting import SiteReader


def readers() -> dict[int, SiteReader]:
    """How the pages of each edition of all sites are read, by the edition's number."""
    found: dict[int, SiteReader] = {}
    for folder in iter_modules(__path__):
        name = f"{__name__}.{folder.name}"
        reader = SiteReader(site=import_module(name).SITE, pages=import_module(f"{name}.pages").PAGES)
        found |= {edition.id: reader for edition in reader.site.editions}
    return found
