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
    writer      writing what an exchange brought, all of it or nothing, by way of
                pages, articles, authors, comments, places (in the thread), visits
    refold      folding articles anew from all their fetches, of which
                recorded tells which there are
    ledger      writing what the crawler does: crawls, fetches, hosts
    frontier    what to visit when
    erasures    who is forgotten, and taking them out of the rows
    queries     what people ask: how things stand, how they stood, what has changed
    checks      what `crawler doctor` asks of a database; invariants: what `crawler verify` does

Functions that write take a connection and own no transaction: whoever calls them does.
"""
