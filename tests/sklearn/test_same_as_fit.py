"""An estimator is `cellwright.fit` without the files: on the same rows it ends with the same weights, bit by bit."""

import json
import random

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, load_file

import cellwright
from cellwright.data.hash_split import split_of
from cellwright.sklearn import Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, TextClassifier

SMALL = {"hidden_size": 8, "max_epochs": 3, "threads": 1, "learning_rate": 0.02}


def fitted(tmp_path, rows, task, **options):
    """The weights of the command line's run on rows, a JSON object each, and that of its description."""
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    out = tmp_path / "run"
    cellwright.fit(data, out, task=task, options={**SMALL, **options}, say=lambda sentence: None)
    return load_file(out / "model.safetensors"), json.loads((out / "config.json").read_text("utf-8"))


def assert_same(estimator, weights, config):
    own = load(estimator._files["model.safetensors"])
    assert own.keys() == weights.keys()
    for name, values in weights.items():
        np.testing.assert_array_equal(own[name], values, err_msg=name)
    assert json.loads(estimator._files["config.json"])["model"] == config["model"]


def test_texts(tmp_path):
    draw = random.Random(0)
    texts = [
        " ".join(draw.choices(["the", "room", "was", "clean", "quiet", "dirty", "loud", "far", "near"], k=6))
        for _ in range(120)
    ]
    texts = sorted(set(texts))
    labels = ["good" if text.count("clean") + text.count("quiet") > 1 else "bad" for text in texts]
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    run = fitted(tmp_path, rows, "classify", embedding_dim=8, test_share=0.0, seed=3)
    model = TextClassifier(embedding_dim=8, random_state=3, **SMALL).fit(texts, labels)
    assert_same(model, *run)
    assert model.validation_scores_["accuracy"] > 0.5


def test_tags(tmp_path):
    draw = random.Random(1)
    words = {"fly": "O", "to": "O", "Boston": "B-to", "from": "O", "Denver": "B-from", "now": "O"}
    X = [draw.choices(list(words), k=draw.randint(1, 6)) for _ in range(80)]
    y = [[words[word] for word in row] for row in X]
    rows = [{"tokens": tokens, "tags": tags} for tokens, tags in zip(X, y, strict=True)]
    run = fitted(tmp_path, rows, "tag", embedding_dim=8, char_embedding_dim=4, test_share=0.0, seed=5)
    model = SequenceTagger(embedding_dim=8, char_embedding_dim=4, random_state=5, **SMALL).fit(X, y)
    assert_same(model, *run)
    assert model.classes_.tolist() == ["B-from", "B-to", "O"]


WORDS = {"fly": ("VB", "O"), "to": ("TO", "O"), "Boston": ("NN", "B-to"), "Denver": ("NN", "B-from")}


def vectors_of(path, words):
    """A file of vectors, in which no two words are alike."""
    draw = np.random.default_rng(3)
    lines = [" ".join([word, *map(str, draw.normal(size=5).round(3))]) for word in words]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_texts_whose_embedding_begins_from_vectors(tmp_path):
    draw = random.Random(4)
    texts = sorted({" ".join(draw.choices(["clean", "quiet", "dirty", "loud", "far"], k=4)) for _ in range(60)})
    labels = ["good" if text.count("clean") + text.count("quiet") > 1 else "bad" for text in texts]
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    vectors = vectors_of(tmp_path / "words.vec", ["clean", "quiet", "dirty"])
    own = {"vectors": str(vectors), "freeze_vectors": True}
    weights, config = fitted(tmp_path, rows, "classify", test_share=0.0, seed=3, **own)
    model = TextClassifier(random_state=3, vectors=vectors, freeze_vectors=True, **SMALL).fit(texts, labels)
    assert_same(model, weights, config)
    assert config["model"]["embedding_dim"] == 5


def test_tags_of_words_with_features_and_vectors(tmp_path):
    draw = random.Random(1)
    tokens = [draw.choices(list(WORDS), k=draw.randint(1, 6)) for _ in range(50)]
    parts, tags = ([[WORDS[word][place] for word in row] for row in tokens] for place in (0, 1))
    rows = [{"tokens": a, "tags": b, "pos": c} for a, b, c in zip(tokens, tags, parts, strict=True)]
    own = {"feature_columns": "pos", "feature_dim": 3, "char_embedding_dim": 4}
    own["vectors"] = str(vectors_of(tmp_path / "words.vec", ["fly", "Boston"]))
    run = fitted(tmp_path, rows, "tag", test_share=0.0, seed=5, **own)
    told = [list(zip(*each, strict=True)) for each in zip(tokens, parts, strict=True)]
    of_lists = SequenceTagger(random_state=5, **own, **SMALL).fit(told, tags)
    assert_same(of_lists, *run)
    frame = pd.DataFrame({"words": tokens, "pos": parts})
    of_a_frame = SequenceTagger(random_state=5, tokens="words", **own, **SMALL).fit(frame, tags)
    assert of_a_frame._files["model.safetensors"] == of_lists._files["model.safetensors"]
    assert of_a_frame.predict(frame) == of_lists.predict(told)
    answers = cellwright.load(tmp_path / "run").predict(["fly +VB to +TO"])
    assert of_lists.predict([[("fly", "VB"), ("to", "TO")]]) == [answers[0].tags]


def series(count, seed=2):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(int(draw.integers(2, 9)), 2)) for _ in range(count)]


def as_file(path, series):
    """JSON lines of series, with their labels."""
    path.write_text("\n".join(json.dumps({"values": X.tolist(), **more}) for X, more in series), "utf-8")
    return str(path)


def fitted_on(data, tmp_path, **options):
    """The weights of the command line's run on a file of series, scored on a file that says nothing here."""
    out = tmp_path / "run"
    cellwright.fit(data, out, task="series", options={**SMALL, **options}, say=lambda sentence: None)
    return load_file(out / "model.safetensors"), json.loads((out / "config.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("kind", "objective", "label"),
    [
        (SequenceClassifier, "classify", lambda X: "up" if X.mean() > 0 else "down"),
        (SequenceRegressor, "regress", lambda X: float(X.mean().round(3))),
    ],
)
def test_series(tmp_path, kind, objective, label):
    X = series(60)
    y = [label(each) for each in X]
    rows = {"train": [], "validation": []}
    for each, said in zip(X, y, strict=True):
        rows[split_of(each.tobytes().hex(), 0.1, 0.0)].append((each, {"label": str(said)}))
    assert len(rows["validation"]) > 2
    data, held = (as_file(tmp_path / f"{split}.jsonl", found) for split, found in rows.items())
    run = fitted_on(data, tmp_path, objective=objective, validation=held, test=held, seed=7)
    assert_same(kind(random_state=7, **SMALL).fit(X, y), *run)


def test_forecasts(tmp_path):
    X = [np.sin(np.arange(40)[:, None] * 0.3 + k) for k in range(6)]
    data = as_file(tmp_path / "train.jsonl", [(each, {}) for each in X])
    run = fitted_on(data, tmp_path, objective="forecast", horizon=2, test=data, seed=1)
    assert_same(Forecaster(horizon=2, random_state=1, **SMALL).fit(X), *run)
