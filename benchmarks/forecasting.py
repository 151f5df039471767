"""Another cell in forecasting libraries: on our kernels, beside the same cell as a loop of PyTorch operations.

python benchmarks/forecasting.py                  every library that is installed
python benchmarks/forecasting.py darts

The code is that of docs/forecasting-libraries.md, taken from the page. Each library trains a small model on data made
here, in turn by the kernels and by the reference, which computes a step after the other as one would write it. Losses
are to agree to 1e-4 of the largest, and forecasts are to be numbers; times are processor time, of the whole training.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import cellwright
from rivals.missing import missing
from trainings import QUIET, listener, waves

PAGE = Path(__file__).parents[1] / "docs" / "forecasting-libraries.md"
TURNS, AGREE = 3, 1e-4
Trained = tuple[list[float], np.ndarray]


def code(section: str) -> str:
    """The Python of a section of the page."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    return rest.partition("\n## ")[0].partition("```python\n")[2].partition("```")[0]


def darts(model: Any) -> Trained:
    """Losses of an epoch, and five steps ahead."""
    from darts import TimeSeries
    from darts.models import RNNModel

    heard = listener()
    made = RNNModel(
        model=model,
        input_chunk_length=48,
        training_length=72,
        hidden_dim=64,
        n_rnn_layers=2,
        dropout=0.0,
        batch_size=32,
        n_epochs=1,
        random_state=0,
        pl_trainer_kwargs={**QUIET, "callbacks": [heard]},
    )
    series = [TimeSeries.from_values(one) for one in waves(2, 200)]
    made.fit(series, verbose=False)
    return heard.losses, made.predict(5, series=series[0], verbose=False).values()


def neuralforecast(model: Any) -> Trained:
    """Losses of six steps, and twelve steps ahead."""
    import pandas
    from neuralforecast import NeuralForecast

    parts = [
        pandas.DataFrame({"unique_id": k, "ds": np.arange(len(one)), "y": one}) for k, one in enumerate(waves(8, 300))
    ]
    made = model(h=12, input_size=96, encoder_hidden_size=128, max_steps=6, batch_size=8, random_seed=0, **QUIET)
    forecast = NeuralForecast([made], freq=1)
    forecast.fit(pandas.concat(parts))
    losses = [float(loss) for _, loss in forecast.models[0].train_trajectories]
    return losses, forecast.predict()[type(made).__name__].to_numpy()


def gluonts(model: Any) -> Trained:
    """Losses of six batches, and the paths of one series."""
    import lightning.pytorch
    from gluonts.dataset.common import ListDataset

    data = ListDataset([{"start": "2020-01-01", "target": one} for one in waves(8, 300)], freq="D")
    lightning.pytorch.seed_everything(0, verbose=False)
    heard = listener()
    trainer = {**QUIET, "enable_checkpointing": True, "max_epochs": 1, "callbacks": [heard]}
    sizes = {"prediction_length": 24, "context_length": 48, "hidden_size": 64, "num_batches_per_epoch": 6}
    predictor = model(freq="D", dropout_rate=0.0, trainer_kwargs=trainer, **sizes).train(data)
    return heard.losses, next(iter(predictor.predict(data))).samples


LIBRARIES: dict[str, Callable[[Any], Trained]] = {"darts": darts, "neuralforecast": neuralforecast, "GluonTS": gluonts}


def measured(section: str) -> tuple[float, float, float]:
    """The last loss, by how much the losses differ, and how many times as long the loop takes."""
    names: dict[str, Any] = {"__name__": "__main__"}  # what GluonTS writes down of a class is looked up there
    exec(code(section), names)
    setattr(sys.modules["__main__"], "MGU", names["MGU"])  # noqa: B010
    times: dict[str, list[float]] = {"compiled": [], "reference": []}
    losses = {}
    for turn in range(TURNS + 1):
        for backend, found in times.items():
            begin = time.process_time()
            with cellwright.use_backend(backend):
                losses[backend], ahead = LIBRARIES[section](names["MGU"])
            assert np.isfinite(ahead).all(), f"{section}: the forecast is no number"
            if turn:  # the first compiles
                found.append(time.process_time() - begin)
    ours, loop = (np.array(losses[backend]) for backend in times)
    ratio = median(b / a for a, b in zip(*times.values(), strict=True))
    return float(ours[-1]), float(np.abs(ours - loop).max() / np.abs(loop).max()), ratio


def main(sections: list[str]) -> int:
    """Print the table; 1 where losses differ."""
    torch.set_num_threads(1)
    print("| library | last loss | losses differ by | the loop takes |\n| --- | ---: | ---: | ---: |")
    wrong = False
    for section in sections:
        if obstacle := missing(section.lower()):
            print(f"| {section} | {obstacle} | | |", flush=True)
            continue
        loss, error, ratio = measured(section)
        print(f"| {section} {version(section)} | {loss:.4g} | {error:.0e} | {ratio:.2f} times as long |", flush=True)
        wrong |= not error <= AGREE
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(LIBRARIES)))
