"""--values and --ignore in formats that have no table of columns: channels by number, or by name if they have one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cellwright
import made_series
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series import read_series
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable, numbered
from cellwright.errors import InputError

STEPS = np.arange(12.0).reshape(4, 3)
TS = "@univariate false\n@dimensions 3\n@classLabel true a\n@data\n" + ":".join(
    ",".join(map(str, column)) for column in STEPS.T
)


def table(named: bool = True) -> SeriesTable:
    channels = ("rain", "pet", "2") if named else numbered(3)
    return SeriesTable([STEPS], ["1"], None, ["series 1"], channels, "a.npz", named=named)


def test_every_format_without_a_table_of_columns_leaves_them_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", values=STEPS[None])
    np.savez(tmp_path / "named.npz", values=STEPS[None], channels=["x", "y", "z"])
    (tmp_path / "a.jsonl").write_text(f'{{"values": {STEPS.tolist()}}}')
    columns = ", ".join(f'"{name}": {column.tolist()}' for name, column in zip("xyz", STEPS.T, strict=True))
    (tmp_path / "named.jsonl").write_text(f'{{"values": {{{columns}}}}}')
    (tmp_path / "a.ts").write_text(TS + ":a\n")
    for name in ("a.npz", "named.npz", "a.jsonl", "named.jsonl", "a.ts"):
        found = read_series(tmp_path / name, SeriesOptions(ignore=("2",)))
        assert found.channels == (("x", "z") if "named" in name else ("1", "3"))
        np.testing.assert_array_equal(found.values[0], STEPS[:, [0, 2]])
    (tmp_path / "a.tsf").write_text("@attribute name string\n@data\nT1:1,2,3\n")
    (tmp_path / "a.ucr").write_text("1 0.5 0.25\n2 0.5 0.75\n")
    (tmp_path / "a.arff").write_text("@relation a\n@attribute s numeric\n@attribute c {a,b}\n@data\n1.5,a\n")
    for name in ("a.tsf", "a.ucr", "a.arff"):
        with pytest.raises(InputError, match=f"{name}: --ignore leaves out '1', and there is no other channel"):
            read_series(tmp_path / name, SeriesOptions(ignore=("1",)))


@given(st.lists(st.integers(1, 3), unique=True), st.booleans())
def test_what_is_left_is_in_order_and_values_give_another(numbers: list[int], named: bool) -> None:
    asked = tuple(table(named).channels[k - 1] for k in numbers)
    left = [k for k in range(3) if k + 1 not in numbers]
    if left:
        found = picked(table(named), SeriesOptions(ignore=asked))
        np.testing.assert_array_equal(found.values[0], STEPS[:, left])
    if numbers:
        found = picked(table(named), SeriesOptions(values=asked))
        assert found.channels == asked
        np.testing.assert_array_equal(found.values[0], STEPS[:, [k - 1 for k in numbers]])


@pytest.mark.parametrize(
    ("options", "named", "message"),
    [
        (
            SeriesOptions(ignore=("snow",)),
            True,
            "names channel 'snow', which is not there; expected 'rain', 'pet', '2'",
        ),
        (SeriesOptions(ignore=("4",)), False, "--ignore names channel '4', .*expected numbers, 1 to 3, for it names"),
        (SeriesOptions(values=("0",)), False, "--values names channel '0'"),
        (SeriesOptions(values=("pet",), ignore=("pet",)), True, "--values names channel 'pet', and --ignore leaves"),
    ],
)
def test_what_is_not_there_is_refused(options: SeriesOptions, named: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        picked(table(named), options)


def test_a_name_comes_before_a_number() -> None:
    assert picked(table(), SeriesOptions(ignore=("2",))).channels == ("rain", "pet")  # the third is called so
    assert picked(table(), SeriesOptions(values=("3",))).notes == ("a.npz: channels that are not read: 'rain', 'pet'",)


def test_a_run_reads_its_channels_of_further_files_and_of_lines(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(20, 8, 3))
    np.savez(tmp_path / "a.npz", values=values)
    options = made_series.small(objective="forecast", ignore="3", max_epochs=1)
    cellwright.fit(tmp_path / "a.npz", tmp_path / "run", task="series", options=options, say=lambda sentence: None)
    predictor = cellwright.load(tmp_path / "run")
    assert predictor.run.config.channels == ["1", "2"]
    asked = predictor.request(str(tmp_path / "a.npz"), {})
    line = {"values": values[0, :, :2]}
    assert predictor.predict([line])[0].ahead == predictor.predict(asked.texts)[0].ahead
