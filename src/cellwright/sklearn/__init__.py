"""scikit-learn estimators: what `cellwright fit` trains, from arrays and lists, in pipelines and searches.

    from cellwright.sklearn import SequenceClassifier

    model = SequenceClassifier(hidden_size=32).fit(X, y)    # X: (series, steps, channels), or a list of arrays
    model.predict_proba(X)

Their options are those of the command line, with its defaults; their models, losses and early stopping too.

estimator        what all have in common;  options  their parameters;  wording  what is said of these, in their names
numbers          base of those that learn numbers y;  panel_estimator  of those in which columns follow from others
inputs           X and y as rows;  sentences  words with tags;  panels  series with named columns;  classes  labels
texts, tagger, sequences, forecaster, simulator   the estimators
"""

from cellwright.sklearn.forecaster import Forecaster
from cellwright.sklearn.sequences import SequenceClassifier, SequenceRegressor
from cellwright.sklearn.simulator import Simulator
from cellwright.sklearn.tagger import SequenceTagger
from cellwright.sklearn.texts import TextClassifier

__all__ = ["Forecaster", "SequenceClassifier", "SequenceRegressor", "SequenceTagger", "Simulator", "TextClassifier"]
