"""Trackers of a run: what they are told, that a resumed run goes on in them, and that they change no number."""

import csv
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agreement import assert_agree
from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.config import LOGGERS
from cellwright.training import fit, loggers
from cellwright.training.loggers import track_scores
from process import outcome

Options = Callable[..., dict[str, Any]]


def log_of(out: str | Path) -> list[dict[str, str]]:
    """The rows of the run's own log."""
    with Path(out, "log.csv").open() as file:
        return list(csv.DictReader(file))


def csv_rows(out: str | Path) -> list[dict[str, str]]:
    with Path(out, "logs", "csv", "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def events(out: str | Path) -> dict[str, list[tuple[int, float]]]:
    """Of TensorBoard: the points of each curve, as its own reader finds them."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(Path(out, "logs", "tensorboard"))).Reload()
    return {tag: [(each.step, each.value) for each in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def trained(given: dict[str, Any], **changes: Any) -> None:
    fit(ClassifyConfig(**given | changes), progress=False, say=lambda sentence: None)


def assert_rows(found: list[dict[str, str]], out: str) -> None:
    wanted = log_of(out)
    assert [int(row["step"]) for row in found] == [int(row["step"]) for row in wanted]
    for mine, row in zip(found, wanted, strict=True):
        assert {name: float(mine[name]) for name in row if name != "seconds"} == {
            name: float(value) for name, value in row.items() if name != "seconds"
        }
        assert float(mine["learning_rate"]) == 0.05


def test_the_option_takes_the_trackers_that_there_are() -> None:
    assert tuple(loggers.TRACKERS) == LOGGERS


@pytest.mark.parametrize("names", ["csv", "tensorboard,csv"])
def test_no_number_of_the_run_changes(options: Options, names: str) -> None:
    pytest.importorskip("tensorboard")
    given = options(max_epochs=2, checkpoint_seconds=60)
    trained(given)
    logged = given | {"out": given["out"] + "-logged", "logger": names}
    trained(logged)
    assert outcome(logged["out"]) == outcome(given["out"])
    assert sorted(each.name for each in Path(logged["out"], "logs").iterdir()) == sorted(names.split(","))


def test_csv_is_told_each_epoch_and_goes_on_where_the_run_does(options: Options) -> None:
    given = options(max_epochs=2, checkpoint_seconds=60, logger="csv", patience=9)
    trained(given)
    assert_rows(csv_rows(given["out"]), given["out"])
    hparams = Path(given["out"], "logs", "csv", "hparams.yaml").read_text()
    assert "hidden_size: 8\n" in hparams
    trained(given, resume=True, max_epochs=4)
    rows = csv_rows(given["out"])
    assert len(rows) == 4
    assert_rows(rows, given["out"])


def test_what_was_logged_after_the_last_checkpoint_is_not_there_twice(options: Options) -> None:
    given = options(max_epochs=1, checkpoint_seconds=60, logger="csv")
    trained(given)
    path = Path(given["out"], "logs", "csv", "metrics.csv")
    last = csv_rows(given["out"])[-1]
    with path.open("a", newline="") as file:  # an epoch whose checkpoint a kill has prevented
        csv.DictWriter(file, last).writerow(last | {"step": "22", "epoch": "2"})
    trained(given, resume=True, max_epochs=2)
    assert_rows(csv_rows(given["out"]), given["out"])


def test_tensorboard_is_told_each_epoch_the_options_and_the_best_scores(options: Options) -> None:
    given = options(max_epochs=1, checkpoint_seconds=60, logger="tensorboard", patience=9)
    trained(given)
    trained(given, resume=True, max_epochs=3)
    found = events(given["out"])
    wanted = log_of(given["out"])
    for name in ("train_loss", "validation_accuracy", "validation_loss", "tokens"):
        assert [step for step, _ in found[name]] == [int(row["step"]) for row in wanted]
        assert_agree([value for _, value in found[name]], [float(row[name]) for row in wanted], 1e-6)
    validation = json.loads(Path(given["out"], "metrics.json").read_text())["validation"]
    assert_agree(found["best_validation_loss"][-1][1], validation["loss"], 1e-6)
    assert "hidden_size: 8\n" in Path(given["out"], "logs", "tensorboard", "hparams.yaml").read_text()


def test_the_final_scores_are_told_beside_the_epochs(options: Options) -> None:
    given = options(max_epochs=2, checkpoint_seconds=60, logger="csv")
    trained(given)
    track_scores(Path(given["out"]), "test", {"accuracy": 0.75})
    *epochs, last = csv_rows(given["out"])
    assert_rows(epochs, given["out"])
    assert (last["test_accuracy"], last["step"]) == ("0.75", "22")


def test_overwrite_begins_the_logs_anew_and_a_refused_run_leaves_them(options: Options) -> None:
    given = options(max_epochs=2, checkpoint_seconds=60, logger="csv")
    trained(given)
    before = csv_rows(given["out"])
    with pytest.raises(InputError, match="the loss is"):
        trained(given, overwrite=True, learning_rate=1e38, clip_norm=None, max_epochs=1)
    assert csv_rows(given["out"]) == before
    trained(given, overwrite=True, max_epochs=1)
    assert len(csv_rows(given["out"])) == 1
    trained(given, overwrite=True, max_epochs=1, logger=None)
    assert not Path(given["out"], "logs").exists()


def test_a_logger_may_be_added_when_a_run_is_resumed(options: Options) -> None:
    given = options(max_epochs=1, checkpoint_seconds=60)
    trained(given)
    trained(given, resume=True, max_epochs=2, logger="csv")
    assert [row["epoch"] for row in csv_rows(given["out"])] == ["2"]


@pytest.mark.parametrize("name", ["csv,tensorflow", "", "csv,", "csv,csv", "none,csv"])
def test_a_logger_that_there_is_not(options: Options, name: str) -> None:
    with pytest.raises(InputError, match=f"--logger is {name}; expected one of csv, tensorboard, mlflow, wandb"):
        ClassifyConfig(**options(logger=name))


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_a_package_that_is_not_there_is_said_before_any_work(
    options: Options, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda package: None)
    given = options(logger=name)
    with pytest.raises(InputError, match=f"--logger {name} needs the package {name}, .*; pip install {name}"):
        trained(given)
    assert not Path(given["out"]).exists()


def test_mlflow_has_one_run_of_all_parts(options: Options) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    given = options(max_epochs=1, checkpoint_seconds=60, logger="mlflow", patience=9)
    trained(given)
    trained(given, resume=True, max_epochs=2)
    track_scores(Path(given["out"]), "test", {"accuracy": 0.75})
    client = tracking.MlflowClient(loggers.mlflow_store(Path(given["out"], "logs", "mlflow")))
    (experiment,) = [each for each in client.search_experiments() if each.name == loggers.NAME]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["hidden_size"] == "8"
    assert run.data.tags["max_epochs"] == "2"  # which MLflow lets nobody change as a parameter
    assert run.data.metrics["test_accuracy"] == 0.75
    found = client.get_metric_history(run.info.run_id, "train_loss")
    assert_agree([each.value for each in found], [float(row["train_loss"]) for row in log_of(given["out"])], 1e-12)


def test_wandb_writes_without_a_network_and_keeps_its_id(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    given = options(max_epochs=1, checkpoint_seconds=60, logger="wandb", patience=9)
    trained(given)
    trained(given, resume=True, max_epochs=2)
    parts = [*Path(given["out"], "logs", "wandb", "wandb").glob("offline-run-*")]
    assert len({each.name.rpartition("-")[2] for each in parts}) == 1
    assert all([*each.glob("*.wandb")] for each in parts)
    assert importlib.import_module("wandb").run is None
