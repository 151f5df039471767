"""Padding computed, or skipped: the same numbers, another time; and where they are not the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import cellwright
from claim import Claim, Results, Table, Verdict, lines, seeds, spread, verdict
from learning import in_turn

T, B, I, H = 100, 32, 64, 64
SHARES = [0.0, 0.25, 0.5]
WAYS = ["padding computed", "padding skipped", "torch.nn, padding computed", "torch.nn, packed"]


Ways = dict[str, Callable[[Tensor, Tensor], Tensor]]


def ways(bidirectional: bool) -> Ways:
    """Each takes a padded batch and lengths to outputs; the weights are the same."""
    ours, theirs = cellwright.LSTM(I, H, bidirectional=bidirectional), nn.LSTM(I, H, bidirectional=bidirectional)
    theirs.load_state_dict(ours.state_dict())

    def packed(inputs: Tensor, lengths: Tensor) -> Tensor:
        rows = pack_padded_sequence(inputs, lengths, enforce_sorted=False)
        return pad_packed_sequence(theirs(rows)[0], total_length=T)[0]

    return {
        WAYS[0]: lambda inputs, lengths: ours(inputs)[0],
        WAYS[1]: lambda inputs, lengths: ours(inputs, lengths=lengths)[0],
        WAYS[2]: lambda inputs, lengths: theirs(inputs)[0],
        WAYS[3]: packed,
    }


def batch(share: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (T, B, I) and lengths (B,), about that share padding, and the mask (T, B, 1) of what is not."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(max(1, round(T * (1 - 2 * share))), T + 1, (B,), generator=random)
    lengths[0] = T
    valid = (torch.arange(T)[:, None] < lengths)[..., None]
    return torch.randn(T, B, I, generator=random) * valid, lengths, valid


def measure(quick: bool) -> Results:
    """seconds[way][share], and apart[layer][way]: the largest difference from each sequence alone; one a seed."""
    found: Results = {"seconds": {way: [[] for _ in SHARES] for way in WAYS}, "apart": {}}
    for bidirectional, layer in ((False, "LSTM"), (True, "BiLSTM")):
        found["apart"][layer] = {way: [] for way in WAYS}
        for seed in seeds(quick):
            torch.manual_seed(seed)
            of_way = ways(bidirectional)
            for way, apart in _differences(of_way, seed).items():
                found["apart"][layer][way].append(apart)
            if not bidirectional:
                for k, share in enumerate(SHARES):
                    for way, seconds in _times(of_way, batch(share, seed), 1 if quick else 9).items():
                        found["seconds"][way][k].append(seconds)
    found["share"] = [1 - float(batch(share, 0)[1].float().mean()) / T for share in SHARES]
    return found


@torch.no_grad()
def _differences(of_way: Ways, seed: int) -> dict[str, float]:
    """From the outputs of each sequence computed alone, at its own steps; of outputs within ±1."""
    inputs, lengths, valid = batch(0.5, seed)
    alone = torch.zeros_like(of_way[WAYS[1]](inputs, lengths))
    for row, length in enumerate(lengths.tolist()):
        one = slice(row, row + 1)
        alone[:length, one] = of_way[WAYS[0]](inputs[:length, one], lengths[one])
    return {way: float(((run(inputs, lengths) - alone) * valid).abs().max()) for way, run in of_way.items()}


def _times(of_way: Ways, given: tuple[Tensor, Tensor, Tensor], rounds: int) -> dict[str, float]:
    """Of a training step."""
    inputs, lengths, valid = given

    def step(way: str) -> None:
        (of_way[way](inputs, lengths) * valid).sum().backward()

    return in_turn({way: partial(step, way) for way in of_way}, rounds)


def judge(results: Results) -> Verdict:
    """Same outputs, less time: in one direction, and in both."""
    apart = {layer: {way: max(of) for way, of in ways.items()} for layer, ways in results["apart"].items()}
    half = SHARES.index(0.5)
    seconds = {way: median(of[half]) for way, of in results["seconds"].items()}
    same = [apart[layer][way] < 1e-5 for layer in apart for way in WAYS[:2]]
    parts = [*same, seconds[WAYS[1]] < seconds[WAYS[0]], seconds[WAYS[3]] < seconds[WAYS[2]]]
    return verdict(
        parts,
        f"In one direction the outputs within each length are the same (apart by {apart['LSTM'][WAYS[0]]:.0e} "
        f"computed, {apart['LSTM'][WAYS[1]]:.0e} skipped). In both they are not: the reverse direction that computes "
        f"padding begins in it and is off by up to {apart['BiLSTM'][WAYS[0]]:.2f}; skipped, by "
        f"{apart['BiLSTM'][WAYS[1]]:.0e}. With {100 * results['share'][half]:.0f} % of padding, skipping takes "
        f"{seconds[WAYS[1]] / seconds[WAYS[0]]:.2f} of the time with cellwright, and "
        f"{seconds[WAYS[3]] / seconds[WAYS[2]]:.2f} with torch.nn, whose packed path is another.",
    )


def table(results: Results) -> Table:
    """A row a way."""
    rows = []
    for way in WAYS:
        apart = [f"{max(results['apart'][layer][way]):.0e}" for layer in ("LSTM", "BiLSTM")]
        rows.append([way, *apart, *(spread(of, 1, 1e3) for of in results["seconds"][way])])
    shares = [f"ms, {100 * share:.0f} % padding" for share in results["share"]]
    return Table(["way", "LSTM apart from each alone", "BiLSTM apart", *shares], rows)


def draw(results: Results, figure: Figure) -> None:
    """Time against the share of padding."""
    ax = figure.subplots()
    shares = [100 * share for share in results["share"]]
    lines(ax, shares, {way: [[1e3 * s for s in of] for of in results["seconds"][way]] for way in WAYS})
    ax.set(xlabel="padding, % of the batch", ylabel="training step, ms", ylim=(0, None))
    ax.legend(fontsize=7)


CLAIM = Claim(
    name="padding",
    title="Packed sequences spare the padding, with the same result",
    notes=[
        (
            "The RNN divides a mini-batch into small batches, one a time step; where a sequence has no value any more, "
            "it reads no padding but lowers the batch size, so that padded zeros are not computed.",
            "RNN 把一个 mini-batch sequence 又重新划分为了很多小的 batch，每个小 batch 为所有 sequence 在当前 "
            "time step 对应的值，如果某 sequence 在当前 time step 已经没有值了，那么，就不再读入填充的 0，"
            "而是降低 batch_size。避免把填充0也纳入计算",
        ),
    ],
    how=f"One layer of {H} units on {I} features, {B} sequences of up to {T} steps of random lengths, the longest {T}; "
    "forward and backward, processor time of one thread, the median of 9 in turn. Skipped: cellwright's lengths=; "
    "packed: pack_padded_sequence without sorting beforehand. Apart: the largest difference from each sequence "
    "computed alone, at its own steps, at half padding. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
