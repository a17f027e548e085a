"""
The only room that speaks SQL, on SQLite and Postgres alike.

    types       columns that mean the same on both databases
    schema      the tables; `migrations/` builds them step by step
    views       the views for people, dropped before and created after every migration
    database    engines, the version of the schema, migrating
    archive     a crawl's one door: one connection, one thread, the locks of its editions
    statements  those of every page: compiled once, run by the driver itself
    bulk        writing many rows, or few of several tables, in the way that measures best
    dialects    what SQLite and Postgres say differently
    standing    one look at what an exchange meets
    pages       writing what a page says, by way of
                articles, authors, comments, places (in the thread), readings (which one is better)
    ledger      writing what the crawler does: crawls, visits, fetches, hosts
    frontier    what to visit when
    queries     every question that is asked

Functions that write take a connection and own no transaction: whoever calls them does.
"""
