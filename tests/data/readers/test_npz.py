import re
import zipfile

import numpy as np
import pytest

from cellwright.data.readers.series import read_series
from cellwright.errors import InputError


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        path = tmp_path / "s.npz"
        np.savez(path, **arrays)
        return path

    return write


def test_padded_rows_are_cut_to_their_lengths(npz):
    values = np.arange(12.0).reshape(2, 3, 2)
    table = read_series(npz(values=values, lengths=np.array([3, 1]), labels=np.array([4, 5]), channels=["x", "y"]))
    np.testing.assert_array_equal(table.values[0], values[0])
    np.testing.assert_array_equal(table.values[1], values[1, :1])
    assert (table.labels, table.channels, table.names) == (["4", "5"], ("x", "y"), ["1", "2"])
    assert table.where(1).endswith("s.npz, series 2")


def test_without_lengths_all_steps_count_and_two_dimensions_are_one_channel(npz):
    table = read_series(npz(values=np.array([[1, 2, 3], [4, 5, 6]], dtype=np.int16)))
    np.testing.assert_array_equal(table.values[1], [[4], [5], [6]])
    assert (table.channels, table.labels) == (("1",), None)


def test_an_array_a_series(npz):
    table = read_series(npz(first=np.ones((2, 3)), second=np.full((1, 3), np.nan), labels=["p", "q"]))
    assert (table.names, table.labels, table.missing) == (["first", "second"], ["p", "q"], 3)


OBJECTS = np.array([np.zeros(2), np.zeros(3)], dtype=object)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"values": np.array([[[1.0], [np.inf]]])}, ", series 1, step 2, channel '1': inf is infinite"),
        ({"values": np.ones((2, 3)), "lengths": [3, 4]}, ", series 2: length 4; expected 0 to 3"),
        ({"values": np.ones((2, 3)), "lengths": [3, 0]}, ", series 2: a series without a step"),
        ({"values": np.ones((2, 3)), "lengths": [3]}, ", array 'lengths': int64 of shape (1,); expected 2 whole"),
        ({"values": np.ones((2, 3)), "lengths": [1.0, 2]}, ", array 'lengths': float64 of shape (2,); expected 2"),
        ({"values": np.ones(3)}, ", array 'values': shape (3,); expected (series, steps, channels)"),
        ({"values": np.ones((2, 3)), "length": [1, 2]}, ": array 'length' beside 'values'; expected lengths, labels"),
        ({"values": np.array([["a"]])}, ", array 'values': holds <U1; expected numbers"),
        ({"a": np.ones((2, 3)), "b": np.ones((2, 2))}, ", series b: a series of 2 channels; expected 3, as the first"),
        ({"a": np.ones((2, 3)), "channels": ["x"]}, ", array 'channels': <U1 of shape (1,); expected 3 strings"),
        ({"a": np.ones((2, 3)), "labels": [0.5j]}, ", array 'labels': complex128 of shape (1,); expected 1 strings"),
        ({"a": OBJECTS}, ", array 'a': holds Python objects, which are not opened since they can run code"),
        ({"values": np.ones((0, 5, 2))}, ": no series in it; expected an array 'values'"),
        ({"values": np.ones((3, 0, 2))}, ", series 1: a series without a step"),
        ({"values": np.ones((3, 40, 0))}, ", series 1: a series without a channel; expected at least one"),
        (
            {"values": np.ones((1, 3)), "labels": ["\ud83d"]},
            ", series 1: column 'label' holds half of a surrogate pair",
        ),
        ({"values": np.ones((1, 3)), "channels": ["\ud83d"]}, ": column 'channels' holds half of a surrogate pair"),
        ({"labels": ["a"]}, ": no series in it; expected an array 'values', or an array a series"),
    ],
)
def test_refused(npz, arrays, message):
    path = npz(**arrays)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}{re.escape(message)}"):
        read_series(path)


@pytest.mark.parametrize("content", [b"no archive", b"\x80\x05pickled", b"PK\x03\x04 cut short"])
def test_not_an_archive(file, content):
    with pytest.raises(InputError, match=r"s\.npz: no zip archive, or part of one; expected what numpy.savez writes: "):
        read_series(file("s.npz", content))


def test_a_single_array_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    with path.open("wb") as out:
        np.save(out, np.zeros(3))
    with pytest.raises(InputError, match=r"s\.npz: a single array; expected an archive"):
        read_series(path)


def test_cut_short_inside_an_array(npz):
    path = npz(values=np.random.default_rng(0).normal(size=(5, 50)))
    content = bytearray(path.read_bytes())
    content[300] ^= 0xFF  # a bit rots: the archive's checksum does not hold
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"s\.npz, array 'values': cut short, changed or encrypted; expected a whole"):
        read_series(path)


@pytest.fixture
def member(tmp_path):
    def write(content, flags=0):
        path = tmp_path / "s.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", content)
            archive.infolist()[0].flag_bits |= flags  # in the directory at the end
        return path

    return write


def _written(header):
    """An array that begins with this header, and has 24 bytes behind it."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(24)


_HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n"


_DAMAGED = {
    "more than any memory": (_written(_HEADER.replace("3", "1" * 18)), 0),
    "more than any number": (_written(_HEADER.replace("3", "1" * 80)), 0),
    "more than is there": (_written(_HEADER.replace("3", "4")), 0),
    "a shape of text": (_written(_HEADER.replace("3", "'3'")), 0),
    "a type of nothing": (_written(_HEADER.replace("'<f8'", "()")), 0),
    "a header cut in a string": (_written(_HEADER[:20]), 0),
    "a header cut in its brackets": (_written(_HEADER[:-3]), 0),
    "cut in the header": (_written(_HEADER)[:30], 0),
    "encrypted": (_written(_HEADER), 1),
}


@pytest.mark.parametrize("case", _DAMAGED)
def test_an_array_that_is_damaged_or_encrypted(member, case):
    content, flags = _DAMAGED[case]
    assert read_series(member(_written(_HEADER))).values[0].shape == (3, 1)
    with pytest.raises(InputError, match=r"s\.npz, array 'x': cut short, changed or encrypted; expected a whole array"):
        read_series(member(content, flags))


def test_an_array_that_is_there_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        for name in ("x.npy", "x"):
            archive.writestr(name, _written(_HEADER))
    with pytest.raises(InputError, match=r"s\.npz, array 'x': twice in the archive; expected it once"):
        read_series(tmp_path / "s.npz")


def test_what_is_no_array_is_refused(member):
    with pytest.raises(InputError, match=r"s\.npz, array 'x': no array; expected nothing else"):
        read_series(member(b"read me"))
