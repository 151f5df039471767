"""The language model against torch.nn's layers and its own parts by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from agreement import SINGLE, assert_agree, double
from cellwright.cells import CELLS
from cellwright.errors import InputError
from cellwright.models.language_model import LanguageModel
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.models.softmax import AdaptiveSoftmax

TOKENS = torch.tensor([[0, 0], [3, 5], [4, 2], [6, 6], [1, 3]])  # (T, B)
TARGETS = torch.tensor([[3, 5], [4, 2], [6, 6], [1, 3], [2, 2]])


def small(**options: object) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(
        LanguageModelConfig.model_validate({"vocab_size": 7, "embedding_dim": 4, "hidden_size": 5, **options})
    )


def by_hand(model: LanguageModel, tokens: Tensor) -> Tensor:
    """Logits (T, B, V), with torch's layers in float64."""
    model = double(model)
    values = model.embedding(tokens)
    for layer in model.layers:
        theirs = nn.LSTM(layer.input_size, layer.hidden_size, dtype=torch.float64)
        theirs.load_state_dict(layer.state_dict())
        values, _ = theirs(values)
    return values @ model.softmax.dense.weight.T + model.softmax.dense.bias


@pytest.mark.parametrize("options", [{}, {"num_layers": 3}, {"num_layers": 2, "tie_weights": True}])
def test_it_is_torchs_layers_and_a_softmax(options: dict[str, object]) -> None:
    model = small(**options)
    logits = by_hand(model, TOKENS)
    assert_agree(model(TOKENS)[0], logits.log_softmax(-1))
    loss, nats, _ = model.loss(TOKENS, TARGETS)
    assert_agree(loss, cross_entropy(logits.flatten(0, 1), TARGETS.flatten()))
    assert loss.item() == nats.item()


def test_tied_weights_are_one_parameter() -> None:
    model = small(tie_weights=True)
    assert model.softmax.dense.weight is model.embedding.weight
    assert model.layers[-1].hidden_size == 4
    assert sum(parameter.numel() for parameter in model.parameters()) == 7 * 4 + (4 * 4 * (4 + 4) + 2 * 16) + 7


@pytest.mark.parametrize("cell", [name for name, one in CELLS.items() if one.takes_x_alone])
def test_every_cell_goes_on_from_window_to_window(cell: str) -> None:
    model = small(cell=cell, num_layers=2).eval()
    whole, end = double(model)(TOKENS)
    first, state = model(TOKENS[:2])
    second, after = model(TOKENS[2:], state)
    assert_agree(torch.cat([first, second]), whole)
    assert_agree(after, end)


def test_the_state_handed_on_is_a_constant() -> None:
    _, _, state = small(num_layers=2).loss(TOKENS, TARGETS)
    assert not any(part.requires_grad for layer in state for part in layer)


def test_a_reset_begins_a_document() -> None:
    model = small(num_layers=2).eval()
    reset = torch.zeros(5, 2, dtype=torch.bool)
    reset[3, 1] = True
    found, _ = model(TOKENS, reset=reset)
    assert_agree(found[3:, 1], double(model)(TOKENS[3:])[0][:, 1])
    assert_agree(found[:, 0], double(model)(TOKENS)[0][:, 0])


def drawn(lengths: list[int]) -> list[torch.Tensor]:
    """Random documents of so many tokens, each behind the mark that begins it."""
    draws = torch.Generator().manual_seed(sum(lengths))
    return [torch.cat([torch.zeros(1).long(), torch.randint(1, 7, (n,), generator=draws)]) for n in lengths]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_nats_are_those_of_each_document_alone(lengths: list[int]) -> None:
    documents = drawn(lengths)
    model = small(num_layers=2).eval()
    found = model.nats(documents)
    assert found.dtype == torch.float64
    wanted = []
    for k, document in enumerate(documents):
        following = torch.tensor([0] if k + 1 < len(documents) else []).long()  # the next mark ends this one
        targets = torch.cat([document[1:], following])
        logits = by_hand(model, document[: len(targets), None])[:, 0]
        wanted.append(cross_entropy(logits, targets, reduction="none"))
    assert_agree(found, torch.cat(wanted), SINGLE)


