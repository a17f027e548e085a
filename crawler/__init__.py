"""
An archive of online discussion: news articles with their whole comment threads, kept for years.

The rooms, from the ground up. Imports go downwards only; import-linter holds that in CI.

    errors, site    what can go wrong and what to do about it; the facts that a site declares
    items           what a page says: frozen values that travel through the house
    normalise/      nicknames, dates, threads, text: pure functions that know no site
    dle/            what is true of every site run by DataLife Engine
    fetching/       robots.txt, politeness, what came of each HTTP exchange
    planning/       when to visit a thread again
    fold/           what a set of fetches comes to: the rows of an article, its comments and their histories
    storage/        the only room that speaks SQL
    reading         bytes of a page → what this page is and says
    visiting        what comes of a page that was asked for, and what to ask next
    kept_out        who is to be forgotten, kept out of all that is stored from now on
    rereading       the archive, read again: what was stored of it then, or what today's reader makes of it
    families, work  articles read again as a whole; work that takes long, shared between processes
    reparse         the database brought into step with what today's reader makes of the archive
    verify/         does all hold that should, in the database and in the archive?
    forget          somebody is cut out of database and archive
    sites/          one folder a site: its facts, its spider, its pages
    pipelines       Scrapy's hands: store
    extensions      the lock, the row of a crawl, the progress line
    commands/       `scrapy crawl` with an honest exit code
    upkeep          what the commands share that keep the archive in order
    importing/      pages out of archives that others made, with their own dates
    sample/         a small made-up site to try everything on without the network
    probe/          one page, looked at closely; a skin proposed where nobody has seen its template
    thread_tree     a thread as people read it; differences: what of a text has changed
    cli/            the command `crawler`
"""
