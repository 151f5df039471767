"""The options that predict and evaluate take of a transducer, in place of those that it was trained with."""

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.data.pairs import Pairs
from cellwright.tasks.transduce.evaluate import Wrong
from cellwright.tasks.transduce.predictor import Answer, Transduced

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words and the same from the last letter to the first."""
    draw = random.Random(0)
    words = sorted({"".join(draw.choices("abcd", k=draw.randint(1, 5))) for _ in range(300)})
    path = tmp_path_factory.mktemp("data") / "words.csv"
    path.write_text("source,target\n" + "".join(f"{word},{word[::-1]}\n" for word in words))
    return path


@pytest.fixture(scope="module")
def run(cellwright: Command, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "words"
    sizes = ["--hidden-size", 8, "--embedding-dim", 8, "--threads", 1, "--max-epochs", 1, "--n-best", 2]
    assert cellwright("fit", pairs, "--task", "transduce", "--out", out, *sizes).status == 0
    return out


def answers(ended: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ended.out)["answers"]
    return found


def test_predict_searches_as_it_is_told_and_else_as_the_run_was(cellwright: Command, run: Path) -> None:
    assert len(answers(cellwright("predict", run, "abcd", "--json"))) == 2
    told = answers(cellwright("predict", "--n-best", 4, run, "abcd", "--json", "--length-penalty", 0))
    assert len(told) == 4
    assert [each["score"] for each in told] == [each["log_probability"] for each in told]
    [greedy] = answers(cellwright("predict", run, "abcd", "--json", "--beam-size", 1, "--n-best", 1))
    assert greedy["log_probability"] <= told[0]["log_probability"] + 1e-6
    assert json.loads((run / "config.json").read_text())["decoding"] == {
        "beam_size": 5,
        "n_best": 2,
        "length_penalty": 0.6,
    }


def test_symbols_never_seen_are_counted(cellwright: Command, run: Path) -> None:
    ended = cellwright("predict", run, "abé", "cab", "zé", "Ωz", "--json")
    assert ended.status == 0
    assert ended.err == "unknown to this run: 5 of the 10 symbols: 'z' (2 times), 'é' (2 times), 'Ω'\n"
    assert [json.loads(line)["unknown"] for line in ended.out.splitlines()] == [["é"], [], ["z", "é"], ["Ω", "z"]]
    plain = cellwright("predict", run, stdin="\n".join(["az"] + 999 * ["a"] + ["zxa"]).encode())
    assert plain.err.splitlines() == ["unknown to this run: 3 of the 1,004 symbols: 'z' (2 times), 'x'"]
    assert plain.out.count("\n") == 1001
    assert cellwright("predict", run, "cab").err == ""


def test_evaluate_takes_them_too(cellwright: Command, run: Path, pairs: Path) -> None:
    ended = cellwright("evaluate", run, pairs, "--beam-size", 1, "--json")
    assert ended.status == 0
    assert "sequence_error" in json.loads(ended.out)["model"]


def test_the_help_of_a_run_lists_them(cellwright: Command, run: Path) -> None:
    said = " ".join(cellwright("predict", run, "--help").out.split())
    assert "ends where the score is best (at least 1; at most 1000; default the run's)" in said
    assert "--beam-size" not in cellwright("predict", "--help").out


def test_what_cannot_be_is_one_sentence(cellwright: Command, run: Path, tmp_path: Path) -> None:
    ended = cellwright("predict", run, "ab", "--beam-size", 0)
    assert (ended.status, ended.err) == (2, "cellwright: --beam-size is 0; expected at least 1 and at most 1000\n")
    ended = cellwright("predict", tmp_path / "none", "ab", "--beam-size", 3)
    assert ended.status == 2
    assert "--beam-size" in ended.err


def test_predict_takes_the_sources_of_a_file(cellwright: Command, run: Path, pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    assert cellwright("predict", run, pairs, "--out", out).status == 0
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [f"{row['source']},{row['target']}" for row in found] == pairs.read_text().splitlines()[1:]
    alone = json.loads(cellwright("predict", run, found[5]["source"], "--json").out)
    assert found[5]["predicted_target"] == alone["target"]


def test_mistakes_are_sources_without_a_right_answer(cellwright: Command, run: Path, tmp_path: Path) -> None:
    said = json.loads(cellwright("predict", run, "abcd", "--json").out)
    other, out = tmp_path / "other.csv", tmp_path / "wrong.jsonl"
    other.write_text(f"source,target\nabcd,{said['target']}x\nabcd,{said['target']}y\nab,zz\n")
    ended = cellwright("evaluate", run, other, "--mistakes", out)
    wrong = {row["source"]: row for row in map(json.loads, out.read_text().splitlines())}
    assert set(wrong) == {"abcd", "ab"}
    row = wrong["abcd"]
    assert (row["where"], row["expected"]) == (f"{other}, line 2", f"{said['target']}x | {said['target']}y")
    assert row["answered"] == said["target"]
    assert row["probability"] == pytest.approx(math.exp(said["answers"][0]["log_probability"]), rel=1e-5)
    assert "2 mistakes" in ended.out


def test_an_answer_that_is_one_of_several_targets_is_no_mistake() -> None:
    pairs = Pairs(["a b", "c"], [["x", "y z"], ["w"]], [1, 3], "words.csv")
    said = [
        Transduced(target, [Answer(target, 0.0, score)], [], [], [], [])
        for target, score in (("y  z", -1.0), ("v", -2.0))
    ]
    wrong = Wrong("tokens")
    for index in range(2):  # some after the others
        wrong.add(index, said[index : index + 1], pairs.targets[index : index + 1])
    assert list(wrong.mistakes(pairs)) == [
        {
            "where": "words.csv, line 3",
            "source": "c",
            "expected": "w",
            "answered": "v",
            "probability": pytest.approx(math.exp(-2)),
        }
    ]
