"""Parquet as Hugging Face datasets 4.0.0 writes it: numbers, whose names stand beside the schema."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from cellwright.data.readers import read
from cellwright.data.readers.hugging_face import class_names
from cellwright.data.readers.tagged import read_tagged
from cellwright.errors import InputError

CLASSES = {"names": ["neg", "pos"], "_type": "ClassLabel"}
TAGS = {"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"}


def write(path: Path, features: dict[str, Any], **columns: Any) -> Path:
    """Write columns, and these features of some of them as `Dataset.to_parquet` does."""
    described = json.dumps({"info": {"features": {"text": {"dtype": "string", "_type": "Value"}, **features}}})
    table = pa.table(columns).replace_schema_metadata({"huggingface": described})
    pyarrow.parquet.write_table(table, path)
    return path


def test_labels_are_the_names_of_their_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"label": CLASSES}, text=["a", "b", "c"], label=[1, 0, -1])
    assert read(path).labels == ["pos", "neg", ""]
    assert read(path, label="2").labels == ["pos", "neg", ""]


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": TAGS, "_type": "List"},
        {"feature": TAGS, "length": -1, "_type": "Sequence"},  # datasets before 4.0
        [TAGS],  # before 2.0
    ],
)
def test_lists_of_tags_are_lists_of_names(tmp_path: Path, feature: Any) -> None:
    tokens = [["Ada", "Lovelace", "wrote"], ["yes"]]
    columns = {"tokens": tokens, "ner_tags": [[1, 2, 0], [0]], "label": [0, 1]}
    path = write(tmp_path / "a.parquet", {"ner_tags": feature, "label": CLASSES}, **columns)
    found = read_tagged(path, tags="ner_tags", label="label")
    assert (found.tokens, found.tags) == (tokens, [["B-PER", "I-PER", "O"], ["O"]])
    assert (found.labels, found.lines, found.unit) == (["neg", "pos"], [1, 2], "row")


def test_a_number_without_a_name_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"label": CLASSES}, text=["a"], label=[2])
    with pytest.raises(
        InputError, match=r"column 'label' holds 2, and the file names 2 classes of it; expected 0 to 1"
    ):
        read(path)


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"info": {}}', b'{"info": {"features": {"label": 3}}}', b"\xff"])
def test_other_metadata_names_nothing(content: bytes) -> None:
    assert class_names({b"huggingface": content}) == {}
    assert class_names({b"pandas": b"{}"}) == class_names(None) == {}
