"""--class-weights balanced: the loss, the score by which epochs are compared, and a rare class that is found."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_sample_weight

from agreement import SINGLE, assert_agree
from cellwright.data.batches import Batch, collate_pieces
from cellwright.data.class_sizes import balanced
from cellwright.evaluation.majority import majority_macro_f1
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.objective import ClassifyObjective
from cellwright.tasks.classify.prepare import prepare

SIZES = {"vocab_size": 9, "classes": 3, "embedding_dim": 5, "hidden_size": 4, "dropout": 0.0, "embedding_dropout": 0.0}
SMOOTHING = 0.1


def objective(weights: list[float] | None, **options: Any) -> ClassifyObjective:
    config = ClassifyConfig(data="x.csv", out=Path("run"), token_dropout=0, label_smoothing=SMOOTHING, **options)
    return ClassifyObjective(ClassifierConfig.model_validate(SIZES), config, weights)


@pytest.fixture
def model() -> Classifier:
    """Its answers differ from text to text."""
    torch.manual_seed(18)
    made = Classifier(ClassifierConfig.model_validate(SIZES)).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def batch(labels: list[int]) -> Batch:
    draw = random.Random(3)
    return collate_pieces([([[draw.randrange(2, 9) for _ in range(4)]], label) for label in labels])


def test_the_loss_is_that_of_texts_weighted_as_scikit_learn_weights_samples(model: Classifier) -> None:
    labels = [0] * 9 + [1] * 2 + [2]
    made = batch(labels)
    logits = model(made.tokens, made.lengths, made.pieces, 1000, None).detach().numpy()
    shares = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    target = np.eye(3)[labels] * (1 - SMOOTHING) + SMOOTHING / 3
    expected = (compute_sample_weight("balanced", labels) * -(target * shares).sum(-1)).mean()
    weights = balanced([*map(str, labels)], ["0", "1", "2"])
    assert_agree(objective(weights).loss(model, made).loss, expected, SINGLE)


def test_the_mean_of_batches_is_the_mean_of_all_texts(model: Classifier) -> None:
    """torch's own weighted mean divides by the weights of each batch, by which a batch of rare texts counts as any."""
    counted = objective([0.5, 4.0, 1.0])
    whole = batch([0, 0, 0, 1])
    parts = [collate_pieces([([whole.tokens[row].tolist()], int(whole.labels[row]))]) for row in range(4)]
    losses = [counted.loss(model, part).loss.item() for part in parts]
    assert_agree(counted.loss(model, whole).loss, sum(losses) / 4)


def test_epochs_are_compared_by_the_macro_f1_of_scikit_learn(model: Classifier) -> None:
    counted = objective([1.0, 1.0, 1.0])
    batches = [batch([0, 1, 2, 0, 1, 2, 1, 1]), batch([0, 1, 0])]
    given = torch.cat([model(b.tokens, b.lengths, b.pieces, 1000, None).argmax(-1) for b in batches]).tolist()
    sums = sum(counted.measure(model, each) for each in batches)
    scores = counted.scores(sums.tolist())
    true = [label for each in batches for label in each.labels.tolist()]
    assert counted.metric.name == "macro_f1"
    assert len(set(given)) == 3  # else a score of it proves little
    assert scores["macro_f1"] == pytest.approx(f1_score(true, given, average="macro"))
    assert scores["accuracy"] == pytest.approx(np.mean(np.equal(true, given)))
    assert objective(None).metric.name == "accuracy"
    assert objective(None).measure(model, batches[0]).tolist() == pytest.approx(
        counted.measure(model, batches[0])[:3].tolist()
    )


def test_the_baseline_is_the_macro_f1_of_the_most_frequent_label() -> None:
    scored = [*"aaab"]
    assert majority_macro_f1([*"aab"], scored) == pytest.approx(f1_score(scored, [*"aaaa"], average="macro"))
    assert majority_macro_f1([*"ccb"], scored) == 0


def imbalanced(path: Path, counts: dict[str, int]) -> Path:
    draw = random.Random(0)
    rows = [f"{draw.choice('abc')} {draw.choice('abc')} {n},{label}" for label, c in counts.items() for n in range(c)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def test_what_a_text_counts_is_said_and_without_weights_what_is_rare(tmp_path: Path) -> None:
    data = str(imbalanced(tmp_path / "r.csv", {"common": 200, "rare": 12}))
    shares = {"validation_share": 0.2, "test_share": 0.0}
    weighted = prepare(ClassifyConfig(data=data, out=tmp_path / "run", class_weights="balanced", **shares), None)
    counts = {label: weighted.notes[-1].count(f"as '{label}'") for label in ("rare", "common")}
    assert (weighted.notes[-1].startswith("a text counts "), counts) == (True, {"rare": 1, "common": 1})
    plain = prepare(ClassifyConfig(data=data, out=tmp_path / "run", **shares), None)
    assert plain.notes[-1].startswith("rare beside 'common' (")
    assert plain.objective.metric.name == "accuracy"
    assert weighted.baseline is not None
    assert plain.baseline is not None
    assert weighted.baseline.score < 0.5 < plain.baseline.score
