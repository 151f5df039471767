"""Modules of torch.nn made ours where they stand, and back: the same objects, with the same numbers."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

import cellwright
from agreement import assert_agree, double
from cellwright import convert, revert

I, H = 3, 5
KINDS = [
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    ("LSTM", {"batch_first": True, "bias": False}),
    ("GRU", {"num_layers": 2, "dropout": 0.25}),
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bidirectional": True}),
    ("LSTMCell", {}),
    ("GRUCell", {"bias": False}),
    ("RNNCell", {"nonlinearity": "relu"}),
]


def made(kind, home=nn, **options):
    torch.manual_seed(0)
    return getattr(home, kind)(I, H, **options)


def x(kind, seed=1):
    drawn = torch.randn(4, 6, I, generator=torch.Generator().manual_seed(seed))
    return drawn[0] if kind.endswith("Cell") else drawn


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_converted_module_is_the_one_that_was_made_ours(kind, options):
    """Its settings are those of a new one of ours; all else is the object that it was."""
    module, new = made(kind, **options).eval(), made(kind, cellwright, **options)
    before = {name: value for name, value in vars(module).items() if name in vars(nn.Module())}
    parameters = list(module.parameters())
    assert convert(module).changed == {"": f"cellwright.{kind}"}
    assert type(module) is getattr(cellwright, kind)
    assert repr(module) == repr(new)
    assert vars(module).keys() == vars(new).keys()
    settings = vars(module).keys() - before.keys()
    assert {name: vars(module)[name] for name in settings} == {name: vars(new)[name] for name in settings}
    assert all(vars(module)[name] is value for name, value in before.items())
    assert all(one is other for one, other in zip(module.parameters(), parameters, strict=True))
    assert_agree(module(x(kind)), double(made(kind, **options).eval())(double(x(kind))))


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_reverted_module_is_the_one_that_was_made_torch_s(kind, options):
    module, new = made(kind, cellwright, **options).eval(), made(kind, **options)
    parameters = list(module.parameters())
    assert revert(module).changed == {"": f"torch.nn.{kind}"}
    assert type(module) is getattr(nn, kind)
    assert repr(module) == repr(new)
    assert vars(module).keys() == vars(new).keys()
    assert all(one is other for one, other in zip(module.parameters(), parameters, strict=True))
    if not kind.endswith("Cell"):
        assert all(one is other for one, other in zip(module._flat_weights, parameters, strict=True))
    exact = double(made(kind, cellwright, **options).eval())(double(x(kind)))
    assert_agree(module(x(kind)), exact)
    assert_agree(pickle.loads(pickle.dumps(module))(x(kind)), exact)


def test_a_layer_of_any_cell_by_its_name_is_reverted_too():
    model = nn.ModuleList([cellwright.Recurrent("rnn-relu", I, H), cellwright.RecurrentCell("gru", I, H)])
    assert list(revert(model).changed.values()) == ["torch.nn.RNN", "torch.nn.GRUCell"]
    assert model[0].nonlinearity == "relu"


class Model(nn.Module):
    def __init__(self, home=nn):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = home.LSTM(I, H), home.GRU(H, H)
        self.again, self.head = self.two, nn.Linear(H, 2)

    def forward(self, input):
        return self.head(self.again(self.two(self.one(input)[0])[0])[0])


def trained(change):
    """Parameters after training that began with torch.nn's layers, `change` in between."""
    model = Model().double()
    optimiser = torch.optim.Adam(model.parameters(), 0.1)
    for step in range(4):
        if step == 2:
            change(model)
        optimiser.zero_grad()
        model(x("LSTM", step).double()).square().sum().backward()
        optimiser.step()
    return model.state_dict()


def test_an_optimizer_made_before_goes_on():
    there_and_back = trained(lambda model: (convert(model), revert(model)))
    wanted = trained(lambda model: None)
    assert list(wanted) == list(there_and_back)
    assert_agree(dict(trained(convert)), dict(wanted), share=1e-9)
    assert_agree(dict(there_and_back), dict(wanted), share=0)


def test_shared_modules_stay_shared_and_are_named_at_each_place():
    model = Model()
    report = convert(model)
    assert report.changed == {"one": "cellwright.LSTM", "two": "cellwright.GRU", "again": "cellwright.GRU"}
    assert report.left == {}
    assert model.again is model.two
    assert str(report) == "one: now cellwright.LSTM\ntwo: now cellwright.GRU\nagain: now cellwright.GRU"
    assert str(convert(model)) == "there is no recurrent layer to change"


