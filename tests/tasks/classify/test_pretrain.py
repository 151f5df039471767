"""A classifier whose language model is trained before it, by one command."""

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import process
from cellwright.data import datasets
from cellwright.data.source import open_source
from cellwright.errors import InputError
from cellwright.files import read_json
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.encoder import language_of
from cellwright.tasks.lm.data import load_splits
from cellwright.tasks.run import load_run
from cellwright.training import fit
from process import Signal, outcome

STEPS = 27
"""Of pre-training, an epoch."""


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 texts; each begins with a character that no other has."""
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    draw = random.Random(0)
    words = {"pos": ["great", "fine"], "neg": ["awful", "poor"]}
    labels = [*words] * 150
    rows = [f"{chr(0x4E00 + n)} {draw.choice(words[label])},{label}\n" for n, label in enumerate(labels)]
    path.write_text("said,label\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def given(reviews: Path) -> dict[str, Any]:
    return {
        "data": str(reviews), "text": "said", "pretrain": "own", "pretrain_epochs": 2, "tokenizer": "characters",
        "min_frequency": 1, "hidden_size": 12, "embedding_dim": 8, "bigram_buckets": 0, "batch_tokens": 640,
        "threads": 1, "seed": 1, "max_epochs": 2, "lr_schedule": "constant", "checkpoint_seconds": 0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def alone(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "run"
    ended = process.start({**given, "out": str(out)})
    assert ended.status == 0, ended.said
    return out


def both(out: Path | str) -> list[dict[str, Any]]:
    return [outcome(Path(out, "pretrained")), outcome(out)]


@pytest.mark.slow
def test_it_reads_no_text_of_the_other_splits(alone: Path, reviews: Path) -> None:
    seen = set(json.loads((alone / "pretrained" / "characters.json").read_text()))
    splits = open_source(str(reviews), text="said")
    first = {split: {text[0] for text in table.texts} for split, table in splits.items()}
    assert first["validation"]
    assert first["test"]
    assert not seen & (first["validation"] | first["test"])
    assert len(seen & first["train"]) > 0.8 * len(first["train"])  # a tenth chooses the best epoch


@pytest.mark.slow
def test_what_the_two_share_is_given_once(alone: Path) -> None:
    classifier, language = load_run(alone), load_run(alone / "pretrained")
    assert classifier.tokenizer.to_json() == language.tokenizer.to_json()
    assert (language.config.model.hidden_size, language.config.model.embedding_dim) == (12, 8)
    assert language.config.options["train_split_only"]
    # Of two epochs the recurrent layer learns in the second, the embedding in none.
    assert torch.equal(classifier.model.embedding.token.weight[1:], language.model.embedding.weight[1:])


@pytest.mark.slow
def test_it_says_what_it_does(given: dict[str, Any], tmp_path: Path) -> None:
    said: list[str] = []
    result = fit(ClassifyConfig(**given | {"out": tmp_path / "run", "max_epochs": 1}), progress=False, say=said.append)
    first = [sentence for sentence in said if sentence.startswith("pre-training: ")]
    assert said[: len(first)] == first
    assert first[0] == f"pre-training: --task lm on {given['data']}, in {result.out / 'pretrained'}"
    assert any("epoch 2 of at most 2: loss" in sentence for sentence in first)
    before = read_json(result.out / "pretrained" / "metrics.json")
    assert result.seconds > before["seconds"]
    assert before["steps"] == 2 * STEPS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "count"),
    [
        ("clipping", STEPS + 3),  # within pre-training
        ("end", 1),  # at its end, its last epoch done
        ("step", 2 * STEPS + 1),  # between the two
        ("clipping", 2 * STEPS + 4),  # within the classifier's
    ],
)
def test_killed_and_resumed_is_left_alone(
    given: dict[str, Any], alone: Path, tmp_path: Path, place: str, count: int
) -> None:
    out = str(tmp_path / "run")
    assert process.start({**given, "out": out}, Signal(signal.SIGKILL, place, count)).status == -signal.SIGKILL
    # What was given at first need not be given again.
    ended = process.start({"data": given["data"], "out": out, "resume": True})
    assert ended.status == 0, ended.said
    assert both(out) == both(alone)
    done = f"pre-training: is done, in {Path(out, 'pretrained')}" in ended.said
    assert done == (count > STEPS + 3 or place == "end")


@pytest.mark.slow
def test_interrupted_in_pre_training_it_says_so_and_goes_on(given: dict[str, Any], alone: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    ended = process.start({**given, "out": out}, Signal(signal.SIGTERM, "step", STEPS + 3))
    result = json.loads(ended.said[-1])
    assert (ended.status, result["stopped"], result["validation"]) == (0, "interrupted", {})
    assert process.start({"data": given["data"], "out": out, "resume": True}).status == 0
    assert both(out) == both(alone)


@pytest.mark.slow
def test_it_takes_at_most_half_of_the_minutes(given: dict[str, Any], tmp_path: Path) -> None:
    long = {"out": tmp_path / "run", "pretrain_epochs": 10_000, "max_epochs": 10_000, "patience": 10_000}
    result = fit(ClassifyConfig(**given | long, max_minutes=0.02), progress=False, say=lambda sentence: None)
    before = read_json(result.out / "pretrained" / "metrics.json")
    assert before["stopped"] == result.stopped == "minutes"
    assert 0.6 <= before["seconds"] < result.seconds
    assert result.seconds >= 1.2


@pytest.mark.slow
def test_another_text_gives_its_own_tokens_and_overwriting_removes_it(given: dict[str, Any], tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("salt and pepper, oil and vinegar. " * 60)
    options = given | {"out": tmp_path / "run", "max_epochs": 1, "pretrain_epochs": 1}
    result = fit(ClassifyConfig(**options | {"pretrain": str(book)}), progress=False, say=lambda sentence: None)
    assert load_run(result.out).tokenizer.unknown_parts("salt 中") == ["中"]
    plain = {name: value for name, value in options.items() if not name.startswith("pretrain")}
    fit(ClassifyConfig(**plain, overwrite=True), progress=False, say=lambda sentence: None)
    assert not [path for path in (result.out / "pretrained").rglob("*") if path.is_file()]


def test_a_text_that_cannot_be_learnt_from_is_one_sentence(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 300)
    config = ClassifyConfig(**given | {"out": tmp_path / "run", "pretrain": str(tmp_path / "a.txt")})
    with pytest.raises(InputError, match=r"^pre-training: .*a\.txt: every token to train on is 'a'"):
        fit(config, progress=False, say=lambda sentence: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pretrain": "a.csv"}, "--pretrain is a.csv, the texts to be labelled, .* expected own"),
        ({"pretrain_epochs": 2}, "--pretrain-epochs is 2, and no --pretrain says of what text"),
        ({"pretrain": "own", "encoder": "b"}, "--encoder b does not go with --pretrain own: give one of them"),
        ({"pretrain": "own", "num_layers": 2}, "--num-layers 2 does not go with --pretrain own"),
        ({"pretrain": "own", "bidirectional": False}, "--no-bidirectional does not go with --pretrain own"),
        ({"pretrain": "own", "truncation": "compress"}, "--truncation compress does not go with --pretrain own"),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ClassifyConfig(data="a.csv", out=Path("run"), **options)


def test_thawing_is_the_recipes_unless_told() -> None:
    def thawing(**options: Any) -> int:
        return ClassifyConfig(data="a.csv", out=Path("run"), **options).thawing

    assert [thawing(), thawing(pretrain="own"), thawing(encoder="b")] == [0, 1, 0]
    assert [thawing(pretrain="own", unfreeze_epochs=k) for k in (0, 3)] == [0, 3]
    assert thawing(pretrain="own", freeze_encoder=True) == 0


@pytest.mark.parametrize(("changes", "held_out"), [({}, 0.2), ({"test": "t.csv"}, 0.1), ({"test_share": 0.3}, 0.4)])
def test_its_text_is_all_that_the_classifier_trains_on(
    given: dict[str, Any], tmp_path: Path, changes: dict[str, Any], held_out: float
) -> None:
    config = ClassifyConfig(**given, out=tmp_path / "run", header=False, **changes)
    language = language_of(config)
    assert language is not None
    assert (language.held_out, language.header) == (held_out, False)


def test_it_reads_a_built_in_set_as_that_is_split(given: dict[str, Any], tmp_path: Path) -> None:
    language = language_of(ClassifyConfig(**given | {"out": tmp_path / "run", "pretrain": "pydoc"}))
    assert language is not None
    assert load_splits(language)["train"].texts == datasets.load("pydoc")["train"].texts
