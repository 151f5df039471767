import json
import pickle
import unicodedata
from collections import Counter

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data import datasets
from cellwright.data.special_tokens import PADDING, UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError

ZH = ["很好 很好", "不好用!", "很不错, iPhone 很好"]
EN = ["the cat sat", "the dog sat on the cat", "A cat's life"]
KINDS = ["characters", "characters+features", "words", "tokens", "bpe"]


@pytest.fixture(scope="module")
def reviews():
    return datasets.load("reviews-zh")["train"].texts


def test_characters_are_numbered_by_frequency_from_2_on():
    tokenizer = Tokenizer.train(["aab", "aabbc", "aa"], "characters", min_frequency=1)
    assert tokenizer.encode(["abc"]) == [[2, 3, 4]]
    assert tokenizer.size == 5


def test_numbers_agree_with_counting_by_hand(reviews):
    """The vocabulary is that of collections.Counter, and each character's number that of its rank."""
    counts = Counter(character for text in reviews for character in unicodedata.normalize("NFC", text))
    tokenizer = Tokenizer.train(reviews, "characters", min_frequency=5, size=1000)
    assert tokenizer.size == 1000
    common = [character for character, _ in counts.most_common(100)]
    numbers = [number for [number] in tokenizer.encode(common)]
    # Characters that are equally frequent may stand either way round.
    assert [counts[c] for c in common] == [counts[c] for _, c in sorted(zip(numbers, common, strict=True))]
    assert set(numbers) == set(range(2, 102))


def test_min_frequency_keeps_what_stands_often_enough():
    tokenizer = Tokenizer.train(["aaabbc"], "characters", min_frequency=2)
    assert tokenizer.encode(["abc"]) == [[2, 3, UNKNOWN]]


def test_size_keeps_the_most_frequent():
    tokenizer = Tokenizer.train(["aaabbc"], "characters", min_frequency=1, size=4)
    assert (tokenizer.size, tokenizer.encode(["abc"])) == (4, [[2, 3, UNKNOWN]])


def test_white_space_and_line_ends_are_characters():
    tokenizer = Tokenizer.train(["a b\nc"], "characters", min_frequency=1)
    assert tokenizer.tokens("a\nb c") == ["a", "\n", "b", " ", "c"]


def test_words_are_lower_cased_and_parted_from_marks():
    tokenizer = Tokenizer.train(EN, "words", min_frequency=1)
    assert tokenizer.tokens("The cat's Life.") == ["the", "cat", "'", "s", "life", "<unk>"]


def test_a_word_with_combining_marks_is_one():
    word = "हिन्दी"
    assert Tokenizer.train([word], "words", min_frequency=1).tokens(word) == [word]


def test_chinese_among_words_goes_character_by_character():
    assert Tokenizer.train(["我用iPhone拍"], "words", min_frequency=1).tokens("我用iphone拍") == [
        "我",
        "用",
        "iphone",
        "拍",
    ]


def test_byte_pairs_merge_what_stands_together_most():
    tokenizer = Tokenizer.train(["abab abab"], "bpe", min_frequency=2, size=2 + 256 + 2)
    assert tokenizer.tokens("ababab") == ["abab", "ab"]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (ZH, "characters"),
        (EN, "words"),
        (["すごく良いです"], "characters"),
        (["ดีมาก"], "characters"),
        (["𠮷野家"], "characters"),
        (["정말 좋아요"], "words"),
        (["очень хорошо"], "words"),
        (["the cat 好"], "words"),
        (["123 !?"], "words"),
        ([], "words"),
    ],
)
def test_auto_takes_characters_where_words_have_no_spaces_between_them(texts, kind):
    assert Tokenizer.train(texts).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_text_has_no_tokens(kind):
    assert Tokenizer.train(ZH, kind).encode(["", "很"])[0] == []


@pytest.mark.parametrize("kind", ["characters", "words", "bpe"])
def test_no_text_gives_the_number_of_padding(kind):
    """The library would read the five characters <pad> as the padding token."""
    tokenizer = pickle.loads(pickle.dumps(Tokenizer.train([*ZH, "<pad>", "a<pad>b<unk>"], kind, min_frequency=1)))
    [numbers] = tokenizer.encode(["很<pad>好<unk>"])
    assert PADDING not in numbers
    assert UNKNOWN not in numbers


@pytest.mark.parametrize("kind", KINDS)
def test_composed_and_combining_spellings_are_the_same(kind):
    composed, combining = "caf\u00e9", "cafe\u0301"
    tokenizer = Tokenizer.train([composed] * 2, kind)
    assert tokenizer.encode([combining]) == tokenizer.encode([composed])
    assert UNKNOWN not in tokenizer.encode([combining])[0]


def test_a_character_beyond_16_bits_is_one_token():
    assert Tokenizer.train(["🙂𠮷"], "characters", min_frequency=1).tokens("𠮷🙂") == ["𠮷", "🙂"]


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_surrogate_pair_is_read_as_the_replacement_character(kind):
    tokenizer = Tokenizer.train([*ZH, "a\ud83d"], kind, min_frequency=1)
    assert tokenizer.encode(["好\ud83d"]) == tokenizer.encode(["好\ufffd"])
    assert tokenizer.tokens("\udc00") == tokenizer.tokens("\ufffd")


