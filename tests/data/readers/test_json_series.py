import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cellwright.data.readers.json_series import dump, parse
from cellwright.data.readers.numbers import LARGEST
from cellwright.data.readers.series import read_series
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_object_a_line(file, end):
    lines = ['{"values": [[1, 2], [null, 3.5]], "name": "a", "label": 1}', "", '{"values": [[0, 0]], "label": 2}', ""]
    path = file("s.jsonl", end.join(lines))
    table = read_series(path)
    np.testing.assert_array_equal(table.values[0], [[1, 2], [np.nan, 3.5]])
    assert (table.names, table.labels) == (["a", "3"], ["1", "2"])
    assert table.where(1).endswith("s.jsonl, line 3")


def test_a_name_of_null_is_none():
    assert parse(['{"values": [1], "name": null}', '{"values": [1], "name": 7}'], "it").names == ["1", "7"]


def test_numbers_alone_are_one_channel():
    np.testing.assert_array_equal(parse(['{"values": [1, null]}'], "it").values[0], [[1], [np.nan]])


_finite = st.one_of(st.floats(-LARGEST, LARGEST), st.just(np.nan))


@given(values=arrays(np.float64, array_shapes(min_dims=2, max_dims=2), elements=_finite))
def test_what_is_written_is_read_back_to_the_bit(values):
    channels = tuple(str(k + 1) for k in range(values.shape[1]))
    table = SeriesTable([values], ["a"], None, ["line 1"], channels, "it")
    (read,) = parse(dump(table), "it").values
    assert read.tobytes() == np.where(np.isnan(values), np.nan, values).tobytes()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1, 2]", "it, line 1: no list of values; expected a series"),
        ('{"values": 3}', "it, line 1: no list of values"),
        ('{"values": [[1, 2], [3]]}', "it, line 1, step 2: 1 channels; expected 2, as step 1 has"),
        ('{"values": [1, "x"]}', 'it, line 1, step 2: "x" is no number'),
        (
            '{"values": [1, Infinity]}',
            "it, line 1, step 2, channel '1': inf is infinite; expected a finite number, or NaN, null in JSON",
        ),
        ('{"values": [1, ' + "9" * 400 + "]}", "it, line 1, step 2, channel '1': inf is infinite; expected a finite"),
        ('{"values": [1, -' + "9" * 400 + "]}", "it, line 1, step 2, channel '1': -inf is infinite; expected a finite"),
        (
            '{"values": [[0, 1e30], [2, -1.5e200]]}',
            "it, line 1, step 2, channel '2': -1.5e+200 is too far from 0; expected at most 1e+30, in a larger unit",
        ),
        ('{"values": [1, true]}', "it, line 1, step 2: true is no number; expected one, or null where it is missing"),
        (
            '{"values": [1], "name": "a \\ud83d"}',
            r"it, line 1: column 'name' holds half of a surrogate pair, \ud83d, as",
        ),
        (
            '{"values": [1], "label": "\\ude00"}',
            r"it, line 1: column 'label' holds half of a surrogate pair, \ude00, as",
        ),
        (
            '{"values": [1], "values": [2]}',
            "it, line 1: the key 'values' stands twice in one object; expected each once",
        ),
        ('{"values": {"a": [1], "b": [2], "a": [3]}}', "it, line 1: the key 'a' stands twice"),
        ('{"values": []}', "it, line 1: a series without a step"),
        ('{"values": [[], []]}', "it, line 1: a series without a channel; expected at least one"),
        ('{"values": [1', "it, line 1: not JSON"),
        ("  ", "it: blank; expected a series a line"),
    ],
)
def test_refused(line, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        parse([line], "it")


@given(st.lists(st.integers(0, 6), min_size=1, max_size=3), st.sampled_from([list, tuple, np.array]))
def test_channels_by_name_end_where_each_does(lengths, kind):
    values = {f"c{k}": kind([float(k + t) for t in range(length)]) for k, length in enumerate(lengths)} | {"area": 35}
    if not any(lengths):
        with pytest.raises(InputError, match="it, line 1: no channel has a step"):
            parse([{"values": values}], "it")
        return
    table = parse([{"values": values, "name": "a"}], "it")
    assert (table.channels, table.named) == (tuple(values), True)
    expected = np.full((max(lengths), len(values)), np.nan)
    for k, length in enumerate(lengths):
        expected[:length, k] = np.arange(length) + k
    expected[:, -1] = 35
    np.testing.assert_array_equal(table.values[0], expected)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('{"values": [1, 2]}', "it, line 2: values in a list, and by name on line 1; expected them alike"),
        ('{"values": {"x": [1]}}', "it, line 2: the channels are 'x'; expected 'x', 'y', as on line 1"),
        ('{"values": {"x": [1, "a"], "y": 2}}', "it, line 2, channel 'x', step 2: \"a\" is no number"),
        ('{"values": {"x": [1], "y": "b"}}', "it, line 2, channel 'y': \"b\" is no number"),
    ],
)
def test_what_is_wrong_with_channels_by_name_is_said_where_it_stands(second, message):
    with pytest.raises(InputError, match=re.escape(message)):
        parse(['{"values": {"x": [1, null], "y": [2]}}', second], "it")
