"""What is trained on, against windows and the state carried over as `nn.tbptt` has them."""

from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn
from torch.nn.functional import nll_loss
from torch.nn.parallel import DistributedDataParallel

from agreement import assert_agree
from cellwright.data.token_rows import TokenRows
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.nn.tbptt import Carry, Window
from cellwright.tasks.lm.feed import LaneFeed
from cellwright.tasks.lm.objective import LanguageObjective
from cellwright.tasks.lm.stream import Stream

DOCUMENTS = [torch.randint(1, 7, (n,), generator=torch.Generator().manual_seed(n)).tolist() for n in (9, 20)]
STREAM = Stream.of(TokenRows.of(DOCUMENTS))
CONFIG = LanguageModelConfig(vocab_size=7, embedding_dim=4, hidden_size=5, num_layers=2)


@pytest.mark.parametrize("sizes", [(4, 4), (6, 2), (5, 1), (40, 3)])
def test_each_step_has_the_loss_and_the_gradient_of_its_window(sizes: tuple[int, int]) -> None:
    objective = LanguageObjective(CONFIG)
    torch.manual_seed(0)
    model = objective.model().double()
    windows = [way for (way,) in LaneFeed(STREAM, 1, sizes[0], None, stride=sizes[1]).epoch(0, 0, 1).examples]
    carry = Carry(model)
    for _ in range(2):  # an epoch begins anew
        objective.begin_pass(training=True)
        for window in windows:
            step = objective.loss(model, (window,))
            new = slice(-window.new, None)
            wanted = nll_loss(carry(window)[new].flatten(0, 1), window.targets[new].flatten())
            found = [torch.autograd.grad(loss, list(model.parameters())) for loss in (step.loss, wanted)]
            assert_agree(step.loss, wanted)
            assert_agree(*found)
            assert (step.examples, step.tokens) == (window.new, len(window.input))
    assert sum(window.new for window in windows) == STREAM.size - 1


def test_processes_may_lack_a_group_of_the_adaptive_softmax(one_process: None) -> None:
    config = CONFIG.model_copy(update={"vocab_size": 1000, "hidden_size": 32, "softmax": "adaptive"})
    objective = LanguageObjective(config)
    model = Trained(objective)
    together = DistributedDataParallel(model, find_unused_parameters=objective.partial)
    tokens = torch.randint(1, 9, (6, 2))
    frequent = Window(tokens[:-1], tokens[1:], None, first=True, new=5, ahead=5)
    for _ in range(2):  # the second call finds out what the first left without a gradient
        together(frequent).backward()
    assert not LanguageObjective(CONFIG).partial


class Trained(nn.Module):
    def __init__(self, objective: LanguageObjective) -> None:
        super().__init__()
        self.objective, self.model = objective, objective.model()

    def forward(self, window: Window) -> torch.Tensor:
        return self.objective.loss(self.model, (window,)).loss


@pytest.fixture
def one_process() -> Iterator[None]:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_penalties_are_of_the_new_steps() -> None:
    objective = LanguageObjective(
        CONFIG.model_copy(update={"activation_regularization": 2.0, "temporal_activation_regularization": 3.0})
    )
    torch.manual_seed(0)
    model = objective.model().double()
    *_, (window,) = LaneFeed(Stream.of(TokenRows.of(DOCUMENTS[:1])), 1, 6, None, stride=3).epoch(0, 0, 1).examples
    loss, nats, _ = model.loss(window.input, window.targets[-3:], None, window.reset)
    raw = model.read(window.input, reset=window.reset).raw[-3:]
    assert_agree(loss, nats + 2.0 * raw.square().mean() + 3.0 * raw.diff(dim=0).square().mean())
