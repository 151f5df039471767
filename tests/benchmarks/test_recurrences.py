"""The loops and libraries that kernels are timed beside compute what the kernels do, gradients too."""

import pytest
import torch
from torch import nn

import recurrences
from agreement import assert_agree
from cellwright.bench.timing import Spread
from rivals import hydrodl2_hbv, mingru_pytorch, snntorch_leaky, xlstm_slstm


@pytest.mark.parametrize(
    "make",
    [
        lambda: recurrences.hbv(2),
        lambda: recurrences.gr4j(2),
        lambda: recurrences.mingru(3, 8),
        lambda: recurrences.lif(3, 8),
        lambda: recurrences.leaky(3, 8),
        lambda: recurrences.block_gru(3, 16),
    ],
    ids=["hbv", "gr4j", "mingru", "lif", "leaky", "block-gru"],
)
def test_the_loop_is_the_recurrence(make, monkeypatch):
    monkeypatch.setattr(recurrences, "DAYS", 60)
    steps = make()
    assert recurrences.differs(steps["ours"](), steps["loop"]()) < 1e-4


SMALL = {
    hydrodl2_hbv: lambda: recurrences.hydrodl2(2),
    mingru_pytorch: lambda: recurrences.positive_mingru(3, 8),
    snntorch_leaky: lambda: recurrences.lif(3, 8),
    xlstm_slstm: lambda: recurrences.slstm(3, 8),
}


@pytest.mark.parametrize("library", SMALL, ids=lambda library: library.NAME)
def test_the_library_computes_the_recurrence(library, monkeypatch):
    if obstacle := library.obstacle():
        pytest.skip(obstacle)
    monkeypatch.setattr(recurrences, "DAYS", 60)
    assert library.NAME in (steps := SMALL[library]())
    assert recurrences.compared(library.NAME, steps) < 1e-4


def test_the_heads_of_xlstm_are_ours():
    ours = torch.arange(4 * 6 * 2.0).view(24, 2)  # 3 heads of 2 units
    output, _, back, bias_ih, bias_hh = xlstm_slstm.as_ours(ours, ours, xlstm_slstm._by_head(ours, 3), ours[:, 0])
    assert output is ours
    assert back.equal(ours)
    assert bias_ih.equal(bias_hh)
    x = torch.randn(5, 6)
    by_head = torch.einsum("bhj,hgj->bhg", x.view(5, 3, 2), xlstm_slstm._by_head(ours, 3))
    as_gates = by_head.view(5, 3, 4, 2).transpose(1, 2).reshape(5, 24)
    dense = torch.cat([torch.block_diag(*gate.view(3, 2, 2)) for gate in ours.view(4, 6, 2)])
    assert_agree(as_gates, nn.functional.linear(x.double(), dense.double()))


def test_a_library_that_is_not_installed_is_said_and_left_out(monkeypatch, capsys):
    for library in recurrences.LIBRARIES:
        monkeypatch.setattr(library, "obstacle", lambda name=library.NAME: f"{name} is not installed")
    monkeypatch.setattr(recurrences, "CASES", {"lif": lambda: recurrences.lif(2, 4), "slstm": SMALL[xlstm_slstm]})
    monkeypatch.setattr(recurrences, "interleaved", lambda steps, *_: dict.fromkeys(steps, Spread(1.0, 2.0, 3.0)))
    recurrences.main([])
    said, cases = capsys.readouterr().out.partition("| a training")[::2]
    assert said.splitlines() == [f"{library.NAME} is not installed: left out" for library in recurrences.LIBRARIES]
    assert "| lif | 2e+03 | 1 times |" in cases
    assert "slstm" not in cases


def test_a_rival_that_computes_something_else_is_not_timed():
    ours = torch.ones(3)
    steps = {"ours": lambda: [ours], "loop": lambda: [ours + 1e-2], "nn.GRU": lambda: [ours + 1]}
    with pytest.raises(AssertionError, match=r"case: ours and loop differ by 9\.9e-03"):
        recurrences.compared("case", steps)
