"""Pairs of inflection that anyone can make: the rules of Turkish nouns on stems that are made up.

    pairs(1000, seed=0)[0]    # ("covun", "N;PL;PSS3;DAT", "covunlarına")

Vowels of endings go by the last one before them (vowel harmony: A is e or a; I is i, ı, ü or u), the last stop of a
stem of several syllables is voiced before a vowel (p b, ç c, t d, k ğ), D is t behind a voiceless consonant and else d,
and what stands in brackets keeps two vowels, or two consonants, apart.
"""

from random import Random

VOWELS, ROUNDED, FRONT = "aıoueiöü", "oöuü", "eiöü"
CONSONANTS, LAST, VOICELESS = "bcçdfghklmnprsştvyz", "çfhklmnprsştvyz", "çfhkpsşt"
VOICED = {"p": "b", "ç": "c", "t": "d", "k": "ğ"}
NUMBERS = {"SG": "", "PL": "lAr"}
OWNERS = {"": "", "PSS1": "(I)m", "PSS2": "(I)n", "PSS3": "(s)I"}
CASES = {"NOM": "", "ACC": "(y)I", "DAT": "(y)A", "LOC": "DA", "ABL": "DAn", "GEN": "(n)In"}
AFTER_PSS3 = {"NOM": "", "ACC": "nI", "DAT": "nA", "LOC": "nDA", "ABL": "nDAn", "GEN": "nIn"}


def pairs(rows: int, seed: int) -> list[tuple[str, str, str]]:
    """So many different pairs: stem, features, form."""
    draw, found = Random(seed), dict[tuple[str, str], str]()
    while len(found) < rows:
        stem, number, owner, case = _stem(draw), *(draw.choice([*each]) for each in (NUMBERS, OWNERS, CASES))
        found[stem, ";".join(filter(None, ("N", number, owner, case)))] = inflected(stem, number, owner, case)
    return [(stem, features, form) for (stem, features), form in found.items()]


def inflected(stem: str, number: str, owner: str, case: str) -> str:
    """The form of a stem: of how many things, whose, and in which case."""
    form = stem
    for suffix in (NUMBERS[number], OWNERS[owner], (AFTER_PSS3 if owner == "PSS3" else CASES)[case]):
        form = _joined(form, suffix, voiced=form == stem)
    return form


def _stem(draw: Random) -> str:
    """One to three syllables, with vowels of one kind, and a consonant."""
    front = draw.random() < 0.5
    vowels = [vowel for vowel in VOWELS if (vowel in FRONT) == front]
    syllables = [draw.choice(CONSONANTS) + draw.choice(vowels) for _ in range(draw.randint(1, 3))]
    return "".join(syllables) + draw.choice(LAST)


def _joined(form: str, suffix: str, voiced: bool) -> str:
    """A form with a suffix behind it; voiced: whether its last stop may be."""
    if suffix.startswith("("):
        keeps_apart = (suffix[1] == "I") != (form[-1] in VOWELS)
        suffix = suffix[1] * keeps_apart + suffix[3:]
    if suffix[:1] in {"I", "A"} and voiced and len(form) > 3:
        form = form[:-1] + VOICED.get(form[-1], form[-1])
    for letter in suffix:
        form += _written(letter, form)
    return form


def _written(letter: str, form: str) -> str:
    """A letter of a suffix as it is behind a form."""
    if letter == "D":
        return "t" if form[-1] in VOICELESS else "d"
    last = next(each for each in reversed(form) if each in VOWELS)
    if letter == "A":
        return "e" if last in FRONT else "a"
    if letter == "I":
        return ("üu" if last in ROUNDED else "iı")[last not in FRONT]
    return letter
