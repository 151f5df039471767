"""What a run folder gives back, and one sentence for each way it can be broken."""

import json
import re
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
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.renamed import NAMES as RENAMED
from cellwright.tasks.resume import kept_options
from cellwright.tasks.run import FORMAT, load_config, load_run, save_description, save_weights
from language_runs import language_run
from recorded_runs import autoencoder_run, series_run, tagger_run, transducer_run

TEXTS = ["good good day", "bad bad day"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A whole run folder, its model untrained."""
    torch.manual_seed(0)
    folder = tmp_path / "run"
    folder.mkdir()
    tokenizer = Tokenizer.train(TEXTS, min_frequency=1)
    shape = ClassifierConfig(vocab_size=tokenizer.size, classes=2, embedding_dim=3, hidden_size=4)
    labels = ["bad", "good"]
    config = ClassifyRunConfig(cellwright="0", labels=labels, model=shape, fingerprint="", options={"data": "x"})
    save_description(folder, config, {"tokenizer.json": tokenizer.to_json().encode()})
    save_weights(folder, Classifier(shape), {})
    return folder


def test_the_same_weights_are_the_same_bytes(run: Path) -> None:
    """However many numbers stand in their header, so that a digest says whether two runs made the same model."""
    model, scores = load_run(run).model, {"epoch": 2, **{f"validation_{number}": number / 3 for number in range(9)}}
    files = set()
    for _ in range(8):
        save_weights(run, model, scores)
        files.add((run / "model.safetensors").read_bytes())
    assert len(files) == 1


def test_gives_back_the_same_model(run: Path) -> None:
    before = load((run / "model.safetensors").read_bytes())
    loaded = load_run(run)
    assert loaded.labels == ["bad", "good"]
    assert not loaded.model.training
    assert loaded.tokenizer.encode(TEXTS) == Tokenizer.train(TEXTS, min_frequency=1).encode(TEXTS)
    assert before.keys() == loaded.model.state_dict().keys()
    assert all(torch.equal(tensor, loaded.model.state_dict()[name]) for name, tensor in before.items())


def test_a_run_made_before_options_were_renamed_loads(run: Path) -> None:
    path, old = run / "config.json", {new: name for name, new in RENAMED.items()}
    description = json.loads(path.read_text())
    description["options"] |= {"ema_decay": 0.5, "lr_schedule": "cosine", "truncation": "head", "bigram_buckets": 7}
    path.write_text(json.dumps(description))
    now = load_config(run)
    for part in ("options", "model", "long_text"):
        description[part] = {old.get(name, name): value for name, value in description[part].items()}
    description = {old.get(name, name): value for name, value in description.items()}
    assert "reading" in description
    assert {"averaging", "schedule", "long", "pairs"} <= description["options"].keys()
    assert {"vocabulary", "hidden", "layers"} <= description["model"].keys()
    path.write_text(json.dumps(description))
    assert load_config(run) == now
    assert load_run(run).config.model == now.model


def test_models_of_another_library_are_not_said_to_be_runs(run: Path) -> None:
    for name, content in {"bert": '{"model_type": "bert", "hidden_size": 8}', "cut": '{"task": "cla'}.items():
        (run.parent / name).mkdir()
        (run.parent / name / "config.json").write_text(content)
    with pytest.raises(InputError, match=rf"is not a run folder of `cellwright fit`, but holds {re.escape(str(run))}$"):
        load_run(run.parent)


def cut(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-40])


def without(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def with_config(**changes: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        path = run / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def without_field(name: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        path = run / "config.json"
        path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != name}))

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
    "missing field": (without_field("labels"), ["field 'labels': Field required\n"]),
    "wrong option": (with_config(options={"data": "x", "clip_norm": "many"}), ["'options.clip_norm'", "got 'many'"]),
    "option of another version": (with_config(options={"data": "x", "hiden": 3}), ["'options.hiden'", "got 3"]),
    "option out of range": (with_config(options={"data": "x", "dropout": 2}), ["'options.dropout'", "got 2"]),
    "missing option": (with_config(options={}), ["field 'options.data': Field required\n"]),
    "unknown task": (with_config(task="clasify"), ["config.json: no task 'clasify'; expected one of classify"]),
    "unknown cell": (with_config(model={"vocab_size": 5, "classes": 2, "cell": "lsmt"}), ["lsmt"]),
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
        assert word in message + "\n"


def test_an_option_that_is_younger_than_the_run_has_its_default(run: Path) -> None:
    assert load_config(run).options == {"data": "x"}
    loaded = load_run(run)
    options = {"data": "x", "text": "text", "label": "label", "hidden_size": 128, "pretrain": None}
    assert loaded.config.options.items() >= options.items()
    assert loaded.config.options == kept_options(ClassifyConfig(data="x", out=run))


def with_tokenizer(name: str) -> Callable[[Path], None]:
    return lambda run: Tokenizer.train(["ab"], "characters", min_frequency=1).save(run / name)


def with_words(**lists: list[str]) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        path = run / "lexicon.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | lists))

    return change


def one_scale(**changes: list[float]) -> Callable[[Path], None]:
    return with_config(scaling={"mean": [10.0, 100.0], "deviation": [0.5, 5.0]} | changes)


OTHERS: dict[str, tuple[Callable[[Path], object], Callable[[Path], None], str]] = {
    "classify, labels": (lambda run: None, with_config(labels=["good"]), "config.json: has 1 labels; … has 2"),
    "classify, tokens": (lambda run: None, with_tokenizer("tokenizer.json"), "tokenizer.json: has 4 tokens; … has 5"),
    "lm, tokens": (language_run, with_tokenizer("tokenizer.json"), "tokenizer.json: has 4 tokens; … has 16"),
    "autoencode, tokens": (autoencoder_run, with_tokenizer("tokenizer.json"), "tokenizer.json: has 4 tokens; … has 15"),
    "transduce, source": (transducer_run, with_tokenizer("source.json"), "source.json: has 4 tokens; … has 8"),
    "transduce, target": (transducer_run, with_tokenizer("target.json"), "target.json: has 4 tokens; … has 7"),
    "tag, tags": (tagger_run, with_config(tags=["O", "B-city"]), "config.json: has 2 tags; … has 3"),
    "tag, labels": (tagger_run, with_config(labels=["fly"]), "config.json: has 1 labels; … has 2"),
    "tag, words": (tagger_run, with_words(words=["fly"] * 9), "lexicon.json: has 11 word ids; … has 8"),
    "tag, characters": (tagger_run, with_words(characters=["f"]), "lexicon.json: has 3 character ids; … has 14"),
    "series, labels": (series_run, with_config(labels=["fast"]), "config.json: has 1 labels; … has 2"),
    "series, channels": (series_run, with_config(channels=["wave"]), "config.json: has 1 channels; … has 2"),
    "series, means": (series_run, one_scale(mean=[10.0]), "config.json: has 1 means in scaling; … has 2"),
    "series, deviations": (
        series_run, one_scale(deviation=[1.0] * 3), "config.json: has 3 deviations in scaling; … has 2",
    ),
}  # fmt: skip
"""What makes a run, what puts in a part of another, and what is said of it."""


@pytest.mark.parametrize("case", OTHERS)
def test_a_part_of_another_run(run: Path, case: str) -> None:
    making, breaking, said = OTHERS[case]
    making(run)
    load_run(run)
    breaking(run)
    with pytest.raises(InputError) as error:
        load_run(run)
    sentence = said.replace("…", "the model that config.json describes")
    assert str(error.value) == f"{run}/{sentence}: the files are of different runs; copy the run folder again"
