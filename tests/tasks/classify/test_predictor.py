"""A predictor against the model it holds, one text at a time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from agreement import SINGLE, assert_agree, double
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.run import ClassifyRun, ClassifyRunConfig
from cellwright.tasks.run import load_run, save_description, save_weights

LABELS = ["good", "so so", "坏"]
TEXTS = ["a good book", "", "bad bad bad", "好书", "a", "word " * 200, "", "unheard of", "a good book"]


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(["a good book 好书", "a bad word"], "words", min_frequency=1)
    config = ClassifierConfig(
        vocab_size=tokenizer.size, classes=3, embedding_dim=5, hidden_size=7, num_layers=2, pooling="mean"
    )
    model = Classifier(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5)  # so that texts differ by far more than rounding
    description = ClassifyRunConfig(cellwright="0", labels=LABELS, model=config, fingerprint="", options={"data": "x"})
    save_description(tmp_path, description, {"tokenizer.json": tokenizer.to_json().encode()})
    save_weights(tmp_path, model, {})
    return ClassifyRun(tmp_path, description, model, tokenizer)


def alone(run, text):
    """The probabilities of one text, from the model itself, without a batch."""
    tokens = torch.tensor([run.tokenizer.encode([text])[0]], dtype=torch.int64)
    with torch.no_grad():
        logits = double(run.model)(tokens, torch.tensor([tokens.shape[1]]))
    return torch.softmax(logits[0], 0).tolist()


@pytest.mark.parametrize("batch_tokens", [1, 7, 16_384])
def test_answers_are_the_models_whatever_the_batches(run, batch_tokens):
    predictions = ClassifyPredictor(load_run(run.path), batch_tokens=batch_tokens).predict(TEXTS)
    assert len({prediction.probability for prediction in predictions}) > 4
    for text, prediction in zip(TEXTS, predictions, strict=True):
        expected = alone(run, text)
        assert_agree(list(prediction.probabilities.values()), expected, SINGLE)
        assert prediction.label == LABELS[expected.index(max(expected))]
        assert (
            prediction.probability
            == prediction.probabilities[prediction.label]
            == max(prediction.probabilities.values())
        )


def test_probabilities_are_named_in_the_runs_order_and_sum_to_one(run):
    for prediction in ClassifyPredictor(run).predict(TEXTS):
        assert list(prediction.probabilities) == LABELS
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-12)


def test_no_batch_exceeds_the_budget_but_for_one_long_text(run, monkeypatch):
    shapes = []
    forward = run.model.forward
    monkeypatch.setattr(run.model, "forward", lambda t, n, *rest: shapes.append(tuple(t.shape)) or forward(t, n, *rest))
    ClassifyPredictor(run, batch_tokens=10).predict(TEXTS)
    assert sum(rows for rows, _ in shapes) == len(TEXTS)
    assert all(rows * width <= 10 or rows == 1 for rows, width in shapes)
    assert len(shapes) < len(TEXTS)


def test_no_text_no_answer(run):
    assert ClassifyPredictor(run).predict([]) == []


def test_threads_get_the_same_answers(run):
    predictor = ClassifyPredictor(run)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(predictor.predict, [TEXTS] * 8))
    assert all(answer == answers[0] for answer in answers)


def test_budget_below_one_is_refused(run):
    with pytest.raises(ValueError, match="batch_tokens is 0; expected at least 1"):
        ClassifyPredictor(run, batch_tokens=0)


@pytest.mark.slow
def test_predicting_loads_no_trainer(run):
    program = f"import sys; from cellwright.serve import *; Predictor.load({str(run.path)!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"lightning", "sklearn", "matplotlib", "cellwright.training"} & set(loaded)
