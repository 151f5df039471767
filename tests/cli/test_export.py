"""`cellwright export`: what it writes and says, and one sentence for a mistake."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agreement import SINGLE, assert_agree
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")
Command = Callable[..., Any]


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let these packages not be installed."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in names else found(name, *rest))


def test_a_run_of_texts(cellwright: Command, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "reviews.onnx"
    path.write_bytes(b"of before")
    ended = cellwright("export", run, "--out", path, "--overwrite")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[:4] == [
        f"written: {path}, {path.stat().st_size:,} bytes",
        "in:  ids int64 (batch, time)",
        "     lengths int64 (batch)",
        "out: logits float32 (batch, 2)",
    ]
    said = f"in ONNX Runtime {onnxruntime.__version__}, on random input, differs from the run by "
    assert said in ended.out
    assert "OpenVINO" not in ended.out
    assert "layers: ONNX's LSTM\n" in ended.out
    assert f"ids are those of {run / 'tokenizer.json'}, which Hugging Face tokenizers reads" in ended.out
    texts = ["great phone", "the 酒店 was 差"]
    ids = load_run(run).tokenizer.encode(texts)
    longest = max(map(len, ids))
    given = {
        "ids": np.array([[*row, *[0] * (longest - len(row))] for row in ids]),
        "lengths": np.array([len(row) for row in ids]),
    }
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, given)
    expected = [[*each.probabilities.values()] for each in Predictor.load(run).predict(texts)]
    assert_agree(torch.from_numpy(logits).double().softmax(-1), np.array(expected), SINGLE)


def test_a_file_that_is_there(cellwright: Command, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"mine")
    ended = cellwright("export", run, "--out", path)
    assert (ended.status, ended.out, path.read_bytes()) == (2, "", b"mine")
    assert ended.err == f"cellwright: {path}: is there already; give another --out, or --overwrite to replace it\n"


def test_no_run(cellwright: Command, tmp_path: Path) -> None:
    ended = cellwright("export", tmp_path / "none", "--out", tmp_path / "m.onnx")
    assert ended.status == 2
    assert "no such run folder" in ended.err


def test_out_is_asked_for(cellwright: Command, run: Path) -> None:
    ended = cellwright("export", run)
    assert (ended.status, ended.out) == (2, "")
    assert "--out" in ended.err


@pytest.mark.parametrize("missing", [["onnxscript"], ["onnx", "onnxscript"]], ids=str)
def test_a_package_that_is_missing(
    cellwright: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    hide(monkeypatch, *missing)
    ended = cellwright("export", run, "--out", tmp_path / "m.onnx")
    assert ended.status == 2
    assert f"has no {' and no '.join(missing)}: pip install onnx onnxscript onnxruntime" in ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_without_onnx_runtime_nothing_is_compared(
    cellwright: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "onnxruntime")
    ended = cellwright("export", run, "--out", tmp_path / "m.onnx")
    assert ended.status == 0
    said = "not compared in ONNX Runtime: pip install onnxruntime, and the file is run beside the model"
    assert said in ended.out


@pytest.mark.slow
def test_a_portable_file_says_where_it_was_compared(
    cellwright: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "openvino")
    ended = cellwright("export", run, "--out", tmp_path / "m.onnx", "--portable")
    assert (ended.status, ended.err) == (0, "")
    for runtime in (f"ONNX Runtime {onnxruntime.__version__}", f"onnx.reference {onnx.__version__}"):
        assert f"in {runtime}, on random input, differs from the run by " in ended.out
    assert "not compared in OpenVINO: pip install openvino, and the file is run beside the model" in ended.out
    assert "layers: ONNX's LSTM, forward, its lengths by masks\n" in ended.out


@pytest.mark.slow
def test_the_runtimes_that_must_agree(cellwright: Command, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    ended = cellwright("export", run, "--out", path, "--check", "onnxruntime", "--check", "onnx.reference")
    assert (ended.status, ended.out) == (2, "")
    assert f"not written, for in onnx.reference {onnx.__version__} logits differs by " in ended.err
    assert "a portable file (--portable) has what runtimes compute alike" in ended.err
    assert not path.exists()
    ended = cellwright("export", run, "--out", path, "--portable", "--check", "onnx.reference")
    assert ended.status == 0
    assert "ONNX Runtime" not in ended.out


def test_a_runtime_that_is_not_installed(
    cellwright: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "openvino")
    ended = cellwright("export", run, "--out", tmp_path / "m.onnx", "--check", "openvino")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "cellwright: --check openvino: it is not installed: pip install openvino\n"
    assert not list(tmp_path.iterdir())
