import pytest

from cellwright.data.readers.series import FORMATS, read_series
from cellwright.errors import InputError


def test_the_format_by_name_goes_before_the_suffix(file):
    assert read_series(file("s.txt", "x\n1\n"), format="csv").channels == ("x",)


@pytest.mark.parametrize(
    ("name", "format", "message"),
    [
        ("s.txt", None, "the suffix '.txt' tells no format; expected a file that ends in .npz, .csv"),
        ("s", None, "a name without a suffix tells no format; expected a file that ends in .npz, .*, or --format npz"),
        ("s.csv", "xlsx", "no format 'xlsx'; expected one of npz, csv, tsv, parquet, jsonl, ts, arff"),
    ],
)
def test_a_format_without_a_reader_is_refused(file, name, format, message):
    with pytest.raises(InputError, match=message):
        read_series(file(name, "x\n1\n"), format=format)


def test_no_two_formats_share_a_suffix():
    suffixes = [suffix for each in FORMATS.values() for suffix in each.suffixes]
    assert len(suffixes) == len(set(suffixes))
