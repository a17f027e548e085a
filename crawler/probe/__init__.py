"""
One page, looked at closely: `crawler probe` and `crawler save-page`.

    page      the page: from a file, a test case, or as it came; and how it is kept as a test case
    asking    the same from the site itself, as politely as a crawl
    elements  what in it belongs to which comment, but to no text
    proposal  a skin for a template that nobody has seen
    findings  what the page says, where each thing was found, and what nobody has read
    shown     the findings in words, and as JSON

Nothing of it goes into the database or the archive.
"""

from pathlib import Path

from crawler.errors import BadArgument
from crawler.probe.findings import Findings, findings
from crawler.probe.page import case_folder, edition_of, page_of_file, save_case
from crawler.probe.shown import as_dict, lines

__all__ = ["Findings", "as_dict", "lines", "probe"]


def probe(
    place: str,
    *,
    url: str | None = None,
    edition: str | None = None,
    delay_s: float | None = None,
    save: str | None = None,
    force: bool = False,
) -> tuple[Findings, Path | None]:
    """
    What is found in one page, and the folder in which it was saved.

    Args:
        place: An address of the site, a file, or the folder of a test case.

        url: For a file: its address, where neither the page nor what stands beside it says it.

        edition: Code of the edition; by default the one whose host the address has.

        delay_s: For an address: seconds between two requests; the crawler's own delay by default. A shorter one is
            for this machine only.

        save: Name of the test case that the page is to be kept as.

        force: Write over a test case of that name.

    Raises:
        BadArgument: Something of this makes no sense, or the test case exists.
        SiteRefuses: The site cannot be reached or does not want us; nothing is saved.
        CannotStore: The test case cannot be written.
    """
    folder = case_folder(save, force=force) if save is not None else None
    if place.startswith(("http://", "https://")):
        if url is not None:
            raise BadArgument("--url is for a file; the address of this page is known.")
        # Importing Scrapy takes half a second that a file need not wait.
        from crawler.probe.asking import fetched

        page = fetched(place, edition_of(place, edition), delay_s=delay_s)
    else:
        page = page_of_file(Path(place), url=url, edition=edition)
    found = findings(page)
    if folder is not None:
        save_case(folder, page, found.item, found.stopped_by)
    return found, folder
