import pytest

from cellwright.data.readers import read
from cellwright.data.table import Table
from cellwright.errors import InputError


@pytest.mark.parametrize("content", ["good\n\n bad ", "good\n\n bad \n", "good\r\n\r\n bad \r\n", "good\r\r bad \r"])
def test_each_line_is_a_text_and_an_empty_line_an_empty_one(file, content):
    path = file("r.txt", content)
    assert read(path, label=None) == Table(["good", "", " bad "], None, [1, 2, 3], source=str(path))


def test_labels_are_refused(file):
    with pytest.raises(InputError, match=r"r\.txt: plain text has no column 'label'; expected CSV, TSV"):
        read(file("r.txt", "good\n"))
