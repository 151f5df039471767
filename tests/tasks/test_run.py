"""What a run folder gives back, and one sentence for each way it can be broken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.run import FORMAT, load_run, save_description, save_weights

TEXTS = ["good good day", "bad bad day"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A whole run folder, its model untrained."""
    torch.manual_seed(0)
    folder = tmp_path / "run"
    folder.mkdir()
    tokenizer = Tokenizer.train(TEXTS, minimum=1)
    shape = ClassifierConfig(vocabulary=tokenizer.size, classes=2, embedding=3, hidden=4)
    labels = ["bad", "good"]
    config = ClassifyRunConfig(cellwright="0", labels=labels, model=shape, fingerprint="", options={})
    save_description(folder, config, {"tokenizer.json": tokenizer.to_json().encode()})
    save_weights(folder, Classifier(shape), {})
    return folder


def test_gives_back_the_same_model(run: Path) -> None:
    before = load((run / "model.safetensors").read_bytes())
    loaded = load_run(run)
    assert loaded.labels == ["bad", "good"]
    assert not loaded.model.training
    assert loaded.tokenizer.encode(TEXTS) == Tokenizer.train(TEXTS, minimum=1).encode(TEXTS)
    assert before.keys() == loaded.model.state_dict().keys()
    assert all(torch.equal(tensor, loaded.model.state_dict()[name]) for name, tensor in before.items())


def cut(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-40])


def without(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def with_config(**changes: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        path = run / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def with_other_weights(run: Path) -> None:
    path = run / "model.safetensors"
    path.write_bytes(save(load(path.read_bytes()) | {"dense.bias": torch.zeros(3)}))


def without_a_weight(run: Path) -> None:
    path = run / "model.safetensors"
    path.write_bytes(save({k: v for k, v in load(path.read_bytes()).items() if k != "dense.bias"}))


BROKEN: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "no folder": (shutil.rmtree, ["no such run folder", "cellwright fit"]),
    "a file": (lambda run: (shutil.rmtree(run), run.write_text("")), ["is a file; expected a run folder"]),
    "no config": (without("config.json"), ["config.json: no such file", "not a run folder"]),
    "config cut short": (cut("config.json"), ["config.json, line", "cut short"]),
    "config a list": (lambda run: (run / "config.json").write_text("[]"), ["holds a JSON list"]),
    "config not UTF-8": (lambda run: (run / "config.json").write_bytes(b"\xff"), ["config.json", "UTF-8"]),
    "newer format": (with_config(format=FORMAT + 1), [f"format {FORMAT + 1}", f"up to {FORMAT}", "newer cellwright"]),
    "wrong field": (with_config(labels="good"), ["'labels'", "got 'good'"]),
    "unknown task": (with_config(task="clasify"), ["config.json: no task 'clasify'; expected one of classify"]),
    "unknown cell": (with_config(model={"vocabulary": 5, "classes": 2, "cell": "lsmt"}), ["lsmt"]),
    "no tokenizer": (without("tokenizer.json"), ["tokenizer.json: no such file"]),
    "tokenizer cut short": (cut("tokenizer.json"), ["tokenizer.json"]),
    "no weights": (without("model.safetensors"), ["model.safetensors: no such file", "--resume"]),
    "weights cut short": (cut("model.safetensors"), ["model.safetensors", "cut short"]),
    "weights empty": (lambda run: (run / "model.safetensors").write_bytes(b""), ["model.safetensors", "cut short"]),
    "weights of another shape": (with_other_weights, ["dense.bias is (3,)", "describes (2,)"]),
    "a weight missing": (without_a_weight, ["dense.bias is missing", "describes (2,)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken(run: Path, case: str) -> None:
    breaking, words = BROKEN[case]
    breaking(run)
    with pytest.raises(InputError) as error:
        load_run(run)
    message = str(error.value)
    assert str(run) in message
    assert "\n" not in message
    for word in words:
        assert word in message
