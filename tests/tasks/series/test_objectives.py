"""The objectives of series: a row of each in every table, and the options that each reads."""

from typing import get_args

from cellwright.inspect.series import _SAY
from cellwright.models.series_architecture import ObjectiveName, SeriesArchitecture
from cellwright.onnx.series import EXPORTED
from cellwright.tasks.series.config import READ_BY, SeriesConfig
from cellwright.tasks.series.objectives import OBJECTIVES, spec_of


def test_every_target_has_a_row_in_every_table() -> None:
    assert {*OBJECTIVES} == {*EXPORTED} == {*_SAY} == {*get_args(ObjectiveName), "frames"}
    for objective in get_args(ObjectiveName):
        assert spec_of(SeriesArchitecture(objective=objective)).name == objective
    assert spec_of(SeriesArchitecture(objective="forecast", likelihood="bernoulli")).name == "frames"


def test_options_name_targets_that_there_are_and_their_help_says_which() -> None:
    for name, objectives in READ_BY.items():
        assert {*objectives.split()} <= {*get_args(ObjectiveName)}
        assert str(SeriesConfig.model_fields[name].description).endswith(f" ({', '.join(objectives.split())}).")
