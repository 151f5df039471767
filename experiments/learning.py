"""The small model that most claims are measured on, and its training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import cellwright

CELLS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "lstm": {"cell": "lstm"},
    "lstm, forget bias 1": {"cell": "lstm", "forget_bias": 1.0},
    "gru": {"cell": "gru"},
    "lstm-1997": {"cell": "lstm-1997"},
    "peephole": {"cell": "peephole"},
}
"""Those compared on long dependencies; all begin from torch's initial weights but the one that says otherwise."""


class Batch(NamedTuple):
    """input (B, T) int64 tokens or (B, T, I) float32; target (B,), or (B, T) where every step is judged, −100 not."""

    input: Tensor
    target: Tensor
    lengths: Tensor | None = None


class Reader(nn.Module):
    """Tokens or numbers → recurrent layers → dense layer on the last output, or on every one."""

    def __init__(
        self, inputs: int, outputs: int, *, cell: str = "lstm", hidden: int = 32, tokens: bool = True,
        every_step: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding = nn.Embedding(inputs, hidden) if tokens else nn.Identity()
        width = hidden if tokens else inputs
        self.recurrent = cellwright.Recurrent(cell, width, hidden, batch_first=True, **options)
        self.every_step = every_step
        self.dropout = nn.Dropout(self.recurrent.dropout)
        self.dense = nn.Linear(hidden * self.recurrent.directions, outputs)

    def forward(self, batch: Batch) -> Tensor:
        """(B, outputs), or (B, T, outputs); (B,) where there is one output."""
        output, _ = self.recurrent(self.embedding(batch.input), lengths=batch.lengths, return_sequences=self.every_step)
        found: Tensor = self.dense(self.dropout(output))
        return found.squeeze(-1)

    def size(self) -> int:
        """Parameters of the recurrent layers."""
        return sum(p.numel() for p in self.recurrent.parameters())


def loss_of(answer: Tensor, target: Tensor) -> Tensor:
    """Squared error of numbers, cross-entropy of classes."""
    if target.is_floating_point():
        return mse_loss(answer, target)
    return cross_entropy(answer.flatten(0, -2), target.flatten())


@torch.no_grad()
def accuracy(model: nn.Module, batches: list[Batch]) -> float:
    """Share of right answers among those judged, without dropout."""
    model.eval()
    right = judged = 0
    for batch in batches:
        counts = batch.target >= 0
        right += int(((model(batch).argmax(-1) == batch.target) & counts).sum())
        judged += int(counts.sum())
    model.train()
    return right / judged


@torch.no_grad()
def mean_loss(model: nn.Module, batches: list[Batch]) -> float:
    """Of batches of one size, without dropout."""
    model.eval()
    found = sum(loss_of(model(batch), batch.target).item() for batch in batches) / len(batches)
    model.train()
    return found


def train(
    model: nn.Module,
    batches: Iterator[Batch],
    *,
    learning_rate: float = 0.005,
    clip_norm: float | None = 1.0,
    solved: Callable[[], bool] | None = None,
    every: int = 100,
) -> tuple[int, float]:
    """Train on all batches, or until `solved`, asked every so many steps; steps and processor seconds, asking aside."""
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    step, seconds = 0, 0.0
    for step, batch in enumerate(batches, 1):
        began = time.process_time()
        optimizer.zero_grad()
        loss_of(model(batch), batch.target).backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        seconds += time.process_time() - began
        if solved and step % every == 0 and solved():
            break
    return step, seconds


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor seconds of each, one after the other, so that what else runs meets all alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            began = time.process_time()
            work()
            if turn:  # the first loads the kernels
                found[name].append(time.process_time() - began)
    return {name: median(seconds) for name, seconds in found.items()}
