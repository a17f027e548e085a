"""Which authors have taken another name, from what the same comments said of their author at two times."""

from collections import Counter, defaultdict
from collections.abc import Iterable

#: One comment alone may have been given another author by hand, or be misread.
LEAST_COMMENTS = 2

#: Keys of authors without a profile start so; whoever has none has no identity that could be renamed.
_WITHOUT_PROFILE = ("guest:", "unknown:")


def renames(seen: Iterable[tuple[str, str]], *, least_comments: int = LEAST_COMMENTS) -> dict[str, str]:
    """
    The renamed authors: old key → new key.

    An account that is renamed takes all its comments with it, and no two accounts have one name. So a
    change of key is a rename only where

    - at least so many comments have changed from the one key to the other,
    - none of the comments that had the old key keeps it or has gone to a third one,
    - comments of no other key have gone to the new one: that is a reader that gives many comments one
      author, or accounts that were joined, and which of them goes on nobody can say,
    - both keys are of members: a member who becomes a guest is a deleted account, and a guest who becomes
      a member may be anybody.

    Two members who exchange their names are two renames. That comments had the new key before says nothing against a
    rename: pages that were read again earlier show it first.

    Args:
        seen: For each comment that was seen both times, the key that its author had first and the one that it has
            now, also where they are the same. The more comments of an author are among them, the surer it is.

        least_comments: How many comments must have changed.
    """
    now: defaultdict[str, Counter[str]] = defaultdict(Counter)  # old key → new keys
    before: defaultdict[str, set[str]] = defaultdict(set)  # new key → the other old keys
    for old, new in seen:
        now[old][new] += 1
        if old != new:
            before[new].add(old)
    found = {}
    for old, news in now.items():
        new, comments = next(iter(news.items()))
        if (
            len(news) == 1
            and new != old
            and comments >= least_comments
            and len(before[new]) == 1
            and not old.startswith(_WITHOUT_PROFILE)
            and not new.startswith(_WITHOUT_PROFILE)
        ):
            found[old] = new
    return found
