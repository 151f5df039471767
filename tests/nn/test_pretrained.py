"""Layers in folders and repositories: save_pretrained, from_pretrained, push_to_hub."""

import json
import re
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin

import cellwright
from cellwright import GRU, LSTM, RNN, InputError, Recurrent, hub
from own_cells import leaky

LAYERS = [
    LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2, forget_bias=1.0),
    LSTM(3, 4, layer_norm=True, batch_first=True, zoneout={"h": 0.1, "c": 0.2}),
    GRU(3, 4, bias=False, recurrent_dropout=0.1, learn_initial_state=True, dtype=torch.float64),
    RNN(3, 4, nonlinearity="relu", state_batch_first=True, checkpoint_every=7),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_a_layer_comes_back_with_its_options_and_bits(layer, tmp_path):
    with torch.no_grad():
        for each in layer.parameters():
            each.uniform_(-1, 1)
    layer.save_pretrained(tmp_path / "folder")
    for back in (type(layer).from_pretrained(tmp_path / "folder"), hub.load(tmp_path / "folder")):
        assert type(back) is type(layer)
        assert repr(back) == repr(layer)
        assert not back.training
        assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), back.parameters(), strict=True))


def test_a_layer_of_any_cell_goes_through_the_functions(tmp_path):
    layer = Recurrent("peephole", 3, 4, bidirectional=True)
    back = hub.load(hub.save(layer, tmp_path))
    assert repr(back) == repr(layer)
    assert torch.equal(back.peephole_i_l0_reverse, layer.peephole_i_l0_reverse)


def test_the_mixin_of_huggingface_reads_our_folder_and_we_read_its(tmp_path):
    class Theirs(PyTorchModelHubMixin, LSTM):
        pass

    layer = LSTM(3, 4, bidirectional=True)
    layer.save_pretrained(tmp_path / "ours")
    theirs = Theirs.from_pretrained(tmp_path / "ours")
    assert theirs.bidirectional
    assert torch.equal(theirs.weight_hh_l0_reverse, layer.weight_hh_l0_reverse)
    theirs.save_pretrained(tmp_path / "theirs")
    assert torch.equal(LSTM.from_pretrained(tmp_path / "theirs").weight_ih_l0, layer.weight_ih_l0)


def test_a_repository_that_was_fetched_before_is_read_without_a_network(tmp_path):
    """As huggingface_hub lays its cache."""
    repository, layer = tmp_path / "models--me--encoder", LSTM(3, 4)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40)
    layer.save_pretrained(repository / "snapshots" / ("a" * 40))
    back = LSTM.from_pretrained("me/encoder", cache_dir=tmp_path, local_files_only=True)
    assert torch.equal(back.weight_ih_l0, layer.weight_ih_l0)


def test_what_is_pushed_is_the_folder(monkeypatch, tmp_path):
    sent = {}

    class Api:
        def __init__(self, token):
            sent["token"] = token

        def create_repo(self, repo_id, private, exist_ok):
            sent.update(private=private)
            return SimpleNamespace(repo_id=f"me/{repo_id}")

        def upload_folder(self, repo_id, folder_path, commit_message, ignore_patterns):
            sent.update(repo=repo_id, layer=hub.load(folder_path), left=ignore_patterns)
            return "https://hub/commit"

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    layer = GRU(3, 4)
    assert layer.push_to_hub("encoder", private=True, token="t") == "https://hub/commit"
    assert (sent["repo"], sent["private"], sent["token"]) == ("me/encoder", True, "t")
    assert torch.equal(sent["layer"].weight_ih_l0, layer.weight_ih_l0)
    assert "*.bin" in sent["left"]
    assert layer.save_pretrained(tmp_path / "named", push_to_hub=True) == "https://hub/commit"
    assert sent["repo"] == "me/named"


def changed(folder, **config):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda folder: changed(folder, layer="GRU"), "holds 'GRU'; expected LSTM"),
        (lambda folder: changed(folder, hidden_size=5), "is of another layer than config.json describes"),
        (lambda folder: changed(folder, num_layers=3_000_000), "num_layers is 3000000, of 4 tensors"),
        (lambda folder: changed(folder, hidden_size="x"), "config.json: is no layer's"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"short"), "cannot be read as safetensors"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be read as safetensors"),
        (lambda folder: (folder / "config.json").unlink(), "config.json: cannot be read"),
    ],
)
def test_a_damaged_folder_is_one_sentence(harm, sentence, tmp_path):
    LSTM(3, 4).save_pretrained(tmp_path)
    harm(tmp_path)
    with pytest.raises(InputError, match=re.escape(sentence)):
        LSTM.from_pretrained(tmp_path)


def test_neither_a_folder_nor_a_repository_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="me/none: is no folder, and no repository that can be fetched"):
        LSTM.from_pretrained("me/none", cache_dir=tmp_path, local_files_only=True)


def test_a_cell_of_ones_own_is_not_kept_without_its_code(tmp_path):
    layer = Recurrent(leaky, 3, 4)
    with pytest.raises(InputError, match="the cell leaky is none of this library's, and a folder holds no code"):
        hub.save(layer, tmp_path)


def test_without_the_package_the_sentence_says_how_to_install_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"needs huggingface_hub; pip install 'cellwright\[hub\]'"):
        cellwright.LSTM.from_pretrained("me/encoder")


def test_a_layer_is_not_built_at_sizes_that_its_weights_do_not_have(tmp_path):
    """100 million units would be 160 petabytes: only a layer without memory can be compared at all."""
    LSTM(3, 4).save_pretrained(tmp_path)
    changed(tmp_path, hidden_size=100_000_000)
    with pytest.raises(InputError, match=r"is of another layer than config\.json describes"):
        LSTM.from_pretrained(tmp_path)


def test_a_file_where_a_folder_is_expected_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(InputError, match=r"file: cannot be made \(File exists\); expected a path for a folder"):
        LSTM(3, 4).save_pretrained(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"
