"""Characters that training never saw, read as those that Unicode calls compatible: ５ as 5, Ａ as A, ㎏ as kg, ｶﾞ as ガ.

One rule for every task (Unicode Standard Annex 15, NFKC). It is for unknown characters alone: where training saw both
forms they stay apart, as ʰ and h must in a phonetic alphabet.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_MARKS = "\u0300-\u036f\u3099\u309a\uff9e\uff9f"  # accents, and the voicing of kana: read with what stands before
MARK = re.compile(f"[{_MARKS}]")
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which is no character."""
REMEMBERED = 100_000

Span = tuple[int, int]  # from a place in a text up to another


class Compatible:
    """Reads texts for a vocabulary that consists of `known` characters.

    >>> compatible = Compatible("0123456789kg")
    >>> compatible.read("５㎏ ½")
    '5kg ½'
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        listed = "".join(map(re.escape, sorted(self._known)))
        self._unknown = re.compile(f"[^{listed}][{_MARKS}]*" if listed else "(?!)")
        self._form = lru_cache(REMEMBERED)(self._look_up)

    def read(self, text: str) -> str:
        """Return the text with the compatible form of each unknown character whose form is known."""
        return text if text.isascii() else self._unknown.sub(lambda match: self._form(match[0]), text)

    def read_with_spans(self, text: str) -> tuple[str, list[Span] | None]:
        """Return what `read` does, and of each of its characters the span of the text that it stands for.

        The spans are None where the text is read as it is.
        """
        if not self.changed(text):
            return text, None
        read: list[str] = []
        spans: list[Span] = []
        end = 0
        for match in self._unknown.finditer(text):
            form = self._form(match[0])
            if form == match[0]:
                continue
            read += [text[end : match.start()], form]
            spans += [*_each(end, match.start()), *[match.span()] * len(form)]
            end = match.end()
        return "".join([*read, text[end:]]), [*spans, *_each(end, len(text))]

    def changed(self, text: str) -> dict[str, str]:
        """Return what `read` changes in the text, and into what."""
        found = set() if text.isascii() else set(self._unknown.findall(text))
        return {part: form for part in sorted(found) if (form := self._form(part)) != part}

    def _look_up(self, part: str) -> str:
        form = unicodedata.normalize("NFKC", part)
        other = form != unicodedata.normalize("NFC", part) and self._known.issuperset(form)
        return form if other else part


def _each(start: int, end: int) -> list[Span]:
    return [(place, place + 1) for place in range(start, end)]
