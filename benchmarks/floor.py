"""No call slower than torch.nn's: layers and single steps of many small sizes, each beside torch.nn, in a fixed order.

    python benchmarks/floor.py                        the grid: about an hour a number of threads
    python benchmarks/floor.py --quick                a share of it
    python benchmarks/floor.py --threads 2            threads of the arithmetic (1)
    python benchmarks/floor.py --only 'gru train'     cases whose name contains this
    python benchmarks/floor.py --kernels              the kernels at every size, which the bounds are read off
    python benchmarks/floor.py --busy                 by processor time, where others are at work; one thread
    python benchmarks/floor.py --control              torch.nn in our place: what the measure itself gets wrong
    python benchmarks/floor.py --resume found.txt     go on with a run whose output is in this file

A case's ratio is how often ours is done while torch.nn's is done once, of medians taken in turn (with --busy, of lower
quartiles); results are compared before. Two layers of torch.nn differ by 5 % in such a short look, and by 20 % for as
long as they live, by where in memory they lie. So a case below the floor is made and measured anew several times at
the end, and the median of these counts, better or worse. What is below then may still be chance, and --control tells
how often it is: both sides are torch.nn's then.

A packed case begins and ends with packed rows. One of lengths is padded: torch.nn's layer packs before and pads after.
A custom cell's step is held against its own reference.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import cellwright
from cellwright import use_backend
from cellwright.backends.bounds import kernels_of_any_size
from cellwright.bench.timing import interleaved, others_at_work

FLOOR = 0.95
AGAIN = 7  # times a case is made and measured anew that the first look found below the floor
LARGEST_WORK = 1 << 30  # L · T · B · H²: what is larger takes long, and `layers.py` measures it
KINDS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
CUSTOM = ("mgu", "peephole", "slstm")
OURS, THEIRS = "cellwright", "torch.nn"


@dataclass(frozen=True)
class Case:
    """One call: of a layer, padded, packed or with lengths, or of a single step."""

    cell: str
    form: str
    trains: bool
    layers: int
    time: int
    batch: int
    hidden: int

    def __str__(self) -> str:
        mode = "training" if self.trains else "inference"
        return f"{self.cell} {mode} {self.form} L{self.layers} T{self.time} B{self.batch} H{self.hidden}"

    @property
    def work(self) -> int:
        """L · T · B · H², to which the multiplications of a cell are in proportion."""
        return self.layers * self.time * self.batch * self.hidden**2


def cases(quick: bool) -> Iterator[Case]:
    """The grid."""
    times = (1, 4, 12, 100) if quick else (1, 2, 4, 8, 12, 20, 30, 50, 100)
    batches, sizes = ((1, 16), (16, 128)) if quick else ((1, 4, 16, 64), (16, 64, 128, 256, 512))
    for cell, trains, form, layers in product(KINDS, (False, True), ("padded", "packed", "lengths"), (1, 2)):
        for time_, batch, hidden in product(times, batches, sizes):
            case = Case(cell, form, trains, layers, time_, batch, hidden)
            if case.work <= LARGEST_WORK and (batch > 1 or form != "lengths"):
                yield case
    for cell, trains in product((*KINDS, *CUSTOM), (False, True)):
        for batch, hidden in product((1, 16) if quick else (1, 8, 32, 128, 400), (32, 128) if quick else (32, 64, 256)):
            yield Case(cell, "step", trains, 1, 1, batch, hidden)


# --- what is timed -------------------------------------------------------------------------------------
Call = Callable[[], Sequence[Tensor]]


def works(case: Case, control: bool = False) -> dict[str, Call]:
    """Ours and the other's, each giving the output, and in training the gradients of input and weights.

    control: torch.nn's in our place, of a case that it has.
    """
    torch.manual_seed(0)
    return _of_steps(case, control) if case.form == "step" else _of_layers(case, control)


def _of_layers(case: Case, control: bool) -> dict[str, Call]:
    kind = KINDS[case.cell]
    theirs = getattr(nn, kind)(case.hidden, case.hidden, case.layers)
    ours = getattr(nn if control else cellwright, kind)(case.hidden, case.hidden, case.layers)
    ours.load_state_dict(theirs.state_dict())
    x, cotangent = torch.randn(2, case.time, case.batch, case.hidden).unbind()
    lengths = _lengths(case)
    if case.form == "packed":
        rows = pack_padded_sequence(x, lengths, enforce_sorted=False)
        at = pack_padded_sequence(cotangent, lengths, enforce_sorted=False).data
        rows.data.requires_grad_(case.trains)
        return {
            OURS: _work(case, ours, rows.data, lambda: ours(rows)[0].data, at),
            THEIRS: _work(case, theirs, rows.data, lambda: theirs(rows)[0].data, at),
        }
    x.requires_grad_(case.trains)
    if case.form == "padded":
        calls: tuple[Callable[[], Tensor], ...] = (lambda: ours(x)[0], lambda: theirs(x)[0])
    else:
        calls = (
            lambda: _packed_and_padded(ours, x, lengths) if control else ours(x, lengths=lengths)[0],
            lambda: _packed_and_padded(theirs, x, lengths),
        )
        cotangent *= (torch.arange(case.time)[:, None] < lengths)[..., None]
    return {
        name: _work(case, layer, x, call, cotangent)
        for name, layer, call in zip((OURS, THEIRS), (ours, theirs), calls, strict=True)
    }


def _lengths(case: Case) -> Tensor:
    """(B,) from T/5 to T, the longest T."""
    drawn = torch.randint(max(1, case.time // 5), case.time + 1, (case.batch,))
    drawn[case.batch // 2] = case.time
    return drawn


def _packed_and_padded(layer: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    output, _ = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    return pad_packed_sequence(output, total_length=len(x))[0]


def _of_steps(case: Case, control: bool) -> dict[str, Call]:
    x, h, c, cotangent = torch.randn(4, case.batch, case.hidden).unbind()
    x.requires_grad_(case.trains)
    ours = cellwright.RecurrentCell(case.cell, case.hidden, case.hidden)
    states = [h, c, h.abs() + 1, torch.zeros_like(h)][: len(ours.cell.states)]
    hx: Any = tuple(states) if len(states) > 1 else states[0]

    def of(module: nn.Module) -> Callable[[], Tensor]:
        def call() -> Tensor:
            new = module(x, hx)
            return new[0] if isinstance(new, tuple) else new

        return call

    if case.cell in KINDS:
        kind = getattr(nn, f"{KINDS[case.cell]}Cell")
        first, second = kind(case.hidden, case.hidden) if control else ours, kind(case.hidden, case.hidden)
        second.load_state_dict(first.state_dict())
        return {
            OURS: _work(case, first, x, of(first), cotangent),
            THEIRS: _work(case, second, x, of(second), cotangent),
        }

    def on_reference() -> Tensor:
        with use_backend("reference"):
            return of(ours)()

    return {OURS: _work(case, ours, x, of(ours), cotangent), THEIRS: _work(case, ours, x, on_reference, cotangent)}


def _work(case: Case, layer: nn.Module, input: Tensor, call: Callable[[], Tensor], cotangent: Tensor) -> Call:
    leaves = [input, *layer.parameters()]

    def infer() -> Sequence[Tensor]:
        with torch.no_grad():
            return [call()]

    def train() -> Sequence[Tensor]:
        output = call()
        return [output, *torch.autograd.grad(output, leaves, cotangent)]

    return train if case.trains else infer


# --- measuring -----------------------------------------------------------------------------------------
def ratio(case: Case, options: argparse.Namespace) -> float:
    """How often ours is done while the other is done once; raises where they compute different things."""
    both = works(case, options.control)
    results = [work() for work in both.values()]
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.detach().abs().max()))
    clock = time.thread_time if options.busy else time.perf_counter
    times = interleaved(both, options.repeat, options.seconds, options.turn, clock)
    if options.busy:  # others only add to a time
        return times[THEIRS].low / times[OURS].low
    return times[THEIRS].median / times[OURS].median


def again(case: Case, options: argparse.Namespace) -> float:
    """The median ratio of pairs of layers that are made anew, at other places in memory."""
    found, kept = [], []
    for k in range(AGAIN):
        kept.append(torch.empty(1000 * k + 1))  # shifts what is allocated next
        found.append(ratio(case, options))
    return median(found)


def main() -> None:
    """Measure, print each case, and at the end those that are below the floor."""
    options = _options()
    torch.set_num_threads(options.threads)
    if not options.busy and (doubt := others_at_work()):
        print(doubt, file=sys.stderr)
    looks = _looks(options.resume.read_text()) if options.resume else {}
    found: dict[Case, float] = {}
    with kernels_of_any_size() if options.kernels else nullcontext():
        for case in cases(options.quick):
            if options.only not in str(case) or (options.control and case.cell in CUSTOM):
                continue
            if str(case) not in looks:
                looks[str(case)] = [ratio(case, options)]
                print(f"{looks[str(case)][0]:6.2f}  {case}", flush=True)
            found[case] = looks[str(case)][-1]
        for case in [case for case, last in found.items() if last < FLOOR and len(looks[str(case)]) == 1]:
            found[case], first = again(case, options), found[case]
            print(f"{found[case]:6.2f}  {case}    again; {first:.2f} before", flush=True)
    _summary(found)


LINE = re.compile(r"^ *(\d+\.\d\d)  (\w+ \w+ \w+ L\d+ T\d+ B\d+ H\d+)(?:$|    again)", re.MULTILINE)


def _looks(output: str) -> dict[str, list[float]]:
    """A case's ratio in an earlier output, and where it was measured anew that one behind it."""
    looks: dict[str, list[float]] = {}
    for found, case in LINE.findall(output):
        looks.setdefault(case, []).append(float(found))
    return looks


