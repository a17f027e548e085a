"""
Every Scrapy setting that we change, and why. The rest is Scrapy 2.19's own.

Nobody imports this module: components get plain values through `from_crawler`. `-s NAME=value` wins over all of it.
"""

from crawler.environment import Environment

environment = Environment()

BOT_NAME = "discussion-archive"
SPIDER_MODULES = ["crawler.sites"]
COMMANDS_MODULE = "crawler.commands"

# --- ours: what the environment says, see crawler/environment.py -------------------------------------------------

DATABASE_URL = environment.database_url
WARC_DIR = environment.warc_dir
PROXY_URL = environment.proxy_url
FORGET_KEY = environment.forget_key

# --- politeness: DESIGN rule 9 -----------------------------------------------------------------------------------

#: Who we are, and where to complain.
USER_AGENT = f"discussion-archive/0.1 (+{environment.contact or 'no contact given'})"
#: robots.txt addresses us by this name.
ROBOTSTXT_USER_AGENT = "discussion-archive"
#: Scrapy's own middleware takes a robots.txt that cannot be had for permission; ours, below, does not.
ROBOTSTXT_OBEY = False
DOWNLOAD_DELAY = 1.0
#: Scrapy's jitter shortens the delay too; `Politeness` only lengthens it.
DOWNLOAD_DELAY_JITTER = 0.0
CONCURRENT_REQUESTS_PER_DOMAIN = 1
#: What a signal to stop has to wait for: a request a host, and one that waits.
CONCURRENT_REQUESTS = 4
#: Bytes of pages that wait to be stored before no more is asked for, as while a database server is started anew.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 1_000_000

# --- nothing happens behind our back: what to ask, and again, is the spider's and the frontier's to decide --------

REDIRECT_ENABLED = False
METAREFRESH_ENABLED = False
RETRY_ENABLED = False
COOKIES_ENABLED = False
REFERER_ENABLED = False
#: It unpacks what it can of a damaged body; `WholeBodies`, below, only what is whole.
COMPRESSION_ENABLED = False
HTTPPROXY_ENABLED = PROXY_URL is not None
#: Every status reaches its callback and becomes a row.
HTTPERROR_ALLOW_ALL = True
#: Requests are dropped by nobody in silence.
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "crawler.fetching.politeness.Politeness": 90,
    "crawler.fetching.robots.Robots": 100,
    "crawler.fetching.proxy.Proxy": 740,  # before Scrapy's HttpProxyMiddleware at 750
    "crawler.fetching.exchange.WholeBodies": 800,
    "crawler.fetching.archiving.ArchiveFirst": 900,  # before anything damaged is stopped, after it has its number
    "crawler.fetching.exchange.Exchanges": 950,
}
EXTENSIONS = {
    "crawler.extensions.CrawlRecords": 0,
    "crawler.extensions.ProgressLine": 10,
    "crawler.fetching.hosts.Hosts": 0,
}
ITEM_PIPELINES = {
    "crawler.pipelines.Store": 200,
}

# --- no doors into a running crawl ---------------------------------------------------------------------------------

#: On by default in 2.19: runs Python that is sent to it.
REMOTE_CONTROL_ENABLED = False
TELNETCONSOLE_ENABLED = False
DOWNLOAD_HANDLERS = {
    "http": "crawler.fetching.politeness.PoliteHttp",
    "https": "crawler.fetching.politeness.PoliteHttp",
    "file": None,
    "data": None,
    "ftp": None,
    "s3": None,
}

# --- bounds ----------------------------------------------------------------------------------------------------------

#: False by default: a certificate for another host would do.
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_TLS_MIN_VERSION = "TLSv1.2"
#: Seconds for a whole answer; 180 by default.
DOWNLOAD_TIMEOUT = 30
#: Bytes, before and after unpacking; the largest threads are under 2 MiB a page. 1 GiB by default.
DOWNLOAD_MAXSIZE = 8 * 1024 * 1024
DOWNLOAD_WARNSIZE = 4 * 1024 * 1024
DNS_TIMEOUT = 20
MEMUSAGE_LIMIT_MB = 900

# --- what a person sees: the progress line and the report; `-s LOG_LEVEL=INFO` shows the rest -------------------------

LOG_LEVEL = "WARNING"
LOG_SHORT_NAMES = True
