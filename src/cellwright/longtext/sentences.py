"""Where sentences end, in Chinese, Japanese and English, by rules.

    split_sentences("他说：“你好。走吧！”她笑了。")    # ["他说：“你好。走吧！”", "她笑了。"]
    split_sentences("Dr. Wu paid 3.50 pounds. He left.")    # ["Dr. Wu paid 3.50 pounds. ", "He left."]

- 。！？； end a sentence wherever they stand, and . ! ? … before white space or a Chinese character, unless a small
  letter follows, or an abbreviation, an initial or the number of a list item ends in the dot. So does a blank line.
- The closing quotation marks and brackets after them stay with the sentence, and so does the white space.
- What stands in quotation marks or brackets is kept whole. Quotation marks at their end may end a sentence, brackets
  only where the sentence began with them. A mark that is not closed before the next blank line encloses nothing.

The time grows with the text, whatever it is. Of the libraries for this, pysbd is slow and left alone since 2021,
nupunkt knows English, and sentencex needs minutes for a megabyte in which quotation marks are not closed.
"""

from collections import Counter
from typing import NamedTuple

import regex

from cellwright.longtext.graphemes import continues

_QUOTES = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"'}
_BRACKETS = {"（": "）", "(": ")", "[": "]", "{": "}", "【": "】", "《": "》", "〈": "〉"}
_CLOSER_OF = _QUOTES | _BRACKETS
_CLOSERS = frozenset([*_CLOSER_OF.values(), "'"])

_ALWAYS = frozenset("。｡！？；")
_ENDING = _ALWAYS | frozenset(".!?…")
_BLANK_LINE = r"\n[^\S\n]*+\n\s*+"
_END = regex.compile(rf"[{''.join(_ENDING)}]++|{_BLANK_LINE}")
_MARK = regex.compile(rf"[{regex.escape(''.join(_CLOSER_OF) + ''.join(_CLOSERS))}]|{_BLANK_LINE}")
_SPACE = regex.compile(r"\s*+")
_OPENING = regex.compile(r"[\p{Ps}\p{Pi}\"']{0,4}+")
_UNSPACED = regex.compile(r"[\p{Ps}\p{Pi}]?[\p{Han}\p{Hiragana}\p{Katakana}]")

_WORD = regex.compile(r"[^\W\d_](?:\.?[^\W\d_])*+$")
_ITEM = regex.compile(r"\d{1,3}$")
_LONGEST_WORD = 12
"""Characters looked back for an abbreviation."""
_TITLES = frozenset(
    ["mr", "mrs", "ms", "dr", "prof", "st", "rev", "hon", "gen", "sen", "rep", "gov", "lt", "col", "capt", "vs", "al"]
)
_NUMBERED = frozenset(["no", "nos", "fig", "figs", "eq", "p", "pp", "vol", "ch", "sec", "art"])


class _Enclosed(NamedTuple):
    """From an opening mark, which is text[start], to its closing one, text[end - 1]."""

    start: int
    end: int


def split_sentences(text: str) -> list[str]:
    """Return the sentences, none empty; joined they are the text again."""
    ends = sentence_ends(text)
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def sentence_ends(text: str) -> list[int]:
    """Return the position after each sentence, ascending; the last is len(text). An empty text has none."""
    ends: list[int] = []
    enclosed = _outermost(text)
    starts = {span.start for span in enclosed}
    nearest = 0  # in `enclosed`: the first that ends at the place looked at or after it
    start = _after_space(text, 0)
    for match in _END.finditer(text):
        if match.start() < start:
            continue
        blank = match.group().isspace()
        closed = match.end() if blank else _after_closers(text, match.end(), starts)
        while nearest < len(enclosed) and enclosed[nearest].end < closed:
            nearest += 1
        if nearest < len(enclosed) and _keeps_together(text, enclosed[nearest], closed, start):
            continue
        if _ends_sentence(text, match.start(), match.end(), closed, start):
            start = _after_space(text, closed)
            ends.append(start)
    return ends if not text or (ends and ends[-1] == len(text)) else [*ends, len(text)]


