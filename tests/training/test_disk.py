"""A disk that is full while something is written: one sentence, and the last good files stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import process
from cellwright.errors import InputError
from cellwright.files import PART, beside
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit

Options = Callable[..., dict[str, Any]]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("name", ["checkpoints/last.safetensors", "log.csv"])
def test_full_after_the_first_epoch(options: Options, name: str) -> None:
    given = options(checkpoint_seconds=60, max_epochs=3)
    out = Path(given["out"])

    def fill(sentence: str) -> None:
        if sentence.startswith("epoch 1 "):  # said before the first checkpoint: what is next written goes to FULL
            beside(out / name).symlink_to(FULL)

    with pytest.raises(InputError, match=rf"{name}: cannot be written \(No space left on device\)"):
        fit(ClassifyConfig(**given), progress=False, say=fill)
    load_run(out)
    assert fit(ClassifyConfig(**given, resume=True), progress=False).epochs == 3


def test_file_size_limit(options: Options) -> None:
    """A real limit of the system, as `ulimit -f` sets it: the checkpoint does not fit, the model does."""
    given = options(checkpoint_seconds=60, max_epochs=2)
    ended = process.start(given, most_bytes=60_000)
    assert ended.status == 2
    assert "last.safetensors: cannot be written (File too large)" in ended.said[-1]
    assert "\n" not in ended.said[-1]
    load_run(given["out"])
    assert not list(Path(given["out"]).rglob(f"*{PART}"))
    assert process.start({**given, "resume": True}).status == 0
