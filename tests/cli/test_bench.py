"""`cellwright bench` on tiny layers: what it prints, and what it refuses."""

import json

import pytest
import torch

import cellwright as package
from cellwright.backends.dispatch import Backend
from cellwright.bench import measure as measuring
from cellwright.bench import timing
from cellwright.cells import CELLS

TINY = ["--hidden-size", 5, "--batch-size", 3, "--seq-len", 7]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(timing, "TURN", 0.0)
    monkeypatch.setattr(timing, "LONGEST", 0.0)
    monkeypatch.setattr("cellwright.cli.bench.SECONDS", 0.0)
    monkeypatch.setattr(timing, "load", lambda: 0.0)


def test_json_holds_times_ratios_and_versions(cellwright):
    ended = cellwright("bench", "--cell", "gru", *TINY, "--json")
    assert (ended.status, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert told["case"] == {
        "cell": "gru", "training": True, "ragged": True, "time": 7, "batch": 3, "hidden": 5, "directions": 1,
        "precision": "highest",
    }  # fmt: skip
    assert list(told["times"]) == list(told["ratios"]) == ["cellwright", "torch.nn padded", "torch.nn packed"]
    for name, spread in told["times"].items():
        assert 0 < spread["low"] <= spread["median"] <= spread["high"]
        assert told["ratios"][name] == spread["median"] / told["times"]["cellwright"]["median"]
    assert told["backend"].startswith("compiled: ")
    assert told["versions"] == {"cellwright": package.__version__, "torch": torch.__version__}


def test_the_table_names_what_was_measured(cellwright):
    ended = cellwright("bench", *TINY, "--lengths", "padded", "--inference", "--threads", 1)
    lines = ended.out.splitlines()
    assert lines[0] == "lstm inference padded T7 B3 H5, 1 thread"
    (ours,) = (line.split() for line in lines if line.startswith("  cellwright"))
    assert ours[-1] == "1.00"
    assert "without torch.nn packed: nothing is ragged" in lines
    assert any(line.startswith("  torch.nn padded") for line in lines)


def test_a_precision_has_torch_in_autocast_beside_it_and_says_what_multiplies(cellwright):
    ended = cellwright("bench", "--cell", "gru", *TINY, "--precision", "medium")  # the LSTM's is not on every processor
    lines = ended.out.splitlines()
    assert ended.status == 0
    assert lines[0].startswith("gru training ragged T7 B3 H5 medium, ")
    assert all(any(line.startswith(f"  torch.nn {form}, autocast") for line in lines) for form in ("padded", "packed"))
    assert lines[-1].endswith(": matmul_precision='medium'")


@pytest.mark.parametrize("cell", [name for name in CELLS if name not in ("rnn", "lstm", "gru", "rnn-relu")][:3])
def test_a_cell_that_torch_lacks_is_held_against_the_loop(cellwright, cell):
    told = json.loads(cellwright("bench", "--cell", cell, *TINY, "--json").out)
    assert list(told["times"]) == ["cellwright", "Python loop"]


def test_threads_are_those_asked_for_and_then_as_before(cellwright, monkeypatch):
    before, seen = torch.get_num_threads(), []
    kept = measuring.interleaved
    monkeypatch.setattr(measuring, "interleaved", lambda *given: seen.append(torch.get_num_threads()) or kept(*given))
    told = json.loads(cellwright("bench", *TINY, "--threads", before + 1, "--json").out)
    assert (told["threads"], seen, torch.get_num_threads()) == (before + 1, [before + 1], before)


def test_a_busy_machine_is_told(cellwright, monkeypatch):
    monkeypatch.setattr(timing, "load", lambda: 3.0)
    ended = cellwright("bench", *TINY, "--json")
    assert ended.status == 0
    assert ended.err == "load average 3.0: others are at work here, and figures will say little\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--cell lstn", "there is no cell 'lstn'; the cells are rnn, "),
        ("--hidden-size 0", "--hidden-size is 0; expected at least 1\n"),
        ("--seq-len long", "--seq-len is long; expected a valid integer\n"),
        ("--lengths some", "--lengths is some; expected 'ragged' or 'padded'\n"),
        ("--threads 0", "--threads is 0; expected at least 1\n"),
        ("--hidden-size 10000000", "--seq-len 100 --batch-size 32 --hidden-size 10000000 take "),
    ],
)
def test_a_mistake_is_one_sentence(cellwright, options, sentence):
    ended = cellwright("bench", *options.split())
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"cellwright: {sentence}")
    assert ended.err.count("\n") == 1


def test_results_that_differ_are_not_timed(cellwright, monkeypatch):
    monkeypatch.setitem(measuring.LARGEST_DIFFERENCE, "highest", 1e-12)
    monkeypatch.setattr(measuring, "interleaved", lambda *_: pytest.fail("timed"))
    ended = cellwright("bench", *TINY)
    assert (ended.status, ended.out) == (2, "")
    assert "torch.nn padded differs from cellwright by" in ended.err
    assert ended.err.endswith("choose fewer steps, over which roundings grow less\n")


def test_without_kernels_nothing_is_timed(cellwright, monkeypatch):
    monkeypatch.setattr(
        package.Recurrent, "explain", lambda *_, **__: Backend("torch", "the compiler cannot be loaded")
    )
    ended = cellwright("bench", *TINY)
    assert ended.status == 2
    assert (
        "no kernels to time on this machine; layers are computed by torch: the compiler cannot be loaded" in ended.err
    )


@pytest.mark.usefixtures("backends_by_size")
def test_sizes_that_layers_leave_to_torch_are_timed_on_the_kernels():
    """What a user is refused is a machine without kernels, not a small size."""
    from cellwright.bench.case import Case
    from cellwright.cli.bench import _check

    _check(Case("lstm", True, False, 1, 1, 8))
