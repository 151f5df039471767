"""Spans of tags, and how many of them a tagger finds: precision, recall and F1 as the CoNLL shared tasks count them.

Tjong Kim Sang and Buchholz (2000), "Introduction to the CoNLL-2000 shared task: chunking"; their program conlleval. A
span counts as found where its kind, its first word and its last word are all right. Tags that contradict each other
(I-x after O, I-y after B-x) begin a span, as there. A tag of another scheme is read as in that one; what is a tag of
none stands outside of spans.

Written out here and tested against seqeval, which does the same but is no wheel, was last released in 2020, and reads
the tags of BILOU and BMES as no spans.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Scheme = Literal["plain", "iob2", "bioes", "bilou", "bmes", "bmewo"]

LETTERS: dict[Scheme, str] = {"iob2": "BIO", "bioes": "BIOES", "bilou": "BILOU", "bmes": "BMESO", "bmewo": "BMEWO"}
"""What the tags of a scheme begin with: B(egin), I(n) or M(iddle), E(nd) or L(ast), S(ingle), U(nit) or W(hole)."""
MOST_ODD = 0.01
"""Share of the words whose tags may be none of a scheme that is recognised all the same: a slip of a hand."""
_MEANING = str.maketrans("MLUW", "IESS")


class Span(NamedTuple):
    """One span of a sentence."""

    kind: str
    """What follows the letter and its hyphen; empty where tags are letters alone."""
    start: int
    """Its first word, from 0."""
    end: int
    """The word after its last."""


@dataclass(frozen=True)
class SpanScore:
    """How well spans are found; precision, recall and F1 are 0 where they would divide by nothing."""

    right: int
    given: int
    """Spans that the tagger says."""
    true: int
    """Spans that there are."""

    @property
    def precision(self) -> float:
        """Share of the given spans that are right."""
        return self.right / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """Share of the true spans that were given."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.given + self.true) if self.given + self.true else 0.0


def scheme_of(tags: Iterable[str] | Mapping[str, int]) -> Scheme:
    """Return how the tags of all words write spans, but for a few odd ones; "plain" where they don't.

    tags: of each word, or how many words have each.
    """
    counts = Counter(tags)
    scheme = likely_scheme(counts)
    return scheme if odd_tags(counts, scheme).total() <= MOST_ODD * counts.total() else "plain"


def likely_scheme(counts: Counter[str]) -> Scheme:
    """Return the scheme of most tags, the first of equal ones; "plain" where fewer write spans than are odd in it.

    counts: of each tag its words.
    """
    best = min(LETTERS, key=lambda scheme: odd_tags(counts, scheme).total())
    return best if writes_spans(counts, best) > odd_tags(counts, best).total() else "plain"


def odd_tags(counts: Counter[str], scheme: Scheme) -> Counter[str]:
    """Return those of the tags that are none of a scheme; none is odd where tags are plain."""
    return Counter({tag: count for tag, count in counts.items() if scheme != "plain" and not _is_of(tag, scheme)})


def writes_spans(counts: Counter[str], scheme: Scheme) -> int:
    """Return how many words are tagged as parts of spans by a scheme."""
    return counts.total() - counts["O"] - odd_tags(counts, scheme).total()


def _is_of(tag: str, scheme: Scheme) -> bool:
    return tag == "O" or (tag[:1] in LETTERS[scheme].replace("O", "") and tag[1:2] in ("", "-") and tag != "")


def spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans of one sentence, in order."""
    found: list[Span] = []
    start, before, kind = 0, "O", ""
    for place, tag in enumerate([*tags, "O"]):
        letter, this = _read(tag), tag[2:]
        goes_on = before in ("B", "I") and letter in ("I", "E") and this == kind
        if not goes_on:
            if before != "O":
                found.append(Span(kind, start, place))
            start = place
        before, kind = letter, this
    return found


def _read(tag: str) -> str:
    """Return B, I, E, S, or O for what is outside of spans."""
    letter = tag[:1].translate(_MEANING)
    return letter if letter in ("B", "I", "E", "S") and tag[1:2] in ("", "-") else "O"


def score_spans(
    true: Sequence[Sequence[str]], given: Sequence[Sequence[str]]
) -> tuple[SpanScore, dict[str, SpanScore]]:
    """Score the tags of each sentence: over all spans together, and of each kind, in the order of the alphabet.

    Raises ValueError for lists of different lengths.
    """
    counts = [Counter[str]() for _ in range(3)]
    for row, other in zip(true, given, strict=True):
        if len(row) != len(other):
            raise ValueError(f"score_spans: {len(other)} tags for a sentence of {len(row)}; expected one a word")
        here, said = set(spans(row)), set(spans(other))
        for count, found in zip(counts, (here & said, said, here), strict=True):
            count.update(span.kind for span in found)
    kinds = sorted(counts[1].keys() | counts[2].keys())
    total = SpanScore(*(count.total() for count in counts))
    return total, {kind: SpanScore(*(count[kind] for count in counts)) for kind in kinds}
