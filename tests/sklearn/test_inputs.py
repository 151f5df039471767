"""What X may be, and what is refused, in a sentence that says which row."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone

from cellwright.data.sentences import Featured
from cellwright.sklearn import Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, TextClassifier
from cellwright.sklearn.inputs import held_out, series_of, splits_of, table_of
from cellwright.sklearn.options import as_listed
from cellwright.sklearn.sentences import sentences_of

SMALL = {"hidden_size": 4, "max_epochs": 1, "threads": 1, "random_state": 0}
X = np.random.default_rng(0).normal(size=(12, 5, 2))
Y = np.array(["a", "b"] * 6)


FEATURED = SequenceTagger(**SMALL, feature_columns="pos")
FRAME = pd.DataFrame({"tokens": [["fly", "to"]], "pos": [["VB", "TO"]]})


class Anyone(BaseEstimator):
    """An estimator that remembers what it has seen."""


def read(X, **options):
    return series_of(Anyone(), X, reset=True, **options)


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_three_dimensions_are_series_steps_and_channels():
    assert_equal(read(X), list(X))


def test_lists_of_arrays_may_be_of_any_length():
    ragged = [each[: 1 + k % 5] for k, each in enumerate(X)]
    assert_equal(read(ragged), ragged)
    assert_equal(read(np.array(ragged, dtype=object)), ragged)
    assert_equal(read([each.tolist() for each in ragged]), ragged)


def test_one_channel_needs_no_axis():
    flat = [each[: 1 + k % 5, 0] for k, each in enumerate(X)]
    assert_equal(read(flat), [each[:, None] for each in flat])
    assert_equal(read([each.tolist() for each in flat]), [each[:, None] for each in flat])


def test_the_rows_of_a_table_are_series_of_one_channel():
    table = X[:, :, 0]
    expected = [row[:, None] for row in table]
    assert_equal(read(table), expected)
    assert_equal(read(table.tolist()), expected)
    assert_equal(read(pd.DataFrame(table)), expected)


def test_cells_of_a_frame_hold_series_as_sktime_has_them():
    nested = pd.DataFrame({f"c{k}": [pd.Series(each[: 2 + i % 4, k]) for i, each in enumerate(X)] for k in range(2)})
    assert_equal(read(nested), [each[: 2 + i % 4] for i, each in enumerate(X)])


def test_a_missing_value_is_kept():
    gap = X.copy()
    gap[3, 2, 1] = np.nan
    assert np.isnan(read(gap)[3][2, 1])
    assert np.isnan(read(gap[:, :, 1])[3][2, 0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([X[0], X[1, :, :1]], r"row 1: 1 channels; expected 2"),
        ([X[0], np.zeros((0, 2))], r"row 1: has shape \(0, 2\)"),
        ([X[0], X], r"row 1: has shape \(12, 5, 2\)"),
        ([X[0], np.array([["a", "b"]])], r"row 1: holds no numbers"),
        ([[[1.0, 2.0], [3.0]], [[1.0, 2.0]]], r"row 0: holds no numbers \(steps of different lengths\)"),
        ([X[0], X[1] * np.inf], r"row 1: Input X contains infinity"),
        (pd.DataFrame({"a": [pd.Series([1.0])], "b": [pd.Series([1.0, 2.0])]}), r"row 0: cells of \[1, 2\] steps"),
        (np.zeros((0, 3, 2)), "no series"),
    ],
)
def test_what_is_no_series_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        read(wrong)


def test_other_channels_than_in_fit_are_refused():
    model = SequenceClassifier(**SMALL).fit(X, Y)
    assert model.n_features_in_ == 2
    with pytest.raises(ValueError, match="X has 1 features, but SequenceClassifier is expecting 2 features"):
        model.predict(X[:, :, :1])
    with pytest.raises(ValueError, match="X has 1 features"):
        model.predict(X[:, :, 0])


def test_who_learned_from_a_table_answers_other_lengths_as_lists_only():
    model = SequenceClassifier(**SMALL).fit(X[:, :, 0], Y)
    assert model.n_features_in_ == 5
    with pytest.raises(ValueError, match="X has 3 features"):
        model.predict(X[:, :3, 0])
    assert len(model.predict([each[:3, 0] for each in X])) == 12


def test_the_channels_of_a_frame_answer_as_those_of_an_array():
    model = SequenceClassifier(**SMALL).fit(X, Y)
    nested = pd.DataFrame({f"c{k}": [pd.Series(each[:, k]) for each in X] for k in range(2)})
    np.testing.assert_array_equal(model.predict_proba(nested), model.predict_proba(X))


def test_a_missing_value_where_training_had_none_is_refused():
    gap = X.copy()
    gap[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match=r"X, row 3, step 3, channel '2': a value is missing"):
        SequenceRegressor(**SMALL).fit(X, np.arange(12.0)).predict(gap)
    assert np.isfinite(SequenceRegressor(**SMALL).fit(gap, np.arange(12.0)).predict(gap)).all()


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        (lambda: SequenceClassifier(**SMALL).fit(X, Y[:5]), "12 rows and y 5"),
        (lambda: SequenceClassifier(**SMALL).fit(X, ["a"] * 12), "y has 1 class, 'a'"),
        (
            lambda: SequenceClassifier(**{**SMALL, "hidden_size": 0}).fit(X, Y),
            "^hidden_size is 0; expected at least",
        ),
        (lambda: SequenceClassifier(cell="lst", **SMALL).fit(X, Y), "lst"),
        (lambda: SequenceRegressor(**SMALL).fit(X, [1.0] * 12), "every number to learn is 1; expected at least two"),
        (lambda: SequenceRegressor(**SMALL).fit(X, [np.inf] * 12), "Input y contains NaN or infinity"),
        (lambda: Forecaster(**SMALL).fit(X[:, :1]), "every series has one step"),
        (lambda: TextClassifier(**SMALL).fit("one text", ["a"]), "X is str; expected a list of texts"),
        (lambda: TextClassifier(**SMALL).fit(["x", 3], ["a", "b"]), "X, row 1: is int '3'; expected a list of texts"),
        (lambda: TextClassifier(**SMALL).fit(np.array([["x"], ["y"]]), [0, 1]), r"X has shape \(2, 1\)"),
        (
            lambda: SequenceTagger(**SMALL).fit(["fly to"], [["O", "O"]]),
            r"row 0: is 'fly to' \(str\); expected a list of words: cut it first",
        ),
        (lambda: SequenceTagger(**SMALL).fit([["fly", "to"]], [["O"]]), "row 0: 2 words, and y has 1 tags"),
        (lambda: SequenceTagger(**SMALL).fit([["fly", "to"]], [["O", "O"]]), "y has 1 tags; expected at least two"),
        (
            lambda: SequenceTagger(**SMALL).fit([[("fly", "VB")]], [["O"]]),
            r"X, row 0, word 0: is \('fly', 'VB'\) \(tuple\); expected a string",
        ),
        (
            lambda: FEATURED.fit([[("fly", "VB"), ("to",)]], [["O", "P"]]),
            r"row 0, word 1: is \"\('to',\)\"; expected the",
        ),
        (
            lambda: FEATURED.fit([["fly", "to"]], [["O", "P"]]),
            "row 0, word 0: is 'fly'; expected the word and 1 of its",
        ),
        (lambda: FEATURED.fit([[("fly", "")]], [["O"]]), "X, row 0: item 1 of 'pos' is ''; expected a string"),
        (lambda: FEATURED.fit(FRAME[["tokens"]], [["O", "P"]]), "X has 0 columns 'pos'; expected one: the columns are"),
        (lambda: FEATURED.fit(FRAME.assign(pos=[["VB"]]), [["O", "P"]]), "row 0: 2 tokens and 1 values in 'pos'"),
        (lambda: SequenceTagger(**SMALL, tokens="words").fit(FRAME, [["O", "P"]]), "X has 0 columns 'words'"),
        (lambda: SequenceTagger(**SMALL, feature_dim=4).fit([["fly"]], [["O"]]), "y has 1 tags"),
        (lambda: TextClassifier(**SMALL, vectors="none.vec").fit(["a b", "b a"], [0, 1]), "none.vec: no such file"),
        (
            lambda: TextClassifier(**SMALL, freeze_vectors=True).fit(["a", "b"], [0, 1]),
            "^freeze_vectors leaves vectors as they are, and vectors gives none",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_a_value_error(fit, told):
    with pytest.raises(ValueError, match=told):
        fit()


def test_a_class_is_never_held_out_whole_and_equal_rows_stay_together():
    keys = [f"text {k // 2}" for k in range(400)]
    classes = ["rare" if k in (6, 7) else "frequent" for k in range(400)]
    table = table_of([np.full((1, 1), float(k // 2)) for k in range(400)])
    splits = held_out(table, keys, 0.5, classes)
    train, validation = ({float(v[0, 0]) for v in splits[name].values} for name in ("train", "validation"))
    assert not train & validation
    assert len(splits["train"]) + len(splits["validation"]) == 400
    assert 100 < len(splits["validation"]) < 300
    assert 3.0 in train
    # Text 3 would be held out: it is of its class's only rows.
    assert 3.0 in {float(v[0, 0]) for v in held_out(table, keys, 0.5)["validation"].values}
    assert splits.without == {"test"}


def test_without_rows_to_validate_by_none_is_asked_for():
    nothing = table_of([np.zeros((1, 1))]).take([])
    assert splits_of(nothing, nothing, nothing).without == {"validation", "test"}


@pytest.mark.parametrize("share", [-0.1, 1.0, 5, np.nan, "x"])
@pytest.mark.parametrize("kind", [Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, TextClassifier])
def test_a_share_that_the_command_line_refuses_is_refused(kind, share):
    texts = kind in (SequenceTagger, TextClassifier)
    rows = [["a", "b"]] * 12 if kind is SequenceTagger else ["a b"] * 12 if texts else X
    target = [["a", "b"]] * 12 if kind is SequenceTagger else np.arange(12.0) if kind is SequenceRegressor else Y
    with pytest.raises(ValueError, match=r"^validation_share is .*; expected"):
        kind(**SMALL, validation_share=share).fit(rows, target)


@pytest.mark.parametrize("given", [X + 1j, [each + 1j for each in X], [[[1j]], [[1.0], [2.0]]]])
def test_complex_numbers_are_refused(given):
    with pytest.raises(ValueError, match=r"row 0: holds no numbers \(Complex data not supported"):
        read(given)


@pytest.mark.parametrize(
    ("y", "told"),
    [
        ([["a", None]] * 12, "y has tags of NoneType and str; expected all of one kind"),
        ([["a", 1]] * 12, "y has tags of int and str; expected all of one kind"),
        ([[None, None]] * 12, "y has tags of NoneType; expected all of one kind"),
        ([1] * 12, "y, row 0: is int '1'; expected a list of tags"),
        (["ab"] * 12, "y, row 0: is str 'ab'; expected a list of tags"),
    ],
)
def test_tags_that_are_not_lists_of_one_kind_are_refused(y, told):
    with pytest.raises(ValueError, match=told):
        SequenceTagger(**SMALL).fit([["a", "b"]] * 12, y)


NAN = float("nan")
FINE = [["fly", "to"]] * 5


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (["a", "b", NAN], r"X, row 5, word 2: is nan \(float\); expected a string"),
        (["a", 3], r"X, row 5, word 1: is 3 \(int\); expected a string"),
        (np.array([1, 2]), r"X, row 5, word 0: is 1 \(int\); expected a string"),
        (["a", pd.NA], r"X, row 5, word 1: is <NA> \(NAType\); expected a string"),
        (NAN, r"X, row 5: is nan \(float\); expected a list of words"),
        (np.array("a"), "X, row 5: is "),
        ({"a"}, "X, row 5: is {.* \\(set\\); expected a list of words"),
        ("fly to", r"X, row 5: is 'fly to' \(str\); expected a list of words: cut it first"),
        ([], "X, row 5: has no word; expected a list of one at least"),
    ],
)
def test_what_is_no_sentence_is_refused_at_its_row(sentence, told, as_frame):
    """The row was the word's place in its sentence, and an empty sentence had none."""
    given = [*FINE, sentence]
    with pytest.raises(ValueError, match=told):
        sentences_of(pd.DataFrame({"tokens": given}) if as_frame else given, None, [])


