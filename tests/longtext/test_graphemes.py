import unicodedata

import pytest

from cellwright.longtext.graphemes import continues, inside_clusters

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("", set()),
        ("abc 好。", set()),
        ("e\u0301a", {1}),
        ("\r\n\n", {1}),
        ("🇨🇳🇬🇧", {1, 3}),
        (FAMILY + "x", {1, 2, 3, 4}),
        ("👍🏽", {1}),
        ("각", {1, 2}),
        ("\ud83d\ude00\ud83d", {1}),  # a pair whose halves were left apart, and a half without its other
        ("\ude00\ud83d", set()),
        ("a" + "\u0301" * 5 + "b", {2, 3, 4, 5, 6} - {6} | {1}),
    ],
)
def test_positions_within_a_cluster(text: str, inside: set[int]) -> None:
    assert inside_clusters(unicodedata.normalize("NFD", text)) == inside


def test_a_mark_continues_what_is_before_it_but_not_a_line_end() -> None:
    assert continues(".\u0301", 1)
    assert continues(" \ufe0f", 1)
    assert not continues("\n\u0301", 1)
    assert not continues("a.", 1)
    assert not continues("a.", 2)
