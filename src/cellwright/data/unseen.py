"""What a run does not know of the texts that it is shown, counted for its user."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

NAMED = 12
"""Of the unknown ones, the most frequent."""


@dataclass
class Unseen:
    """Parts of texts, how many of them a vocabulary lacks, and which characters were read in their compatible form.

    total   parts in all
    lacks   how often each part stands that is read as unknown
    forms   characters that training never saw, and as what each is read (see `data.compatible`)
    """

    kind: str
    """What the parts are: "characters", "words", "symbols"."""
    total: int = 0
    lacks: Counter[str] = field(default_factory=Counter)
    forms: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Unseen") -> None:
        """Count what was found in further texts too."""
        self.total += other.total
        self.lacks.update(other.lacks)
        self.forms |= other.forms

    def sentences(self) -> list[str]:
        """What to say of it: nothing, where all is known."""
        said = []
        if self.lacks:
            ranked = sorted(self.lacks.items(), key=lambda item: (-item[1], item[0]))
            named = _some([f"{part!r}{f' ({times:,} times)' if times > 1 else ''}" for part, times in ranked])
            said.append(f"unknown to this run: {self.lacks.total():,} of the {self.total:,} {self.kind}: {named}")
        if self.forms:
            named = _some([f"{part!r} as {form!r}" for part, form in self.forms.items()])
            said.append(f"unknown characters that were read in their compatible form (NFKC): {named}")
        return said


def sentences(found: Iterable[Unseen]) -> list[str]:
    """Say it of several kinds of parts."""
    return [sentence for each in found for sentence in each.sentences()]


def _some(named: list[str]) -> str:
    more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more
