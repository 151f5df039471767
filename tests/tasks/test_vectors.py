"""`fit --vectors`: rows of the embedding are the file's, those that it lacks of their size, and frozen ones stay."""

import json
import shutil

import numpy as np
import pytest
import torch

import cellwright
from cellwright.data.special_tokens import KNOWN, PADDING, UNKNOWN
from cellwright.errors import InputError
from cellwright.models.embedding import Embedding, begin_from

OPTIONS = {"hidden_size": 8, "max_epochs": 3, "threads": 1, "min_frequency": 1, "lr_schedule": "constant"}
VECTORS = {
    "Warm": [4.0, 0.0, 1.0, -2.0],
    "cold": [-4.0, 1.0, 0.0, 2.0],
    "room": [0.5, 0.5, 0.5, 0.5],
    "Rome": [1.0] * 4,
}


@pytest.fixture
def vectors(file):
    return str(file("words.vec", "4 4\n" + "".join(f"{w} {' '.join(map(str, v))}\n" for w, v in VECTORS.items())))


ROWS = {
    "classify": lambda k: {"text": f"{'Warm' if k % 2 else 'cold'} room {k}", "label": "ab"[k % 2]},
    "tag": lambda k: {"tokens": [["Warm", "cold"][k % 2], "room", f"x{k}"], "tags": ["W", "O", "O"]},
    "transduce": lambda k: {"source": f"{['Warm', 'cold'][k % 2]} room x{k}", "target": f"{'ab'[k % 2]} c"},
}
EXTRA = {
    "classify": {"tokenizer": "words", "learning_rate": 0.01},
    "tag": {"char_embedding_dim": 4},
    "transduce": {"source_symbols": "tokens", "target_symbols": "tokens"},
}


def trained(task, file, tmp_path, **options):
    data = file("data.jsonl", "\n".join(json.dumps(ROWS[task](k)) for k in range(80)))
    said = []
    given = {**OPTIONS, **EXTRA[task], **options}
    out = tmp_path / "run"
    cellwright.fit(data, out, task=task, options=given, say=said.append)
    return cellwright.load(out).run, said


def rows_of(run):
    """The words of the run's embedding, their rows, and the matrix."""
    if run.config.task == "tag":
        return [*run.lexicon.vocabulary], run.model.embedding.token.weight.detach()
    if run.config.task == "classify":
        tokenizer = run.tokenizer
        return tokenizer.symbols(range(KNOWN, tokenizer.size)), run.model.embedding.token.weight.detach()
    return run.source.symbols(range(KNOWN, run.source.size)), run.model.source_embedding.weight.detach()


@pytest.mark.parametrize("task", ROWS)
def test_frozen_vectors_are_the_files_after_training_and_others_learn(task, file, vectors, tmp_path):
    run, said = trained(task, file, tmp_path, vectors=vectors, freeze_vectors=True)
    words, weight = rows_of(run)
    assert weight.shape[1] == run.config.options["embedding_dim"] == 4
    # Classifiers and taggers read words in small letters.
    warm = words.index("Warm" if task == "transduce" else "warm")
    for word, name in (("Warm", words[warm]), ("cold", "cold"), ("room", "room")):
        assert weight[words.index(name) + KNOWN].tolist() == VECTORS[word]
    (told,) = [sentence for sentence in said if "vectors of 4 numbers" in sentence]
    assert f"it has 3 of the {len(words)} " in told
    assert ("1 of them in other letters" in told) == (task != "transduce")


@pytest.mark.parametrize("task", ROWS)
def test_vectors_that_are_not_frozen_are_where_training_begins(task, file, vectors, tmp_path):
    run, _ = trained(task, file, tmp_path, vectors=vectors, learning_rate=1e-9)
    words, weight = rows_of(run)
    np.testing.assert_array_equal(np.round(weight[words.index("cold") + KNOWN].numpy(), 5), VECTORS["cold"])
    shutil.rmtree(tmp_path / "run")
    run, _ = trained(task, file, tmp_path, vectors=vectors, learning_rate=0.01)
    assert rows_of(run)[1][words.index("cold") + KNOWN].tolist() != VECTORS["cold"]


