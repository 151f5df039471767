"""Whole modules through torch.load(weights_only=True)."""

import importlib
import io
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn

import cellwright
from agreement import assert_agree, double

I, H = 3, 5
LAYERS = [
    lambda: cellwright.LSTM(I, H, 2, bidirectional=True, proj_size=2),
    lambda: cellwright.LSTM(I, H, layer_norm=True, learn_initial_state=True),
    lambda: cellwright.GRU(I, H).freeze(),
    lambda: cellwright.RNN(I, H, nonlinearity="relu", matmul_precision="high"),
    lambda: cellwright.Recurrent("mgu", I, H, zoneout=0.1, recurrent_dropout=0.1),
]


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("make", LAYERS)
def test_a_whole_module_loads_with_weights_only(make):
    model = nn.Sequential(make()).eval()
    with torch.serialization.safe_globals([*cellwright.safe_globals(), nn.Sequential]):
        found = torch.load(saved(model), weights_only=True)
    given = torch.randn(4, 2, I)
    assert type(found[0]) is type(model[0])
    with torch.no_grad():
        assert_agree(found(given)[0], double(model)(double(given))[0], share=1e-4)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_a_single_step_loads_with_weights_only(kind):
    step = getattr(cellwright, kind)(I, H)
    with torch.serialization.safe_globals(cellwright.safe_globals()):
        found = torch.load(saved(step), weights_only=True)
    assert_agree(found(torch.ones(2, I)), double(step)(torch.ones(2, I, dtype=torch.float64)))


def test_without_them_torch_refuses():
    with pytest.raises(pickle.UnpicklingError, match="cellwright"):
        torch.load(saved(cellwright.LSTM(I, H)), weights_only=True)


def test_a_file_does_not_say_what_is_imported(tmp_path, monkeypatch):
    """A cell is found where its module is there already, and no module is run for a name in a file."""
    (tmp_path / "elsewhere.py").write_text(
        "import cellwright\nfrom cellwright.cells.language import State, tanh\nprint('it runs')\n"
        "@cellwright.cell(projections='h', gates='', state='h')\n"
        "def own(x, u, s):\n    return State(h=tanh(x.h + u.h))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    torch.save(cellwright.Recurrent(importlib.import_module("elsewhere").own, 3, 5), tmp_path / "layer.pt")
    code = """
import torch, cellwright
with torch.serialization.safe_globals(cellwright.safe_globals()):
    try:
        torch.load("layer.pt", weights_only=True)
    except Exception as error:
        print(error)
    import elsewhere
    print(torch.load("layer.pt", weights_only=True))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    refused, *after = done.stdout.rsplit("it runs\n", 1)
    assert "the file has a layer of the cell elsewhere.own; import elsewhere before it is loaded" in refused
    assert "it runs" not in refused
    assert after == ["Recurrent(own, 3, 5)\n"]
