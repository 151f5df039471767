from itertools import combinations, pairwise

import pytest

from cellwright.data.word_segmentation import segment
from cellwright.data.words import Lexicon

WORDS = ["的", "北京", "大学", "我", "北京大学", "生活", "大学生", "爱", "活动", "0000年", "天安门"]
LEXICON = Lexicon(WORDS, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我爱北京天安门", "我 爱 北京 天安门"),
        ("北京大学生活动", "北京 大学生 活动"),
        ("我 爱北京", "我 爱北京"),  # somebody has cut it
        ("我爱犇犇", "我 爱 犇 犇"),
        ("１９９８年的ＡＰＥＣ活动3.5%", "１９９８年 的 ＡＰＥＣ 活动 3.5%"),
        ("fly to Boston.", "fly to Boston."),
        ("word", "word"),
        (" \t", ""),
        ("", ""),
    ],
)
def test_words_of_a_text(text, words):
    assert segment(text, LEXICON) == words.split()


def test_the_likeliest_of_all_ways_to_cut():
    """Against enumeration, where every character is a known word too."""
    lexicon = Lexicon(["中中", "国", "国人", "中", "人", "人中国", "中国"], [])
    text = "中国人中中国人国中"
    ways = []
    for count in range(len(text)):
        for inner in combinations(range(1, len(text)), count):
            ends = [0, *inner, len(text)]
            words = [text[a:b] for a, b in pairwise(ends)]
            if all(word in lexicon for word in words):
                ways.append(words)
    ranks = {word: rank for rank, word in enumerate(lexicon.vocabulary, start=1)}

    def odds(words):
        product = 1.0
        for word in words:
            product *= ranks[word] * 1.9459101490553132  # log 7
        return product

    assert len(ways) > 10
    assert odds(segment(text, lexicon)) == pytest.approx(min(map(odds, ways)))


def test_without_known_words_each_character_is_one():
    assert segment("我爱", Lexicon([], [])) == ["我", "爱"]
