"""The targets of series: a row of each in every table, and the options that each reads."""

from typing import get_args

from cellwright.inspect.series import _SAY
from cellwright.models.series_architecture import SeriesArchitecture, Target
from cellwright.onnx.series import EXPORTED
from cellwright.tasks.series.config import READ_BY, SeriesConfig
from cellwright.tasks.series.targets import TARGETS, target_of


def test_every_target_has_a_row_in_every_table() -> None:
    assert {*TARGETS} == {*EXPORTED} == {*_SAY} == {*get_args(Target), "frames"}
    for target in get_args(Target):
        assert target_of(SeriesArchitecture(target=target)).name == target
    assert target_of(SeriesArchitecture(target="forecast", likelihood="bernoulli")).name == "frames"


def test_options_name_targets_that_there_are_and_their_help_says_which() -> None:
    for name, targets in READ_BY.items():
        assert {*targets.split()} <= {*get_args(Target)}
        assert str(SeriesConfig.model_fields[name].description).endswith(f" ({', '.join(targets.split())}).")
