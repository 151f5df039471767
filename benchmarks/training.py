"""Whole training, tokens a second: `fit` as it is, and the same model with torch.nn's layers, packed and padded.

    python benchmarks/training.py                    every task of CASES, into docs/training.md
    python benchmarks/training.py --only classify    one of them, printed only

One run of `fit` trains on each batch three times, each time with other layers under the same weights, so that a slow
minute is everybody's. A step lasts from the call of its loss to that of the next: layers, embedding, loss, gradients,
clipping, optimiser, EMA, the next batch, Lightning and its callbacks, the history and the checkpoints.

    cellwright  the model's own layers, given lengths
    packed      torch.nn's, as its documentation has ragged batches computed: pack, run, pad
    padded      torch.nn's on the padded batch; of rows that end early its reverse direction reads padding, so that it
                learns something else in the same time that the right numbers would take, if it could compute them

Where cellwright's own step spends its time is told by timers around its parts, the layers' kernels among them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import machine
from cellwright import Recurrent, tasks
from cellwright.allocator import keep_freed_memory
from cellwright.backends.kernels import backward, forward
from cellwright.bench.timing import load
from cellwright.data.feed import Epoch, Feed
from cellwright.tasks.task import Objective, Step
from cellwright.training.folder import make_folder
from cellwright.training.plan import Plan
from cellwright.training.session import Session
from clock import Clock
from page_section import replace_measured

PAGE = Path(__file__).parents[1] / "docs" / "training.md"
WAYS = ("cellwright", "packed", "padded")
WARM, STEPS = 6, 60  # batches that are not counted, and that are

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "classify, reviews-zh": ("classify", {"data": "reviews-zh"}),
    "classify, news-en": ("classify", {"data": "news-en"}),
    "tag, pos-zh": ("tag", {"data": "pos-zh"}),
    "lm, pydoc": ("lm", {"data": "pydoc"}),
    "transduce, g2p-en": ("transduce", {"data": "g2p-en"}),
}
"""With the defaults of `fit`: LSTMs of each task's own size."""


class Enough(Exception):
    """All steps that were asked for are measured."""


@dataclass
class Measured:
    """Tokens of each batch, the seconds of its steps by way, and where those of cellwright went."""

    name: str
    tokens: list[int] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    parts: dict[str, float] = field(default_factory=dict)

    def speed(self, way: str) -> float:
        """Tokens a second."""
        return sum(self.tokens) / sum(self.seconds[way])

    def ratio(self, way: str) -> float:
        """How many times faster cellwright's step is, the median over the batches."""
        return statistics.median(
            other / own for own, other in zip(self.seconds["cellwright"], self.seconds[way], strict=True)
        )


class Layers:
    """The recurrent layers of a model, which compute as `way` says."""

    def __init__(self, model: nn.Module) -> None:
        self.way = WAYS[0]
        for layer in model.modules():
            if isinstance(layer, Recurrent):
                layer.forward = self._choice(layer.forward, twin(layer))  # type: ignore[method-assign]

    def _choice(self, own: Callable[..., Any], other: nn.Module) -> Callable[..., Any]:
        def forward(input: Tensor, state: Any = None, **options: Any) -> Any:
            if self.way == "cellwright":
                return own(input, state, **options)
            return call_torch(other, input, state, packed=self.way == "packed", **options)

        return forward


def twin(layer: Recurrent) -> nn.Module:
    """torch.nn's layer over the same parameters."""
    made: nn.Module = getattr(nn, layer.cell.name.upper())(
        layer.input_size, layer.hidden_size, layer.num_layers, layer.bias, layer.batch_first,
        bidirectional=layer.bidirectional,
    )  # fmt: skip
    for name, parameter in layer.named_parameters():
        setattr(made, name, parameter)
    return made


def call_torch(
    layer: Any,
    input: Tensor,
    state: Any,
    *,
    packed: bool,
    lengths: Any = None,
    reset: Tensor | None = None,
    return_sequences: bool = True,
) -> tuple[Tensor, Any]:
    """What `Recurrent.forward` returns, by torch.nn; without `reset`, which it has not: only time counts here."""
    if not packed or lengths is None:
        output, end = layer(input, state)
    else:
        # torch.nn refuses rows without a step, and has no way to tell their output.
        steps = torch.as_tensor(lengths).clamp(min=1).cpu()
        rows, end = layer(pack_padded_sequence(input, steps, layer.batch_first, enforce_sorted=False), state)
        output = pad_packed_sequence(rows, layer.batch_first, total_length=input.shape[1 if layer.batch_first else 0])[
            0
        ]
    if return_sequences:
        return output, end
    last = end[0] if isinstance(end, tuple) else end
    return torch.cat(list(last[-2:] if layer.bidirectional else last[-1:]), dim=-1), end


@dataclass(frozen=True)
class Thrice:
    """A feed that gives each batch once for each way."""

    feed: Feed
    collate: Callable[[Sequence[Any]], Any]

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """The epoch with each batch as often as there are ways."""
        epoch = self.feed.epoch(number, rank, world_size)
        return Epoch(epoch.examples, [batch for batch in epoch.batches for _ in WAYS])


