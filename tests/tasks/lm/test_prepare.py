"""Texts that a language model can be trained on, and one sentence for each that it cannot."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.data.source import open_source
from cellwright.errors import InputError
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.lm.prepare import prepare

Options = Callable[..., dict[str, Any]]


def prepared(options: dict[str, Any]) -> Any:
    return prepare(LanguageConfig(**options), None)


def test_a_text_becomes_lanes(options: Options, book: Path) -> None:
    found = prepared(options())
    text = book.read_text()
    kept = text[: int(0.9 * len(text))]
    [window] = found.train.epoch(0, 0, 1).examples[0]
    assert window.input.shape == (8, 7)  # 64 tokens a batch would be 8 lanes of fewer than 32 windows
    assert f"{len(kept):,} tokens to train on, {len(text) // 20:,} of validation" in found.notes[-1]
    assert found.notes[-1].endswith(" in the vocabulary")
    assert json.loads(found.files["characters.json"])["e"] == kept.count("e")


def test_the_baseline_is_the_frequency_of_tokens(options: Options) -> None:
    assert 5 < prepared(options()).baseline.score < 16  # 16 characters, not all as frequent


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("a" * 300, {}, "every token to train on is 'a'; expected at least two different ones"),
        ("abc", {}, "no token falls to the validation split; give more text, or other shares"),
        (
            "".join(map(chr, range(0x4E00, 0x4F00))),
            {"min_frequency": 2},
            "no token stands as often as --min-frequency asks for",
        ),
        (" \n" * 99, {}, "no text, only white space"),
        ("ab " * 99, {"cell": "lstn"}, "lstn"),
        ("ab " * 99, {"cell": "gru", "forget_bias": 1.0}, "--forget-bias: the cell gru has no gate f with a bias"),
        ("ab " * 99, {"softmax": "adaptive"}, "the vocabulary has 5 tokens; expected at least 1000"),
    ],
)
def test_what_cannot_be_learnt_is_one_sentence(
    options: Options, tmp_path: Path, text: str, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        prepared(options(data=str(path), **changes)).objective.model()


def test_shares_of_a_set_that_has_its_own_splits_are_refused(options: Options) -> None:
    with pytest.raises(InputError, match=r"pydoc is a built-in set, and --test-share is 0\.4, which is for files"):
        prepared(options(data="pydoc", test_share=0.4))


def test_dropout_between_layers_of_one_layer_is_refused(options: Options) -> None:
    with pytest.raises(
        InputError, match=r"--dropout is 0\.2, which acts between layers, and --num-layers is 1; expected"
    ):
        LanguageConfig(**options(dropout=0.2))
    assert LanguageConfig(**options(dropout=0.2, num_layers=2)).dropout == 0.2


def test_shares_that_leave_nothing_are_refused(options: Options) -> None:
    with pytest.raises(InputError, match=r"--validation-share is 0\.5 and --test-share 0\.5; expected two"):
        LanguageConfig(**options(validation_share=0.5, test_share=0.5))


def test_a_large_vocabulary_of_words_takes_the_adaptive_softmax_and_says_so(options: Options, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(" ".join(f"w{number}" for number in range(12_000)))
    found = prepared(options(data=str(path), tokenizer="words"))
    assert found.run.model.softmax == "adaptive"
    assert any("the softmax is adaptive" in note for note in found.notes)
    assert any("the space between them is not predicted" in note for note in found.notes)
    for changes in ({"softmax": "full"}, {"tie_weights": True}):
        assert prepared(options(data=str(path), tokenizer="words", **changes)).run.model.softmax == "full"


def test_of_the_training_split_only_no_other_text_is_counted(options: Options, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{chr(0x4E00 + n)} and more,x\n" for n in range(400)))
    found = prepared(options(data=str(path), train_split_only=True))
    seen = set(json.loads(found.files["characters.json"]))
    others = {text[0] for split in ("validation", "test") for text in open_source(str(path))[split].texts}
    assert others
    assert not seen & others
