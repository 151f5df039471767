"""Threads that call, compile and compute at once, and fewer of them than were asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from calls import draw_call, outputs, same_bits, with_gradients
from cellwright.cells import CELLS
from cellwright.cells.definition import Definition
from threads import at_once, on_threads

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("openmp", [1, 2])
def test_eight_threads_at_once_get_the_bits_that_each_gets_alone(openmp):
    """Different sizes at once: each call's header and tables are its own. (They once shared freed memory.)"""
    sizes = [(k % 3 + 1, 3 + k) for k in range(8)]
    calls = [draw_call(CELLS["lstm"], tuple(range(b + 1, 0, -1)), 3, h, directions=2) for b, h in sizes]
    wanted = [(outputs(call), with_gradients(call)) for call in calls]

    def work(k: int) -> None:
        for _ in range(40):
            assert same_bits(outputs(calls[k]), wanted[k][0]) == []
        for _ in range(10):
            assert same_bits(with_gradients(calls[k]), wanted[k][1]) == []

    on_threads(openmp, at_once, 8, work)


@pytest.mark.slow
def test_eight_threads_compile_a_cell_at_once(tmp_path, monkeypatch):
    """A definition that no kernel was made for, an empty cache: all wait for machine code, none gets half of it."""
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    gru = CELLS["gru"]
    unknown = Definition("unknown", gru.step, gru.projections, gru.gates, gru.states)
    call = draw_call(unknown)
    found: dict[int, dict[str, torch.Tensor]] = {}

    def work(k: int) -> None:
        found[k] = with_gradients(call)

    at_once(8, work)
    wanted = with_gradients(replace(call, cell=gru))
    for values in found.values():
        assert same_bits(values, wanted) == []
    assert {path.suffix for path in tmp_path.iterdir()} == {".o"}


FEWER_THREADS = """
import torch, cellwright
from cellwright.backends.kernels import partition
partition.SMALL = 0
torch.manual_seed(0)
layer, x = cellwright.LSTM(4, 8, bidirectional=True), torch.randn(9, 6, 4)
found = []
for threads in (1, 2, 5):
    torch.set_num_threads(threads)
    with cellwright.use_backend("compiled"):
        output, _ = layer(x)
    output.sum().backward()
    found.append([output.detach(), *(p.grad.clone() for p in layer.parameters())])
    layer.zero_grad()
assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))
"""


@pytest.mark.slow
def test_fewer_threads_than_asked_for():
    """OpenMP need not give them (OMP_THREAD_LIMIT, OMP_DYNAMIC); what they would have done is done all the same."""
    for limit in ({"OMP_THREAD_LIMIT": "1"}, {"OMP_DYNAMIC": "true"}):
        done = subprocess.run(
            [sys.executable, "-c", FEWER_THREADS],
            env={**os.environ, **limit},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
