"""A tag of each word: `cellwright fit --task tag`."""

from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from cellwright.data.readers.series_options import names_of as names_in
from cellwright.data.sentences import Featured, Sentences, Words, tokens_of
from cellwright.data.splits import Given
from cellwright.sklearn.classes import names_of
from cellwright.sklearn.estimator import ONE_PASS, Estimator, refusing
from cellwright.sklearn.inputs import held_out
from cellwright.sklearn.options import OfWords, as_listed
from cellwright.sklearn.sentences import check_tags, sentences_of


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceTagger(OfWords, Estimator):
    """A tag of each word of a sentence. X is a list of lists of words, y a list of as many tags each.

        model = SequenceTagger(random_state=0).fit([["fly", "to", "Boston"]], [["O", "O", "B-city"]])
        model.predict(X)          # a list of lists of tags
        model.predict_proba(X)    # a list of arrays (words, tags), in the order of `classes_`
        model.score(X, y)         # share of the words tagged rightly

    What else is said of each word, its part of speech, say, stands behind it, and `feature_columns` names it; or X is a
    DataFrame of such lists, with the words in a column "tokens", or the one that `tokens` names. Several columns are a
    list, or stand in one string with commas between them:

        model = SequenceTagger(feature_columns="pos").fit([[("fly", "VB"), ("to", "TO")]], [["O", "O"]])

    Options are those of `cellwright fit --task tag`, and scikit-learn's, as in `SequenceClassifier`.
    """

    _task: ClassVar[str] = "tag"

    def __sklearn_tags__(self) -> Any:
        """What it takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Train; with `warm_start` from the weights there are.

        Args:
            X: N lists of words.
            y: N lists of tags, of any kind.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from.

        """
        go_on = self._goes_on
        known = self.classes_ if go_on else None
        return self._learn(X, y, known, self._share, go_on=go_on)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Train one pass over some sentences, from the weights there are; the optimizer begins anew.

        The words that are known are those of the first call; others are read by their characters.

        Args:
            X: N lists of words.
            y: N lists of tags.
            classes: all tags there will be, at the first call; None takes those of y.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from, or a tag that is none of the classes.

        """
        go_on = self.__sklearn_is_fitted__()
        known = self.classes_ if go_on else None if classes is None else np.unique(np.asarray(classes))
        return self._learn(X, y, known, 0.0, go_on=go_on, limits=ONE_PASS)

    def predict(self, X: Any) -> list[list[Any]]:
        """The tags of each sentence's words: the most probable of all together.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        label = dict(zip(names_of(self.classes_), self.classes_.tolist(), strict=True))
        with refusing(self):
            answers: Any = self._predictor.predict(self._asked(X))
        return [[label[tag] for tag in answer.tags] for answer in answers]

    def predict_proba(self, X: Any) -> list[NDArray[np.float64]]:
        """Of each sentence (words, K) probabilities of the tags in `classes_`, each word's by itself.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        found: list[NDArray[np.float64]] = self._predictor.probabilities(self._asked(X))
        return found

    def score(self, X: Any, y: Any) -> float:
        """Share of the words tagged rightly.

        Args:
            X: N lists of words.
            y: N lists of tags.

        Returns:
            The share, in [0, 1].

        Raises:
            ValueError: X is not as in fit, or y has no tag for each word.
            NotFittedError: the estimator is not fitted.

        """
        found = self.predict(X)
        check_tags(found, y)
        right: list[bool] = [
            a == b for row, other in zip(found, y, strict=True) for a, b in zip(row, other, strict=True)
        ]
        return sum(right) / len(right)

    def _learn(
        self,
        X: Any,
        y: Any,
        known: NDArray[Any] | None,
        share: float,
        *,
        go_on: bool,
        limits: dict[str, Any] | None = None,
    ) -> Self:
        """Many arguments: rows with their tags, and how to learn from them."""
        with refusing(self):
            columns = names_in(as_listed("feature_columns", self.feature_columns))
            told = sentences_of(X, self.tokens, columns)
        check_tags(told, y)
        tags = [list(row) for row in y]
        found = _distinct(tags)
        classes = found if known is None else known
        if len(classes) < 2:
            raise ValueError(f"{type(self).__name__}: y has {len(classes)} tags; expected at least two to tell apart")
        if unknown := sorted(set(names_of(found)) - set(names_of(classes))):
            raise ValueError(f"{type(self).__name__}: y has {unknown}; expected tags of {classes.tolist()}")
        named = [[str(tag) for tag in np.array(row).tolist()] for row in tags]
        tokens = [[*tokens_of(words)] for words in told]
        features = [words.features for words in told if isinstance(words, Featured)] or None
        rows = Sentences(tokens, named, None, list(range(len(tokens))), "X", "row", features)
        splits = held_out(rows, [" ".join(words) for words in tokens], share)
        self._train(Given(splits, names_of(classes)), go_on=go_on, limits=limits)
        self.classes_ = classes
        return self

    def _asked(self, X: Any) -> list[Words]:
        """X as sentences, in the columns of fit, whatever `set_params` has said since. Raises ValueError."""
        learned = self._predictor.run.config.options
        with refusing(self):
            return sentences_of(X, learned["tokens"], names_in(learned["feature_columns"]))


def _distinct(tags: list[list[Any]]) -> NDArray[Any]:
    """The tags there are, in order. Raises ValueError for those that are not all text or all numbers."""
    each = list(chain.from_iterable(tags))
    found = np.unique(np.array(each)) if len({isinstance(tag, str) for tag in each}) == 1 and None not in each else None
    if found is None:
        kinds = sorted({type(tag).__name__ for tag in each})
        raise ValueError(f"y has tags of {' and '.join(kinds)}; expected all of one kind, text, say")
    return found
