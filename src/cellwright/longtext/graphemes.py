"""Grapheme clusters: what a reader takes for one character, however many code points it is (Unicode annex 29).

A letter with its accents, an emoji of several, a flag of two letters, and the halves of a surrogate pair that JSON or
UTF-16 left apart are one each; to cut within is to make another text.
"""

import regex

_CLUSTER = regex.compile(r"[\uD800-\uDBFF][\uDC00-\uDFFF]|\X")
# Most texts hold none of these, and then every code point is a cluster.
_JOINING = regex.compile(r"[^\p{GCB=Other}\p{GCB=Control}\p{GCB=LF}]|[\uD800-\uDBFF]")
_CONTINUING = regex.compile(
    r"(?<=[^\p{GCB=Control}\p{GCB=CR}\p{GCB=LF}])[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]"
)


def inside_clusters(text: str) -> frozenset[int]:
    """Return the positions within a cluster: all but the borders between two of them. Time grows with the text."""
    if _JOINING.search(text) is None:
        return frozenset()
    clusters = (match.span() for match in _CLUSTER.finditer(text))
    return frozenset(position for start, end in clusters for position in range(start + 1, end))


def continues(text: str, position: int) -> bool:
    """Whether the character at `position` is a mark on the one before, which is a full stop, a quote or white space."""
    return _CONTINUING.match(text, position) is not None
