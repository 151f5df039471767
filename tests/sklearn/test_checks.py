"""scikit-learn's own checks of an estimator: shapes, types, errors, state, pickles, what repeats and what goes on."""

import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from cellwright.sklearn import Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, TextClassifier

ROUNDING = "float32: of a batch of another size sums are rounded otherwise, by 2e-7, and the check allows 1e-7"
LONGER = "a forecast goes on from a series however long: only the number of channels is fixed"
SMALL = {"hidden_size": 16, "learning_rate": 0.03, "dropout": 0.1, "threads": 1}


def not_for_this_kind(estimator):
    """The checks that an estimator of sequences fails, each with its reason."""
    if isinstance(estimator, SequenceRegressor | SequenceClassifier):
        return {"check_methods_subset_invariance": ROUNDING}
    return {"check_methods_subset_invariance": ROUNDING, "check_n_features_in_after_fitting": LONGER}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        SequenceClassifier(max_epochs=15, **SMALL),
        SequenceRegressor(max_epochs=40, **SMALL),
        Forecaster(max_epochs=3, **SMALL),
    ],
    expected_failed_checks=not_for_this_kind,
)
def test_it_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [TextClassifier, SequenceTagger])
def test_what_is_no_table_is_checked_little(kind):
    with pytest.warns(SkipTestWarning, match="requires input"):
        results = check_estimator(kind())
    assert [result["status"] for result in results] == ["passed"]
