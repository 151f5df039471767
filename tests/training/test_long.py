"""Runs on shortened texts: what was scored in training is what the run answers, and a killed one resumes."""

import json
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import process
from agreement import SINGLE, assert_agree, double
from cellwright.data.source import open_source
from cellwright.errors import InputError
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.run import load_run
from cellwright.training import fit
from process import outcome

GOOD, BAD = ["great", "fine", "lovely"], ["awful", "poor", "dull"]
NEUTRAL = [f"word{number}" for number in range(30)]
Options = Callable[..., dict[str, Any]]
WAYS: dict[str, dict[str, Any]] = {
    "head": {"truncation": "head"},
    "tail": {"truncation": "tail"},
    "head+tail": {"truncation": "head+tail", "head_share": 0.5},
    "middle": {"truncation": "middle"},
    "windows, mean": {"truncation": "windows", "overlap": 2},
    "windows, recurrent": {"truncation": "windows", "join": "recurrent"},
    "sentences": {"truncation": "sentences", "shuffle": True},
}


MESSY = [
    "",
    " \n\u3000",
    "great " * 400,  # one sentence, and no end
    "他说：“great. 走吧！”" * 40,
    "e\u0301" * 50,
    "\u0301" * 50,
    "👨\u200d👩\u200d👧" * 20,
    "\ud83d\ude00\ud83d" * 20,
    "。.…!" * 50,
    "poor dull. " * 3_000,  # of a megabyte see tests/models/test_text_encoding.py
]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> str:
    """300 labelled texts of up to eight sentences, each with one telling word."""
    draw = random.Random(0)

    def sentence(telling: list[str]) -> str:
        words = [*draw.choices(NEUTRAL, k=draw.randint(1, 5)), draw.choice(telling)]
        return " ".join(words).capitalize() + "."

    def row() -> str:
        label, telling = draw.choice([("pos", GOOD), ("neg", BAD)])
        return " ".join(sentence(telling) for _ in range(draw.randint(1, 8))) + f",{label}\n"

    path = tmp_path_factory.mktemp("data") / "stories.csv"
    path.write_text("text,label\n" + "".join(row() for _ in range(300)))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_run_answers_what_training_scored(options: Options, stories: str, way: str) -> None:
    given = options(data=stories, max_length=9, max_epochs=6, checkpoint_seconds=60, **WAYS[way])
    result = fit(ClassifyConfig(**given), progress=False)
    run = load_run(result.out)
    assert run.config.long_text.model_dump(include=set(WAYS[way]) - {"join"}).items() <= WAYS[way].items()
    assert run.config.long_text.max_length == 9
    table = open_source(stories)["validation"]
    answers = [prediction.label for prediction in ClassifyPredictor(run).predict(table.texts)]
    right = sum(answer == label for answer, label in zip(answers, table.labels or [], strict=True))
    assert right / len(answers) == pytest.approx(result.validation["accuracy"])
    assert result.validation["accuracy"] > result.baseline
    together, exact = ClassifyPredictor(run, batch_tokens=40).predict(MESSY), replace(run, model=double(run.model))
    for found, text in zip(together, MESSY, strict=True):
        [alone] = ClassifyPredictor(exact).predict([text])
        assert_agree(found.probabilities, alone.probabilities, SINGLE)
        assert sum(found.probabilities.values()) == pytest.approx(1)


@pytest.mark.slow
def test_batches_of_windows_stay_within_the_budget(options: Options, stories: str, monkeypatch: Any) -> None:
    seen: list[torch.Size] = []
    encode = Classifier._encode

    def watched(self: Classifier, tokens: torch.Tensor, *others: Any) -> torch.Tensor:
        seen.append(tokens.shape)
        return encode(self, tokens, *others)

    monkeypatch.setattr(Classifier, "_encode", watched)
    changes = {
        "data": stories,
        "truncation": "windows",
        "max_length": 6,
        "overlap": 3,
        "batch_tokens": 40,
        "max_epochs": 1,
    }
    fit(ClassifyConfig(**options(**changes, checkpoint_seconds=60)), progress=False)
    assert max(shape.numel() for shape in seen) <= 40
    assert max(shape[1] for shape in seen) == 6


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 14])
def test_a_run_on_sampled_sentences_killed_and_resumed_is_left_alone(
    options: Options, stories: str, count: int
) -> None:
    changes = {"data": stories, "truncation": "sentences", "max_length": 9, "batch_tokens": 256, "max_epochs": 3}
    killed = options(**changes)
    alone = {**killed, "out": killed["out"] + "-alone"}
    assert process.start(alone).status == 0
    assert process.start(killed, process.Signal(signal.SIGKILL, "step", count)).status == -signal.SIGKILL
    assert process.start({**killed, "resume": True}).status == 0
    assert outcome(killed["out"]) == outcome(alone["out"])
    epochs = [row["tokens"] for row in outcome(alone["out"])["log"]]
    assert len(set(epochs)) > 1  # another draw each time


def test_a_resumed_run_reads_as_it_did(options: Options, stories: str) -> None:
    given = options(data=stories, truncation="tail", max_length=5, max_epochs=1, checkpoint_seconds=60)
    fit(ClassifyConfig(**given), progress=False)
    with pytest.raises(InputError, match="was started with --truncation 'tail', and 'head' is given now"):
        fit(ClassifyConfig(**given | {"truncation": "head"}, resume=True), progress=False)
    with pytest.raises(InputError, match="was started with --max-length 5, and 6 is given now"):
        fit(ClassifyConfig(data=given["data"], out=given["out"], max_length=6, resume=True), progress=False)
    same = {"data": given["data"], "out": given["out"], "max_length": 5}
    fit(ClassifyConfig(**same, max_epochs=2, resume=True), progress=False)
    config = json.loads(Path(given["out"], "config.json").read_text())
    assert (config["long_text"]["truncation"], config["long_text"]["max_length"]) == ("tail", 5)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "overlap": (
        {"truncation": "head", "overlap": 3},
        "--overlap is 3, and --truncation is head; leave it out, or give --truncation windows",
    ),
    "length alone": (
        {"max_length": 9},
        "--max-length is 9, and --truncation is none; leave it out, or give --truncation head or tail or head+tail or "
        "middle or windows or sentences or compress",
    ),
    "join": (
        {"join": "max"},
        "--join is max, and --truncation is none; leave it out, or give --truncation windows or compress",
    ),
    "still windows": (
        {"truncation": "windows", "max_length": 4, "overlap": 4},
        "--overlap is 4 and --max-length 4; expected windows that repeat less than they hold",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_without_effect_are_refused(case: str) -> None:
    given, sentence = REFUSED[case]
    with pytest.raises(InputError) as error:
        ClassifyConfig.model_validate({"data": "x", "out": "y", **given})
    assert str(error.value) == sentence
