"""Cells that read more than x: columns by name, as rainfall-runoff models do; and what they ask of options and data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellwright import cells
from cellwright.cells.definition import PER_SEQUENCE
from cellwright.data.readers.values import listed
from cellwright.data.scaling import Scaling, fit_scaling
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError
from cellwright.options import flag
from cellwright.tasks.cell import check_cell
from cellwright.tasks.series.config import SeriesConfig

OF_NETWORKS = ("num_layers", "dropout", "noise", "input_dropout", "recurrent_dropout", "quantiles", "window")
"""Options that a process model has no use for: it reads each series whole."""
POSSIBLE = {
    "hbv": {"precipitation": 0.0, "temperature": -90.0, "evaporation": 0.0},
    "gr4j": {"precipitation": 0.0, "evaporation": 0.0},
}
"""The least that an input of a cell can be, mm or °C: less stands for a missing value. Their outputs are 0 at least."""
MEDIAN = (0.5,)
"""The one quantile that a process model gives."""


def name_of(config: SeriesConfig) -> str:
    """What the cell is called, one of the user's own too."""
    return cells.get(config.cell).name


def is_process(cell: str) -> bool:
    """Whether the cell multiplies no input, and reads numbers of each step by name."""
    known = cells.get(cell)
    return bool(known.inputs) and not known.multiplies_input


def reads_series(cell: str) -> bool:
    """Whether the cell takes a parameter of each sequence beside what W multiplies, as the entity-aware LSTM does."""
    known = cells.get(cell)
    return (
        known.multiplies_input
        and {*known.streams.values()} == {PER_SEQUENCE}
        and len(known.given) == len(known.streams)
    )


def unused_by_process(regional: bool) -> frozenset[str]:
    """Options that a process model has no use for; regional: whether its parameters follow from static covariates."""
    return frozenset(OF_NETWORKS if regional else (*OF_NETWORKS, "hidden_size"))


def check_model(config: SeriesConfig) -> None:
    """Raise InputError for a cell that the objective has no use for, and for options that the cell has none for."""
    if is_process(config.cell):
        _check_process(config)
        return
    name = name_of(config)
    if config.warm_up > config.window // 2:
        raise InputError(f"--warm-up is {config.warm_up} and --window {config.window}; expected at most half a window")
    if not reads_series(config.cell):
        check_cell(config.cell)
    elif config.objective not in ("forecast", "simulate") or not config.named["static_covariates"]:
        raise InputError(
            f"--cell is {name}, which reads static covariates; expected --objective forecast or simulate with "
            "--static-covariates, or another cell"
        )
    for option in ("cell_inputs", "parameter_ranges"):
        if (given := getattr(config, option)) is not None:
            raise InputError(
                f"{flag(option)} is {given}, and --cell {name} reads no column by name; leave it out, or give --cell "
                "hbv or another of its kind"
            )


def _check_process(config: SeriesConfig) -> None:
    known = cells.get(config.cell)
    if config.objective != "simulate":
        raise InputError(
            f"--cell is {known.name}, which makes its output of columns, and --objective is {config.objective}; "
            "expected --objective simulate with --targets, or another cell"
        )
    _check_read(config, known.name)
    if not (known.given or known.parameters):
        raise InputError(
            f"--cell is {known.name}, which has no parameter that a series could give or training learn; expected one "
            'at least: @cell(…, parameters={"rate": PER_SEQUENCE}), with --parameter-ranges rate=LOW:HIGH'
        )
    if config.named["static_covariates"] and not known.given:
        raise InputError(
            f"--static-covariates is {config.static_covariates}, and --cell {known.name} has no parameter of each "
            "sequence, which could follow from it; leave it out"
        )
    if len(config.named["targets"]) > 1:
        raise InputError(
            f"--targets is {config.targets}, and --cell {known.name} gives one output; expected one column"
        )
    for name in config.inputs_given:
        if name not in known.inputs:
            raise InputError(f"--cell-inputs names {name!r}; expected inputs of {known.name}: {listed(known.inputs)}")
    _ = ranges_of(config)


def _check_read(config: SeriesConfig, name: str) -> None:
    """Raise InputError for an option that was given and does nothing."""
    without = "" if config.named["static_covariates"] else " without --static-covariates"
    asked = set() if config.resume else config.model_fields_set  # of a resumed run all are
    for option in sorted(unused_by_process(not without)):
        value = getattr(config, option)
        if option in asked or value != SeriesConfig.model_fields[option].default:
            why = without if option == "hidden_size" else ""
            raise InputError(f"{flag(option)} is {value}, of which --cell {name} has no use{why}; leave it out")


