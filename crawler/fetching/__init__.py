"""
How we ask a site for pages: politely, and knowing what came of every exchange.

    clock         the wall clock and the steady one, so that tests can bring their own
    hosts         what we remember of each host, also after a restart
    politeness    delay, Crawl-delay, Retry-After, backing off: when the next request may leave
    robots        robots.txt, failing closed: where it cannot be read, nothing is asked
    numbers       numbers for fetches and visits, in the order in which they were made
    notices       what the rest of a crawl is told of it
    exchange      one `crawler.items.Fetch` for every HTTP exchange
    headers       what the headers of an answer say
    bodies        did the whole body come?
    charsets      in which letters an old page is written
    archiving     every exchange into the archive before anybody reads it
    capture       what is archived of an exchange, and the WARC records that it becomes
    warc          the archive's files, as they are written
    files         how nobody else writes them meanwhile, and what is written is really there
    repair        what killed runs left of them, mended
    records       the same files, as they are read
    record        what one record says
    members       the gzip members that records stand in
    rewriting     the same, written anew without what is to be forgotten
    foreign       archives that others made, as they are read; foreign_answers: what an answer in them holds
    conversation  a few requests outside a crawl, as polite as one

A request ends in exactly one of four ways, and the spider hears of it exactly once:

    callback             an answer came and its body is whole; `meta["fetch"]` says what it was
    errback, NotAsked    nothing was sent: robots.txt, a pause or the end of the crawl stood before it
    errback, Stop        it was sent and could not be archived: the crawl must end
    errback, other       it was sent and no usable answer came; `meta["fetch"]` says why
"""
