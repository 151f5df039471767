"""Each case is cut by hand with ¦; the properties hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.longtext.graphemes import inside_clusters
from cellwright.longtext.sentences import sentence_ends, split_sentences

BY_HAND = {
    "Chinese": "今天很好。¦明天呢？¦好！！¦走；¦不走……¦算了",
    "quotation": "他说：“你好。走吧！”¦她笑了。¦“真的吗？”¦她问。",
    "nested quotation": "他说：“我听见‘走。快走！’了。是吗？”¦她点头。¦「他说『好。』了。」¦完",
    "quotation within a sentence": "她说“好。走。”。¦他走了。",
    "brackets within a sentence": "好（他说。不是！）的。¦见【注。】下。¦读《你好。世界》吧。",
    "a sentence in brackets": "He left. ¦(It was late. Very late.) ¦Then she left.",
    "quotation before a verb": '"Stop! Now!" he said. ¦"Why?" she asked. ¦"I go. You stay." ¦Then he left.',
    "curly quotation": "“I go. You stay.” ¦She left. ¦It’s late. ¦They’re gone.",
    "apostrophe in a quotation": "‘It’s late. Go.’ ¦He went.",
    "abbreviations": "Dr. Smith met Mrs. Wu, i.e. his boss, in the U.S. Senate. ¦Ask J. R. Tolkien. ¦So do I. ¦Yes.",
    "numbered": "See Fig. 3, p. 5 and vol. 2. ¦See the fig. ¦It grows.",
    "no. and numbers": "He said no. ¦It was No. 5 of 3.14. ¦It cost $3.50. ¦Then 1,000.5 more.",
    "addresses": "See www.example.com or a.b@c.org. ¦Bye.",
    "small letter": "Well... maybe. ¦Yahoo! is big. ¦Really?! ¦Yes…",
    "lists": "1. Apples\n2. Pears\n\n¦1.苹果。¦2.梨。",
    "a quotation of two paragraphs": '"One. \n\n¦"Two." \n\n¦Three.',
    "a quotation not closed": 'He said "we won. ¦"We ran." ¦"It was. And is." ¦They left.',
    "headlines": "Profits rise\n\n¦The firm (and its boss\n\n¦said “no. ¦They left.",
    "mixed": "他用Python 3.11写的。¦It works. ¦真的！¦OK? ¦好",
    "straight quotation after a full stop": '他走了。¦"好。是的。"¦她说。',
    "no sentence end": "没有句号 no full stop at all",
    "white space": "  One.  ¦Two.\n¦Three. ",
    "a mark on the full stop": "好。\u0301再见。¦走",
    "inches": 'A 5" disk. ¦A 3" disk. ¦It fits.',
    "Japanese": "今日は。¦元気ですか？¦はい｡",
}


@pytest.mark.parametrize("cut", BY_HAND.values(), ids=BY_HAND)
def test_against_cuts_by_hand(cut: str) -> None:
    assert split_sentences(cut.replace("¦", "")) == cut.split("¦")


def test_an_empty_text_has_no_sentence() -> None:
    assert split_sentences("") == []


PIECES = [
    "。",
    ". ",
    "A",
    "b",
    "好",
    "”",
    "“",
    '"',
    "(",
    ")",
    "’",
    "\n\n",
    " ",
    "\u0301",
    "5",
    "Dr",
    "…",
    "\ud83d",
    "\ude00",
    "🇨",
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@given(TEXTS)
def test_sentences_joined_are_the_text_and_cut_no_character(text: str) -> None:
    sentences = split_sentences(text)
    assert "".join(sentences) == text
    assert all(sentences)
    assert inside_clusters(text).isdisjoint(sentence_ends(text))
    assert all(not sentence.isspace() for sentence in sentences) or text.isspace()


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["好", "a. ", "(“", "(", ")", '"a. ', "\n", "\n \u0301", ".", ". ", "“。", "\u0301", "e\u0301. ", "。” "]
)
def test_a_megabyte_ends(unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode()))
    assert sentence_ends(text)[-1] == len(text)
