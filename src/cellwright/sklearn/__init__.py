"""scikit-learn estimators: what `cellwright fit` trains, from arrays and lists, in pipelines and searches.

    from cellwright.sklearn import SequenceClassifier

    model = SequenceClassifier(hidden_size=32).fit(X, y)    # X: (series, steps, channels), or a list of arrays
    model.predict_proba(X)

Their options are those of the command line, with its defaults; their models, losses and early stopping too.
"""

from cellwright.sklearn.forecaster import Forecaster
from cellwright.sklearn.sequences import SequenceClassifier, SequenceRegressor
from cellwright.sklearn.simulator import Simulator
from cellwright.sklearn.tagger import SequenceTagger
from cellwright.sklearn.texts import TextClassifier

__all__ = ["Forecaster", "SequenceClassifier", "SequenceRegressor", "SequenceTagger", "Simulator", "TextClassifier"]
