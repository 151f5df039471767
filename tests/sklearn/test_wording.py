"""What is said of options, in the names of an estimator's parameters."""

import pytest

from cellwright.options import flag
from cellwright.sklearn import (
    Forecaster,
    SequenceClassifier,
    SequenceRegressor,
    SequenceTagger,
    Simulator,
    TextClassifier,
)
from cellwright.sklearn.wording import OBJECTIVES, OTHERS, in_parameters
from cellwright.tasks import config_of

ESTIMATORS = [Forecaster, SequenceClassifier, SequenceRegressor, SequenceTagger, Simulator, TextClassifier]


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_each_parameter_is_named_as_the_estimator_has_it(kind):
    estimator = kind()
    for name in estimator.get_params().keys() & config_of(kind._task).model_fields.keys():
        told = in_parameters(estimator, f"{flag(name)} is -1; expected more: give another {flag(name)}")
        assert told == f"{name} is -1; expected more: give another {name}="


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_what_no_parameter_sets_is_said_to_be_so(kind):
    others = config_of(kind._task).model_fields.keys() - kind().get_params().keys() - OTHERS.keys()
    for name in others:
        told = in_parameters(kind(), f"leave it out with {flag(name)}")
        assert told.startswith(f"leave it out with {flag(name)}; {flag(name)} is for files, on the command line")


@pytest.mark.parametrize(
    ("estimator", "sentence", "told"),
    [
        (Simulator(cell="gr4j"), "of which --cell gr4j has no use", "of which cell='gr4j' has no use"),
        (Simulator(window=40), "--window 40 is short", "window=40 is short"),
        (Forecaster(), "which --likelihood bernoulli forecasts", "which likelihood='bernoulli' forecasts"),
        (Forecaster(), "name it with --targets", "name it with targets="),
        (TextClassifier(), "more than --min-frequency asks for", "more than min_frequency asks for"),
        (SequenceTagger(), "give --no-crf, or fewer tags", "give crf=False, or fewer tags"),
        (SequenceRegressor(), "learns numbers, or --objective classify", "learns numbers, or SequenceClassifier"),
        (Forecaster(), "expected --objective simulate with --targets, or", "expected Simulator, or"),
        (Forecaster(), "and --objective is forecast; expected", "and the estimator is Forecaster; expected"),
        (TextClassifier(), "--seed is -1; expected at least 0", "random_state is -1; expected at least 0"),
        (SequenceTagger(), "tag '--crf' is -- rare", "tag '--crf' is -- rare"),
    ],
)
def test_a_sentence_reads_as_python(estimator, sentence, told):
    assert in_parameters(estimator, sentence) == told


def test_each_objective_is_the_estimator_that_has_it():
    for objective, name in OBJECTIVES.items():
        (kind,) = (each for each in ESTIMATORS if each.__name__ == name)
        assert kind._objective == {"objective": objective}
