"""
Where a template puts what belongs to a comment. The engine's own marks (ids, ratings, profile
addresses) are the same under every template and need no skin: see `crawler.dle.comments`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Skin:
    """
    Where the comments of one template keep their fields, as CSS selectors.

    A selector may name alternatives, separated by commas. Of what it finds, the first that stands in
    the comment itself counts: not in its text, not in an answer nested in it.
    """

    name: str
    #: What only comments of this template have. Best the smallest thing that holds the author.
    recognises: str
    #: The element whose text is the nickname, or that holds the profile link with it.
    author: str
    #: The element whose text is the date; its attribute `datetime`, where it has one, is kept beside.
    date: str
    #: A real name that is shown apart from the nickname.
    full_name: str | None = None
    #: The element with the avatar's address, from which the member's number can be read.
    avatar: str | None = None


#: The skin "Default" that the engine comes with (13.3).
DEFAULT = Skin(
    name="dle-default",
    recognises=".com_info .com_user",
    author=".com_user .name",
    date=".com_user .grey",
    avatar=".avatar .cover",
)
