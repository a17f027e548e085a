"""
What a set of fetches comes to: the rows of an article, of its comments, and of their histories.

The stored state is a function of the stored fetches, taken in the order of their numbers. Here is that function: pure,
without SQL and without a clock. `storage` uses its steps on the rows that a new page touches; what comes late, or is
read again by a better reader, is folded as a whole.

    look       one look at the site: which fetch, when, by which reader
    content    what a page says of an article and of a comment, as columns
    readings   which of two readings is the better one, and whether they tell of a change
    comments   the next row of a comment, and the state that it leaves behind
    articles   the same of an article
    sweeps     what a visit that saw the end of a thread proves of the comments that it did not see
    visits     the row of a visit
    whole      all rows of some articles, from all their fetches

A row is a dict of the columns of `storage.schema`; a state is one of the rows of its tables of superseded states.
"""
