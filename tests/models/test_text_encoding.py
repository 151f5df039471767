"""What a model reads of a text, by hand for each way, and for any text what must hold."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.longtext.tokens import TokenisedText
from cellwright.models.text_encoding import LongTextOptions, TextEncoder, Way

WAYS = get_args(Way)
TEXT = "Zero one two. Three four. Five six seven."  # eleven tokens
FAMILY = "👨\u200d👩\u200d👧"
WORDS = Tokenizer.train([TEXT], "words", min_frequency=1)
CHARACTERS = Tokenizer.train([TEXT, "好e\u0301的。" + FAMILY], "characters", min_frequency=1)


def read(text: str, **options: Any) -> list[str]:
    [pieces] = TextEncoder(WORDS, LongTextOptions(**options)).encode([text])
    return [WORDS.decode(piece) for piece in pieces]


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        ({}, ["zero one two . three four . five six seven ."]),
        ({"truncation": "head", "max_length": 11}, ["zero one two . three four . five six seven ."]),
        ({"truncation": "head", "max_length": 3}, ["zero one two"]),
        ({"truncation": "tail", "max_length": 3}, ["six seven ."]),
        ({"truncation": "head+tail", "max_length": 4}, ["zero six seven ."]),
        ({"truncation": "head+tail", "max_length": 4, "head_share": 0.75}, ["zero one two ."]),
        ({"truncation": "middle", "max_length": 5}, ["zero one two seven ."]),
        ({"truncation": "windows", "max_length": 5}, ["zero one two .", "three four .", "five six seven ."]),
        (
            {"truncation": "windows", "max_length": 5, "overlap": 1},
            ["zero one two .", ". three four .", ". five six seven ."],
        ),
    ],
)
def test_each_way_by_hand(options: dict[str, Any], pieces: list[str]) -> None:
    assert read(TEXT, **options) == pieces


def test_sampled_sentences_are_whole_and_scored_together() -> None:
    pieces = read(TEXT, truncation="sentences", max_length=8, samples=40)
    assert len(pieces) == 40
    assert set(pieces) == {
        "zero one two . three four .", "zero one two . five six seven .", "three four . five six seven .",
    }  # fmt: skip
    shuffled = read(TEXT, truncation="sentences", max_length=8, samples=40, shuffle=True)
    assert set(shuffled) > set(pieces)


def test_evaluation_reads_the_same_every_time() -> None:
    text_encoder = TextEncoder(WORDS, LongTextOptions(truncation="sentences", max_length=4))
    assert text_encoder.encode([TEXT, "a. b. c. d. e."]) == text_encoder.encode([TEXT, "a. b. c. d. e."])


def test_epochs_draw_anew_as_a_function_of_seed_and_epoch_and_text() -> None:
    texts = [f"{TEXT} {number}." for number in range(20)]
    text_encoder = TextEncoder(WORDS, LongTextOptions(truncation="sentences", max_length=6))
    first = text_encoder.epochs(text_encoder.tokenise(texts), seed=1)
    assert first(0) == first(0) == text_encoder.epochs(text_encoder.tokenise(texts), seed=1)(0)
    assert first(0) != first(1)
    assert first(0) != text_encoder.epochs(text_encoder.tokenise(texts), seed=2)(0)
    assert first(0)[7:8] == text_encoder.epochs(text_encoder.tokenise(texts[7:8]), seed=1)(
        0
    )  # whatever the other texts
    assert len({tuple(map(tuple, pieces)) for pieces in first(0)}) > 1
    assert all(len(pieces) == 1 for pieces in first(0))


def test_other_ways_read_the_same_in_every_epoch() -> None:
    text_encoder = TextEncoder(WORDS, LongTextOptions(truncation="windows", max_length=4))
    tokenised = text_encoder.tokenise([TEXT])
    for seed, epoch in ((1, 0), (2, 5)):
        read = text_encoder.epochs(tokenised, seed)(epoch)
        assert [[piece.tolist() for piece in pieces] for pieces in read] == text_encoder.encode([TEXT])


@pytest.mark.parametrize("way", WAYS)
def test_texts_at_the_edge(way: str) -> None:
    text_encoder = TextEncoder(CHARACTERS, LongTextOptions(truncation=way, max_length=3))
    empty, one_long_sentence, half = text_encoder.encode(["", "好" * 8, "\ud83d" * 5])
    assert empty == [[]]
    assert {len(piece) for piece in one_long_sentence} <= {2, 3}
    assert all(set(piece) == {UNKNOWN} for piece in half)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["middle", "windows", "sentences"])  # the other ends are cut as the middle is
@pytest.mark.parametrize("unit", ["好", "他说：“It works. 好！”\u0301", "(" + FAMILY])
def test_a_megabyte_is_read(way: str, unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode()))
    [pieces] = TextEncoder(CHARACTERS, LongTextOptions(truncation=way, max_length=512)).encode([text])
    assert max(map(len, pieces)) <= 512


def test_a_cost_is_what_the_pieces_take_padded() -> None:
    long_text = LongTextOptions(truncation="windows", max_length=8)
    assert long_text.cost([[2, 2, 2]]) == 3
    assert long_text.cost([[2, 2, 2], [2]]) == 16
    assert LongTextOptions().cost([[2] * 1000]) == 1000


def test_a_reading_is_kept_as_json() -> None:
    long_text = LongTextOptions(truncation="head+tail", max_length=9, head_share=0.5)
    assert LongTextOptions(**json.loads(json.dumps(long_text.model_dump(mode="json")))) == long_text


UNITS = ["好", "a", " ", "。", ". ", "B", "“", "”", "e\u0301", FAMILY, "\n\n", "\ud83d", "\ude00", "🇨🇳", "3.5"]


@given(
    st.lists(st.sampled_from(UNITS), max_size=40).map("".join), st.sampled_from(WAYS), st.integers(1, 12),
    st.sampled_from([WORDS, CHARACTERS]), st.booleans(),
)  # fmt: skip
def test_pieces_are_parts_of_the_text_within_the_limit(text, way, limit, tokenizer, shuffle) -> None:
    text_encoder = TextEncoder(
        tokenizer, LongTextOptions(truncation=way, max_length=limit, overlap=limit // 3, shuffle=shuffle, samples=2)
    )
    [numbers] = tokenizer.encode([text])
    [pieces] = text_encoder.encode([text])
    assert pieces
    for piece in pieces:
        assert len(piece) <= limit
        assert bool(piece) == bool(numbers)
        if not shuffle:
            remaining = iter(numbers)
            assert all(number in remaining for number in piece)  # a subsequence


@given(st.lists(st.sampled_from(UNITS), max_size=40).map("".join), st.integers(6, 12))
def test_no_window_begins_or_ends_within_a_character(text, limit) -> None:
    tokens = TokenisedText(text, *CHARACTERS.encode_with_spans([text])[0])
    [pieces] = TextEncoder(CHARACTERS, LongTextOptions(truncation="windows", max_length=limit)).encode([text])
    ends = [sum(map(len, pieces[: index + 1])) for index in range(len(pieces))]
    assert ends[-1] == len(tokens.numbers)
    assert all(tokens.may_cut(end) for end in ends)
