"""A run killed at any step and resumed is the run left alone, bit for bit."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import process
from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.task import Metric
from cellwright.training import fit
from cellwright.training.best_epoch import KeepBest
from cellwright.training.schedule import Done, cosine
from process import Signal, outcome

Options = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def alone(small: dict[str, Any], reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run left alone ends with; made in its own process, as the killed ones are."""
    out = tmp_path_factory.mktemp("alone") / "run"
    assert process.start({**small, "data": str(reviews), "out": str(out)}).status == 0
    return outcome(out)


POINTS = [
    ("step", 1),  # before any checkpoint
    ("clipping", 7),  # in the first epoch, between gradient and update
    ("validation", 3),  # after the first epoch's last step
    ("step", 40),  # after the best epoch
    ("write", 50),  # while a checkpoint is written
    ("end", 1),  # after the last checkpoint: nothing is left to train
]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "count"), POINTS)
def test_killed_and_resumed_is_left_alone(options: Options, alone: dict[str, Any], place: str, count: int) -> None:
    given = options()
    killed = process.start(given, Signal(signal.SIGKILL, place, count))
    assert killed.status == -signal.SIGKILL
    assert process.start({**given, "resume": True}).status == 0
    assert outcome(given["out"]) == alone


@pytest.mark.slow
def test_the_best_epoch_is_neither_first_nor_last(alone: dict[str, Any]) -> None:
    """Or the tests above would not see a forgotten score."""
    metrics = alone["metrics"]
    assert (metrics["best_epoch"], metrics["epochs"], metrics["stopped"]) == (3, 5, "patience")
    assert metrics["steps"] == 55


@pytest.mark.slow
def test_killed_again_and_again(options: Options, alone: dict[str, Any]) -> None:
    given = options()
    for count, resume in ((5, False), (9, True), (14, True), (11, True)):
        process.start({**given, "resume": resume}, Signal(signal.SIGKILL, "step", count))
    assert process.start({**given, "resume": True}).status == 0
    assert outcome(given["out"]) == alone


@pytest.mark.slow
def test_resumed_when_done_changes_nothing(options: Options, alone: dict[str, Any]) -> None:
    given = options()
    for resume in (False, True):
        assert process.start({**given, "resume": resume}).status == 0
        assert outcome(given["out"]) == alone


