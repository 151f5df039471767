"""What a resumed run must share with the one that was started."""

import hashlib
import json

from cellwright.tasks.resume import fingerprint


def test_a_fingerprint_is_that_of_all_rows_as_json():
    """Runs that were started before keep theirs."""
    rows = [["train", ["很好", "a \ud800", ""], ["pos", "neg"]], [0.1, 3, None], {"x": (1, 2)}]
    assert fingerprint(rows) == hashlib.sha256(json.dumps(rows).encode()).hexdigest()
