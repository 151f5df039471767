"""What a resumed run must share with the one that was started."""

import hashlib
import json

from cellwright.data.column import Column
from cellwright.tasks import resume
from cellwright.tasks.resume import fingerprint


def test_a_fingerprint_is_that_of_all_rows_as_json():
    """Runs that were started before keep theirs."""
    rows = [["train", ["很好", "a \ud800", ""], ["pos", "neg"]], [0.1, 3, None], {"x": (1, 2)}]
    assert fingerprint(rows) == hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def test_the_fingerprint_of_a_column_is_that_of_its_list(monkeypatch):
    """A run that began before texts were columns goes on."""
    monkeypatch.setattr(resume, "TOGETHER", 2)
    texts, labels = ["a", 'é "quoted"', "", "ü", "e"], ["x", "y", "x", "y", "x"]
    rows = [["train", texts, labels], ["validation", [], []]]
    columns = [["train", Column.of(texts), labels], ["validation", Column.of([]), []]]
    assert fingerprint(columns) == fingerprint(rows) == hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    assert fingerprint({"train": Column.of(texts)}) == fingerprint({"train": texts})