@pytest.fixture(scope="module")
def two_epochs(small: dict[str, Any], reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The options of a run of two epochs that is done."""
    out = tmp_path_factory.mktemp("two-epochs") / "run"
    given = {**small, "data": str(reviews), "out": str(out), "checkpoint_seconds": 60, "max_epochs": 2}
    fit(ClassifyConfig(**given), progress=False)
    return given


@pytest.fixture
def done(two_epochs: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Those of a copy of it, which a test may change."""
    return {**two_epochs, "out": str(shutil.copytree(two_epochs["out"], tmp_path / "copy"))}


def test_more_epochs(two_epochs: dict[str, Any], tmp_path: Path) -> None:
    """Trained for one epoch and resumed for two is trained for two."""
    parts = two_epochs | {"out": str(tmp_path / "parts")}
    fit(ClassifyConfig(**parts | {"max_epochs": 1}), progress=False)
    fit(ClassifyConfig(data=parts["data"], out=parts["out"], max_epochs=2, resume=True), progress=False)
    assert outcome(parts["out"]) == outcome(two_epochs["out"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another option": ({"hidden_size": 9}, "was started with --hidden-size 8, and 9 is given now"),
    "fewer epochs than done": ({"max_epochs": 1}, "2 epochs are done, and at most 1 are to be; .*give --max-epochs 2"),
    "resume and overwrite": ({"overwrite": True}, "give one of them"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_resume_refused(done: dict[str, Any], case: str) -> None:
    description = Path(done["out"], "config.json")
    before = outcome(done["out"]), description.read_bytes()
    changes, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        fit(ClassifyConfig(**done | changes, resume=True), progress=False)
    assert (outcome(done["out"]), description.read_bytes()) == before


def test_a_run_that_is_older_than_an_option_had_its_default(done: dict[str, Any]) -> None:
    path = Path(done["out"], "config.json")
    config = json.loads(path.read_text())
    del config["options"]["label_smoothing"]
    path.write_text(json.dumps(config))
    usual = ClassifyConfig(**done).label_smoothing
    fit(ClassifyConfig(**done | {"label_smoothing": usual}, resume=True), progress=False)
    with pytest.raises(InputError, match=f"was started with --label-smoothing {usual}, and 0.5 is given now"):
        fit(ClassifyConfig(**done | {"label_smoothing": 0.5}, resume=True), progress=False)


def test_resume_refused_for_other_data(done: dict[str, Any], reviews: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(reviews.read_text().replace("word7", "word8"))
    with pytest.raises(InputError, match="its rows are not those"):
        fit(ClassifyConfig(**done | {"data": str(other)}, resume=True), progress=False)


def test_resume_refused_without_a_run(options: Options) -> None:
    with pytest.raises(InputError, match="no run to resume"):
        fit(ClassifyConfig(**options(), resume=True), progress=False)


def test_resume_refused_for_a_checkpoint_cut_short(done: dict[str, Any]) -> None:
    checkpoint = Path(done["out"], "checkpoints", "last.safetensors")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"last\.safetensors: not a whole checkpoint"):
        fit(ClassifyConfig(**done | {"max_epochs": 3}, resume=True), progress=False)


def test_a_cosine_that_goes_on_for_longer_says_that_the_step_size_rises(options: Options) -> None:
    given = options(lr_schedule="cosine", max_epochs=2, checkpoint_seconds=60, patience=9)
    fit(ClassifyConfig(**given), progress=False, say=lambda sentence: None)
    said: list[str] = []
    fit(ClassifyConfig(**given | {"resume": True, "max_epochs": 4}), progress=False, say=said.append)
    before, after = (0.05 * cosine(Done(share, share), 22) for share in (21 / 22, 2 / 4))
    assert any(f"the step size rises from {before:.2g} to {after:.2g}, for the cosine" in each for each in said)
    assert "trains until no score is better for 9 epochs, at most 4 epochs of 11 steps" in said
    assert any("going on after 2 of at most 4 epochs, 22 steps and" in each for each in said)


def _until_an_epoch_ends(said: list[str]) -> Callable[[str], None]:
    """Keeps what a run says, and interrupts it after an epoch."""

    def keep(sentence: str) -> None:
        said.append(sentence)
        if sentence.startswith("epoch "):
            signal.raise_signal(signal.SIGINT)

    return keep


@pytest.mark.parametrize("minutes", [None, 60])
def test_a_rise_that_ends_at_the_resumed_step_is_not_taken_for_other_limits(
    options: Options, minutes: int | None
) -> None:
    """Of 20 epochs the step size rises in the first: the run that went on as it was told of new limits."""
    given = options(lr_schedule="cosine", max_epochs=20, max_minutes=minutes, patience=99, checkpoint_seconds=60)
    said: list[str] = []
    for resume in (False, True):
        fit(ClassifyConfig(**given | {"resume": resume}), progress=False, say=_until_an_epoch_ends(said))
    assert any("going on after 1 of at most 20 epochs, 11 steps and" in each for each in said)
    assert not any("the step size rises" in each for each in said)


def test_more_epochs_whose_rise_ends_at_the_resumed_step_are_told_of(options: Options) -> None:
    given = options(lr_schedule="cosine", max_epochs=1, checkpoint_seconds=60)
    fit(ClassifyConfig(**given), progress=False, say=lambda sentence: None)
    said: list[str] = []
    fit(ClassifyConfig(**given | {"resume": True, "max_epochs": 20}), progress=False, say=_until_an_epoch_ends(said))
    assert sum("the step size rises from" in each and "to 0.05, for the cosine" in each for each in said) == 1


def test_a_cosine_that_goes_on_as_before_says_nothing_of_it(options: Options) -> None:
    given = options(lr_schedule="cosine", max_epochs=2)
    killed = process.start(given, Signal(signal.SIGKILL, "step", 13))
    assert killed.status == -signal.SIGKILL
    said: list[str] = []
    fit(ClassifyConfig(**given | {"resume": True}), progress=False, say=said.append)
    assert any("going on after 1 of at most 2 epochs, 12 steps" in each for each in said)
    assert not any("the step size" in each for each in said)


def test_minutes_that_are_over_are_refused_before_a_step(options: Options) -> None:
    given = options(max_minutes=1e-9)
    fit(ClassifyConfig(**given), progress=False, say=lambda sentence: None)
    with pytest.raises(
        InputError, match="minutes of training are done, and max_minutes, which a resumed run keeps, is"
    ):
        fit(ClassifyConfig(**{key: given[key] for key in ("data", "out")}, resume=True, max_epochs=20), progress=False)


def test_a_checkpoint_of_a_version_that_compared_epochs_otherwise_is_refused(tmp_path: Path) -> None:
    best = KeepBest(tmp_path, 3, Metric("joint_accuracy"))
    with pytest.raises(InputError, match="its epochs were compared by loss, joint, and this version goes by joint_acc"):
        best.load_state_dict({"epoch": 1, "scores": {"loss": 1.0, "joint": 0.5}, "waited": 0})
