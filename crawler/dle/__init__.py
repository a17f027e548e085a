"""
What is true of every site run by DataLife Engine, whatever its template looks like.

    addresses   which page an address is, and what the addresses of pages look like
    tags        the tags of a page in order, without building a tree
    tree        who answers whom, from the raw tags
    text        a comment or article as plain text, its quotations, links and images apart
    skins       where a template puts author and date: data
    comments    the comments of a page
    paging      how many comment pages there are and which is next
"""
