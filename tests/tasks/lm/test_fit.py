"""Trained from a file: it learns, and its scores are those of its weights."""

import json
import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

import process
from agreement import SINGLE, assert_agree, double
from cellwright.errors import InputError
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.lm.data import open_texts
from cellwright.tasks.lm.task import TASK
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.splits import usual_split
from cellwright.training import fit

Options = Callable[..., dict[str, Any]]


def quiet(options: dict[str, Any]) -> Any:
    return fit(LanguageConfig(**options), progress=False, say=lambda sentence: None)


@pytest.fixture(scope="module")
def trained(small: dict[str, Any], book: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("runs") / "book"
    quiet({**small, "data": str(book), "out": str(out), "max_epochs": 12})
    return load_run(out)


def nats_by_hand(run: Any, text: str) -> float:
    """Of all characters, from the model's own call in float64."""
    numbers = torch.tensor([0, *run.tokenizer.encode([text])[0]])
    logarithms, _ = double(run.model)(numbers[:-1, None])
    return float(cross_entropy(logarithms[:, 0], numbers[1:], reduction="sum").detach())


def test_it_beats_the_frequency_of_tokens_by_far(trained: Any) -> None:
    report = TASK.evaluate(trained, trained.config.options["data"], "test", {}, print)
    assert report.unigram is not None
    assert report.model.bits_a_character < 0.5 * report.unigram.bits_a_character
    assert report.ngram is not None
    assert report.verdict().startswith(("The network takes", "Counting 6-grams takes"))


def test_the_scores_are_those_of_the_kept_weights(trained: Any, book: Path) -> None:
    text = book.read_text()
    report = TASK.evaluate(trained, str(book), "all", {}, print)
    nats = nats_by_hand(trained, text)
    assert_agree(report.model.nats, nats, SINGLE)
    assert_agree(report.model.bits_a_character, nats / math.log(2) / len(text), SINGLE)


def test_predictions_are_bits_of_each_text_alone(trained: Any) -> None:
    texts = ["salt oil,\n", "", "oil salt", "salté"]
    first, empty, second, unknown = Predictor.load(trained.path).predict(texts)
    for found, text in ((first, texts[0]), (second, texts[2])):
        assert_agree(found.bits_a_character, nats_by_hand(trained, text) / math.log(2) / len(text), SINGLE)
        assert found.tokens == found.characters == len(text)
    assert (empty.bits_a_character, empty.perplexity, empty.tokens) == (0.0, 1.0, 0)
    spelled = nats_by_hand(trained, "salté") / math.log(2) + trained.speller.nats(["é"], ended=False) / math.log(2)
    assert_agree(unknown.bits_a_character, spelled / 5, SINGLE)


def test_without_a_test_split_the_validation_split_is_scored(options: Options) -> None:
    result = quiet(options(test_share=0, validation_share=0.1, max_epochs=1))
    run = load_run(result.out)
    split = usual_split(run, run.config.options["data"], [])
    assert split == "validation"
    report = TASK.evaluate(run, run.config.options["data"], split, {}, print)
    # Lanes side by side, in training, know less of what stands before.
    assert report.model.loss == pytest.approx(result.validation["loss"], abs=0.2)


def test_baselines_are_left_out_where_the_training_text_is_gone(trained: Any, book: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("salt and oil")
    moved = book.rename(book.with_suffix(".old"))
    said: list[str] = []
    try:
        report = TASK.evaluate(trained, str(other), "all", {}, said.append)
    finally:
        moved.rename(book)
    assert "without baselines, since the run's training texts cannot be read" in said[1]
    assert said[0] == "unknown to this run: 1 of the 12 characters: 'd'"
    assert report.ngram is None
    assert report.as_json()["unigram"] is None
    assert report.verdict() == f"The network takes {report.model.bits_a_character:.3f} bits a character."


def test_a_table_of_texts_is_learnt_as_documents_with_ends(options: Options, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"body": f"salt {n:03d}"}) + "\n" for n in range(300)))
    result = quiet(options(data=str(path), text="body", max_epochs=8))
    trained_on = open_texts(str(path), text="body")["train"].texts[0]
    other = [{"body": trained_on}, {"body": "salt 000 salt"}]
    (tmp_path / "other.jsonl").write_text("".join(json.dumps(row) + "\n" for row in other))
    run = load_run(result.out)
    logarithms = run.model.stream().feed([0, *run.tokenizer.encode(["salt 123"])[0]])
    assert logarithms[0].exp() > 0.5  # three digits, and the text ends
    said: list[str] = []
    TASK.evaluate(run, str(tmp_path / "other.jsonl"), "all", {}, said.append)
    assert said == ["1 of the 2 texts are among the training texts: the scores flatter"]


def test_the_carried_state_is_in_the_checkpoint(trained: Any) -> None:
    last = load_file(trained.path / "checkpoints" / "last.safetensors")
    assert len([name for name in last if name.startswith(".objective.0.state")]) == 2  # h and c


@pytest.mark.slow
def test_overlapping_windows_killed_and_resumed_are_left_alone(options: Options) -> None:
    """Killed after the first step, which hands on no state: the next window begins where it began."""
    alone = options(task="lm", bptt=8, stride=3, max_epochs=2, checkpoint_seconds=0)
    killed = alone | {"out": alone["out"] + "-killed"}
    assert process.start(dict(alone)).status == 0
    assert process.start(dict(killed), process.Signal(signal.SIGKILL, "step", 2)).status == -signal.SIGKILL
    assert process.start(killed | {"resume": True}).status == 0
    assert process.outcome(killed["out"]) == process.outcome(alone["out"])


def test_a_stride_beyond_the_window_is_refused(options: Options) -> None:
    with pytest.raises(InputError, match="--stride is 9 and --bptt 8; expected a stride of at most the window"):
        quiet(options(stride=9))


def test_a_damaged_count_of_characters_is_one_sentence(trained: Any, tmp_path: Path) -> None:
    copy = shutil.copytree(trained.path, tmp_path / "copy")
    (copy / "characters.json").write_text('{"a": "b"}')
    with pytest.raises(InputError, match=r"characters\.json: holds other than counts"):
        load_run(copy)
    (copy / "characters.json").unlink()
    with pytest.raises(InputError, match=r"characters\.json: no such file"):
        load_run(copy)
