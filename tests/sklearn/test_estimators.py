"""The estimators among scikit-learn's tools, and beside the command line's."""

import copy
import json
import pickle
import pickletools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import cellwright
import own_cells
from agreement import SINGLE, assert_agree, double
from cellwright.data.words import collate_words
from cellwright.errors import InputError
from cellwright.sklearn import Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, TextClassifier
from cellwright.sklearn.options import SERIES, TAGS, TEXTS

SMALL = {"hidden_size": 8, "max_epochs": 3, "threads": 1, "random_state": 0, "learning_rate": 0.03, "dropout": 0.0}
ALL = [SequenceClassifier, SequenceRegressor, Forecaster, TextClassifier, SequenceTagger]
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 6, 1)) + DRAW.choice([-1, 1], size=40)[:, None, None]
Y = (X.mean((1, 2)) > 0).astype(int)
TEXT = [f"{'warm' if k % 2 else 'cold'} room {k % 7}" for k in range(40)]
WORDS = [text.split() for text in TEXT]
TAGGED = [["B", "O", "O"] if row[0] == "warm" else ["O", "O", "O"] for row in WORDS]

NOT_OFFERED = {
    "data", "out", "encoding", "resume", "overwrite", "seed", "checkpoint_seconds", "num_workers", "baseline", "format",
    "header", "quoting", "separator", "validation", "test", "test_share", "text", "label", "skip_missing", "duplicates",
    "tags", "sentence_label", "objective", "series", "time", "values", "ignore", "missing", "fill", "sort",
    "no_header", "normal_label", "code_dim", "pretrain", "pretrain_epochs", "encoder", "freeze_encoder",
    "unfreeze_epochs", "logger", "cache", "targets",
    "future_covariates", "static_covariates", "cell_inputs", "parameter_ranges", "warm_up",
}  # fmt: skip
"""Options of files and their columns, of runs that are resumed or begin from others, and of other objectives."""
OWN = {"random_state", "warm_start", "verbose", "validation_share"}


def fitted(kind):
    data = {Forecaster: (X,), TextClassifier: (TEXT, Y), SequenceTagger: (WORDS, TAGGED)}.get(kind, (X, Y))
    return kind(**SMALL).fit(*data), data[0]


@pytest.mark.parametrize("kind", ALL)
def test_its_options_are_those_of_fit_with_the_same_defaults(kind):
    usual = {TextClassifier: TEXTS, SequenceTagger: TAGS}.get(kind, SERIES)
    given = kind().get_params()
    for name, value in given.items():
        assert name in OWN or getattr(usual, name) == value, name
    missing = type(usual).model_fields.keys() - given.keys() - NOT_OFFERED
    of_forecasts = {"horizon", "likelihood", "quantiles", "scaling", "season_length", "window"}
    of_others = {
        SequenceClassifier: of_forecasts,
        SequenceRegressor: of_forecasts | {"label_smoothing"},
        Forecaster: {"bidirectional", "pooling", "label_smoothing"},
    }
    assert missing == of_others.get(kind, set())


@pytest.mark.parametrize("kind", ALL)
def test_pickled_copied_and_cloned(kind):
    model, rows = fitted(kind)
    said = model.predict(rows)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert np.array_equal(other.predict(rows), said)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        clone(model).predict(rows)


def test_pickles_hold_no_module():
    model, _ = fitted(SequenceClassifier)
    names = {name for _, name, _ in pickletools.genops(pickle.dumps(model)) if isinstance(name, str)}
    assert not any(str(name).startswith("torch") for name in names)


@pytest.mark.parametrize("kind", ALL)
def test_its_run_answers_as_it_does(kind, tmp_path):
    model, rows = fitted(kind)
    path = model.save_run(tmp_path / "run")
    predictor = cellwright.load(path)
    with pytest.raises(InputError, match="is there already"):
        model.save_run(path)
    if kind is TextClassifier:
        assert [each.label for each in predictor.predict(rows)] == [str(label) for label in model.predict(rows)]
    elif kind is SequenceTagger:
        assert [each.tags for each in predictor.predict(rows)] == model.predict(rows)
    else:
        answers = predictor.predict([json.dumps({"values": each.tolist()}) for each in rows])
        if kind is SequenceClassifier:
            found, expected = [each.probabilities["1"] for each in answers], model.predict_proba(rows)[:, 1]
        elif kind is SequenceRegressor:
            found, expected = [each.value for each in answers], model.predict(rows)
        else:
            found = [[q["0.5"] for q in each.ahead[0].values()] for each in answers]
            expected = model.predict(rows)[:, 0]
        np.testing.assert_array_equal(found, expected)


def test_a_search_over_a_pipeline():
    scaled = make_pipeline(FunctionTransformer(lambda X: X * 2), SequenceClassifier(**SMALL))
    grid = {"sequenceclassifier__hidden_size": np.array([4, 8]), "sequenceclassifier__cell": ["gru", "lstm"]}
    search = GridSearchCV(scaled, grid, cv=3).fit(X, Y)
    assert search.best_score_ > 0.7
    assert set(search.best_params_) == set(grid)


