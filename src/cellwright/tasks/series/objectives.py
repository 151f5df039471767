"""The objectives of series, a file each, and the run folder that one of them reads."""

from pathlib import Path
from typing import Any

from cellwright.models.series_architecture import SeriesArchitecture
from cellwright.tasks.run import CONFIG, check_size, load_model
from cellwright.tasks.series import anomaly, classify, forecast, frames, regress, simulate
from cellwright.tasks.series.objective_spec import ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig

OBJECTIVES: dict[str, ObjectiveSpec] = {
    each.SPEC.name: each.SPEC for each in (classify, regress, forecast, frames, simulate, anomaly)
}


def spec_of(options: SeriesArchitecture) -> ObjectiveSpec:
    """The objective that these options of a run, or of a model, mean."""
    binary = options.objective == "forecast" and options.likelihood == "bernoulli"
    return OBJECTIVES["frames" if binary else options.objective]


def predictor_of(run: SeriesRun) -> SeriesPredictor[Any]:
    """A run put to use: labels, numbers, forecasts or scores."""
    return spec_of(run.config.model).predictor(run)


def load(folder: Path, config: SeriesRunConfig) -> SeriesRun:
    """Read the weights. Raises InputError."""
    model = load_model(folder, lambda: spec_of(config.model).objective.network(config.model))
    check_size(folder / CONFIG, "labels", len(config.labels), config.model.classes)
    check_size(folder / CONFIG, "channels", len(config.channels), config.model.channels)
    check_size(folder / CONFIG, "means in scaling", len(config.scaling.mean), config.model.channels)
    check_size(folder / CONFIG, "deviations in scaling", len(config.scaling.deviation), config.model.channels)
    return SeriesRun(folder, config, model)
