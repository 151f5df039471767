"""The options of `fit --task series`."""

from collections.abc import Sequence
from math import inf
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, field_validator

from cellwright.data.readers.series_options import Fill, SeriesOptions, names_of
from cellwright.data.series import SERIES, numbered
from cellwright.errors import InputError
from cellwright.models.series_architecture import SeriesArchitecture
from cellwright.options import flag
from cellwright.tasks.config import FIXED, FitConfig, Locations, ScheduleName, Smoothing
from cellwright.tasks.files import HeldOut, Separated, check_files

USUAL = SeriesOptions()


class Columns(BaseModel):
    """Where names, times, labels and values stand in CSV, TSV, Parquet and JSON lines of steps."""

    model_config = FIXED

    series: str = USUAL.series
    """Column that names the series a row belongs to; without it, the file is one series."""
    time: str = USUAL.time
    """Column of the time; without it, the order of the rows is the time's."""
    label: str = USUAL.label
    """Column of the label, the same in all rows of a series; with regress, of the number to learn."""
    values: str | None = None
    """Columns of the values, with commas between them; None takes all others."""
    ignore: str | None = None
    """Columns that are not read, with commas between them."""


class Covariates(BaseModel):
    """Which of the values follow from which."""

    model_config = FIXED

    targets: str | None = None
    """Columns to forecast or simulate, with commas between them; None forecasts all that are no covariates."""
    future_covariates: str | None = None
    """Columns that are known for the steps to be forecast too, as weather forecasts, prices and holidays; of those
    named nowhere only the past is known."""
    static_covariates: str | None = None
    """Columns of one number in all steps of a series, as the area of a catchment."""

    @field_validator("targets", "future_covariates", "static_covariates", mode="before")
    @classmethod
    def _joined(cls, given: Any) -> Any:
        """A list of names, as Python has them, is one with commas."""
        names = isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)
        return ",".join(given) if names else given

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """The columns that each of the options names."""
        return {name: names_of(getattr(self, name)) for name in Covariates.model_fields}


class Process(BaseModel):
    """Of cells that read columns by name, as rainfall-runoff (process) models do, and how a simulation begins."""

    model_config = FIXED

    cell_inputs: str | None = None
    """Columns of the inputs of a cell that reads them by name (hbv, gr4j): precipitation=rain,evaporation=pet; an input
    that is not named here is the column of its name."""
    parameter_ranges: str | None = None
    """What parameters of such a cell lie between, where it is not the usual: k1=0.01:0.5,perc=0:4."""
    warm_up: int = Field(0, ge=0)
    """Steps at the beginning of each series that are read and not scored."""

    @property
    def inputs_given(self) -> dict[str, str]:
        """The columns of --cell-inputs by the names of the inputs. Raises InputError for what is no such list."""
        return _pairs("cell_inputs", self.cell_inputs, "precipitation=rain,evaporation=pet")

    @property
    def ranges_given(self) -> dict[str, tuple[float, float]]:
        """The ranges by the names of the parameters. Raises InputError for what is no such list."""
        example, found = "k1=0.01:0.5,perc=0:4", {}
        for name, written in _pairs("parameter_ranges", self.parameter_ranges, example).items():
            try:
                low, high = map(float, written.split(":"))
            except ValueError:
                low, high = inf, inf
            if not -inf < low < high < inf:
                raise InputError(
                    f"{flag('parameter_ranges')}: {name}={written}; expected two numbers, the lower first: {example}"
                )
            found[name] = (low, high)
        return found


