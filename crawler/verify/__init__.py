"""
Does all hold that should, in the database and in the archive? What `crawler verify` looks at; it changes nothing.

    checks   what is looked at: each check with its name, its meaning and its remedy
    results  what came of each
    archive  files and records, and the fetches that name them
    fold     stored rows, and what their fetches come to when they are read again
"""
