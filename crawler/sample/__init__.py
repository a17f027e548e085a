"""
A small made-up news site to try everything on without the network.

It looks and behaves like a site run by DataLife Engine: the pages of `make sample`, and the ground
truth of the tests. Its texts live in `articles/` and `people.toml`, apart from all markup.

    content   the texts, and what a reader should find in them
    markup    the small markup of the comments
    pages     how it all looks
    server    the site on loopback; `python -m crawler.sample --edition ru --port 8000`
"""

from crawler.sample.content import Both, Edition, Person, SampleArticle, SampleComment, sample_articles
from crawler.sample.pages import render_article
from crawler.sample.server import Answer, Request, SampleSite

__all__ = [
    "Answer",
    "Both",
    "Edition",
    "Person",
    "Request",
    "SampleArticle",
    "SampleComment",
    "SampleSite",
    "render_article",
    "sample_articles",
]