def test_hooks_buffers_flags_and_what_users_hang_on_a_module_stay():
    model, seen = nn.Sequential(made("LSTM")), []
    layer = model[0]
    layer.register_buffer("own", torch.ones(2))
    layer.note = "mine"
    layer.weight_hh_l0.requires_grad_(False)
    layer.register_forward_pre_hook(lambda module, given: seen.append("before"))
    layer.register_forward_hook(lambda module, given, found: seen.append("after"))
    layer.register_full_backward_hook(lambda module, *gradients: seen.append("backward"))
    layer.register_state_dict_post_hook(lambda module, state, prefix, metadata: seen.append("state"))
    keys = list(model.state_dict())
    for change in (convert, revert):
        change(model)
        seen.clear()
        assert model[0] is layer
        assert layer.note == "mine"
        assert list(model.state_dict()) == keys
        assert [p.requires_grad for p in layer.parameters()] == [True, False, True, True]
        model(x("LSTM").requires_grad_())[0].sum().backward()
        assert seen == ["state", "before", "after", "backward"]


def test_a_state_dict_of_before_loads_after():
    model, saved = Model(), Model().state_dict()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    convert(model)
    model.load_state_dict(saved)
    assert_agree(model(x("LSTM")), double(Model())(double(x("LSTM"))))


def test_a_converted_model_is_copied_and_pickled():
    model = Model()
    convert(model)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert type(other.one) is cellwright.LSTM
        assert_agree(other(x("LSTM")), double(model)(double(x("LSTM"))))


def test_neither_way_draws_a_number_or_warns_again():
    with pytest.warns(UserWarning, match="dropout"):
        layer = nn.LSTM(I, H, dropout=0.5)
    state = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert(layer)
        revert(layer)
    assert torch.equal(torch.get_rng_state(), state)
    assert layer.dropout == 0.5


# --- what is left --------------------------------------------------------------------------------------
class Mine(nn.GRU):
    """A user's own."""


class Ours(cellwright.GRU):
    """A user's own, of ours."""


def _replaced():
    layer = nn.LSTM(I, H)
    layer.forward = lambda *given, forward=layer.forward: forward(*given)
    return layer


def _normed(by):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return by(nn.LSTM(I, H), "weight_hh_l0")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Mine(I, H), "a subclass of torch.nn.GRU, whose code may be its own"),
        (lambda: parametrizations.weight_norm(nn.LSTM(I, H), "weight_hh_l0"), "it is parametrised, which made its"),
        (lambda: _normed(weight_norm), "its weight_hh_l0 is no parameter but computed, as weight_norm, spectral_norm"),
        (lambda: _normed(spectral_norm), "its weight_hh_l0 is no parameter but computed"),
        (lambda: prune.l1_unstructured(nn.LSTM(I, H), "weight_ih_l0", 0.5), "its weight_ih_l0 is no parameter"),
        (_replaced, "its forward has been replaced"),
    ],
)
def test_what_is_not_just_torch_s_is_left_as_it_is(make, reason):
    model = nn.Sequential(make()).eval()
    kind, wanted = type(model[0]), model(x("LSTM"))
    report = convert(model)
    assert report.changed == {}
    assert report.left["0"].startswith(reason)
    assert str(report).startswith(f"0: left, {reason}")
    assert type(model[0]) is kind
    assert_agree(model(x("LSTM")), wanted, share=0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: cellwright.Recurrent("mgu", I, H), "torch.nn has no layer of the cell mgu; expected lstm, gru"),
        (lambda: cellwright.LSTM(I, H, zoneout=0.1), "torch.nn's layers have no zoneout="),
        (lambda: Ours(I, H), "a subclass, whose code torch.nn's layers have not"),
        (lambda: parametrizations.weight_norm(cellwright.GRU(I, H), "weight_hh_l0"), "it is parametrised, which made"),
        (lambda: cellwright.Recurrent("rnn", I, H, proj_size=2), "torch.nn projects the LSTM only"),
    ],
)
def test_what_torch_has_no_like_for_is_left_by_revert_and_refused_by_to_torch(make, reason):
    model = nn.Sequential(make()).eval()
    kind, wanted = type(model[0]), model(x("LSTM"))
    report = revert(model)
    assert report.changed == {}
    assert report.left["0"].startswith(reason)
    assert type(model[0]) is kind
    assert_agree(model(x("LSTM")), wanted, share=0)
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: {reason.replace('.', '[.]')}"):
        cellwright.to_torch(model)


def test_a_frozen_layer_is_reverted_and_a_copy_is_not_frozen():
    layer = made("LSTM", cellwright).eval().freeze()
    assert type(cellwright.to_torch(layer)) is nn.LSTM
    assert layer.frozen
    revert(layer)
    assert "_frozen" not in vars(layer)
    convert(layer)
    assert not layer.frozen


@pytest.mark.parametrize("call", [convert, revert])
def test_what_is_no_module_is_refused(call):
    with pytest.raises(TypeError, match=r"model is dict; expected a torch\.nn\.Module"):
        call({})
