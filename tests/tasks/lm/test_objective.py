"""What is trained on, against windows and the state carried over as `nn.tbptt` has them."""

import pytest
import torch
from torch.nn.functional import nll_loss

from cellwright.models.language_architecture import LanguageModelConfig
from cellwright.nn.tbptt import Carry
from cellwright.tasks.lm.feed import LaneFeed
from cellwright.tasks.lm.objective import LanguageObjective

DOCUMENTS = [torch.tensor([0, *torch.randint(1, 7, (n,), generator=torch.Generator().manual_seed(n))]) for n in (9, 20)]
CONFIG = LanguageModelConfig(vocabulary=7, embedding=4, hidden=5, layers=2)


@pytest.mark.parametrize("sizes", [(4, 4), (6, 2), (5, 1), (40, 3)])
def test_each_step_has_the_loss_and_the_gradient_of_its_window(sizes: tuple[int, int]) -> None:
    objective = LanguageObjective(CONFIG)
    torch.manual_seed(0)
    model = objective.model().double()
    windows = [way for (way,) in LaneFeed(DOCUMENTS, 1, sizes[0], None, stride=sizes[1]).epoch(0, 0, 1).examples]
    carry = Carry(model)
    for _ in range(2):  # an epoch begins anew
        objective.begin_pass(training=True)
        for window in windows:
            step = objective.loss(model, (window,))
            new = slice(-window.new, None)
            wanted = nll_loss(carry(window)[new].flatten(0, 1), window.targets[new].flatten())
            found = [torch.autograd.grad(loss, list(model.parameters())) for loss in (step.loss, wanted)]
            torch.testing.assert_close(step.loss, wanted)
            torch.testing.assert_close(*found)
            assert (step.examples, step.tokens) == (window.new, len(window.input))
    assert sum(window.new for window in windows) == sum(map(len, DOCUMENTS)) - 1


def test_penalties_are_of_the_new_steps() -> None:
    objective = LanguageObjective(CONFIG.model_copy(update={"activation_penalty": 2.0, "change_penalty": 3.0}))
    torch.manual_seed(0)
    model = objective.model()
    *_, (window,) = LaneFeed(DOCUMENTS[:1], 1, 6, None, stride=3).epoch(0, 0, 1).examples
    loss, nats, _ = model.loss(window.input, window.targets[-3:], None, window.reset)
    raw = model.read(window.input, reset=window.reset).raw[-3:]
    torch.testing.assert_close(loss, nats + 2.0 * raw.square().mean() + 3.0 * raw.diff(dim=0).square().mean())
