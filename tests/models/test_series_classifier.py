"""The classifier of series against torch.nn, a series at a time."""

import pytest
import torch
from torch import nn

from agreement import assert_agree, double
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_classifier import SeriesClassifier

LENGTHS = [4, 1, 3]


def config(**changes) -> SeriesModelConfig:
    small = {"channels": 2, "masked": True, "hidden_size": 5, "dropout": 0.0, "classes": 3, "pooling": "last"}
    return SeriesModelConfig(**small | changes)


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    values = torch.randn(3, 4, 2, generator=draw)
    return values, (torch.rand(3, 4, 2, generator=draw) < 0.7).float(), torch.tensor(LENGTHS)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_against_torch_row_by_row(masked, bidirectional):
    torch.manual_seed(0)
    model = SeriesClassifier(config(masked=masked, bidirectional=bidirectional, num_layers=2)).eval()
    twin = nn.LSTM(4 if masked else 2, 5, 2, bidirectional=bidirectional, batch_first=True)
    twin.load_state_dict(model.recurrent.state_dict())
    logits = model(*batch())
    model, twin, (values, known, _) = double(model), double(twin), double(batch())
    for row, length in enumerate(LENGTHS):
        seen = torch.cat([values, known], -1) if masked else values
        _, (h, _) = twin(seen[row : row + 1, :length])
        last = torch.cat(list(h[-2:, 0] if bidirectional else h[-1:, 0]))
        assert_agree(logits[row], last @ model.dense.weight.T + model.dense.bias)


def test_noise_and_dropout_in_training_only():
    for changes in ({"noise": 0.5}, {"input_dropout": 0.5}, {"dropout": 0.5}, {"recurrent_dropout": 0.5}):
        model = SeriesClassifier(config(**changes))
        assert not torch.equal(model(*batch()), model(*batch()))
        model.eval()
        assert torch.equal(model(*batch()), model(*batch()))


@pytest.mark.parametrize("cell", ["gru", "slstm"])
def test_any_cell(cell):
    model = SeriesClassifier(config(cell=cell))
    model(*batch()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
