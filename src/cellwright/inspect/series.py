"""What a model of series does on one: its gates at each step, and what it says after each.

A series is given as predictors take it, as a JSON object: `data/readers/json_series.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from cellwright.data.scaling import Scaling
from cellwright.data.series_batches import SeriesBatch, collate_series
from cellwright.inspect.attribution import Attributions, integrated_gradients, log_odds
from cellwright.inspect.capture import Captured, capturing
from cellwright.inspect.classifier import meaning
from cellwright.inspect.recording import (
    Answers,
    Array,
    Channels,
    Letters,
    Recording,
    beginnings,
    check_count,
    rows_with_gradients,
    up_to_here,
)
from cellwright.models.series_autoencoder import errors
from cellwright.nn import Recurrent
from cellwright.tasks.series.objectives import predictor_of, spec_of
from cellwright.tasks.series.run import SeriesRun

STEP = "step"


class Seen(NamedTuple):
    """What a model reads of a series, and what its numbers are in units of."""

    batch: SeriesBatch
    scaling: Scaling


class SeriesAnswer(NamedTuple):
    """What a model says of a series: in words, how probable that is, step by step, and why."""

    answer: str
    share: float | None
    answers: Answers
    attributions: Attributions | None = None


class Expected(NamedTuple):
    """Which of the numbers of each channel is told, what it is, and whether it is a probability."""

    number: int
    what: str
    shares: bool


def record(run: SeriesRun, text: str, reasons: bool = True) -> Recording:
    """Record what `run` does on a series; `reasons`: with what each step contributed to a class.

    A run that reads a long series in windows shows the last of them. Raises InputError for a text that is no series,
    or one of too many steps.
    """
    predictor = predictor_of(run)
    table = predictor.table([text])
    (prediction,) = predictor.predict_series(table)
    stretch = predictor.stretches(table)[-1]
    batch = collate_series([stretch.example])
    steps = int(batch.lengths[0])  # those behind them are told ahead
    begin = table.present(0) - steps
    check_count(steps, STEP)
    with torch.inference_mode(), capturing(_layers(run)) as captured:
        output = run.model(batch.values, batch.known, batch.lengths)[0]
    seen = Seen(batch, stretch.scaling)
    said = _SAY[spec_of(run.config.model).name](run, seen, output, prediction.as_json(), reasons)
    there = batch.known[0, :steps] > 0
    return Recording(
        run=str(run.path),
        text=table.names[0],
        cell=_layers(run)[0].cell,
        answer=said.answer,
        share=said.share,
        prediction=prediction.as_json(),
        step=STEP,
        tokens=[str(step + 1) for step in range(begin, begin + steps)],
        between=[" "] * steps,
        known=np.ones(steps, dtype=np.bool_),
        answers=said.answers,
        letters=_letters(run, captured, steps),
        channels=Channels(
            run.config.channels, batch.values[0, :steps].masked_fill(~there, torch.nan).numpy(), _unit(run, seen)
        ),
        attributions=said.attributions,
    )


def _layers(run: SeriesRun) -> list[Recurrent]:
    return [cast("Recurrent", getattr(run.model, name)) for name in spec_of(run.config.model).layers]


def _letters(run: SeriesRun, captured: Captured, steps: int) -> list[Letters]:
    layers = _layers(run)
    stacks = spec_of(run.config.model).layers if len(layers) > 1 else ("",)
    found = [each for layer, stack in zip(layers, stacks, strict=True) for each in captured.letters([layer], stack)]
    return [replace(each, values={name: value[:steps] for name, value in each.values.items()}) for each in found]


def _label(run: SeriesRun, seen: Seen, logits: Tensor, told: Mapping[str, Any], reasons: bool) -> SeriesAnswer:
    labels, batch = run.config.labels, seen.batch

    def score(values: Tensor) -> Tensor:
        return log_odds(_read(run, batch, values), labels.index(told["label"]))

    shares: Array = _of_beginnings(run, batch).double().softmax(-1).float().numpy()
    answers = Answers(labels, shares, up_to_here(labels, shares), meaning("series", STEP))
    return SeriesAnswer(told["label"], told["probability"], answers, _why(score, batch) if reasons else None)


def _number(run: SeriesRun, seen: Seen, number: Tensor, told: Mapping[str, Any], reasons: bool) -> SeriesAnswer:
    """The number of each beginning of the series."""
    batch, scaling = seen.batch, run.config.numbers
    assert scaling is not None  # of a run of this objective
    values: Array = scaling.undo(_of_beginnings(run, batch)[:, None].numpy()).astype(np.float32)
    said = [f"up to here: {value:.4g}" for value in values[:, 0].tolist()]
    what = "The number that the model gives the series up to each step, in its own unit."
    answers = Answers(["value"], values, said, what, shares=False)
    why = replace(_why(lambda values: _read(run, batch, values), batch), of="the scaled value") if reasons else None
    return SeriesAnswer(f"value {told['value']:.4g}", None, answers, why)


def _read(run: SeriesRun, batch: SeriesBatch, values: Tensor, lengths: Tensor | None = None) -> Tensor:
    """(R, T, C) of the batch's one series, (R) or all of T -> what the model makes of them (R, …)."""
    known = batch.known[:, : values.shape[1]].expand(len(values), -1, -1)
    lengths = torch.full((len(values),), values.shape[1]) if lengths is None else lengths
    return cast("Tensor", run.model(values, known, lengths))