def test_memory_of_scoring_does_not_depend_on_how_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(num_layers=2).eval()
    documents = [torch.arange(9) % 7, torch.arange(14) * 3 % 7]
    whole = double(model).nats(documents)
    monkeypatch.setattr("cellwright.models.language_model.SCORED_AT_ONCE", 4)
    assert_agree(model.nats(documents), whole, SINGLE)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_documents_side_by_side_score_as_each_alone(lengths: list[int]) -> None:
    documents = drawn(lengths)
    model = small(num_layers=2).eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cellwright.models.language_model.SCORED_AT_ONCE", 4)  # some are cut
        found = model.nats_of_each(documents)
    for one, document in zip(found, documents, strict=True):
        assert one.dtype == torch.float64
        assert_agree(one, double(model).nats([document]), SINGLE)


# --- what is dropped ----------------------------------------------------------------------------------
def test_pytorch_65688_weight_drop_trains_the_weights() -> None:
    model = small(weight_drop=0.3, num_layers=2)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model.loss(TOKENS, TARGETS)[0].backward()
    optimizer.step()
    moved = {name: not torch.equal(p, b) for (name, p), b in zip(model.named_parameters(), before, strict=True)}
    assert all(moved.values()), moved
    assert moved["layers.0.parametrizations.weight_hh_l0.original"]


def test_every_dropout_can_be_had_together_and_evaluation_has_none() -> None:
    rates = [
        "embedding_row_dropout",
        "embedding_dropout",
        "dropout",
        "output_dropout",
        "weight_drop",
        "recurrent_dropout",
    ]
    noisy, plain = small(num_layers=2, **dict.fromkeys(rates, 0.4)), small(num_layers=2)
    assert noisy.loss(TOKENS, TARGETS)[1] != noisy.loss(TOKENS, TARGETS)[1]
    weights = {n.replace("parametrizations.", "").replace(".original", ""): w for n, w in noisy.state_dict().items()}
    plain.load_state_dict(weights)
    assert torch.equal(noisy.eval()(TOKENS)[0], plain.eval()(TOKENS)[0])


def test_the_penalties_are_mean_squares() -> None:
    model = small(activation_regularization=2.0, temporal_activation_regularization=3.0).eval().double()
    loss, nats, _ = model.loss(TOKENS, TARGETS)
    outputs = model.read(TOKENS).raw
    changes = [(outputs[t + 1] - outputs[t]) ** 2 for t in range(4)]
    wanted = nats + 2.0 * (outputs**2).mean() + 3.0 * torch.stack(changes).mean()
    assert_agree(loss, wanted)
    alone, nats, _ = model.loss(TOKENS[:1], TARGETS[:1])  # no step before: no change
    assert_agree(alone, nats + 2.0 * (model.read(TOKENS[:1]).raw ** 2).mean())


# --- large vocabularies -------------------------------------------------------------------------------
def test_the_adaptive_softmax_is_a_distribution_and_its_nats_are_of_it() -> None:
    torch.manual_seed(0)
    head = AdaptiveSoftmax(32, 1200).double()
    features, targets = torch.randn(5, 32, dtype=torch.float64), torch.tensor([0, 59, 60, 400, 1199])
    logarithms = head(features)
    assert_agree(logarithms.exp().sum(-1), torch.ones(5, dtype=torch.float64))
    assert_agree(head.nats(features, targets), -logarithms[torch.arange(5), targets])
    assert head(features[:, None]).shape == (5, 1, 1200)


def test_what_adaptive_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="the vocabulary has 7 tokens; expected at least 1000"):
        small(softmax="adaptive")
    with pytest.raises(InputError, match="--tie-weights with --softmax adaptive"):
        small(softmax="adaptive", tie_weights=True, vocab_size=2000)


# --- token by token -----------------------------------------------------------------------------------
@settings(max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_a_stream_ends_with_the_same_state_however_its_tokens_come(sizes: list[int]) -> None:
    model = small(num_layers=2).eval()
    tokens = (torch.arange(sum(sizes)) * 3 % 7).tolist()
    at_once, in_parts = model.stream(), model.stream()
    wanted, place = at_once.feed(tokens), 0
    for size in sizes:
        found = in_parts.feed(tokens[place : place + size])
        place += size
    assert torch.equal(found, wanted)
    assert_agree(found, double(model)(torch.tensor(tokens)[:, None])[0][-1, 0])


def test_it_learns_a_text_by_heart() -> None:
    model = small(hidden_size=24, embedding_dim=8)
    text = torch.tensor([0, 2, 3, 2, 4, 2, 5, 5, 6] * 3)[:, None]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(120):
        optimizer.zero_grad()
        model.loss(text[:-1], text[1:])[0].backward()
        optimizer.step()
    assert model.eval().nats([text[:, 0]]).mean() < 0.1 < math.log(7)
