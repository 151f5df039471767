"""Classify texts: from labelled data to predictions, with Python alone.

python examples/classify.py                              # the built-in Chinese reviews: a few minutes
python examples/classify.py reviews.csv runs/reviews     # your own file with the columns text and label
"""

import sys

import cellwright


def main(data: str = "reviews-zh", out: str = "runs/classify", options: dict[str, object] | None = None) -> None:
    """Train on `data`, keep the run in `out`, print its test scores beside the baselines', and label two texts."""
    cellwright.fit(data, out, options=options)

    # The split depends on the texts alone: scored are those that training left out.
    scores = cellwright.evaluate(out, data).as_json()
    accuracy = {name: scores[name]["accuracy"] for name in ("model", "linear", "majority")}
    print(f"test accuracy: {accuracy['model']:.3f}")
    print(f"linear baseline: {accuracy['linear']:.3f}, majority class: {accuracy['majority']:.3f}")

    # A predictor needs the run folder only: another program, on another day, begins here.
    predictor = cellwright.load(out)
    for text in ("质量很好,物流也快", "用了两天就坏了"):
        (prediction,) = predictor.predict([text])
        print(f"{text}: {prediction.label} ({prediction.probability:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