@pytest.mark.parametrize("sentence", [NAN, "fly to", [], {"a"}])
def test_what_is_no_sentence_with_features_is_refused_at_its_row(sentence):
    with pytest.raises(ValueError, match=r"^X, row 1: (is|has no word)"):
        sentences_of([[("fly", "VB")], sentence], None, ["pos"])


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (["VB", NAN], "X, row 1: item 2 of 'pos' is nan; expected a string"),
        (["VB", None], "X, row 1: item 2 of 'pos' is None; expected a string"),
        (["VB", pd.NA], "X, row 1: column 'pos' holds <NA>"),
        ("VB TO", r"X, row 1: 'pos' holds 'VB TO' \(str\); expected a list, an item for each word"),
        (NAN, r"X, row 1: 'pos' holds nan \(float\); expected a list, an item for each word"),
    ],
)
def test_what_is_no_feature_is_refused_at_its_row(cell, told):
    """NaN was a label that is missing, and a string was cut where one in `tokens` is refused."""
    frame = pd.DataFrame({"tokens": [["fly", "to"]] * 2, "pos": [["VB", "TO"], cell]})
    with pytest.raises(ValueError, match=told):
        FEATURED.fit(frame, [["O", "P"]] * 2)


def test_the_columns_of_fit_are_those_of_predict():
    """`set_params` after `fit` changed the answers without a word."""
    words, tags = [["fly", "to"], ["to", "fly"]] * 6, [["O", "P"], ["P", "O"]] * 6
    frame = pd.DataFrame({"tokens": words, "pos": tags, "other": [row[::-1] for row in words]})
    model = SequenceTagger(**{**SMALL, "max_epochs": 12}, feature_columns="pos").fit(frame, tags)
    said, sure = model.predict(frame), model.predict_proba(frame)
    for others in ({"feature_columns": "other"}, {"feature_columns": None}, {"tokens": "other"}):
        other = copy.deepcopy(model).set_params(**others)
        assert other.predict(frame) == said
        assert_equal(other.predict_proba(frame), sure)


