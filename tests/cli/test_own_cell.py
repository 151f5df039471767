"""`--cell FILE.py:NAME`: a run with its user's own cell keeps the code, and runs it only when it is named again."""

import hashlib
import json

import pytest

from cellwright.cells import registry
from cellwright.errors import InputError
from cellwright.serve import Predictor
from cellwright.tasks import own_cell
from cellwright.tasks.run import load_run

CELL = """
import cellwright
from cellwright.cells.language import State, sigmoid, tanh

with open({marks!r}, "a") as marks:
    marks.write("ran ")

@cellwright.cell(projections="f g", gates="f", state="h")
def keeper(x, u, s):
    f = sigmoid(x.f + u.f)
    return State(h=f * s.h + (1 - f) * tanh(x.g + u.g))
"""
COMMANDS = {
    "predict": ["great"],
    "evaluate": ["{data}"],
    "inspect": ["great"],
    "export": ["--out", "{folder}/run.onnx"],
    "serve": ["--port", "0"],
}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    """A file into which the cell's file writes each time that it is run."""
    return tmp_path_factory.mktemp("marks") / "marks"


@pytest.fixture(scope="module")
def own(cellwright, reviews, marks, tmp_path_factory):
    """A run with such a cell, and what `fit` said."""
    folder = tmp_path_factory.mktemp("own")
    file = folder / "mine.py"
    file.write_text(CELL.format(marks=str(marks)))
    options = ["--hidden-size", 8, "--embedding-dim", 8, "--threads", 1, "--batch-tokens", 256, "--max-epochs", 1]
    ended = cellwright("fit", reviews, "--out", folder / "run", "--cell", f"{file}:keeper", *options)
    assert ended.status == 0, ended.err
    return folder / "run", ended


@pytest.fixture
def stranger(own, monkeypatch):
    """The run, as a process meets it that has not run the file."""
    key = json.loads((own[0] / "config.json").read_text())["own_cell"]["key"]
    for table in (registry._defined, own_cell._defined):
        monkeypatch.delitem(table, key)
    return own[0]


def test_the_run_keeps_the_file_and_its_digest(own):
    folder, ended = own
    kept = json.loads((folder / "config.json").read_text())
    code = (folder / "cell.py").read_bytes()
    assert code == (folder.parent / "mine.py").read_bytes()
    assert kept["own_cell"]["name"] == "keeper"
    assert kept["own_cell"]["sha256"] == hashlib.sha256(code).hexdigest()
    assert kept["own_cell"]["key"] == kept["model"]["cell"] == kept["options"]["cell"]
    assert f"cellwright predict {folder} --cell {folder}/cell.py:keeper " in ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_runs_the_code_unasked(cellwright, stranger, marks, reviews, tmp_path, command):
    before = marks.read_text()
    arguments = [each.format(data=reviews, folder=tmp_path) for each in COMMANDS[command]]
    ended = cellwright(command, stranger, *arguments)
    assert ended.status == 2
    assert f"its cell keeper is code, which runs only when you name it: read {stranger}/cell.py" in ended.err
    assert f"give --cell {stranger}/cell.py:keeper" in ended.err
    assert marks.read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize("command", ["predict", "evaluate", "inspect", "export"])
def test_every_command_takes_the_code_when_it_is_named(cellwright, stranger, marks, reviews, tmp_path, command):
    before = marks.read_text()
    arguments = [each.format(data=reviews, folder=tmp_path) for each in COMMANDS[command]]
    ended = cellwright(command, stranger, *arguments, "--cell", f"{stranger}/cell.py:keeper")
    assert ended.status == 0, ended.err
    assert marks.read_text() == before + "ran "


def test_python_loads_it_likewise(stranger):
    with pytest.raises(InputError, match="runs only when you name it"):
        load_run(stranger)
    with pytest.raises(InputError, match="runs only when you name it"):
        Predictor.load(stranger)
    assert Predictor.load(stranger, cell=f"{stranger}/cell.py:keeper").predict(["great"])


@pytest.mark.parametrize("place", ["beside", "in the run"])
def test_other_code_is_refused_before_it_runs(cellwright, stranger, marks, tmp_path, place):
    path = stranger / "cell.py" if place == "in the run" else tmp_path / "other.py"
    code = (stranger / "cell.py").read_text()
    path.write_text(code + "\n# one more line\n")
    before = marks.read_text()
    ended = cellwright("predict", stranger, "great", "--cell", f"{path}:keeper")
    (stranger / "cell.py").write_text(code)
    assert ended.status == 2
    assert "a file of SHA-256" in ended.err
    assert "its folder holds it as cell.py" in ended.err
    assert marks.read_text() == before


def test_a_run_of_the_library_s_cells_takes_no_code(cellwright, run, own):
    ended = cellwright("predict", run, "great", "--cell", f"{own[0]}/cell.py:keeper")
    assert ended.status == 2
    assert f"{run} has no cell of its own; leave it out" in ended.err


def test_a_run_goes_on_with_its_code_named_again(cellwright, stranger, reviews):
    resumed = ["fit", reviews, "--out", stranger, "--resume", "--max-epochs", 2]
    assert "runs only when you name it" in cellwright(*resumed).err
    ended = cellwright(*resumed, "--cell", f"{stranger}/cell.py:keeper")
    assert ended.status == 0, ended.err
    assert json.loads((stranger / "metrics.json").read_text())["epochs"] == 2


def test_another_cell_cannot_take_its_place(cellwright, stranger, reviews, tmp_path, marks):
    other = tmp_path / "other.py"
    other.write_text(CELL.format(marks=str(marks)).replace("tanh(x.g", "sigmoid(x.g"))
    ended = cellwright("fit", reviews, "--out", stranger, "--resume", "--cell", f"{other}:keeper")
    assert ended.status == 2
    assert "was started with --cell 'keeper#" in ended.err


def test_a_file_that_only_imports_a_cell_of_the_library_needs_no_naming(cellwright, small, reviews, tmp_path):
    (tmp_path / "theirs.py").write_text("from cellwright.cells.library.gru import gru\n")
    out = tmp_path / "run"
    ended = cellwright("fit", reviews, "--out", out, "--cell", f"{tmp_path}/theirs.py:gru", "--max-epochs", 1, *small)
    assert ended.status == 0, ended.err
    assert not (out / "cell.py").exists()
    assert cellwright("predict", out, "great").status == 0


def test_the_bench_times_it(cellwright, own, monkeypatch):
    monkeypatch.setattr("cellwright.bench.timing.TURN", 0.0)
    monkeypatch.setattr("cellwright.bench.timing.LONGEST", 0.0)
    monkeypatch.setattr("cellwright.cli.bench.SECONDS", 0.0)
    tiny = ["--hidden-size", 5, "--batch-size", 3, "--seq-len", 7, "--json"]
    told = json.loads(cellwright("bench", "--cell", f"{own[0]}/cell.py:keeper", *tiny).out)
    assert told["case"]["cell"].startswith("keeper#")
    assert list(told["times"]) == ["cellwright", "Python loop"]