def _ends_sentence(text: str, mark: int, after: int, closed: int, start: int) -> bool:
    """Whether the sentence from `start` ends with the marks in mark:after and the closers up to `closed`."""
    following = _after_space(text, closed)
    if continues(text, following):
        return False
    if text[mark].isspace():
        return True
    if text[closed : closed + 1] in _ENDING:  # the mark to come decides: “好。”。
        return False
    if following == len(text) or not _ALWAYS.isdisjoint(text[mark:after]):
        return True
    if following == closed and (text[mark - 1 : mark].isdigit() or not _UNSPACED.match(text, following)):
        return False  # 3.14, a.b, "1.苹果"
    first = _after(_OPENING, text, following)
    if text[first : first + 1].islower():
        return False
    return text[mark:after] != "." or not _is_abbreviation(text, mark, start, text[first : first + 1])


def _is_abbreviation(text: str, dot: int, start: int, following: str) -> bool:
    """Whether the dot belongs to the word before it: a title, an initial, e.g., U.S., No. 5, or a list's number."""
    before = text[max(start, dot - _LONGEST_WORD) : dot]
    if item := _ITEM.search(before):
        number = dot - len(item.group())
        return number == start or text[number - 1] == "\n"
    found = _WORD.search(before)
    word = found.group() if found else ""
    if (word.isupper() and len(word) == 1 and word != "I") or _is_dotted(word):
        return True
    return word.lower() in _TITLES or (word.lower() in _NUMBERED and following.isdigit())


def _is_dotted(word: str) -> bool:
    """Whether it is single letters with dots between: e.g, U.S, p.m."""
    return "." in word and all(len(letters) == 1 for letters in word.split("."))


def _keeps_together(text: str, span: _Enclosed, position: int, start: int) -> bool:
    """Whether a sentence from `start` cannot end at `position`: within the span, or at the end of mere brackets."""
    if position < span.end:
        return position > span.start
    return text[span.start] in _BRACKETS and span.start != start


def _after_closers(text: str, position: int, openers: set[int]) -> int:
    # A straight quotation mark may be the next sentence's opening one.
    while position < len(text) and text[position] in _CLOSERS and position not in openers:
        position += 1
    return position


def _after_space(text: str, position: int) -> int:
    return _after(_SPACE, text, position)


def _after(pattern: regex.Pattern[str], text: str, position: int) -> int:
    """Return where the pattern's match at `position` ends; `position` where it does not match."""
    found = pattern.match(text, position)
    return found.end() if found else position


def _outermost(text: str) -> list[_Enclosed]:
    """Return what stands in quotation marks or brackets, in order, without what lies within another."""
    found: list[_Enclosed] = []
    opened: list[tuple[str, int]] = []  # the mark that would close it, and where it stands
    waiting: Counter[str] = Counter()  # how often each is in `opened`
    for match in _MARK.finditer(text):
        mark, position = match.group(), match.start()
        if mark.isspace():
            opened.clear()
            waiting.clear()
        elif waiting[mark] and _can_close(text, position):
            start = _close(opened, waiting, mark)
            while found and found[-1].start > start:
                found.pop()
            found.append(_Enclosed(start, position + 1))
        elif mark in _CLOSER_OF and _can_open(text, position):
            if waiting[mark]:  # a straight one that was left open: this one begins another quotation
                _close(opened, waiting, mark)
            opened.append((_CLOSER_OF[mark], position))
            waiting[_CLOSER_OF[mark]] += 1
    return found


def _close(opened: list[tuple[str, int]], waiting: Counter[str], closer: str) -> int:
    """Forget all that was opened since the mark that this one closes, and return where that stands."""
    while True:
        mark, position = opened.pop()
        waiting[mark] -= 1
        if mark == closer:
            return position


def _can_open(text: str, position: int) -> bool:
    # A straight mark after a letter or digit is an inch or a closing one whose opening one is missing.
    return text[position] != '"' or not text[position - 1 : position].isalnum()


def _can_close(text: str, position: int) -> bool:
    mark, before, after = text[position], text[position - 1 : position], text[position + 1 : position + 2]
    if mark == '"':
        return not before.isspace()
    return mark != "’" or not after.isalpha()  # the apostrophe of "it’s" is no quotation mark
