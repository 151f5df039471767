"""Forecasts of a panel whose series are on scales of their own: one scale for all, or each window by itself.

    python benchmarks/panels.py

Sixteen series that repeat every seven steps, with noise, whose deviations span a ratio. Prints, a row a ratio, the mean
absolute scaled error (MASE) of the network with `--scaling training` and with `--scaling window`, and of the value a
season before, on the last tenth of each series: means of two seeds.
"""

import tempfile
from pathlib import Path

import numpy as np

from cellwright import tasks
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.training import fit

RATIOS = (1, 3, 10, 100, 1000)
SCALINGS = ("training", "window")
SEEDS = (0, 1)
SERIES, STEPS, SEASON = 16, 120, 7


def panel(ratio: float, seed: int) -> str:
    """The series as CSV in long form, of scales from 1 to the ratio."""
    draw = np.random.default_rng(seed)
    rows = ["series,x"]
    for k, scale in enumerate(np.geomspace(1, ratio, SERIES)):
        steps = np.arange(STEPS)
        values = scale * (3 + np.sin(2 * np.pi * steps / SEASON) + 0.2 * draw.standard_normal(STEPS))
        rows += [f"{k},{value:.6g}" for value in values]
    return "\n".join(rows) + "\n"


def errors(ratio: float, scaling: str, seed: int) -> tuple[float, float]:
    """MASE of the network, and of the value a season before."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "panel.csv"), Path(folder, "run")
        data.write_text(panel(ratio, seed))
        options = {
            "objective": "forecast",
            "horizon": SEASON,
            "season_length": SEASON,
            "hidden_size": 32,
            "max_epochs": 20,
        }
        config = SeriesConfig(data=str(data), out=out, scaling=scaling, seed=seed, threads=1, **options)
        fit(config, progress=False, say=lambda sentence: None)
        report = tasks.get("series").evaluate(load_run(out), str(data), "test", {}, lambda sentence: None)
    models = report.as_json()["models"]
    return models["this model"]["mase"], models["value a season before"]["mase"]


def main() -> None:
    """Print the table."""
    print("| ratio of scales | one scale for all | each window by itself | season before |\n|---|---|---|---|")
    for ratio in RATIOS:
        found = {scaling: np.mean([errors(ratio, scaling, seed) for seed in SEEDS], 0) for scaling in SCALINGS}
        alike, own = (found[scaling] for scaling in SCALINGS)
        print(f"| {ratio:,} | {alike[0]:.2f} | {own[0]:.2f} | {own[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