class Turns(Objective):
    """The objective, its model's layers changed before each step; a step's seconds end where the next begins."""

    def __init__(self, objective: Objective, measured: Measured) -> None:
        self.objective, self.metric = objective, objective.metric
        self.measured = measured
        self.clock = Clock()
        self.layers: Layers | None = None
        self._step = -len(WAYS) * WARM
        self._began = 0.0
        self._before: dict[str, float] = {}

    def loss(self, model: Any, batch: Any) -> Step:
        """End the step before, and begin one."""
        self._end()
        if self.layers is None:
            self.layers = Layers(model)
        self.layers.way = WAYS[self._step % len(WAYS)]
        self._began = time.perf_counter()
        self._before = dict(self.clock.seconds)
        step = self.clock.around("loss", self.objective.loss)(model, batch)
        if self._step >= 0 and self.layers.way == "cellwright":
            self.measured.tokens.append(step.tokens)
        self._step += 1
        return step

    def _end(self) -> None:
        way, last = WAYS[(self._step - 1) % len(WAYS)], self._step - 1
        if last < 0:
            return
        seconds = time.perf_counter() - self._began
        self.measured.seconds[way].append(seconds)
        if way == "cellwright":
            spent = {name: now - self._before.get(name, 0.0) for name, now in self.clock.seconds.items()}
            for name, value in (spent | {"Lightning, callbacks": seconds - sum(spent.values())}).items():
                self.measured.parts[name] = self.measured.parts.get(name, 0.0) + value
        if self._step == STEPS * len(WAYS):
            raise Enough

    def model(self) -> nn.Module:
        """The objective's."""
        return self.objective.model()

    def measure(self, model: Any, batch: Any) -> Tensor:
        """The objective's."""
        return self.objective.measure(model, batch)

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """The objective's."""
        return self.objective.scores(sums)

    def begin_pass(self, training: bool) -> None:
        """The objective's."""
        self.objective.begin_pass(training)


def measure(name: str) -> Measured:
    """Train, in this process."""
    task, options = CASES[name]
    measured = Measured(name)
    with tempfile.TemporaryDirectory() as folder:
        config = tasks.config_of(task)(out=Path(folder), max_epochs=100, **options)
        prepared: Any = tasks.get(task).prepare(config, None)
        make_folder(config)
        turns = Turns(prepared.objective, measured)
        feed = Thrice(prepared.train, turns.clock.around("next batch", prepared.train.collate))
        changed = {"objective": turns, "train": feed}
        plan = Plan.of(config, len(prepared.train.epoch(0, 0, 1).batches))
        session = Session(type(prepared)(**(vars(prepared) | changed)), plan, progress=False, say=lambda sentence: None)
        with _timed(session.module, turns.clock):
            try:
                session.run()
            except Enough:
                return measured
    raise RuntimeError(f"{name}: the data ended before {STEPS} batches")


class _timed:
    """Timers around the parts of a step, while entered."""

    def __init__(self, module: Any, clock: Clock) -> None:
        self.module, self.clock = module, clock
        self.before = (forward.forward, backward.backward)

    def __enter__(self) -> None:
        around, module = self.clock.around, self.module
        forward.forward, backward.backward = (around("kernels", function) for function in self.before)
        module.backward = around("backward of the rest", module.backward)
        module.configure_gradient_clipping = around("clipping", module.configure_gradient_clipping)
        module.averaged.follow = around("EMA", module.averaged.follow)
        make = module.configure_optimizers

        def configure_optimizers() -> Any:
            optimizer = make()
            optimizer.zero_grad = around("zero_grad", optimizer.zero_grad)
            optimizer.step = self._step(optimizer.step)
            return optimizer

        module.configure_optimizers = configure_optimizers

    def _step(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The optimiser's own time: its closure, which Lightning makes of all that comes before, is Lightning's."""
        timed = self.clock.around("optimiser", step)

        def with_closure(closure: Callable[[], Any] | None = None) -> Any:
            return timed(None if closure is None else self.clock.around("Lightning, callbacks", closure))

        return with_closure

    def __exit__(self, *_: object) -> None:
        forward.forward, backward.backward = self.before


def speeds(found: Sequence[Measured]) -> str:
    """A row a case."""
    lines = [
        "| | tokens a batch | tokens/s | torch.nn packed | padded | times packed | times padded |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        rates = " | ".join(f"{each.speed(way):,.0f}" for way in WAYS)
        ratios = " | ".join(f"{each.ratio(way):.1f}" for way in WAYS[1:])
        lines.append(f"| {each.name} | {statistics.mean(each.tokens):,.0f} | {rates} | {ratios} |")
    return "\n".join(lines)


def shares(found: Sequence[Measured]) -> str:
    """Of cellwright's step, a column a part."""
    names = list(dict.fromkeys(name for each in found for name in each.parts))
    lines = [
        f"| ms a step | all | {' | '.join(names)} | outside of the kernels |",
        f"|---|---:|{'---:|' * len(names)}---:|",
    ]
    for each in found:
        steps, whole = len(each.tokens), sum(each.parts.values())
        values = [whole, *(each.parts.get(name, 0.0) for name in names)]
        cells = [*(f"{1000 * value / steps:.1f}" for value in values), f"{1 - each.parts['kernels'] / whole:.0%}"]
        lines.append(f"| {each.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the page unless only some were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="TEXT", default="", help="only cases whose name contains this; printed only")
    options = parser.parse_args()
    keep_freed_memory()  # as `cellwright fit` does
    found = [measure(name) for name in CASES if options.only in name]
    facts = machine.describe()
    text = (
        f"Written by `python benchmarks/training.py` on {facts['date']} ({facts['processor']}; threads: "
        f"{torch.get_num_threads()}; {facts['versions']}), load {load():.1f}.\n\n"
        f"{speeds(found)}\n\n{shares(found)}\n"
    )
    print(text)
    if not options.only:
        replace_measured(PAGE, text)


if __name__ == "__main__":
    main()