def _summary(found: dict[Case, float]) -> None:
    print("\n| | cases | worst | median | below the floor |\n|---|---|---|---|---|")
    groups = dict.fromkeys((case.cell, case.form, case.trains) for case in found)
    for cell, form, trains in groups:
        ratios = [r for c, r in found.items() if (c.cell, c.form, c.trains) == (cell, form, trains)]
        below = sum(r < FLOOR for r in ratios)
        mode = "training" if trains else "inference"
        print(f"| {cell} {form} {mode} | {len(ratios)} | {min(ratios):.2f} | {median(ratios):.2f} | {below} |")
    slow = sorted((r, str(case)) for case, r in found.items() if r < FLOOR)
    print(f"\n{len(slow)} of {len(found)} cases below {FLOOR}")
    print(*(f"{r:6.2f}  {case}" for r, case in slow), sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a share of the grid")
    parser.add_argument("--kernels", action="store_true", help="the kernels at every size")
    parser.add_argument("--busy", action="store_true", help="by processor time of one thread")
    parser.add_argument("--control", action="store_true", help="torch.nn in our place")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="the output of a run that was ended")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the arithmetic (1)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="rounds of a case at most (9)")
    parser.add_argument(
        "--seconds", type=float, default=0.4, metavar="S", help="of a case, three rounds at least (0.4)"
    )
    parser.add_argument("--turn", type=float, default=0.01, metavar="S", help="a rival's turn (0.01)")
    options = parser.parse_args()
    if options.busy and options.threads > 1:
        parser.error("--busy reads the processor time of one thread; expected --threads 1")
    return options


if __name__ == "__main__":
    main()
