"""Classify texts: from labelled data to predictions, with Python alone.

python examples/classify.py                              # the built-in Chinese reviews: a few minutes
python examples/classify.py reviews.csv runs/reviews     # your own file with the columns text and label
"""

import sys

from cellwright.data.source import open_source
from cellwright.evaluation.comparison import compare
from cellwright.serve import Predictor
from cellwright.tasks.classify import ClassifyConfig
from cellwright.training import fit


def main(data: str = "reviews-zh", out: str = "runs/classify", **options: object) -> None:
    """Train on `data`, keep the run in `out`, print its test scores beside the baselines', and label two texts."""
    fit(ClassifyConfig(data=data, out=out, **options))

    # A predictor needs the run folder only: another program, on another day, begins here.
    predictor = Predictor.load(out)

    splits = open_source(data)  # the split depends on the texts alone: the test split is the one that training left out
    predicted = [prediction.label for prediction in predictor.predict(splits["test"].texts)]
    scores = compare(splits["test"], predicted, predictor.labels, splits["train"])
    print(f"test accuracy: {scores.model.accuracy:.3f}")
    print(f"linear baseline: {scores.linear.accuracy:.3f}, majority class: {scores.majority.accuracy:.3f}")

    for text in ("质量很好,物流也快", "用了两天就坏了"):
        prediction = predictor.predict([text])[0]
        print(f"{text}: {prediction.label} ({prediction.probability:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
