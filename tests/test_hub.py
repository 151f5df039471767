"""Runs in folders with a card: cellwright.hub."""

import json
import re

import pytest
import torch

import cellwright
from cellwright import InputError, hub

ROWS = [(f"{'good clean' if k % 2 else 'bad dirty'} room", "good" if k % 2 else "bad") for k in range(40)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    data = folder / "reviews.csv"
    data.write_text("text,label\n" + "".join(f"{text} {k},{label}\n" for k, (text, label) in enumerate(ROWS)))
    options = {"max_epochs": 1, "hidden_size": 8, "embedding_dim": 8, "duplicates": "keep"}
    return cellwright.fit(data, folder / "run", options=options, say=lambda sentence: None).out


def test_a_run_is_copied_without_its_checkpoints_and_answers_the_same(run, tmp_path):
    out = hub.save(run, tmp_path / "out", license="apache-2.0")
    assert not (out / "checkpoints").exists()
    assert (run / "checkpoints").exists()
    texts = ["good room", "bad"]
    found, expected = ([each.as_json() for each in one.predict(texts)] for one in (hub.load(out), cellwright.load(run)))
    assert found == expected


def test_the_card_says_task_data_scores_and_licence(run):
    text = hub.card(run, license="apache-2.0")
    head = text.split("---")[1]
    assert {"library_name: cellwright", "license: apache-2.0", "pipeline_tag: text-classification"} <= set(
        head.splitlines()
    )
    assert "# classify, learned from reviews.csv" in text
    scores = json.loads((run / "metrics.json").read_text())["validation"]
    assert f"| validation | accuracy | {scores['accuracy']:.4g} |" in text
    assert str(run.parent) not in text


def test_the_card_has_the_scores_of_the_test_split(run):
    (run / "test.json").write_text(json.dumps({"texts": 6, "model": {"accuracy": 0.75, "classes": []}}))
    assert "| test | model accuracy | 0.75 |" in hub.card(run)
    (run / "test.json").unlink()


def test_without_a_licence_the_card_names_none(run):
    assert "license" not in hub.card(run)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda run, tmp: hub.card(run, license="Apache 2\nx: y"), "expected a word such as apache-2.0"),
        (lambda run, tmp: hub.save(tmp / "none", tmp / "out"), "no such run folder"),
        (lambda run, tmp: hub.load(tmp), "config.json: cannot be read"),
        (lambda run, tmp: hub.save(torch.nn.LSTM(3, 4), tmp / "out"), "got LSTM to save; expected a run's folder, or"),
    ],
)
def test_what_is_wrong_is_one_sentence(call, sentence, run, tmp_path):
    with pytest.raises(InputError, match=re.escape(sentence)):
        call(run, tmp_path)


def test_a_layer_of_another_name_is_refused(tmp_path):
    cellwright.LSTM(3, 4).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"layer": "Transformer"}))
    with pytest.raises(InputError, match="holds the layer 'Transformer'; expected LSTM, GRU, RNN, Recurrent, or a run"):
        hub.load(tmp_path)


def test_a_layers_name_that_is_no_string_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"layer": ["LSTM"]}))
    with pytest.raises(InputError, match=re.escape("holds the layer ['LSTM']; expected LSTM, GRU")):
        hub.load(tmp_path)


def files_of(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def other_run(run, folder):
    hub.save(run, folder)
    config = json.loads((folder / "config.json").read_text())
    config["options"]["seed"] = 41
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda run, folder: hub.save(run, folder), lambda run, folder: cellwright.LSTM(3, 4).save_pretrained(folder)),
        (lambda run, folder: hub.save(cellwright.GRU(3, 4), folder), lambda run, folder: hub.save(run, folder)),
        (other_run, lambda run, folder: hub.save(run, folder)),
    ],
    ids=["layer over run", "run over layer", "run over another run"],
)
def test_what_is_of_another_kind_is_not_replaced(first, second, run, tmp_path):
    first(run, tmp_path / "out")
    before = files_of(tmp_path)
    with pytest.raises(InputError, match=r"holds something else already, as its config\.json says; expected a new"):
        second(run, tmp_path / "out")
    assert files_of(tmp_path) == before


def test_a_run_that_was_trained_on_replaces_its_older_copy(run, tmp_path):
    later = hub.save(run, tmp_path / "later")
    config = json.loads((later / "config.json").read_text())
    config["options"] |= {"max_epochs": 7, "patience": 3}  # as `fit --resume` keeps them
    config["cellwright"] = "9.0"
    (later / "config.json").write_text(json.dumps(config))
    out = hub.save(run, tmp_path / "out")
    hub.save(later, out)
    assert json.loads((out / "config.json").read_text()) == config


@pytest.mark.parametrize("name", ["README.md", "model.safetensors"])
@pytest.mark.parametrize("layer", [False, True])
def test_files_that_nobody_saved_there_are_not_written_over(name, layer, run, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=rf"holds a {re.escape(name)} already, and no config\.json that says of what"):
        hub.save(cellwright.GRU(3, 4) if layer else run, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_what_else_lies_in_a_copy_stays(run, tmp_path):
    out = hub.save(run, tmp_path / "out")
    (out / "notes.txt").write_text("mine")
    hub.save(run, out)
    assert (out / "notes.txt").read_text() == "mine"


def test_a_copy_does_not_replace_a_run_that_can_be_gone_on_with(run, tmp_path):
    copy = hub.save(run, tmp_path / "copy")
    before = files_of(run)
    with pytest.raises(InputError, match="holds a run with the checkpoints that --resume goes on from"):
        hub.save(copy, run)
    assert files_of(run) == before


def test_a_copy_within_the_run_is_refused(run):
    with pytest.raises(InputError, match="lies in the run that is to be copied"):
        hub.save(run, run / "copy")
    assert not (run / "copy").exists()


def test_a_description_without_options_is_another_run(run, tmp_path):
    (tmp_path / "config.json").write_text('{"options": 3}')
    with pytest.raises(InputError, match="holds something else already"):
        hub.save(run, tmp_path)


@pytest.mark.parametrize("older", [False, True], ids=["first copy", "older copy"])
def test_a_copy_that_is_stopped_is_never_half_read(older, run, tmp_path, monkeypatch):
    whole, out = hub.save(run, tmp_path / "whole"), tmp_path / "out"
    if older:
        hub.save(run, out)
    put, left = type(out).replace, []

    def stopping(path, target):
        if target.parent == out and not left.pop():
            raise KeyboardInterrupt
        return put(path, target)

    monkeypatch.setattr(type(out), "replace", stopping)
    for moved in range(len(files_of(whole))):
        left[:] = [False] + [True] * moved
        with pytest.raises(KeyboardInterrupt):
            hub.save(run, out)
        assert (out / "config.json").exists() == older  # without it a folder is no run
    monkeypatch.undo()
    hub.save(run, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        path.name: path.read_bytes() for path in whole.iterdir()
    }


def test_the_same_kind_is_replaced(run, tmp_path):
    hub.save(run, tmp_path / "run")
    hub.save(run, tmp_path / "run", license="mit")
    assert "license: mit" in (tmp_path / "run" / "README.md").read_text()
    hub.save(cellwright.GRU(3, 4), tmp_path / "layer")
    hub.save(cellwright.LSTM(3, 5), tmp_path / "layer")
    assert hub.load(tmp_path / "layer").hidden_size == 5