def ranges_of(config: SeriesConfig) -> dict[str, tuple[float, float]]:
    """What each parameter lies between. Raises InputError for one that there is not, or without a range."""
    from cellwright.models.process_model import RANGES  # torch, which reading options need not load

    known = cells.get(config.cell)
    found = RANGES.get(config.cell, {}) | config.ranges_given
    given = [name for name, kind in known.given.items() if kind == PER_SEQUENCE]
    if strange := [name for name in config.ranges_given if name not in given]:
        raise InputError(
            f"--parameter-ranges names {strange[0]!r}; expected parameters of {known.name} that come with a call, one "
            f"a sequence: {listed(given) or 'it has none'}"
        )
    if lacking := [name for name, kind in known.given.items() if name not in found or kind != PER_SEQUENCE]:
        raise InputError(
            f"--cell: {name_of(config)} has a parameter {lacking[0]!r} of which no range is known; expected one a "
            f"sequence, with --parameter-ranges {lacking[0]}=LOW:HIGH"
        )
    return {name: found[name] for name in known.given}


def columns_of(config: SeriesConfig, table: SeriesTable, taken: Sequence[str]) -> tuple[str, ...]:
    """The columns of the cell's inputs, in their order; `taken` stand for something else. Raises InputError."""
    columns, cell = list[str](), name_of(config)
    for name in cells.get(config.cell).inputs:
        column = config.inputs_given.get(name, name)
        if column not in table.channels:
            raise InputError(
                f"{table.source}: --cell {cell} reads {name!r}, and no column of values is called {column!r} "
                f"({listed(table.channels)}); expected --cell-inputs {name}=COLUMN"
            )
        if column in taken or column in columns:
            raise InputError(
                f"--cell-inputs: column {column!r} for {name} stands for something else too; expected each column once"
            )
        columns.append(column)
    return tuple(columns)


def scaling_of(train: SeriesTable) -> Scaling:
    """Inputs as they are, the target in its deviations from 0, and static covariates in theirs from their mean."""
    fitted, inputs = fit_scaling(train.values), train.roles.past
    end = train.targets + inputs
    return Scaling(
        [0.0] * end + fitted.mean[end:],
        fitted.deviation[: train.targets] + [1.0] * inputs + fitted.deviation[end:],
    )


def check_complete_inputs(config: SeriesConfig, table: SeriesTable) -> None:
    """Raise InputError where an input is missing, which no equation can do without."""
    for row in range(len(table)):
        if (missing := table.missing_in(row)).any():
            step, channel = divmod(int(missing.argmax()), missing.shape[1])
            raise InputError(
                f"{table.at(row, step, channel)}: a value is missing, "
                f"without which {name_of(config)} cannot go on; expected one at every step: "
                f"{_advice(missing[:, channel], step)}"
            )


def _advice(missing: NDArray[np.bool_], step: int) -> str:
    """How a value comes there that is missing."""
    if missing[:step].all():
        return (
            "none comes before it, from which --fill could tell, so leave out the steps before the first that is there"
        )
    if missing[step:].all():
        return "none comes after it, so that --fill linear has no line; --fill previous repeats the last"
    return "--fill linear puts it on the line between those around"


def check_possible(table: SeriesTable, cell: str) -> None:
    """Raise InputError for an input that nature does not know: what stands for a missing value, a sign, a unit."""
    begin = table.targets
    for name, least in zip(range(begin, len(table.channels)), POSSIBLE.get(cell, {}).values(), strict=False):
        _check_least(table, name, least)


def check_possible_targets(table: SeriesTable, cell: str) -> None:
    """The same of what the cell's output is compared with."""
    if cell in POSSIBLE:
        for channel in range(table.targets):
            _check_least(table, channel, 0.0)


def _check_least(table: SeriesTable, channel: int, least: float) -> None:
    for row, values in enumerate(table.values):
        for step in np.flatnonzero(values[:, channel] < least)[:1]:
            found = f"{values[step, channel]:g}"
            raise InputError(
                f"{table.at(row, step, channel)}: {found}; expected at least "
                f"{least:g}: correct it, or where it stands for a missing value say so with --missing {found}"
            )
