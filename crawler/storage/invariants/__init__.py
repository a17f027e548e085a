"""
What must hold of the rows, whatever was crawled, killed, repeated or folded anew: questions that find what does not.

Each is quick on both databases and holds next to nothing in memory. All of them are asked of one moment, so that a
crawl may go on meanwhile, and none of them can write.

    inspection  what the questions share: the moment, the editions, how rows are named
    database    the file, the tables, the views, the keys
    values      closed lists, and texts that a database cannot hold
    histories   states that join without gap, that differ, and that have the time of their fetch
    threads     places, counts, and what is missing
    visits      visits, sweeps, fetches, the frontier
    people      authors, their spellings, and who was forgotten
    archived    fetches as the archive should have them
"""
