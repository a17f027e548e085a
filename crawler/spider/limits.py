"""How often and how far a request is followed, whatever it asks for."""

from crawler.items import FetchOutcome

#: A request that failed for a passing reason is sent again so many times.
RETRIES = 2
PASSING: frozenset[FetchOutcome] = frozenset(
    {"server_error", "incomplete", "timeout", "unreachable", "dns_error", "failed"}
)
#: Redirects in a row that are followed.
MAX_HOPS = 5
