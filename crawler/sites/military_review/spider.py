"""The spider of Military Review: the site's facts and pages; how they are crawled is `crawler.spider`."""

from crawler.sites.military_review import SITE
from crawler.sites.military_review.pages import PAGES
from crawler.spider import ThreadSpider


class MilitaryReviewSpider(ThreadSpider):
    """`scrapy crawl military_review`"""

    name = SITE.name
    site = SITE
    pages = PAGES
