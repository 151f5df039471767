"""What the layers are meant to reach, one row a claim, held against what a run found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cases import OTHERS, STANDARD
from cellwright.bench.case import Case
from cellwright.bench.rivals import OURS
from results import Results


@dataclass(frozen=True)
class Found:
    """A figure and what it was taken of; `bound` is what it would be if our time were that of the products alone."""

    value: float
    where: str
    bound: float | None = None


@dataclass(frozen=True)
class Among:
    """The cases that a claim speaks of; None is any."""

    cells: tuple[str, ...]
    training: bool
    ragged: bool | None = None
    batch: int | None = None
    hidden: tuple[int, int] = (1, 10**6)

    def __contains__(self, case: Case) -> bool:
        return (
            case.cell in self.cells
            and case.training == self.training
            and self.ragged in (None, case.ragged)
            and self.batch in (None, case.batch)
            and self.hidden[0] <= case.hidden <= self.hidden[1]
        )


@dataclass(frozen=True)
class Target:
    """A claim: every figure is at least `wanted`, or at most."""

    claim: str
    wanted: float
    unit: str
    figures: Callable[[Results], list[Found]]
    at_most: bool = False

    def judge(self, results: Results) -> Verdict | None:
        """None where nothing was measured that it speaks of."""
        figures = sorted(self.figures(results), key=lambda found: found.value, reverse=self.at_most)
        return Verdict(self, figures) if figures else None


@dataclass(frozen=True)
class Verdict:
    """A claim's figures, the worst first."""

    target: Target
    figures: list[Found]

    @property
    def met(self) -> int:
        """How many figures meet it."""
        wanted = self.target.wanted
        return sum(f.value <= wanted if self.target.at_most else f.value >= wanted for f in self.figures)

    @property
    def says(self) -> str:
        """Met, or by how much the worst figure misses."""
        if self.met == len(self.figures):
            return "met"
        return f"missed by {abs(self.figures[0].value / self.target.wanted - 1):.0%}"


def _faster_than(*rivals: str, among: Among) -> Callable[[Results], list[Found]]:
    def figures(results: Results) -> list[Found]:
        return [
            Found(
                m.ratio(rival),
                f"{m.case}" + (f", {rival}" if len(rivals) > 1 else ""),
                m.ratio(rival) / results.share(m, "tile"),
            )
            for m in results.speed
            for rival in rivals
            if m.case in among and rival in m.times
        ]

    return figures


def _share(among: Among) -> Callable[[Results], list[Found]]:
    return lambda results: [Found(results.share(m), str(m.case)) for m in results.speed if m.case in among]


def _error(of: str) -> Callable[[Results], list[Found]]:
    def figures(results: Results) -> list[Found]:
        return [
            Found(
                e.ours[of], f"{e.case.cell} {e.case.sizes}, PyTorch's {e.theirs[of]:.1e}, rounding {e.rounding[of]:.1e}"
            )
            for e in results.errors
        ]

    return figures


def _memory(results: Results) -> list[Found]:
    return [Found(p.bytes[OURS] / p.bytes[p.rival], f"{p.case}, {p.rival}") for p in results.memory]


def _import(results: Results) -> list[Found]:
    return [Found(spread.median, "median") for name, spread in results.imports.items() if name == "cellwright"]


PADDED, PACKED, LOOP, ONNX = "torch.nn padded", "torch.nn packed", "Python loop", "ONNX Runtime"
LAYER_NORM = tuple(cell for cell in OTHERS if cell.startswith("layer-norm"))
REST = tuple(cell for cell in OTHERS if cell not in LAYER_NORM)


def _standard(cell: str, packed: float, padded: tuple[tuple[float, tuple[int, int]], ...]) -> list[Target]:
    """What is asked of a cell that torch.nn has: `packed` times, and `padded` times in a range of H."""
    name, training = cell.upper(), Among((cell,), training=True, ragged=True)
    found = [Target(f"{name} training, ragged, against packed", packed, "×", _faster_than(PACKED, among=training))]
    for times, (low, high) in padded:
        where = f" at H = {low}" if low == high else ""
        among = Among((cell,), training=True, ragged=False, hidden=(low, high))
        found.append(Target(f"{name} training, padded{where}", times, "×", _faster_than(PADDED, among=among)))
    ragged, alone = (Among((cell,), training=False, ragged=r, batch=b) for r, b in ((True, None), (None, 1)))
    found.append(Target(f"{name} inference, ragged, against packed", 3, "×", _faster_than(PACKED, among=ragged)))
    found.append(Target(f"{name} inference, batch 1", 2, "×", _faster_than(PADDED, ONNX, among=alone)))
    return found


TARGETS = (
    *_standard("lstm", 10, ((1.3, (1, 10**6)),)),
    *_standard("gru", 10, ((3, (128, 128)), (2, (256, 256)))),
    *_standard("rnn", 5, ((2.5, (128, 128)), (1.7, (256, 256)))),
    Target("LSTM inference, padded", 1, "×", _faster_than(PADDED, among=Among(("lstm",), False, ragged=False))),
    Target("other cells training", 8, "×", _faster_than(LOOP, among=Among(REST, True))),
    Target("layer-norm cells training", 6, "×", _faster_than(LOOP, among=Among(LAYER_NORM, True))),
    Target(
        "share of sgemm, training, B = 32, H ≥ 256", 0.8, "%", _share(Among(STANDARD, True, None, 32, (256, 10**6)))
    ),
    Target("memory of a training step, against torch.nn", 1, "×", _memory, at_most=True),
    Target("largest error in outputs", 2e-6, "", _error("output"), at_most=True),
    Target("largest error in gradients", 1e-5, "", _error("gradients"), at_most=True),
    Target("first compile of a cell", 3, "s", lambda r: [Found(c.first, c.cell) for c in r.compilations], at_most=True),
    Target(
        "the same from the cache", 0.3, "s", lambda r: [Found(c.cached, c.cell) for c in r.compilations], at_most=True
    ),
    Target("import beyond torch's", 0.3, "s", _import, at_most=True),
)