@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_characters_come_back(texts):
    tokenizer = Tokenizer.train(texts, "characters", min_frequency=1)
    encoded = tokenizer.encode(texts)
    assert [tokenizer.decode(numbers) for numbers in encoded] == [unicodedata.normalize("NFC", t) for t in texts]
    assert all(2 <= number < tokenizer.size for numbers in encoded for number in numbers)
    assert list(map(len, encoded)) == [len(unicodedata.normalize("NFC", text)) for text in texts]


_bytes = Tokenizer.train([*ZH, *EN], "bpe", size=300)


@given(text=st.text(max_size=30))
def test_byte_pairs_bring_back_any_text_even_of_characters_never_seen(text):
    [numbers] = _bytes.encode([text], as_written=True)
    assert _bytes.decode(numbers) == unicodedata.normalize("NFC", text)
    assert all(2 <= number < _bytes.size for number in numbers)


@given(words=st.lists(st.sampled_from(["the", "cat", "sat", "on", "dog", "life"]), max_size=9))
def test_words_come_back_with_single_spaces(words):
    tokenizer = Tokenizer.train(EN, "words", min_frequency=1)
    [numbers] = tokenizer.encode(["  ".join(words)])
    assert tokenizer.decode(numbers) == " ".join(words)


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same_numbers(kind, reviews):
    texts = reviews[:1000]
    assert Tokenizer.train(texts, kind, size=2000).to_json() == Tokenizer.train(texts, kind, size=2000).to_json()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copy", ["saved", "pickled"])
def test_a_copy_numbers_texts_alike(kind, copy, tmp_path):
    tokenizer = Tokenizer.train([*ZH, *EN], kind, min_frequency=1)
    tokenizer.save(tmp_path / "tokenizer.json")
    other = Tokenizer.load(tmp_path / "tokenizer.json") if copy == "saved" else pickle.loads(pickle.dumps(tokenizer))
    texts = ["很好 <pad> cat", "", "xyz\n"]
    assert other.encode(texts) == tokenizer.encode(texts)
    assert (other.kind, other.size) == (kind, tokenizer.size)


def test_the_file_is_one_of_the_tokenizers_library(tmp_path):
    tokenizer = Tokenizer.train(ZH)
    tokenizer.save(tmp_path / "tokenizer.json")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode(ZH[2]).ids == tokenizer.encode(ZH)[2]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(
        InputError, match=r"tokenizer\.json: the tokenizer cannot be read \(No such file or directory\)"
    ):
        Tokenizer.load(tmp_path / "tokenizer.json")


def _cut_short(content: str) -> str:
    return content[: len(content) // 2]


def _of_another_kind(content: str) -> str:
    return json.dumps({**json.loads(content), "pre_tokenizer": {"type": "BertPreTokenizer"}})


def _of_another_order(content: str) -> str:
    changed = json.loads(content)
    changed["model"]["vocab"] = {"很": 0, "<pad>": 1, "<unk>": 2}
    changed["added_tokens"] = []
    return json.dumps(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_cut_short, "line [0-9]+ column [0-9]+"),
        (lambda content: "{}", "not a tokenizer"),
        (_of_another_kind, "a tokenizer that cuts texts by BertPreTokenizer"),
        (_of_another_order, r"a vocabulary that begins with \['很', '<pad>'\], expected \['<pad>', '<unk>'\]"),
    ],
)
def test_a_file_that_is_no_tokenizer_of_ours(tmp_path, change, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(change(Tokenizer.train(ZH).to_json()), encoding="utf-8")
    with pytest.raises(
        InputError, match=rf"tokenizer\.json: .*{message}.*; expected a tokenizer\.json that cellwright"
    ):
        Tokenizer.load(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": "letters"},
            r"no kind 'letters'; expected one of auto, characters, characters\+features, words, tokens, bpe",
        ),
        ({"kind": "bpe", "size": 257}, "a vocabulary of 257 tokens; expected at least 258 for bpe"),
        ({"kind": "words", "size": 2}, "a vocabulary of 2 tokens; expected at least 3 for words"),
        ({"min_frequency": 0}, "min_frequency is 0; "),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        Tokenizer.train(ZH, **options)


@pytest.mark.parametrize(("kind", "parts"), [("characters", ["é", "ß"]), ("words", ["Café", "straße"]), ("bpe", [])])
def test_unknown_parts_are_what_the_vocabulary_lacks(kind, parts):
    tokenizer = Tokenizer.train(["a Caf stra e, ."], kind, min_frequency=1, size=300)
    assert tokenizer.unknown_parts("a Café, a straße") == parts


def test_tokens_are_what_stands_between_white_space_as_it_is_written():
    tokenizer = Tokenizer.train(["R IY1 D", "DH-AH  .\tR"], "tokens", min_frequency=1)
    numbers = tokenizer.encode(["DH-AH R r"])[0]
    assert tokenizer.symbols(numbers) == ["DH-AH", "R", "<unk>"]
    assert tokenizer.decode(numbers[:2]) == "DH-AH R"
    assert PADDING not in tokenizer.encode(["<pad> R<unk> <pad>"])[0]
    assert len(Tokenizer.train(["<pad> <unk> a"], "tokens", min_frequency=1).encode(["<pad> a"])[0]) == 3