def test_lists_of_options_are_what_commas_part():
    """`feature_columns=["pos"]` ended in AttributeError."""
    frame = pd.DataFrame({"tokens": [["fly", "to"]] * 6, "pos": [["VB", "TO"]] * 6, "more": [["a", "b"]] * 6})
    tags = [["O", "P"]] * 6
    of_list, of_string = (SequenceTagger(**SMALL, feature_columns=each) for each in (["pos", "more"], "pos,more"))
    assert clone(of_list).fit(frame, tags)._files == of_string.fit(frame, tags)._files
    given = [("pos",), np.array(["more"]), [], None, "a, b", np.array([0.1, 0.5])]
    assert [as_listed("feature_columns", each) for each in given] == ["pos", "more", None, None, "a, b", "0.1,0.5"]
    one, other = (Forecaster(**SMALL, quantiles=each).fit(X) for each in ([0.2, 0.5, 0.8], "0.2,0.5,0.8"))
    assert one._files == other._files


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["a,b"], "feature_columns has 'a,b'; expected no comma in an item"),
        (3, "feature_columns is 3; expected a list, or a string"),
        (["pos", "pos"], "^feature_columns is 'pos,pos'; expected columns .*, each once"),
    ],
)
def test_lists_of_options_that_are_none_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        SequenceTagger(**SMALL, feature_columns=given).fit(FRAME, [["O", "P"]])


