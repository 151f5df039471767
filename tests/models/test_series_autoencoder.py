import pytest
import torch
from torch import nn

from agreement import assert_agree, double
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_autoencoder import SeriesAutoencoder, errors, scored_steps


def model(**changes) -> SeriesAutoencoder:
    torch.manual_seed(0)
    small = {"objective": "anomaly", "channels": 2, "masked": True, "hidden_size": 5, "code_dim": 3, "dropout": 0.0}
    return SeriesAutoencoder(SeriesModelConfig(**small | changes)).eval()


def test_against_torch_row_by_row():
    ours = model()
    encoder, decoder = (nn.LSTM(size, 5, bidirectional=True, batch_first=True) for size in (4, 3))
    encoder.load_state_dict(ours.encoder.state_dict())
    decoder.load_state_dict(ours.decoder.state_dict())
    values, known = torch.randn(2, 4, 2), (torch.rand(2, 4, 2) < 0.7).float()
    restored = ours(values, known, torch.tensor([4, 2]))
    ours, encoder, decoder, values, known = double([ours, encoder, decoder, values, known])
    for row, length in enumerate((4, 2)):
        seen = torch.cat([values, known], -1)[row : row + 1, :length]
        _, (h, _) = encoder(seen)
        code = ours.code(torch.cat([h[0], h[1]], -1))
        output, _ = decoder(code[:, None].expand(-1, length, -1))
        assert_agree(restored[row, :length], ours.dense(output)[0])


def test_errors_are_of_what_was_there():
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    known = torch.tensor([[[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]])
    found = errors(torch.zeros_like(values), values, known)
    assert found.tolist() == [[(1 + 4) / 2, 9.0, 0.0]]
    assert scored_steps(known, torch.tensor([0])).tolist() == [[True, True, False]]
    assert scored_steps(known, torch.tensor([1])).tolist() == [[False, True, False]]


@pytest.mark.parametrize("cell", ["gru", "mgu"])
def test_any_cell(cell):
    ours = model(cell=cell)
    ours(torch.randn(2, 4, 2), torch.ones(2, 4, 2), torch.tensor([4, 1])).sum().backward()
    assert all(parameter.grad is not None for parameter in ours.parameters())
