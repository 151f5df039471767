"""Decimal commas: found by column, said, and read as pandas reads them."""

import pandas as pd
import pytest

from cellwright.data.readers.decimals import decimal_commas, with_point
from cellwright.data.readers.delimited import COMMA, read_rows
from cellwright.data.readers.options import ReadOptions

GERMAN = "Tag;Umsatz;Kunden;Ort\n2024-01-01;1.234,50;7;Ulm, Mitte\n2024-01-02;-0,5;1.200;Ulm\n2024-01-03;;3;Ulm\n"


def test_columns_of_them_are_those_of_pandas(file) -> None:
    path = file("r.csv", GERMAN)
    found = read_rows(path, ReadOptions(), COMMA, numbers=True)
    theirs = pd.read_csv(path, sep=";", decimal=",", thousands=".")
    ours = [float(fields[1]) if fields[1] else float("nan") for _, fields in found.rows]
    assert ours == pytest.approx(theirs["Umsatz"].tolist(), nan_ok=True)
    assert [fields[3] for _, fields in found.rows] == theirs["Ort"].tolist()
    assert found.notes[1] == f"{path}: found decimal commas in 'Umsatz'; line 2 has 1.234,50, read as 1234.50"


def test_they_stay_where_nobody_asks_for_numbers(file) -> None:
    assert read_rows(file("r.csv", GERMAN), ReadOptions(), COMMA).rows[0][1][1] == "1.234,50"


COLUMNS = {
    "decimals": (["1,5", "2", "", "NA"], True),
    "thousands": (["1.234,5", "12,25"], True),
    "exponents": (["1,5e-3", "2"], True),
    "points": (["1.5", "2,5"], False),
    "no comma": (["1", "2"], False),
    "words": (["1,5", "a, b"], False),
    "two commas": (["1,234,567", "2"], False),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_which_columns_have_them(case: str) -> None:
    cells, expected = COLUMNS[case]
    assert decimal_commas([cells]) == ([0] if expected else [])


def test_what_is_no_number_stays() -> None:
    assert [with_point(cell) for cell in ("-1.234,5", "NA", "", ",", "+3")] == ["-1234.5", "NA", "", ",", "+3"]
