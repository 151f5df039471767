"""A text cut into words: at white space, or where a script has none, where words that are known are likely.

The likeliest words of a text are found as in speech recognition, by dynamic programming over all ways to cut it. How
often a word is said follows from its place among the most frequent: the r-th of n about 1 / (r log n) of the time (Zipf
1949, "Human behavior and the principle of least effort").
"""

import math
import re

from cellwright.data.sentences import Featured, Words
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.tokenizer import UNSPACED
from cellwright.data.words import Lexicon

_TOGETHER = re.compile(r"[A-Za-zＡ-Ｚａ-ｚ\d.,%．％]+")
LONGEST = 12  # characters of a word that is looked for
UNLIKELY = 3.0  # nats that a character costs, by itself and unknown, beyond the rarest word


def words_of(text: str, lexicon: Lexicon) -> Words:
    """Return the words of a text, and with a lexicon of features those that stand behind them: `fly +V to +P`.

    Each has a + before it; a word has as many at most as the lexicon knows columns.
    """
    if not lexicon.features:
        return segment(text, lexicon)
    tokens: list[str] = []
    features: list[list[str]] = []
    for part in text.split():
        if features and len(features[-1]) < len(lexicon.features) and len(part) > 1 and part.startswith("+"):
            features[-1].append(part[1:])
        else:
            tokens.append(part)
            features.append([])
    if not any(features):
        return segment(text, lexicon)
    nothing = [""] * len(lexicon.features)
    return Featured(tokens, [(*each, *nothing[len(each) :]) for each in features])


def segment(text: str, lexicon: Lexicon) -> list[str]:
    """Return the words of a text: its parts between white space, or the likeliest known words if it has none.

    White space says that somebody has cut the text already. Without any, a text with letters of a script without spaces
    (Chinese, Japanese, Thai) is cut into words of the lexicon, which stand in it by falling frequency; what lies
    between them stays together where it is a number or Latin, and else is single characters.
    """
    parts = text.split()
    if len(parts) != 1 or not UNSPACED.search(text):
        return parts
    return _likeliest(parts[0], lexicon)


def _likeliest(text: str, lexicon: Lexicon) -> list[str]:
    total = max(len(lexicon.vocabulary), 2)
    rarest = math.log(total * math.log(total))
    ends = {match.end(): match.start() for match in _TOGETHER.finditer(text)}
    best, before = [0.0], [0]  # of each end: nats of the best way there, and where its last word began
    for end in range(1, len(text) + 1):
        ways = []
        for start in range(max(0, end - LONGEST), end):
            (rank,) = lexicon.words([text[start:end]])
            if rank != UNKNOWN:
                ways.append((best[start] + math.log((rank - 1) * math.log(total)), start))
        start = ends.get(end, end - 1)
        ways.append((best[start] + rarest + UNLIKELY, start))
        cost, start = min(ways)
        best.append(cost)
        before.append(start)
    words, end = [], len(text)
    while end:
        words.append(text[before[end] : end])
        end = before[end]
    return words[::-1]
