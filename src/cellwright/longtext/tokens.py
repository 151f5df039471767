"""A text and its tokens, and where these may be cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cellwright.longtext.graphemes import inside_clusters
from cellwright.longtext.sentences import sentence_ends


@dataclass(frozen=True)
class TokenisedText:
    """T token numbers, and the positions [start, end) of the text that each stands for.

    A text between two tokens (white space) belongs to none; tokens that share a character (its bytes, in byte
    pair encoding) have the same end.
    """

    text: str
    numbers: Sequence[int]
    spans: Sequence[tuple[int, int]]

    def may_cut(self, index: int) -> bool:
        """Whether a part may begin with token `index`, or end before it: no character is cut in half."""
        if not 0 < index < len(self.numbers):
            return True
        start = self.spans[index][0]
        return self.spans[index - 1][1] <= start and start not in self._inside

    @cached_property
    def sentence_ends(self) -> list[int]:
        """The index after each sentence's last token, ascending; a sentence without tokens has none."""
        ends: list[int] = []
        index = 0
        for position in sentence_ends(self.text):
            while index < len(self.spans) and self.spans[index][1] <= position:
                index += 1
            if index > (ends[-1] if ends else 0) and self.may_cut(index):
                ends.append(index)
        return ends

    @property
    def sentences(self) -> list[Sequence[int]]:
        """The tokens of each sentence; together they are all tokens."""
        ends = self.sentence_ends
        return [self.numbers[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    @cached_property
    def _inside(self) -> frozenset[int]:
        return inside_clusters(self.text)