def test_the_share_of_running_words_is_said(file, vectors, tmp_path):
    data = file(
        "data.jsonl", "\n".join(json.dumps({"text": f"cold cold {k} end", "label": "ab"[k % 2]}) for k in range(60))
    )
    said = []
    options = {**OPTIONS, "tokenizer": "words", "vectors": vectors, "test_share": 0, "validation_share": 0}
    cellwright.fit(data, tmp_path / "run", options=options, say=said.append)
    assert any("it has 1 of the 62 words that the model knows, which are 50.0% of the running words" in s for s in said)


def test_rows_that_the_file_lacks_are_as_large_as_those_it_has():
    torch.manual_seed(0)
    embedding = Embedding(5000, 8, pairs=0, fixed=True)
    values = 7 * torch.randn(1000, 8)
    begin_from(embedding.token, torch.arange(KNOWN, KNOWN + 1000), values, embedding.fixed)
    weight = embedding.token.weight.detach()
    assert torch.equal(weight[KNOWN : KNOWN + 1000], values)
    assert abs(float(weight[KNOWN + 1000 :].std()) - 7) < 0.1
    assert weight[PADDING].tolist() == [0.0] * 8
    assert float(weight[UNKNOWN].abs().max()) > 1
    assert embedding.fixed.rows.sum() == 1000
    assert not embedding.fixed.rows[:KNOWN].any()


@pytest.mark.parametrize("rows", [100, 2**18])  # small, and large enough for sparse gradients
def test_fixed_rows_have_no_gradient_and_others_all_of_theirs(rows):
    embedding = Embedding(rows, 4, pairs=0, fixed=True)
    begin_from(embedding.token, torch.tensor([5]), torch.ones(1, 4), embedding.fixed)
    embedding(torch.tensor([[5, 6, 5]])).sum().backward()
    gradient = embedding.token.weight.grad
    dense = gradient.to_dense() if gradient.is_sparse else gradient
    assert gradient.is_sparse == (rows > 100)
    assert dense[5].tolist() == [0.0] * 4
    assert dense[6].tolist() == [1.0] * 4


def test_a_resumed_run_needs_no_file_and_ends_as_one_that_never_stopped(file, vectors, tmp_path):
    data = file("data.jsonl", "\n".join(json.dumps(ROWS["classify"](k)) for k in range(80)))
    options = {**OPTIONS, **EXTRA["classify"], "vectors": vectors, "freeze_vectors": True}
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    cellwright.fit(data, whole, options={**options, "max_epochs": 3, "patience": 9}, say=lambda s: None)
    cellwright.fit(data, parted, options={**options, "max_epochs": 1, "patience": 9}, say=lambda s: None)
    (tmp_path / "words.vec").unlink()
    cellwright.fit(data, parted, options={"resume": True, "max_epochs": 3}, say=lambda s: None)
    first, second = (cellwright.load(out).run.model.state_dict() for out in (whole, parted))
    for name, values in first.items():
        assert torch.equal(values, second[name]), name


@pytest.mark.parametrize(
    ("task", "options", "told"),
    [
        ("classify", {"embedding_dim": 5}, "--embedding-dim is 5, and the vectors of .* have 4 numbers; leave it out"),
        ("classify", {"tokenizer": "bpe"}, "--vectors are of words or characters, and --tokenizer is bpe"),
        ("classify", {"tokenizer": "characters"}, "has none of the .* characters of the training split"),
        ("classify", {"pretrain": "own"}, "--vectors and --pretrain both give the embedding its beginning"),
        (
            "tag",
            {"vectors": None, "freeze_vectors": True},
            "--vectors gives none; give a file of them",
        ),
        ("transduce", {"vectors": "nowhere.vec"}, "nowhere.vec: no such file"),
    ],
)
def test_what_does_not_go_together_is_refused(task, options, told, file, vectors, tmp_path):
    with pytest.raises(InputError, match=told):
        trained(task, file, tmp_path, **{"vectors": vectors, **options})


def test_the_size_of_the_file_may_be_given(file, vectors, tmp_path):
    run, _ = trained("tag", file, tmp_path, vectors=vectors, embedding_dim=4)
    assert run.model.embedding.token.weight.shape[1] == 4
