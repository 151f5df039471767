"""torch's own kernels: what they are not asked for."""

import sys

import pytest
import torch

import cellwright
from cellwright.backends import torch_native


@pytest.mark.usefixtures("backends_by_size")
@pytest.mark.parametrize("limits", [(1, False), (3, False), (4, True)])
def test_an_lstm_does_not_train_on_torchs_kernel_where_threads_may_be_missing(monkeypatch, limits):
    before = torch.get_num_threads()
    monkeypatch.setattr(torch_native, "limits", lambda: torch_native.Limits(*limits))
    layer, x = cellwright.LSTM(8, 8), torch.randn(5, 2, 8)
    try:
        torch.set_num_threads(4)
        assert layer.explain(x).name == "compiled"
        assert layer.requires_grad_(False).explain(x).name == "compiled"  # gradients are recorded all the same
        assert layer.double().explain(x.double()).name == "torch"
        layer.float().requires_grad_(True)
        with torch.no_grad():
            assert layer.explain(x).name == "torch"
        with (
            cellwright.use_backend("torch"),
            pytest.raises(RuntimeError, match=r"fewer than its 4 threads .*OMP_(THREAD_LIMIT=|DYNAMIC)"),
        ):
            layer(x)
        assert cellwright.GRU(8, 8).explain(x).name == "torch"
        torch.set_num_threads(1)
        assert layer.explain(x).name == "torch"
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("recorded", [True, False])
def test_sequences_without_a_step_are_computed(recorded):
    """An empty text ended `predict` in an IndexError."""
    layer = cellwright.LSTM(8, 8)
    with torch.set_grad_enabled(recorded):
        output, (h, _) = layer(torch.zeros(3, 2, 8), lengths=torch.tensor([0, 0]))
    assert (output.shape, output.any().item(), h.any().item()) == ((3, 2, 8), False, False)


def test_the_limits_are_those_of_the_environment(monkeypatch):
    for limit, dynamic, wanted in [("3", "", (3, False)), ("", "TRUE", (sys.maxsize, True)), ("no", "false", None)]:
        monkeypatch.setenv("OMP_THREAD_LIMIT", limit)
        monkeypatch.setenv("OMP_DYNAMIC", dynamic)
        torch_native.limits.cache_clear()
        assert torch_native.limits() == wanted
    monkeypatch.undo()
    torch_native.limits.cache_clear()