def _pairs(option: str, written: str | None, example: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in names_of(written):
        name, equals, value = (part.strip() for part in each.partition("="))
        if not (name and equals and value):
            raise InputError(f"{flag(option)}: {each!r} is no NAME=…; expected a list with commas: {example}")
        if name in found:
            raise InputError(f"{flag(option)}: {name} stands twice; expected it once: leave one out")
        found[name] = value
    return found


class FileOptions(Separated):
    """How files are read, beside where their parts stand."""

    model_config = FIXED

    missing: str | None = None
    """What stands for a missing value, beside an empty cell, ?, NA, NaN and null: -9999, say; several with commas."""
    fill: Fill | None = None
    """Steps and values that are missing: put in as missing, as the previous value, or on a line to the next."""
    sort: bool = False
    """Sort the rows of each series by time."""
    no_header: bool = False
    """The first line is a step too; columns are called 1, 2, …"""


# The last of the bases is the first in the help.
class SeriesConfig(
    FitConfig, Smoothing, SeriesArchitecture, FileOptions, Process, Covariates, HeldOut, Columns, Locations
):
    """The options of a run that learns from numeric series. Only `data` and `out` must be given."""

    task: ClassVar[str] = "series"
    reads: ClassVar[str] = SERIES
    incomparable: ClassVar[frozenset[str]] = frozenset(
        {"objective", "likelihood", "horizon", "season_length", "scaling", "window", "targets", "warm_up", "quantiles"}
        | FileOptions.model_fields.keys()
    )

    format: Literal["npz", "csv", "tsv", "parquet", "jsonl", "ts", "arff", "tsf", "ucr"] | None = None
    """Format of files whose suffix does not tell."""
    scaling: Literal["auto", "training", "window"] = "auto"
    """Unit of the values: each channel's deviation in the training split, or in the steps read at once; auto takes the
    latter where the series are on scales of their own (forecast, anomaly)."""
    window: int = Field(256, ge=4)
    """Most steps read at once; a longer series is read in stretches that overlap by half, and by hbv, gr4j and their
    like whole."""
    quantiles: str = "0.1,0.5,0.9"
    """Quantiles to forecast of each number, rising; the one in the middle is the forecast."""
    normal_label: str | None = None
    """The label to learn from, all others being anomalies; None learns from every series."""

    max_epochs: int = Field(100, ge=1)
    """Most passes over the training examples."""
    patience: int = Field(20, ge=1)
    """Stop after this many epochs without a better validation score."""
    lr_schedule: ScheduleName = "constant"
    """Step size over the run: cosine rises first, then falls to 0 at the end of --max-epochs or --max-minutes, and
    rises again where a run is resumed with more of them."""
    batch_tokens: int = Field(512, ge=1)
    """Most steps in a batch, padding included."""
    ema_decay: float = Field(0.99, ge=0, lt=1)
    """Decay per step of the exponential moving average of the weights, which is scored and kept; 0 keeps the last."""

    @classmethod
    def check_cells(cls, cells: Sequence[str]) -> None:
        """Raise InputError for one that there is not, and for process models among networks, whose loss is another."""
        from cellwright.tasks.series.process import is_process  # which imports this module

        models = [cell for cell in cells if is_process(cell)]
        networks = [cell for cell in cells if cell not in models]
        if models and networks:
            raise InputError(
                f"--cell is {','.join(cells)}: {models[0]} gives one number a step and {networks[0]} quantiles, whose "
                "losses cannot be compared; expected a search of each kind (cellwright compare lays the best side by "
                "side)"
            )

    @property
    def reading(self) -> SeriesOptions:
        """How files are read."""
        return SeriesOptions(
            series=self.series,
            time=self.time,
            label=self.label,
            values=names_of(self.values),
            ignore=names_of(self.ignore),
            missing=names_of(self.missing),
            fill=self.fill,
            fills_values=not any(self.named.values()),  # else `covariates.completed` does, which knows the targets
            sort=self.sort,
            header=not self.no_header,
            separator=self.separator,
        )

    def reading_like(self, channels: Sequence[str]) -> SeriesOptions:
        """How a further file is read: as DATA, and of its columns those that were learned from, if these had names."""
        named = tuple(channels) != numbered(len(channels))
        return self.reading.of_further(tuple(channels)) if named else self.reading

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles as numbers; raises InputError for what is none."""
        try:
            found = tuple(float(each) for each in self.quantiles.split(","))
        except ValueError:
            found = ()
        if len(found) % 2 == 0 or list(found) != sorted(set(found)) or not 0 < found[0] <= found[-1] < 1:
            raise InputError(
                f"--quantiles is {self.quantiles}; expected an odd number of them, rising from 0 to 1: 0.1,0.5,0.9"
            )
        return found

    def check(self) -> None:
        """Raise InputError for an option that the objective does not read: it would do nothing."""
        for name, objective in READ_BY.items():
            value = getattr(self, name)
            if value != SeriesConfig.model_fields[name].default and self.objective not in objective.split():
                raise InputError(
                    f"{flag(name)} is {value}, and --objective is {self.objective}; leave it out, or give "
                    f"--objective {objective.replace(' ', ' or ')}"
                )
        for name in ("horizon", "season_length"):
            if (getattr(self, name) or 0) > self.window // 2:
                raise InputError(
                    f"{flag(name)} is {getattr(self, name)} and --window {self.window}; expected at most half a window"
                )
        check_files(self)
        _ = self.levels, self.inputs_given, self.ranges_given
        self._check_roles()
        if self.likelihood == "bernoulli":
            for name in ("quantiles", "season_length", "scaling"):
                value = getattr(self, name)
                if value != SeriesConfig.model_fields[name].default:
                    raise InputError(
                        f"{flag(name)} is {value}, which --likelihood quantiles reads, and --likelihood "
                        "is bernoulli; leave it out"
                    )

    def _check_roles(self) -> None:
        """Raise InputError for columns in two roles, and for what no simulation can do."""
        for option, columns in self.named.items():
            if getattr(self, option) is not None and not columns:
                raise InputError(f"{flag(option)} is empty; expected names of columns, or leave it out")
        given = [(option, column) for option, columns in self.named.items() for column in columns]
        for k, (option, column) in enumerate(given):
            for before in (before for before, other in given[:k] if other == column):
                twice = "twice" if before == option else f"and {flag(before)} names it too"
                raise InputError(f"{flag(option)} names {column!r} {twice}; expected each column once: leave one out")
        if self.objective == "simulate" and not self.named["targets"]:
            raise InputError(
                "--objective simulate needs --targets, which names the columns that follow from the others: "
                "--targets discharge"
            )
        if self.objective == "simulate" and self.scaling == "window":
            raise InputError(
                "--scaling is window, and --objective is simulate, which is told no target that a scale could be taken "
                "from; leave it out"
            )
        if given and self.likelihood == "bernoulli":
            raise InputError(
                f"{flag(given[0][0])} is given, which --likelihood quantiles reads, and --likelihood is bernoulli; "
                "leave it out"
            )


READ_BY = {
    "num_layers": "classify regress forecast simulate",
    "dropout": "classify regress forecast simulate",
    "bidirectional": "classify regress",
    "pooling": "classify regress",
    "label_smoothing": "classify",
    "likelihood": "forecast",
    "horizon": "forecast",
    "quantiles": "forecast simulate",
    "targets": "forecast simulate",
    "future_covariates": "forecast",
    "static_covariates": "forecast simulate",
    "cell_inputs": "simulate",
    "parameter_ranges": "simulate",
    "warm_up": "simulate",
    "season_length": "forecast",
    "code_dim": "anomaly",
    "normal_label": "anomaly",
    "window": "forecast simulate anomaly",
}
"""The objectives that an option is for: given with another, it would do nothing."""
for _name, _objectives in READ_BY.items():  # with which its help ends
    _field = SeriesConfig.model_fields[_name]
    _field.description = f"{(_field.description or '').removesuffix('.')} ({_objectives.replace(' ', ', ')})."

CONFIG = SeriesConfig
