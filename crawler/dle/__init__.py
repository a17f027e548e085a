"""
What is true of every site run by DataLife Engine, whatever its template looks like.

    addresses   which page an address is, and what the addresses of pages look like
    tags        the tags of a page in order, without building a tree
    tree        who answers whom, from the raw tags
    text        a comment or article as plain text, its quotations, links and images apart
    skins       where a template puts author and date: data
    kinds       what comments with the same markup have in common, as a pattern
    between     what stands between two comments
    repeats     the comments that only repeat the markup of another one, taken out before a page is parsed
    fields      the fields of comments in a tree
    patterned   the comments that were taken out, from the groups of their patterns
    comments    the comments of a page
    parents     whom a comment answers where the tree does not say
    paging      how many comment pages there are and which is next
    ajax        comments as the engine answers the script that loads them
    recognition what a page is that is not the page asked for
    redaction   a page without somebody who is to be forgotten
    persons     where a page shows them
    cuts        what is cut out there, and what stays
    pieces      the pieces of a page as they stand in it, and the tree that knows its places
"""
