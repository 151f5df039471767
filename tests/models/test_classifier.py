"""The classifier against the same layers of torch.nn, put together by hand."""

import pytest
import torch
from torch import nn

from agreement import assert_agree, double
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier

SMALL = {"vocab_size": 11, "classes": 3, "embedding_dim": 5, "hidden_size": 4, "pooling": "last"}


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_against_torch_row_by_row(bidirectional: bool, layers: int) -> None:
    torch.manual_seed(0)
    config = ClassifierConfig.model_validate({**SMALL, "bidirectional": bidirectional, "num_layers": layers})
    model = Classifier(config).eval()
    twin = nn.LSTM(5, 4, layers, bidirectional=bidirectional, batch_first=True)
    twin.load_state_dict(model.recurrent.state_dict())
    texts = [[3, 4, 5, 6], [7], [2, 2, 10]]
    tokens = nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
    logits = model(tokens, torch.tensor([4, 1, 3]))
    model, twin = double(model), double(twin)
    for row, text in zip(logits, texts, strict=True):
        _, (h, _) = twin(model.embedding(torch.tensor([text])))
        last = torch.cat(list(h[-2:, 0] if bidirectional else h[-1:, 0]))
        assert_agree(row, last @ model.dense.weight.T + model.dense.bias)


def test_no_texts_words_at_all_are_answered_by_the_bias() -> None:
    model = Classifier(ClassifierConfig.model_validate(SMALL)).eval()
    for tokens in (torch.zeros(2, 0, dtype=torch.int64), torch.zeros(2, 3, dtype=torch.int64)):
        logits = model(tokens, torch.tensor([0, 0]))
        assert_agree(logits, double(model.dense.bias).expand(2, 3))


def test_dropout_only_in_training() -> None:
    model = Classifier(ClassifierConfig.model_validate({**SMALL, "dropout": 0.5, "embedding_dropout": 0.0}))
    tokens, lengths = torch.tensor([[3, 4, 5]]), torch.tensor([3])
    assert not torch.equal(model(tokens, lengths), model(tokens, lengths))
    model.eval()
    assert torch.equal(model(tokens, lengths), model(tokens, lengths))


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_any_cell(cell: str) -> None:
    model = Classifier(ClassifierConfig.model_validate({**SMALL, "cell": cell}))
    model(torch.tensor([[3, 4], [5, 0]]), torch.tensor([2, 1])).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_of_embedded_is_forward_after_the_embedding() -> None:
    torch.manual_seed(0)
    model = Classifier(ClassifierConfig.model_validate({**SMALL, "join": "recurrent"})).eval()
    tokens, lengths = torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1])
    assert_agree(model.of_embedded(model.embedding(tokens), lengths), double(model)(tokens, lengths))
