"""What a model without memory reaches: a linear model of character n-grams.

A network that does not beat it has learned nothing from the order of the words.
"""

import random
from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from cellwright.data.column import Names, answered
from cellwright.data.compatible import Compatible
from cellwright.stages import staged

# Chosen on reviews-zh's validation split: accuracy 0.827 with scikit-learn's 1, 0.835 with 3, 0.844 with 10 and 30.
INVERSE_PENALTY = 10.0
# From here on n-grams that only one text has are left out: 0.843, at a quarter of the features and half of the time.
MANY_TEXTS = 1000


MOST_TEXTS = 100_000
"""Of more, so many are drawn: a million short reviews take 14 minutes and 4 GB."""


@staged(
    lambda texts, *_: f"fitting the linear baseline on {min(len(texts), MOST_TEXTS):,} texts (--no-baseline spares it)"
)
def linear_baseline(texts: Sequence[str], labels: Sequence[str], unlabelled: Sequence[str]) -> Sequence[str]:
    """Labels for `unlabelled` by TF-IDF of character 1–3-grams and logistic regression, fitted on `texts`.

    Characters that no text has are read in their compatible form, as the network reads them (`data.compatible`).
    Needs at least one character. Deterministic: the solver starts at zero, and MOST_TEXTS are drawn by a fixed seed.
    """
    if len(texts) > MOST_TEXTS:
        rows = sorted(random.Random(0).sample(range(len(texts)), MOST_TEXTS))
        texts, labels = [texts[row] for row in rows], [labels[row] for row in rows]
    if len(set(labels)) == 1:  # logistic regression draws no line between one class
        return Names.repeated(labels[0], len(unlabelled))
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2 if len(texts) >= MANY_TEXTS else 1),
        LogisticRegression(C=INVERSE_PENALTY, max_iter=1000),
    )
    model.fit(texts, labels)
    compatible = Compatible(frozenset().union(*texts))
    return answered(
        unlabelled, sorted(set(labels)), lambda some: model.predict([compatible.read(text) for text in some]).tolist()
    )
