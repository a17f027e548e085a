"""
What nobody knows of the live site yet, asked of the site itself: `crawler doctor --site`.

    received   what came of each request, and where it is kept
    asking     which pages to ask for: some twenty, one after the other, as politely as a crawl
    questions  what the pages answer: pure functions from what was received to words

Nothing of it goes into the database or the archive.
"""

from crawler.survey.asking import ask_site

__all__ = ["ask_site"]
