"""Learning against an adversary: which way a text is moved, how far, and what is made of both losses."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from agreement import assert_agree
from cellwright.data.batches import Batch, collate_pieces
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.objective import ClassifyObjective

SMALL = {
    "vocab_size": 11,
    "classes": 3,
    "embedding_dim": 5,
    "hidden_size": 4,
    "bigram_buckets": 7,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
}
TEXTS = [([[3, 4, 5, 6]], 0), ([[7]], 1), ([[]], 2), ([[2, 2, 10]], 1)]


def objective(**options: Any) -> ClassifyObjective:
    given = {"data": "x.csv", "out": "run", "token_dropout": 0.0, "label_smoothing": 0.0, **options}
    return ClassifyObjective(ClassifierConfig.model_validate(SMALL), ClassifyConfig(**given))


def made() -> Classifier:
    torch.manual_seed(0)
    model = Classifier(ClassifierConfig.model_validate(SMALL))
    with torch.no_grad():
        model.embedding.pair.weight[1:].normal_()
    return model.double().train()


def loss_at(model: Classifier, embedded: Tensor, batch: Batch) -> Tensor:
    return cross_entropy(model.of_embedded(embedded, batch.lengths), batch.labels)


def assert_same_gradients(model: Classifier, loss: Tensor, expected: Tensor, share: float | None = None) -> None:
    parameters = dict(model.named_parameters())
    found, wanted = (torch.autograd.grad(each, list(parameters.values())) for each in (loss, expected))
    for name, a, b in zip(parameters, found, wanted, strict=True):
        assert_agree(a.to_dense(), b.to_dense(), share, name)


def test_texts_are_moved_up_the_gradient_by_a_share_of_their_length_and_the_move_is_held() -> None:
    model, batch = made(), collate_pieces(TEXTS)
    embedded = model.embedding(batch.tokens)
    loss = loss_at(model, embedded, batch)
    (gradient,) = torch.autograd.grad(loss, embedded, retain_graph=True)
    move = torch.zeros_like(gradient)
    for row in (0, 1, 3):  # text 2 has no token to move
        move[row] = 0.2 * embedded[row].detach().norm() * gradient[row] / gradient[row].norm()
    assert move[1, 1:].eq(0).all()  # nor has a text beyond its end
    moved = loss_at(model, embedded + move, batch)
    assert moved > loss
    found = objective(adversarial_epsilon=0.2).loss(model, batch).loss
    assert_agree(found, (loss + moved) / 2)
    assert_same_gradients(model, found, (loss + moved) / 2)


def test_an_adversary_of_no_strength_changes_nothing() -> None:
    model, batch = made(), collate_pieces(TEXTS)
    plain, step = objective().loss(model, batch), objective(adversarial_epsilon=1e-9).loss(model, batch)
    assert_agree(step.loss, plain.loss, share=1e-8)
    assert_same_gradients(model, step.loss, plain.loss, share=1e-8)
    assert (step.examples, step.tokens) == (plain.examples, plain.tokens) == (4, 8)


@pytest.mark.parametrize("budget", [1, 8])
def test_texts_in_pieces_within_a_budget(budget: int) -> None:
    batch = collate_pieces([([[3, 4, 5, 6], [7, 8]], 0), ([[2]], 1), ([[9, 3], [4], [5, 5, 5]], 2)])
    model = made()
    whole = objective(adversarial_epsilon=0.3).loss(model, batch)
    parts = objective(adversarial_epsilon=0.3, batch_tokens=budget).loss(model, batch)
    assert_agree(parts.loss, whole.loss)
    assert_same_gradients(model, parts.loss, whole.loss)