def test_a_search_over_words_with_features_and_vectors(tmp_path):
    vectors = tmp_path / "words.vec"
    vectors.write_text("warm 1 0\ncold 0 1\n", "utf-8")
    frame = pd.DataFrame({"tokens": WORDS, "place": [[str(k) for k, _ in enumerate(row)] for row in WORDS]})
    tagger = SequenceTagger(**{**SMALL, "max_epochs": 8}, vectors=vectors)
    search = GridSearchCV(tagger, {"feature_columns": [None, "place"], "freeze_vectors": [True]}, cv=2)
    search.fit(frame, TAGGED)
    assert search.best_score_ > 0.8
    assert pickle.loads(pickle.dumps(search)).predict(frame) == search.predict(frame)
    assert clone(tagger).get_params()["vectors"] == vectors


def test_folds_of_lists():
    assert cross_val_score(TextClassifier(**SMALL), TEXT, Y, cv=2).shape == (2,)
    assert cross_val_score(SequenceTagger(**{**SMALL, "max_epochs": 8}), WORDS, TAGGED, cv=2).min() > 0.8
    assert cross_val_score(Forecaster(**SMALL), X, cv=2).shape == (2,)
    assert len(cross_val_predict(SequenceRegressor(**SMALL), [*X], X.mean((1, 2)), cv=2)) == 40


def test_the_same_seed_is_the_same_model_and_leaves_torchs_generator_alone():
    before = torch.get_rng_state()
    first, second = fitted(SequenceClassifier)[0], fitted(SequenceClassifier)[0]
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), before)
    other = clone(first).set_params(random_state=np.random.RandomState(4)).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), first.predict_proba(X))


def test_fits_in_threads_are_those_of_fits_one_after_the_other(backends_by_size):
    models = [
        SequenceClassifier(**{**SMALL, "random_state": seed, "dropout": 0.3, "batch_tokens": 8, "max_epochs": 2})
        for seed in range(8)
    ]
    alone = [clone(model).fit(X, Y).predict_proba(X) for model in models]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda model: model.fit(X, Y).predict_proba(X), models))
    np.testing.assert_array_equal(together, alone)


def test_labels_stay_what_they_were():
    labels = np.where(Y == 1, 10, 9)  # as text, "10" comes before "9"
    model = SequenceClassifier(**{**SMALL, "max_epochs": 15}).fit(X, labels)
    assert model.classes_.tolist() == [9, 10]
    assert model.score(X, labels) > 0.9
    assert model.predict(X).dtype == labels.dtype
    assert_agree(model.predict_proba(X).sum(1), np.ones(40))
    tagger = SequenceTagger(**{**SMALL, "max_epochs": 15}).fit(WORDS, [[int(t == "B") for t in row] for row in TAGGED])
    assert tagger.predict([["warm", "room"]]) == [[1, 0]]


def test_the_probabilities_of_tags_are_the_marginals():
    model, _ = fitted(SequenceTagger)
    shares = model.predict_proba([["warm", "room"], ["cold"]])
    assert [share.shape for share in shares] == [(2, 2), (1, 2)]
    run = model._predictor.run
    scores = run.model(collate_words(run.lexicon.examples([["warm", "room"]]))).emissions[0].detach()
    lengths = torch.tensor([2])
    paths = torch.zeros(2, 2, dtype=torch.float64)
    for first in range(2):
        for second in range(2):
            chosen = torch.tensor([[first, second]])
            paths[first, second] = double(run.model).log_likelihood(scores[None].double(), chosen, lengths).exp().item()
    assert_agree(shares[0], torch.stack([paths.sum(1), paths.sum(0)]).double(), share=SINGLE)


def test_the_score_of_forecasts_is_the_error_beside_the_last_value():
    waves = np.sin(np.arange(30) * 0.7 + DRAW.uniform(0, 6, size=(10, 1)))
    model = Forecaster(horizon=2, **{**SMALL, "max_epochs": 30}).fit(waves)
    assert model.predict(waves).shape == (10, 2)
    assert model.predict(waves[:, :, None]).shape == (10, 2)  # as fit was given series
    assert model.predict_quantiles(waves).shape == (10, 2, 1, 3)
    told, held = waves[:, :28], waves[:, 28:]
    error, naive = np.abs(model.predict(told) - held).mean(), np.abs(told[:, -1:] - held).mean()
    assert model.score(waves) == pytest.approx(1 - error / naive)
    assert model.score(told, held) == pytest.approx(1 - error / naive)
    assert model.score(waves) > 0.2
    with pytest.raises(ValueError, match="row 0: 2 steps; expected more than the horizon, 2"):
        model.score(waves[:, :2])


def test_the_probability_of_a_one_is_forecast_too():
    ones = (np.arange(20) % 2 == 0).astype(float)[None].repeat(6, 0)
    model = Forecaster(likelihood="bernoulli", **{**SMALL, "max_epochs": 20}).fit(ones)
    assert model.predict_quantiles(ones).shape == (6, 1, 1, 1)
    assert (model.predict(ones) > 0.5).all()


def test_a_cell_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(Path(own_cells.__file__).read_text("utf-8"), "utf-8")
    model = SequenceClassifier(**SMALL, cell=f"{path}:leaky").fit(X, Y)
    said = model.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), said)
    assert (model.save_run(tmp_path / "run") / "cell.py").read_text("utf-8") == path.read_text("utf-8")
    model.set_params(warm_start=True).fit(X, Y)
    assert model.n_iter_ == 6


def test_what_training_says_is_said_on_request_only(capsys):
    SequenceClassifier(**SMALL).fit(X, Y)
    assert capsys.readouterr().out == ""
    SequenceClassifier(**SMALL, verbose=True).fit(X, Y)
    assert "epoch 1 of at most 3" in capsys.readouterr().out
