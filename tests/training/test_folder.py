"""Where a run may be put."""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit
from cellwright.training.folder import CHECKPOINT, make_folder, settle_folder
from cellwright.training.session import Session

Options = Callable[..., dict[str, Any]]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_refused_then_overwritten(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    out = Path(given["out"])
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds a run already; give another --out, --resume .* or --overwrite"):
        fit(ClassifyConfig(**given), progress=False)
    fit(ClassifyConfig(**given | {"hidden_size": 5, "overwrite": True}), progress=False)
    assert load_run(out).config.model.hidden_size == 5
    assert (out / "notes.txt").read_text() == "mine"


def test_under_torchrun_a_second_call_of_the_process_is_none_that_was_started_anew(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told that torchrun starts the processes anew, and refused for its options, or given the finished run."""
    monkeypatch.setattr(sys.modules["cellwright.training.fit"], "launchers", lambda: ["torchrun of this process"])
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    with pytest.raises(InputError, match="holds a run already"):
        fit(ClassifyConfig(**given), progress=False)
    said: list[str] = []
    again = ClassifyConfig(**given | {"hidden_size": 5, "overwrite": True})
    fit(again, progress=False, say=said.append)
    assert load_run(again.out).config.model.hidden_size == 5
    assert not any("anew" in each for each in said)


def test_a_process_that_torchrun_starts_anew_goes_on_with_the_run_of_the_same_call(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["cellwright.training.fit"], "launchers", lambda: ["torchrun of this process"])
    first = ClassifyConfig(**options(checkpoint_seconds=60, max_epochs=1, overwrite=True))
    second = first.model_copy(update={"seed": 2})
    for config in (first, second):
        fit(config, progress=False)
    monkeypatch.setattr("cellwright.training.folder._BEGINNINGS", Counter())  # as in a new process
    for config, resumed in ((first, False), (second, False), (second, False)):
        said: list[str] = []
        fit(config, progress=False, say=said.append)
        assert any("torchrun starts the processes anew" in each for each in said) == resumed
    monkeypatch.setattr("cellwright.training.folder._BEGINNINGS", Counter({first.out.resolve(): 2}))
    fit(second, progress=False, say=said.append)
    assert any("torchrun starts the processes anew" in each for each in said)


def test_data_that_cannot_be_read_leaves_the_run_to_be_overwritten(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    with pytest.raises(InputError, match=r"none\.csv"):
        fit(ClassifyConfig(**given | {"data": "none.csv", "overwrite": True}), progress=False)
    load_run(given["out"])


def test_a_run_that_fails_at_once_leaves_the_one_that_it_was_to_replace(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    before = contents(Path(given["out"]))
    said: list[str] = []
    with pytest.raises(InputError, match="no model was kept"):
        fit(ClassifyConfig(**given | {"learning_rate": 1e30, "overwrite": True}), progress=False, say=said.append)
    assert contents(Path(given["out"])) == before
    assert said[-1] == f"{given['out']}: the run that was to be replaced is there again, as it was"


@pytest.mark.parametrize("killed", [0, 2])
def test_a_run_waits_until_the_one_that_replaces_it_has_something_to_keep(options: Options, killed: int) -> None:
    config = ClassifyConfig(**options(overwrite=True))
    old = [config.out / "config.json", config.out / "pretrained" / "model.safetensors", config.out / CHECKPOINT]
    for file in old:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("old")
    before = contents(config.out)
    for _ in range(1 + killed):  # before anything but a description was written
        make_folder(config)
        (config.out / "config.json").write_text("new")
    settle_folder(config.out, failed=True)
    assert contents(config.out) == before
    make_folder(config)
    for name in ("config.json", "model.safetensors"):
        (config.out / name).write_text("new")
    settle_folder(config.out, failed=True)
    assert contents(config.out) == {"config.json": b"new", "model.safetensors": b"new"}


@pytest.mark.parametrize("renamed", [1, 2, 3])
def test_a_run_that_a_kill_left_put_aside_in_part_is_not_lost(
    options: Options, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    config = ClassifyConfig(**options(overwrite=True))
    for file in ("config.json", "model.safetensors", str(CHECKPOINT)):
        (config.out / file).parent.mkdir(parents=True, exist_ok=True)
        (config.out / file).write_text("old")
    before = contents(config.out)
    replace, names = Path.replace, iter(range(renamed))

    def killed_after(self: Path, target: Path) -> Path:
        if next(names, None) is None:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed_after)
        make_folder(config)
    make_folder(config)
    settle_folder(config.out, failed=True)
    assert contents(config.out) == before


def test_scores_and_pictures_of_another_task_go_with_their_run(options: Options) -> None:
    config = ClassifyConfig(**options(overwrite=True))
    config.out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "test.json", "confusion.png", "alignment.png"):
        (config.out / name).write_text("old")
    make_folder(config)
    for name in ("config.json", "model.safetensors"):
        (config.out / name).write_text("new")
    settle_folder(config.out, failed=False)
    assert contents(config.out) == {"config.json": b"new", "model.safetensors": b"new"}


def test_a_run_that_was_killed_at_once_is_resumed_as_itself(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    new = options(checkpoint_seconds=60, max_epochs=1, hidden_size=5)
    with monkeypatch.context() as patch:
        # As a kill leaves it: nobody settles the folder.
        patch.setattr(sys.modules["cellwright.training.fit"], "settle_folder", lambda *_, **__: None)
        patch.setattr(Session, "run", killed)
        with pytest.raises(InputError, match="killed"):
            fit(ClassifyConfig(**new, overwrite=True), progress=False)
    assert {"config.json", "replaced/model.safetensors"} <= contents(Path(given["out"])).keys()
    fit(ClassifyConfig(**new, resume=True), progress=False)
    assert load_run(given["out"]).config.model.hidden_size == 5
    assert not Path(given["out"], "replaced").exists()


def killed(session: Session) -> None:
    raise InputError("killed")


def test_a_run_that_was_put_aside_and_no_more_is_still_a_run(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    fit(ClassifyConfig(**given), progress=False)
    make_folder(ClassifyConfig(**given, overwrite=True))
    with pytest.raises(InputError, match="holds a run already"):
        fit(ClassifyConfig(**given), progress=False)
    fit(ClassifyConfig(**given | {"overwrite": True}), progress=False)
    assert not Path(given["out"], "replaced").exists()


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


@pytest.mark.parametrize("holding", ["", "checkpoints"])
def test_an_empty_folder_is_taken_and_filled(options: Options, holding: str) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1)
    Path(given["out"], holding).mkdir(parents=True)
    fit(ClassifyConfig(**given), progress=False)
    assert contents(Path(given["out"])).keys() == {
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
