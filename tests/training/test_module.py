"""One step: what is clipped, hidden, decayed, averaged and counted."""

import math
from typing import Any

import pytest
import torch

from agreement import assert_agree
from cellwright.data.batches import Batch
from cellwright.models.architecture import ClassifierConfig
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.objective import ClassifyObjective
from cellwright.training.data import Share
from cellwright.training.module import LossNotFinite, TrainedModule


def module(**options: Any) -> TrainedModule:
    torch.manual_seed(0)
    shape = ClassifierConfig(vocab_size=9, classes=2, embedding_dim=3, hidden_size=4)
    config = ClassifyConfig(data="", out="", **options)
    return TrainedModule(ClassifyObjective(shape, config), config)


def norm(gradients: list[torch.Tensor]) -> float:
    return math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))


@pytest.mark.parametrize(("value", "limit"), [(None, 0.5), (0.01, None), (0.01, 0.02), (None, None)])
def test_clipping_by_value_then_by_norm(value: float | None, limit: float | None) -> None:
    trained = module(clip_value=value, clip_norm=limit)
    parameters = list(trained.model.double().parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    expected = [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]
    if value is not None:
        expected = [gradient.clamp(-value, value) for gradient in expected]
    if limit is not None and norm(expected) > limit:
        factor = limit / (norm(expected) + 1e-6)  # as torch has it
        expected = [gradient * factor for gradient in expected]
    trained.configure_gradient_clipping(trained.configure_optimizers())
    assert_agree([parameter.grad for parameter in parameters], expected)


def test_hidden_tokens_are_unknown_and_padding_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = module(token_dropout=0.4)
    seen: list[torch.Tensor] = []
    answer = trained.model.forward

    def look(tokens: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen.append(tokens)
        return answer(tokens, *rest)

    monkeypatch.setattr(trained.model, "forward", look)
    tokens = torch.full((200, 50), 7).masked_fill(torch.arange(50) >= 40, 0)
    trained.training_step(Share(Batch(tokens, torch.full((200,), 40), torch.zeros(200, dtype=torch.int64))), 0)
    assert set(seen[0][:, :40].unique().tolist()) == {1, 7}
    assert not seen[0][:, 40:].any()
    assert (seen[0][:, :40] == 1).float().mean().item() == pytest.approx(0.4, abs=0.02)


def test_the_mean_of_weights_is_that_of_its_definition() -> None:
    trained = module(ema_decay=0.5)
    weight = trained.model.dense.bias
    expected = None
    for step in range(6):
        with torch.no_grad():
            weight.add_(1.5**step)
        trained.averaged.follow(trained.model)
        past = min(0.5, (1 + step) / (10 + step))
        now = weight.detach().double()
        expected = now if expected is None else past * expected + (1 - past) * now
    assert_agree(trained.result.dense.bias, expected)


def test_a_long_mean_moves_now_and_then_and_stays_the_mean() -> None:
    """Of weights that drift and shake, beside the mean that moves at every step."""
    trained = module(ema_decay=0.998)
    weight, shakes = trained.model.dense.bias, torch.randn(6000) / 10
    expected, moves = torch.zeros(()), 0
    for step, shake in enumerate(shakes):
        with torch.no_grad():
            weight.fill_(step / 1000 + shake)
        before = trained.result.dense.bias.clone()
        trained.averaged.follow(trained.model)
        past = min(0.998, (1 + step) / (10 + step))
        expected = past * expected + (1 - past) * weight[0].detach() if step else weight[0].detach()
        moves += not torch.equal(before, trained.result.dense.bias)
        if step in (20, 100, 1000, 5999):
            assert abs(float(trained.result.dense.bias[0] - expected)) < 0.1
    assert 6000 / 32 < moves < 6000 / 24
    assert trained.averaged.steps == 6000


def test_no_averaging_keeps_the_last_weights_exactly() -> None:
    trained = module(ema_decay=0.0)
    for _ in range(3):
        with torch.no_grad():
            trained.model.dense.bias.normal_()
        trained.averaged.follow(trained.model)
    assert torch.equal(trained.result.dense.bias, trained.model.dense.bias)


def test_a_loss_that_is_no_number_says_so() -> None:
    trained = module()
    with torch.no_grad():
        trained.model.dense.bias.fill_(torch.nan)
    batch = Batch(torch.tensor([[2]]), torch.tensor([1]), torch.tensor([0]))
    trained.training_step(Share(batch), 0)
    with pytest.raises(LossNotFinite, match=r"the loss is nan at step 1 \(epoch 1\).*--learning-rate"):
        trained.on_after_backward()
