"""Where a run may be put."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit

Options = Callable[..., dict[str, Any]]


def test_a_run_is_refused_then_overwritten(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    out = Path(given["out"])
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds a run already; give another --out, --resume .* or --overwrite"):
        fit(ClassifyConfig(**given), progress=False)
    fit(ClassifyConfig(**given | {"hidden": 5, "overwrite": True}), progress=False)
    assert load_run(out).config.model.hidden == 5
    assert (out / "notes.txt").read_text() == "mine"


def test_data_that_cannot_be_read_leaves_the_run_to_be_overwritten(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    with pytest.raises(InputError, match=r"none\.csv"):
        fit(ClassifyConfig(**given | {"data": "none.csv", "overwrite": True}), progress=False)
    load_run(given["out"])


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_of_something_else_is_never_touched(options: Options, overwrite: bool) -> None:
    given = options(overwrite=overwrite)
    Path(given["out"]).mkdir()
    Path(given["out"], "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds files but no run"):
        fit(ClassifyConfig(**given), progress=False)


def test_a_file(options: Options) -> None:
    given = options()
    Path(given["out"]).write_text("mine")
    with pytest.raises(InputError, match="is a file; expected a folder"):
        fit(ClassifyConfig(**given), progress=False)


def test_a_place_that_cannot_be_written(options: Options) -> None:
    with pytest.raises(InputError, match=r"/proc/run: cannot be written .*give another --out"):
        fit(ClassifyConfig(**options(out="/proc/run")), progress=False)


def test_an_empty_folder_is_taken_and_filled(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    Path(given["out"]).mkdir()
    fit(ClassifyConfig(**given), progress=False)
    files = {str(path.relative_to(given["out"])) for path in Path(given["out"]).rglob("*") if path.is_file()}
    assert files == {
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "metrics.json",
        "log.csv",
        "curve.png",
        "checkpoints/last.safetensors",
    }
    assert Path(given["out"], "curve.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_cell_is_refused_before_the_data_is_read(options: Options) -> None:
    with pytest.raises(InputError, match="no cell 'lsmt'"):
        fit(ClassifyConfig(**options(cell="lsmt", data="none.csv")), progress=False)
