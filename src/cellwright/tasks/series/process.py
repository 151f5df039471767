"""Cells that read more than x: columns by name, as models of catchments do; and what they ask of options and data."""

from collections.abc import Sequence

from cellwright import cells
from cellwright.cells.definition import PER_SEQUENCE
from cellwright.data.readers.values import listed
from cellwright.data.scaling import Scaling, fit_scaling
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError
from cellwright.options import flag
from cellwright.tasks.cell import check_cell
from cellwright.tasks.series.config import SeriesConfig

OF_NETWORKS = ("num_layers", "dropout", "noise", "input_dropout", "recurrent_dropout", "quantiles")
"""Options that a process model has no use for."""
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


def check_model(config: SeriesConfig) -> None:
    """Raise InputError for a cell that the objective has no use for, and for options that the cell has none for."""
    if is_process(config.cell):
        _check_process(config)
        return
    name = name_of(config)
    if not reads_series(config.cell):
        check_cell(config.cell)
    elif config.objective not in ("forecast", "simulate") or not config.named["static_covariates"]:
        raise InputError(
            f"--cell is {name}, which reads what a series is of; expected --objective forecast or simulate with "
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
    for option in OF_NETWORKS:
        if (given := getattr(config, option)) != SeriesConfig.model_fields[option].default:
            raise InputError(f"{flag(option)} is {given}, of which --cell {known.name} has no use; leave it out")
    if len(config.named["targets"]) > 1:
        raise InputError(
            f"--targets is {config.targets}, and --cell {known.name} gives one output; expected one column"
        )
    for name in config.inputs_given:
        if name not in known.inputs:
            raise InputError(f"--cell-inputs names {name!r}; expected inputs of {known.name}: {listed(known.inputs)}")
    _ = ranges_of(config)


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
                f"{table.where(row)}, step {step + 1}, channel {table.channels[channel]!r}: a value is missing, "
                f"without which {name_of(config)} cannot go on; expected one at every step: --fill linear adds it"
            )
