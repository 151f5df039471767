"""A transducer from a file: what it learns, what it says and scores, and what is refused."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.errors import InputError
from cellwright.tasks import get
from cellwright.tasks.run import load_run
from cellwright.tasks.transduce import TransduceConfig
from cellwright.tasks.transduce.data import PairColumns, open_pairs
from cellwright.tasks.transduce.predictor import TransducePredictor
from cellwright.training import fit

Options = Callable[..., dict[str, Any]]
NAMES = {"a": "AH", "b": "B", "c": "K", "d": "D", "é": "EY"}
SMALL: dict[str, Any] = {
    "hidden_size": 24, "embedding_dim": 12, "threads": 1, "learning_rate": 0.02, "ema_decay": 0.9, "dropout": 0.0,
    "batch_tokens": 256, "max_epochs": 30, "patience": 30, "label_smoothing": 0.0, "seed": 1,
    "lr_schedule": "constant",
}  # fmt: skip


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Words of one to four letters, named from the last to the first; a word that begins with a may lose it."""
    draw = random.Random(0)
    made = {"".join(draw.choices(list(NAMES), k=draw.randint(1, 4))) for _ in range(400)}
    rows = [f"{word},{' '.join(NAMES[c] for c in reversed(word))}" for word in sorted(made)]
    rows += [f"{word},{' '.join(NAMES[c] for c in reversed(word[1:]))}" for word in sorted(made) if word[0] == "a"]
    path = tmp_path_factory.mktemp("data") / "words.csv"
    path.write_text("word,said\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def options(words: str, tmp_path: Path) -> Options:
    def make(**changes: Any) -> dict[str, Any]:
        return {**SMALL, "data": words, "out": str(tmp_path / "run"), "source": "word", "target": "said", **changes}

    return make


@pytest.fixture(scope="module")
def out(words: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "names"
    said: list[str] = []
    config = TransduceConfig(**SMALL, data=words, out=folder, source="word", target="said")
    result = fit(config, progress=False, say=said.append)
    assert any("vocabularies of 7 characters and 7 tokens" in sentence for sentence in said)
    assert result.metric == "sequence_error"
    assert result.validation["sequence_error"] < 0.2 < result.baseline
    return folder


@pytest.mark.slow
def test_answers_are_right_and_any_right_one_counts(out: Path, words: str) -> None:
    run = load_run(out)
    report = get("transduce").evaluate(run, words, "test", {}, print).as_json()
    test = open_pairs(words, PairColumns("word", "said"))["test"]
    answers = TransducePredictor(run).predict(test.sources)
    wrong = sum(a.target not in right for a, right in zip(answers, test.targets, strict=True)) / len(test)
    assert report["model"]["sequence_error"] == pytest.approx(wrong)
    assert wrong < 0.25 < report["by_symbol"]["sequence_error"]
    assert report["copy"]["sequence_error"] == 1


def test_predictions_say_what_they_are_made_of(out: Path) -> None:
    predictor = TransducePredictor(load_run(out))
    plain, composed, unseen, empty = predictor.predict(["cabd", "ce\u0301", "cxb", " "])
    assert plain.target == "D B AH K"
    assert composed.target == "EY K"
    assert (composed.source_symbols, composed.unknown, unseen.unknown) == (["c", "é"], [], ["x"])
    assert (empty.target, empty.alignment) == ("", [])
    assert plain.answers[0].target == plain.target
    scores = [answer.score for answer in plain.answers]
    assert scores == sorted(scores, reverse=True)
    assert len(plain.answers) == 3
    assert len(plain.alignment) == len(plain.target_symbols) + 1
    assert all(len(row) == 4 and sum(row) == pytest.approx(1, abs=1e-5) for row in plain.alignment)
    assert plain.line("cabd") == "D B AH K\tcabd"
    assert json.loads(json.dumps(plain.as_json())) == plain.as_json()
    assert predictor.predict([]) == []


def test_batches_change_no_answer(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = ["cab", "d", "", "dabc", "é", "bbbb"] * 3
    predictor = TransducePredictor(load_run(out))
    together = [prediction.target for prediction in predictor.predict(sources)]
    monkeypatch.setattr("cellwright.tasks.transduce.predictor.BATCH_TOKENS", 5)
    assert [prediction.target for prediction in predictor.predict(sources)] == together


def test_evaluation_says_what_flatters_and_what_was_never_seen(out: Path, words: str, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("source,target\nabz,B AH\ncab,B AH K\ndab,B AH D\n")
    said: list[str] = []
    columns = {"source": "source", "target": "target"}
    report = get("transduce").evaluate(load_run(out), str(other), "all", columns, said.append)
    assert report.counted == "3 sources"
    assert any("unknown to this run: 1 of the 9 symbols: 'z'" in sentence for sentence in said)
    assert any("are among the training sources: the scores flatter" in sentence for sentence in said)


def test_pictures_and_other_options(options: Options, tmp_path: Path) -> None:
    changes = {"input_feeding": True, "attention": "additive", "cell": "gru", "target_symbols": "characters"}
    result = fit(TransduceConfig(**options(max_epochs=1, **changes)), progress=False)
    run = load_run(result.out)
    report = get("transduce").evaluate(run, run.config.options["data"], "test", {}, print)
    for draw in report.pictures().values():
        draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no column": (
        {"source": "spelling"},
        "no column 'spelling'; the columns are 'word', 'said': name yours with --source",
    ),
    "no such set": ({"data": "g2p-em"}, "did you mean g2p-en?"),
    "a set of texts": ({"data": "reviews-zh"}, "reviews-zh holds texts; expected a set of pairs"),
    "no such cell": ({"cell": "lstn"}, "did you mean lstm?"),
    "no forget gate": ({"cell": "gru", "forget_bias": 1.0}, "--forget-bias: the cell gru has no gate f with a bias"),
    "empty sides": ({"data": "word,said\na,\n,b\n"}, "all 2 pairs have an empty side"),
    "few pairs": ({"data": "word,said\na,b\n"}, "no source falls to the"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(options: Options, tmp_path: Path, case: str) -> None:
    changes, message = REFUSED[case]
    if "\n" in changes.get("data", ""):
        path = tmp_path / "data.csv"
        path.write_text(changes["data"])
        changes = changes | {"data": str(path)}
    with pytest.raises(InputError) as error:
        fit(TransduceConfig(**options(**changes)), progress=False)
    assert message in str(error.value)
