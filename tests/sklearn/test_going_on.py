"""partial_fit and warm_start: from the weights there are, by steps that AdamW by hand takes too."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from agreement import assert_agree, double, errors
from cellwright.sklearn import Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, TextClassifier

PLAIN = {
    "hidden_size": 6, "dropout": 0.0, "ema_decay": 0.0, "clip_norm": None, "max_epochs": 2, "threads": 1,
    "random_state": 0,
}  # fmt: skip
X = np.random.default_rng(0).normal(size=(20, 4, 2))
Y = np.where(X.mean((1, 2)) > 0, 7, 3)


def test_partial_fit_is_a_step_of_adamw_from_the_weights_there_are():
    model = SequenceClassifier(batch_tokens=1000, weight_decay=0.1, learning_rate=0.01, **PLAIN).fit(X, Y)
    scaling = model._predictor.run.config.scaling
    module = double(model.model_).train()
    model.partial_fit(X[:9], Y[:9])

    values = torch.tensor((X[:9] - scaling.mean) / scaling.deviation)
    logits = module(values, torch.ones_like(values), torch.full((9,), 4))
    cross_entropy(logits, torch.tensor(Y[:9] == 7).long(), label_smoothing=0.1).backward()
    matrices = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    torch.optim.AdamW(groups, lr=0.01).step()
    # A first step of Adam is the gradient's sign, more or less, also of gradients that are hardly more than rounding.
    assert_agree(dict(model.model_.state_dict()), dict(module.state_dict()), share=1e-4)


def test_partial_fit_may_be_told_classes_that_come_later():
    model = SequenceClassifier(**PLAIN).partial_fit(X[:3], ["b"] * 3, classes=["c", "b", "a"])
    assert model.classes_.tolist() == ["a", "b", "c"]
    model.partial_fit(X, np.where(Y == 3, "a", "c"))
    assert model.predict_proba(X).shape == (20, 3)
    assert model.n_iter_ == 2
    with pytest.raises(ValueError, match=r"y has \['d'\]; expected labels of \['a', 'b', 'c'\]"):
        model.partial_fit(X[:1], ["d"])
    with pytest.raises(ValueError, match="classes are"):
        model.partial_fit(X[:1], ["a"], classes=["a", "b"])


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (SequenceClassifier(**PLAIN), (X, Y)),
        (SequenceRegressor(**PLAIN), (X, X.mean((1, 2)))),
        (Forecaster(**PLAIN), (X, None)),
        (TextClassifier(embedding_dim=4, **PLAIN), ([f"word{k % 5} x{k % 2}" for k in range(20)], [0, 1] * 10)),
        (SequenceTagger(embedding_dim=4, **PLAIN), ([["a", "b"]] * 20, [[0, 1]] * 20)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_warm_start_goes_on_where_fit_ended(model, data):
    cold = copy.deepcopy(model).set_params(learning_rate=1e-9).fit(*data)
    before = {name: each.clone() for name, each in cold.model_.state_dict().items()}
    warm = cold.set_params(warm_start=True, weight_decay=0.0).fit(*data)
    assert (warm.n_iter_, warm._runs) == (4, 1)
    assert max(errors(dict(warm.model_.state_dict()), before).values()) < 1e-6
    drawn = copy.deepcopy(warm).set_params(warm_start=False, random_state=1).fit(*data)
    assert max(errors(dict(drawn.model_.state_dict()), before).values()) > 0.1


def test_partial_fit_keeps_the_scale_and_the_words_of_the_first_call():
    numbers = SequenceRegressor(**PLAIN).fit(X, X.mean((1, 2)))
    scaling = numbers._predictor.run.config.scaling
    numbers.partial_fit(X * 100, X.mean((1, 2)) + 50)
    numbers.partial_fit(X[:1], [0.5])
    assert numbers._predictor.run.config.scaling == scaling
    texts = TextClassifier(min_frequency=1, **PLAIN).fit(["red"] * 5 + ["blue"] * 5, [0] * 5 + [1] * 5)
    size = texts._predictor.run.tokenizer.size
    assert texts.partial_fit(["green", "red"], [0, 1])._predictor.run.tokenizer.size == size


def test_another_model_cannot_go_on():
    model = SequenceClassifier(**PLAIN).fit(X, Y)
    with pytest.raises(ValueError, match="hidden_size is 7, and the model that is gone on from has 6"):
        model.set_params(warm_start=True, hidden_size=7).fit(X, Y)
    with pytest.raises(ValueError, match=r"the classes of y are .*, and warm_start goes on with .* \[3, 7\]"):
        model.set_params(hidden_size=6).fit(X, Y + 1)


def test_a_fit_that_fails_leaves_the_model_there_was():
    model = SequenceClassifier(**PLAIN).fit(X, Y)
    said = model.predict_proba(X)
    with pytest.raises(ValueError, match="loss"):
        model.set_params(learning_rate=1e30, warm_start=True, max_epochs=9).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), said)


def test_a_model_that_began_from_vectors_goes_on_with_its_own(tmp_path):
    texts, labels = [f"word{k % 5} x{k % 2}" for k in range(20)], [0, 1] * 10
    files = [tmp_path / name for name in ("one.vec", "other.vec")]
    for path in files:
        path.write_text("word0 1 2 3\nx1 3 2 1\n", "utf-8")
    model = TextClassifier(vectors=files[0], warm_start=True, **PLAIN).fit(texts, labels)
    files[0].unlink()  # the run holds them
    model.fit(texts, labels).partial_fit(texts, labels)
    assert model.n_iter_ == 5
    assert model.model_.embedding.token.weight.shape[1] == 3
    with pytest.raises(
        ValueError, match=r"vectors is '.*other.vec', and the model that is gone on from has '.*one.vec'"
    ):
        model.set_params(vectors=files[1]).fit(texts, labels)


def test_a_tagger_goes_on_with_the_features_that_it_knows():
    words, tags = [[("a", "x"), ("b", "y")]] * 20, [[0, 1]] * 20
    model = SequenceTagger(feature_columns="kind", warm_start=True, **PLAIN).fit(words, tags).fit(words, tags)
    assert model.n_iter_ == 4
    with pytest.raises(ValueError, match="feature_columns is None, and the model that is gone on from has 'kind'"):
        model.set_params(feature_columns=None).fit([["a", "b"]] * 20, tags)
