"""An autoencoder whose texts lie on disk is the one whose texts lie in memory."""

from pathlib import Path

import pytest

import process
from process import outcome

SMALL = {"hidden_size": 8, "embedding_dim": 8, "code_dim": 4, "threads": 1, "batch_tokens": 64, "max_epochs": 2}


@pytest.mark.slow
def test_trained_from_disk_is_trained_from_memory(file, tmp_path: Path) -> None:
    texts = (
        " ".join(["salt", "and", "pepper", "oil", "or", "vinegar"][: k % 6]) * (k % 3) + f" {k % 80}"
        for k in range(300)
    )
    given = {**SMALL, "task": "autoencode", "max_length": 5, "data": str(file("a.csv", "text\n" + "\n".join(texts)))}
    for out, more in (("alone", {}), ("cached", {"cache": str(tmp_path / "arrays")})):
        ended = process.start({**given, "out": str(tmp_path / out), **more})
        assert ended.status == 0, ended.said
    assert outcome(tmp_path / "cached") == outcome(tmp_path / "alone")
    assert any(line.startswith(f"{tmp_path / 'arrays'}: the data as arrays, ") for line in ended.said)