@torch.inference_mode()
def _of_beginnings(run: SeriesRun, batch: SeriesBatch) -> Tensor:
    """What the model makes of the series up to each of its steps (T, …)."""
    rows = [
        _read(run, batch, batch.values[:, : int(lengths[-1])].expand(len(lengths), -1, -1), lengths)
        for lengths in beginnings(batch.values.shape[1])
    ]
    return torch.cat(rows)


def _why(score: Callable[[Tensor], Tensor], batch: SeriesBatch) -> Attributions:
    return integrated_gradients(score, batch.values[0], at_once=rows_with_gradients(batch.values.shape[1]))


def _ahead(run: SeriesRun, seen: Seen, ahead: Tensor, told: Mapping[str, Any], reasons: bool) -> SeriesAnswer:
    """(T, K, C, Q): of the K steps ahead the next is told, of its quantiles the middle one."""
    quantiles = run.config.model.quantiles
    middle = len(quantiles) // 2
    values: Array = ahead[: int(seen.batch.lengths[0]), 0, :, middle].numpy()
    read = seen.scaling.first(values.shape[1]).undo(values).tolist()
    what = f"The next step as it is expected after each one (quantile {quantiles[middle]:g}), {_unit(run, seen)}."
    return _next(run, values, read, told, Expected(middle, what, shares=False))


def _simulated(run: SeriesRun, seen: Seen, found: Tensor, told: Mapping[str, Any], reasons: bool) -> SeriesAnswer:
    """(T, targets, Q): of the quantiles the middle one."""
    quantiles, names = run.config.model.quantiles, run.config.channels[: found.shape[1]]
    middle = len(quantiles) // 2
    values: Array = found[..., middle].numpy()
    read = [dict(zip(names, row, strict=True)) for row in seen.scaling.first(len(names)).undo(values).tolist()]
    what = f"The step itself as it follows from those up to it (quantile {quantiles[middle]:g}), {_unit(run, seen)}."
    answers = Answers(names, values, [f"simulated as {_numbers(row)}" for row in read], what, shares=False)
    return SeriesAnswer(f"last {_numbers(read[-1])}", None, answers)


def _frames(run: SeriesRun, seen: Seen, ahead: Tensor, told: Mapping[str, Any], reasons: bool) -> SeriesAnswer:
    """(T, K, C, 1) logits: of the K frames ahead the next is told."""
    values: Array = ahead[:, 0, :, 0].sigmoid().numpy()
    what = "The probability that each channel is 1 at the next step."
    return _next(run, values, values.tolist(), told, Expected(0, what, shares=True))


def _next(
    run: SeriesRun, values: Array, read: Sequence[Sequence[float]], told: Mapping[str, Any], expected: Expected
) -> SeriesAnswer:
    """Of values (T, C), and the same as people read them, what is said."""
    names = run.config.channels[: values.shape[1]]
    said = ["the next step is expected at " + _numbers(dict(zip(names, row, strict=True))) for row in read]
    first = {name: list(found.values())[expected.number] for name, found in told["ahead"][0].items()}
    answers = Answers(names, values, said, expected.what, shares=expected.shares)
    return SeriesAnswer("next " + _numbers(first), None, answers)


def _unit(run: SeriesRun, seen: Seen) -> str:
    if run.config.model.likelihood == "bernoulli":
        return "as they are"
    own = "the series learned from" if seen.scaling.by == "training" else "the steps shown"
    return f"in standard deviations from the mean of {own}"


def _errors(run: SeriesRun, seen: Seen, restored: Tensor, told: Mapping[str, Any], reasons: bool) -> SeriesAnswer:
    """(T, C) restored."""
    values: Array = errors(restored[None], seen.batch.values, seen.batch.known)[0].numpy()
    said = [f"restored with an error of {value:.3g}" for value in values]
    what = "How badly each step is restored from the code: the mean squared error of its channels, scaled."
    return SeriesAnswer(
        f"error {told['score']:.3g}", None, Answers(["error"], values[:, None], said, what, shares=False)
    )


def _numbers(values: Mapping[str, float]) -> str:
    """Load 503, wind 3.2; of many channels the first."""
    shown = [f"{name} {value:.4g}" for name, value in values.items()]
    return ", ".join(shown[:4]) + (" …" if len(shown) > 4 else "")


_SAY = {
    "classify": _label,
    "regress": _number,
    "forecast": _ahead,
    "frames": _frames,
    "simulate": _simulated,
    "anomaly": _errors,
}
"""What each objective says."""
