"""The autoencoder against torch.nn's layers text by text, and on texts that it must bring back."""

import pytest
import torch
from torch import Tensor, nn

from agreement import assert_agree, double
from cellwright.models.architecture import AutoencoderConfig, ClassifierConfig
from cellwright.models.autoencoder import Autoencoder, begin_from, freeze_encoder, reconstruction
from cellwright.models.classifier import Classifier
from cellwright.training.optimizer import make_optimizer

TOKENS = torch.tensor([[3, 4, 5, 6], [7, 0, 0, 0], [0, 0, 0, 0], [2, 2, 8, 0]])
LENGTHS = torch.tensor([4, 1, 0, 3])


def small(cell: str = "lstm") -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(AutoencoderConfig(vocab_size=9, code_dim=3, cell=cell, embedding_dim=5, hidden_size=4))


def by_hand(model: Autoencoder, text: Tensor) -> Tensor:
    """Logits (T, V) of one text, with torch's layers in float64."""
    model = double(model)
    encoder, decoder = nn.LSTM(5, 4, bidirectional=True).double(), nn.LSTM(5 + 3, 4).double()
    encoder.load_state_dict(model.recurrent.state_dict())
    decoder.load_state_dict(model.decoder.state_dict())
    _, (h, _) = encoder(model.embedding(text))
    code = model.code(h.flatten())
    before = torch.cat([torch.zeros(1, 5).double(), model.embedding(text[:-1])])
    output, _ = decoder(torch.cat([before, code.expand(len(text), 3)], dim=1))
    return model.dense(output)


def test_each_row_is_its_text_alone() -> None:
    model = small()
    logits = model(TOKENS, LENGTHS)
    for row, text, length in zip(logits, TOKENS, LENGTHS, strict=True):
        if length:
            assert_agree(row[:length], by_hand(model, text[:length]))


def test_loss_and_accuracy_count_each_token_once_and_no_padding() -> None:
    model = small()
    found = reconstruction(model(TOKENS, LENGTHS), TOKENS, LENGTHS)
    texts = [text[:length] for text, length in zip(TOKENS, LENGTHS, strict=True) if length]
    logits, true = torch.cat([by_hand(model, text) for text in texts]), torch.cat(texts)
    losses = -logits.log_softmax(1)[torch.arange(len(true)), true]
    assert_agree(found.loss, losses.mean())
    assert found.exact.item() == (logits.argmax(1) == true).double().mean().item()


def test_a_padded_token_changes_nothing() -> None:
    model = small()
    longer = torch.cat([TOKENS, torch.zeros(4, 2, dtype=torch.int64)], dim=1)
    assert_agree(model.encode(longer, LENGTHS), double(model).encode(TOKENS, LENGTHS))


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_it_learns_to_bring_texts_back_from_their_codes(cell: str) -> None:
    draw = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 4, (64,), generator=draw)
    tokens = torch.randint(2, 6, (64, 3), generator=draw).masked_fill(torch.arange(3) >= lengths[:, None], 0)
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(vocab_size=6, code_dim=8, cell=cell, embedding_dim=8, hidden_size=24))
    optimizer = make_optimizer(model, 0.02, 0.0)
    for _ in range(200):  # 174 are enough for seeds 0 to 4
        optimizer.zero_grad()
        reconstruction(model(tokens, lengths), tokens, lengths).loss.backward()
        optimizer.step()
    assert reconstruction(model(tokens, lengths), tokens, lengths).exact == 1
    assert torch.equal(model.decode(model.encode(tokens, lengths), lengths), tokens)


def classifier(**options: object) -> Classifier:
    return Classifier(
        ClassifierConfig.model_validate(
            {"vocab_size": 9, "classes": 2, "embedding_dim": 5, "hidden_size": 4, **options}
        )
    )


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("code", [None, 3])
def test_a_classifier_begins_from_the_encoder(freeze: bool, code: int | None) -> None:
    model, pretrained = classifier(code_dim=code, pooling="last"), small()
    begin_from(model, pretrained)
    if freeze:
        freeze_encoder(model)
    model(TOKENS, LENGTHS).square().sum().backward()
    origins = [(model.embedding.token, pretrained.embedding.token), (model.recurrent, pretrained.recurrent)]
    if model.code is not None:
        origins.append((model.code, pretrained.code))
    for part, origin in origins:
        for parameter, source in zip(part.parameters(), origin.parameters(), strict=True):
            assert torch.equal(parameter, source)
            assert parameter.data_ptr() != source.data_ptr()
            assert (parameter.grad is None) == freeze
    assert model.dense.weight.grad is not None


def test_a_compressed_text_is_its_pieces_codes_joined() -> None:
    """Two texts of three pieces and of one: the codes, in the order of the pieces, are what the joining layer reads."""
    model, pretrained = classifier(code_dim=3, pooling="last", join="recurrent", bigram_buckets=0).eval(), small()
    begin_from(model, pretrained)
    tokens, lengths = TOKENS[[0, 1, 3, 0]], LENGTHS[[0, 1, 3, 0]]
    logits = model(tokens, lengths, torch.tensor([3, 1]))
    codes = double(pretrained).encode(tokens, lengths)
    reader = nn.LSTM(3, 4, bidirectional=True).double()
    reader.load_state_dict(model.join.recurrent.state_dict())
    for row, own in zip(logits, (codes[:3], codes[3:]), strict=True):
        _, (h, _) = reader(own)
        assert_agree(row, double(model).dense(h.flatten()))


@pytest.mark.parametrize("options", [{"hidden_size": 5}, {"cell": "gru"}, {"bidirectional": False}, {"num_layers": 2}])
def test_an_encoder_of_another_shape_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch|Missing key|Unexpected key"):
        begin_from(classifier(**options), small())
