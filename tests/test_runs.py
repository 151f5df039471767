"""fit, load, evaluate and export from Python: the same runs, answers and refusals as the command line's."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

import cellwright
from cellwright import runs
from cellwright.cli import main, run_options
from recorded_runs import transducer_run

SMALL = {
    "max_epochs": 6,
    "hidden_size": 8,
    "embedding_dim": 8,
    "threads": 1,
    "learning_rate": 0.05,
    "batch_tokens": 256,
    "text": "review",
    "clip_norm": None,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    texts = [f"{'很好' if n % 2 else '坏了'} {n} {'好' * (n % 2)}" for n in range(120)]
    path.write_text(
        "review,label\n" + "".join(f"{text},{['bad', 'good'][n % 2]}\n" for n, text in enumerate(texts)), "utf-8"
    )
    return path


@pytest.fixture(scope="module")
def run(data: Path) -> Path:
    """A run of `cellwright.fit`."""
    said = list[str]()
    result = cellwright.fit(data, data.parent / "run", options=SMALL, say=said.append)
    assert isinstance(result, cellwright.FitResult)
    assert result.out == data.parent / "run"
    assert result.validation["accuracy"] == 1.0
    assert any("epoch 1" in sentence for sentence in said)
    return result.out


def test_it_keeps_what_was_asked(run: Path) -> None:
    options = json.loads((run / "config.json").read_text())["options"]
    assert {name: options[name] for name in SMALL} == SMALL


def test_the_weights_are_the_command_lines(run: Path, data: Path, tmp_path: Path) -> None:
    words = [
        word
        for name, value in SMALL.items()
        for word in ("--" + name.replace("_", "-"), "none" if value is None else str(value))
    ]
    assert main(["fit", str(data), "--out", str(tmp_path / "run"), *words]) == 0
    weights, expected = (load_file(folder / "model.safetensors") for folder in (tmp_path / "run", run))
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_a_run_answers_as_predict_does(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predictor = cellwright.load(run)
    assert isinstance(predictor, cellwright.Predictor)
    (answer,) = predictor.predict(["很好 7 好"])
    capsys.readouterr()
    assert main(["predict", str(run), "很好 7 好", "--text", "--json"]) == 0
    assert {"text": "很好 7 好", **answer.as_json()} == json.loads(capsys.readouterr().out)
    assert answer.label == "good"


def test_it_is_scored_as_evaluate_does(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = cellwright.evaluate(run, data)
    assert isinstance(report, cellwright.Report)
    capsys.readouterr()
    assert main(["evaluate", str(run), str(data), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["split"] == "test"
    assert printed == {"run": str(run), "data": str(data), "split": "test"} | report.as_json()


def test_another_file_is_read_as_the_options_say(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("comment;label\n很好 7 好;good\n坏了 8;bad\n", "utf-8")
    scores = cellwright.evaluate(run, other, options={"text": "comment", "separator": ";"}, baselines=False)
    assert scores.counted == "2 texts"


def test_the_exported_file_has_the_runs_numbers(run: Path, tmp_path: Path) -> None:
    written = cellwright.export(run, tmp_path / "run.onnx")
    predictor = cellwright.load(run)
    ids = predictor.run.tokenizer.encode(["很好 7 好"])
    session = onnxruntime.InferenceSession(str(written.path))
    feed = {port.name: None for port in written.inputs}
    assert set(feed) >= {"ids", "lengths"}
    given = {"ids": np.array(ids), "lengths": np.array([len(ids[0])])}
    (logits,) = session.run(None, {name: given[name].astype(session_type(session, name)) for name in feed})
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    expected = list(predictor.predict(["很好 7 好"])[0].probabilities.values())
    assert np.abs(shares - expected).max() < 1e-5


def session_type(session: onnxruntime.InferenceSession, name: str) -> str:
    kinds = {each.name: each.type for each in session.get_inputs()}
    return kinds[name].removeprefix("tensor(").removesuffix(")")


def test_answers_are_looked_for_as_the_options_say(tmp_path: Path) -> None:
    transducer_run(tmp_path)
    (alone,) = cellwright.load(tmp_path, options={"beam_size": 1, "n_best": 1}).predict(["cafe"])
    (several,) = cellwright.load(tmp_path, options={"beam_size": 3, "n_best": 3}).predict(["cafe"])
    assert [len(alone.answers), len(several.answers)] == [1, 3]
    with pytest.raises(cellwright.InputError, match="--beam-size is 0; expected at least 1"):
        cellwright.load(tmp_path, options={"beam_size": 0})


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda run, data: cellwright.fit(data, "x", options={"epochs": 3}), "fit, task classify: no option 'epochs'"),
        (lambda run, data: cellwright.fit(data, "x", options={"max_epoch": 3}), "did you mean max_epochs?"),
        (
            lambda run, data: cellwright.fit(data, "x", options={"hidden_size": 0}),
            "--hidden-size is 0; expected at least 1",
        ),
        (lambda run, data: cellwright.fit(data, "x", task="cluster"), "no task 'cluster'; expected one of classify"),
        (lambda run, data: cellwright.fit(data, run, options={"text": "review"}), "holds a run already"),
        (
            lambda run, data: cellwright.load(run, options={"beam_size": 3}),
            "a run of task classify: no option 'beam_size'",
        ),
        (lambda run, data: cellwright.load(data.parent / "none"), "no such run folder"),
        (lambda run, data: cellwright.evaluate(run, data, options={"colour": 1}), "no option 'colour'"),
        (lambda run, data: cellwright.export(run, "x.onnx", options={"beam_size": 1}), "export: no option 'beam_size'"),
    ],
)
def test_mistakes_end_in_one_sentence(call, sentence: str, run: Path, data: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cellwright.InputError) as raised:
        call(run, data)
    assert sentence in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_files_are_read_by_the_options_of_the_command_line():
    assert ("column", *runs.READING) == tuple(run_options.FILE_OPTIONS)