def test_cells_of_a_frame_may_be_arrays_as_parquet_has_them():
    arrays = pd.DataFrame({"pos": [np.array(["VB", "TO"])], "tokens": [np.array(["fly", "to"])]})
    found = sentences_of(arrays, None, ["pos"])
    assert found == sentences_of([[("fly", "VB"), ("to", "TO")]], None, ["pos"])
    assert found == [Featured(["fly", "to"], [("VB",), ("TO",)])]
    assert sentences_of(arrays, None, []) == [["fly", "to"]]


def test_a_mapping_is_no_list_of_texts():
    with pytest.raises(ValueError, match="X is dict; expected a list of texts"):
        TextClassifier(**SMALL).fit({"a b": 1, "c d": 2}, ["a", "b"])


def test_forecasts_have_the_form_that_fit_decided():
    rows = X[:, :, 0]
    lists = [row.tolist()[: 4 + k % 2] for k, row in enumerate(rows)]
    of_table = Forecaster(**SMALL, horizon=2).fit(rows)
    of_series = Forecaster(**SMALL, horizon=2).fit(list(rows))
    assert of_table.predict(rows.tolist()).shape == of_table.predict(lists).shape == (12, 2)
    assert of_series.predict(rows.tolist()).shape == of_series.predict(lists).shape == (12, 2, 1)


@pytest.mark.parametrize("seed", [-1, 2**40, "x"])
def test_a_random_state_that_is_no_seed_is_named(seed):
    with pytest.raises(ValueError, match=f"random_state is {seed!r} "):
        SequenceClassifier(**SMALL | {"random_state": seed}).fit(X, Y)
