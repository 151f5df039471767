"""The table of the recipes' results, from run folders as `fit` leaves them."""

import json
from pathlib import Path

import pytest

import recipes


def folder(path: Path, cell: str, seed: int, accuracy: float, seconds: float) -> str:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"task": "classify", "options": {"seed": seed, "cell": cell}}))
    (path / "metrics.json").write_text(json.dumps({"seconds": seconds}))
    (path / "test.json").write_text(json.dumps({"model": {"accuracy": accuracy}}))
    return str(path)


def test_rows_are_named_by_recipe_and_cell_and_hold_the_seeds_in_order(tmp_path: Path) -> None:
    runs = [
        f"classify-pretrained={folder(tmp_path / 'b', 'lstm', 1, 0.75, 120)}",
        f"classify-pretrained={folder(tmp_path / 'a', 'lstm', 0, 0.5, 60)}",
        f"classify-pretrained={folder(tmp_path / 'c', 'gru', 0, 0.625, 60)}",
    ]
    assert recipes.table([recipes.read(run) for run in runs]).splitlines()[2:] == [
        "| classify-pretrained, gru | accuracy | 0.6250 | 0.6250 | 1.0 |",
        "| classify-pretrained, lstm | accuracy | 0.6250 | 0.5000, 0.7500 | 1.5 |",
    ]


@pytest.mark.parametrize("given", ["runs/a", "no-such=runs/a"])
def test_a_run_without_its_recipe_is_refused(given: str) -> None:
    with pytest.raises(SystemExit, match=f"got '{given}'; expected RECIPE=FOLDER, of the recipes chorales, cipher, "):
        recipes.read(given)
