"""A plain network forgets what is far back, and an LSTM does not: on four problems made for it."""

from __future__ import annotations

from statistics import mean

from matplotlib.figure import Figure

from claim import Claim, Results, Table, Verdict, lines, seeds, spread, verdict
from learning import CELLS
from problems import PROBLEMS, ROWS, STEPS, Problem, learn, skill

SOLVED = 0.95  # mean skill


def measure(quick: bool) -> Results:
    """skill[problem][cell][distance]: one a seed."""
    found: Results = {"distances": {name: problem.distances for name, problem in PROBLEMS.items()}, "skill": {}}
    for name, problem in PROBLEMS.items():
        found["skill"][name] = {}
        for cell in CELLS:
            trials = [_trial(problem, cell, seed, 2 if quick else STEPS) for seed in seeds(quick)]
            found["skill"][name][cell] = [list(of_distance) for of_distance in zip(*trials, strict=True)]
    return found


def _trial(problem: Problem, cell: str, seed: int, steps: int) -> list[float]:
    if problem.mixed:
        model, _ = learn(problem, cell, None, seed, steps)
        return [skill(problem, model, d) for d in problem.distances]
    return [skill(problem, learn(problem, cell, d, seed, steps)[0], d) for d in problem.distances]


def judge(results: Results) -> Verdict:
    """In each problem, the plain network fails at the far end, and each of the gated ones does not."""
    far = {p: {c: mean(values[-1]) for c, values in of.items()} for p, of in results["skill"].items()}
    fails = [p for p, of in far.items() if of["rnn"] < SOLVED]
    learned = {c: [p for p in far if far[p][c] >= SOLVED] for c in CELLS if c != "rnn"}
    better = [far[p][c] > far[p]["rnn"] for p in far for c in learned]
    parts = [p in fails for p in far] + [p in found for found in learned.values() for p in far]
    counts = ", ".join(f"{cell} {len(found)}" for cell, found in learned.items())
    return verdict(
        parts,
        f"At the longest distance the plain network fails in {len(fails)} of {len(far)} problems; of the others each "
        f"solves, of {len(far)}: {counts} (a problem is solved at a mean skill of {SOLVED}). In {sum(better)} of "
        f"{len(better)} comparisons at that distance the gated cell is better than the plain one.",
    )


def table(results: Results) -> Table:
    """A row a problem and cell; a column a distance, of the agreement those that others have too."""
    rows = []
    for name, cells in results["skill"].items():
        distances = results["distances"][name]
        for cell, values in cells.items():
            shown = [spread(v) for d, v in zip(distances, values, strict=True) if d in (10, 30, 60)]
            rows.append([name, cell, *shown])
    return Table(["problem", "cell", "10", "30", "60"], rows)


def draw(results: Results, figure: Figure) -> None:
    """A panel a problem."""
    for ax, (name, cells) in zip(figure.subplots(1, len(PROBLEMS), sharey=True), results["skill"].items(), strict=True):
        lines(ax, results["distances"][name], cells)
        ax.set(title=name, xlabel="distance", ylim=(-0.15, 1.05))
    figure.axes[0].set_ylabel("skill")
    figure.axes[-1].legend(fontsize=6)


CLAIM = Claim(
    name="long_dependencies",
    title="A plain network forgets over long distances; an LSTM does not",
    notes=[
        (
            "When the words that decide are far apart, the RNN's memory fails, as in noun + which-clause + verb.",
            "当需要预测词间隔较远时，rnn的记忆会失效，例如名词+which修饰语句+动词。",
        ),
        (
            "Ordinary recurrent networks cannot solve long dependencies well in practice; LSTMs can.",
            "常规的递归神经网络并不能很好地解决长时依赖，好的是LSTMs可以很好地解决这个问题。",
        ),
    ],
    how=f"Skill is 1 for always right and 0 for the best answer without memory. 24 units, Adam at 0.01, gradient norm "
    f"clipped at 1, at most {STEPS} batches of {ROWS} new sequences, one model a distance; the agreement, one model "
    "for distances of 0 to 60 mixed. Distance: the sequence's length (adding, temporal order), symbols of the inner "
    "string (embedded Reber, trained on every next symbol), words between subject and verb (agreement). Means of 3 "
    "seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
