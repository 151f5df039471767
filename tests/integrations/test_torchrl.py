"""The TorchRL module against TorchRL's own: one set of weights, episodes that end within rollouts, both modes."""

import pickle

import pytest
import torch

import cellwright
from agreement import assert_agree, double

pytest.importorskip("torchrl")

from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.envs import GymEnv, InitTracker, TransformedEnv
from torchrl.modules import GRUModule, LSTMModule, canonicalize_rnn_subset, set_recurrent_mode
from torchrl.modules.utils import get_primers_from_module
from torchrl.objectives.value import GAE

from cellwright.integrations.torchrl import RecurrentModule, convert

INPUTS, UNITS = 4, 16
KINDS = {"lstm": LSTMModule, "gru": GRUModule}
STATES = {"lstm": ["recurrent_state_h", "recurrent_state_c"], "gru": ["recurrent_state"]}


def pair(cell, **options):
    """TorchRL's module and ours, with the same weights, each its own."""
    torch.manual_seed(0)
    theirs = KINDS[cell](INPUTS, UNITS, in_key="observation", out_key="features", **options)
    ours = RecurrentModule(
        {"lstm": cellwright.LSTM, "gru": cellwright.GRU}[cell](INPUTS, UNITS, batch_first=True, **options),
        in_key="observation",
        out_key="features",
    )
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def rollouts(cell, *batch, layers=1, begins=()):
    """Rollouts as an environment leaves them: where an episode begins the state is zeros, elsewhere something."""
    torch.manual_seed(1)
    found = TensorDict({"observation": torch.randn(*batch, INPUTS)}, batch)
    found["is_init"] = torch.zeros(*batch, 1, dtype=torch.bool)
    for name in STATES[cell]:
        found[name] = torch.randn(*batch, layers, UNITS)
    for place in begins:
        found["is_init"][place] = True
        for name in STATES[cell]:
            found[name][place] = 0.0
    return found


WITHIN = [(0, 0), (0, 5), (1, 19), (2, 1), (2, 2), (3, 0)]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", KINDS)
@pytest.mark.parametrize("begins", [[], [(1, 0)], WITHIN], ids=["none", "first", "within"])
def test_a_rollout_and_its_gradients_are_torchrls(cell, layers, begins):
    theirs, ours = pair(cell, num_layers=layers)
    data = rollouts(cell, 4, 20, layers=layers, begins=begins)
    grown = []
    for module in (theirs, ours):
        given = data.clone()
        seen = given["observation"].requires_grad_()
        with set_recurrent_mode(True):
            found = module(given)
        found["features"].square().sum().backward()
        grown.append([seen.grad, *(p.grad for p in module.parameters())])
        grown[-1] += [found["features"], *(found["next", name][:, -1] for name in STATES[cell])]
        assert found["next", STATES[cell][0]].shape == (4, 20, layers, UNITS)
    assert_agree(grown[1], double(grown[0]), share=2e-05)


@pytest.mark.slow
def test_the_gru_is_that_of_the_scan():
    theirs = GRUModule(INPUTS, UNITS, in_key="observation", out_key="features", recurrent_backend="scan")
    ours = convert(theirs)
    data = rollouts("gru", 4, 20, begins=WITHIN)
    with set_recurrent_mode(True):
        found, wanted = (module(data.clone())["features"] for module in (ours, theirs))
    assert_agree(found, double(wanted), share=1e-05)


@pytest.mark.parametrize("cell", KINDS)
def test_single_steps_are_torchrls_and_episodes_begin_there(cell):
    theirs, ours = pair(cell)
    data = rollouts(cell, 6)
    data["is_init"][2:4] = True
    wanted, found = theirs(data.clone()), ours(data.clone())
    for key in ["features", *(("next", name) for name in STATES[cell])]:
        assert_agree(found[key], double(wanted[key]), share=1e-06)
        assert found[key].shape == wanted[key].shape


@pytest.mark.parametrize("cell", KINDS)
def test_every_batch_size_has_torchrls_shapes(cell):
    theirs, ours = pair(cell)
    for batch, mode in [((), False), ((2, 3), False), ((7,), True), ((2, 3, 7), True)]:
        data = rollouts(cell, *batch)
        with set_recurrent_mode(mode):
            wanted, found = theirs(data.clone()), ours(data.clone())
        assert found.shape == wanted.shape
        for key in ["features", *(("next", name) for name in STATES[cell])]:
            assert_agree(found[key], double(wanted[key]), share=1e-06)


@pytest.mark.parametrize("cell", KINDS)
def test_the_state_dict_goes_both_ways(cell):
    theirs, ours = pair(cell, num_layers=2)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    again = pickle.loads(pickle.dumps(ours))
    assert torch.equal(again.layer.weight_hh_l1, ours.layer.weight_hh_l1)


@pytest.mark.parametrize("cell", ["mgu", "slstm", "sru"])
def test_a_rollout_of_any_cell_is_its_steps_one_by_one(cell):
    layer = cellwright.Recurrent(cell, INPUTS, UNITS, 2, batch_first=True, learn_initial_state=True)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    module = RecurrentModule(layer, in_key="observation", out_key="features")
    data = TensorDict({"observation": torch.randn(3, 9, INPUTS)}, [3, 9])
    data["is_init"] = torch.rand(3, 9, 1) < 0.3
    with set_recurrent_mode(True):
        wanted = module(data.clone())
    state, names = {}, module.in_keys[1:-1]
    assert len(names) == len(layer.cell.states)
    for t in range(9):
        here = module(data[:, t].clone().update(state))
        state = {name: here["next", name] for name in names}
        assert_agree(here["features"], double(wanted["features"][:, t]), share=1e-05)
    for name in names:
        assert_agree(state[name], double(wanted["next", name][:, -1]), share=1e-05)
        assert not wanted["next", name][:, :-1].any()


def actor(module):
    return TensorDictSequential(
        module, TensorDictModule(torch.nn.Linear(UNITS, 2), in_keys=["features"], out_keys=["logits"])
    )


def test_an_environment_carries_the_states_by_the_primer():
    theirs, ours = pair("lstm")
    assert str(ours.make_tensordict_primer()) == str(theirs.make_tensordict_primer())
    head = torch.nn.Linear(UNITS, 2)

    def policy(module):
        act = TensorDictModule(
            lambda features: torch.nn.functional.one_hot(head(features).argmax(-1), 2),
            in_keys=["features"],
            out_keys=["action"],
        )
        return TensorDictSequential(module, act)

    played = []
    for module in (theirs, ours):
        env = TransformedEnv(GymEnv("CartPole-v1"), InitTracker())
        env.append_transform(get_primers_from_module(module))
        env.set_seed(0)
        played.append(env.rollout(60, policy(module), break_when_any_done=False))
    assert played[0]["is_init"].sum() > 1
    assert torch.equal(played[0]["action"], played[1]["action"])
    assert_agree(played[1]["features"], double(played[0]["features"]), share=1e-05)
    with set_recurrent_mode(True):  # and the whole rollout says what its steps said
        again = ours(played[1].clone())
    assert_agree(again["features"], double(played[1]["features"]), share=1e-05)


def test_convert_keeps_parameters_keys_and_what_the_model_says():
    shared = LSTMModule(INPUTS, UNITS, in_key="observation", out_key="features")
    model = torch.nn.ModuleDict({"one": actor(shared), "two": actor(shared)}).eval()
    data = rollouts("lstm", 4, 20, begins=WITHIN)
    before, names = [*model.parameters()], list(model.state_dict())
    with set_recurrent_mode(True):
        wanted = model["one"](data.clone())["logits"]
    assert convert(model) is model
    assert all(a is b for a, b in zip(model.parameters(), before, strict=True))
    assert list(model.state_dict()) == names
    ours = model["one"].module[0]
    assert isinstance(ours, RecurrentModule)
    assert ours is model["two"].module[0]
    assert not ours.training
    with set_recurrent_mode(True):
        assert_agree(model["one"](data.clone())["logits"], double(wanted), share=1e-05)


@pytest.mark.parametrize("python_based", [False, True])
def test_convert_of_a_module_itself(python_based):
    theirs = GRUModule(
        INPUTS, UNITS, 2, python_based=python_based, in_key="observation", out_key="x", default_recurrent_mode=True
    )
    ours = convert(theirs)
    assert ours.layer.weight_ih_l1 is theirs.gru.weight_ih_l1
    data = rollouts("gru", 3, 8, layers=2, begins=[(1, 3)])
    assert_agree(ours(data.clone())["x"], double(theirs(data.clone())["x"]), share=1e-05)


def test_gae_takes_its_values():
    """TorchRL's estimator runs the value network over a rollout and over what follows each step, by vmap if it may."""
    theirs, ours = pair("gru")
    advantages = []
    head = torch.nn.Linear(UNITS, 1)
    data = rollouts("gru", 4, 20, begins=WITHIN)
    data["next"] = data.clone()
    for key in ("reward", "done", "terminated"):
        data["next", key] = torch.rand(4, 20, 1) if key == "reward" else torch.zeros(4, 20, 1, dtype=torch.bool)
    for module in (theirs, ours):
        value = TensorDictSequential(module, TensorDictModule(head, in_keys=["features"], out_keys=["state_value"]))
        estimator = GAE(gamma=0.9, lmbda=0.9, value_network=value, deactivate_vmap=True)
        advantages.append(estimator(data.clone())["advantage"])
    assert_agree(advantages[1], double(advantages[0]), share=1e-05)
    by_vmap = GAE(gamma=0.9, lmbda=0.9, value_network=value)  # TorchRL's modules fail in it
    assert_agree(by_vmap(data.clone())["advantage"], double(advantages[0]), share=1e-05)


@pytest.mark.slow
def test_a_compiled_program_has_the_same_numbers():
    _, module = pair("gru")
    data = rollouts("gru", 4, 20, begins=WITHIN)
    compiled = torch.compile(module, backend="aot_eager")
    with set_recurrent_mode(True):
        assert_agree(compiled(data.clone())["features"], double(module(data.clone())["features"]), share=1e-5)


def test_canonical_keys_are_what_torchrl_asks_for():
    theirs, ours = pair("lstm")
    assert ours.canonical_keys == theirs.canonical_keys
    data = rollouts("lstm", 4, 20).transpose(0, 1)
    assert canonicalize_rnn_subset(data, [ours])["observation"].is_contiguous()


def test_keys_of_ones_own_and_the_call_by_names():
    layer = cellwright.LSTM(INPUTS, UNITS, batch_first=True)
    module = RecurrentModule(
        layer, in_keys=["x", ("deep", "h"), "c", "is_init"], out_keys=["y", ("next", "deep", "h"), ("next", "c")]
    )
    data = TensorDict({"x": torch.randn(3, INPUTS), "is_init": torch.ones(3, 1, dtype=torch.bool)}, [3])
    assert module(data)["next", "deep", "h"].shape == (3, 1, UNITS)
    y, *_ = module(x=data["x"], is_init=data["is_init"], c=torch.zeros(3, 1, UNITS), deep_h=torch.zeros(3, 1, UNITS))
    assert_agree(y, double(data["y"]), share=1e-5)
    assert ("deep", "h") in module.make_tensordict_primer().primers.keys(True, True)


def module_of(cell="lstm", **options):
    layer = cellwright.Recurrent(cell, INPUTS, UNITS, batch_first=True)
    return RecurrentModule(layer, **{"in_key": "x", "out_key": "y", **options})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RecurrentModule(torch.nn.LSTM(2, 3), in_key="x", out_key="y"), "layer is LSTM; expected"),
        (
            lambda: RecurrentModule(cellwright.LSTM(2, 3), in_key="x", out_key="y"),
            "batch_first=False, state_batch_first=False; expected batch_first=True",
        ),
        (lambda: module_of("ea-lstm"), "the cell ea-lstm reads entity"),
        (lambda: module_of(in_keys=["x", "h", "c"]), r"in_key is 'x' and in_keys is \['x', 'h', 'c'\]; expected one"),
        (lambda: module_of(out_key=None), "out_key is None and out_keys is None; expected one"),
        (lambda: module_of(in_key=None, in_keys=["x", "h"]), r"in_keys is \['x', 'h'\]; expected 3: of the input"),
        (lambda: module_of("gru", out_key=None, out_keys=["y"]), r"out_keys is \['y'\]; expected 2: of the output"),
        (
            lambda: module_of("gru", out_key=None, out_keys=["y", "h"]).make_tensordict_primer(),
            r"the new state of 'recurrent_state' has the key 'h'; expected \('next', 'recurrent_state'\)",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(make, says):
    with pytest.raises((TypeError, ValueError), match=f"^RecurrentModule: .*{says}"):
        make()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.pop("is_init"), "the tensordict has no 'is_init'; expected it of InitTracker"),
        (
            lambda data: data.set("is_init", torch.zeros(4, 20, 2, dtype=torch.bool)),
            r"'is_init' has shape \(4, 20, 2\); expected \(4, 20, 1\) or \(4, 20\)",
        ),
        (lambda data: data.pop("recurrent_state_c"), "lacks 'recurrent_state_c'; expected all of"),
    ],
)
def test_a_tensordict_that_cannot_be_run_is_refused(change, says):
    module = RecurrentModule(cellwright.LSTM(INPUTS, UNITS, batch_first=True), in_key="observation", out_key="y")
    data = rollouts("lstm", 4, 20)
    change(data)
    with set_recurrent_mode(True), pytest.raises(ValueError, match=f"^RecurrentModule: .*{says}"):
        module(data)


def test_a_tensordict_without_time_is_refused():
    with set_recurrent_mode(True), pytest.raises(ValueError, match="no batch dimension; expected time"):
        module_of()(TensorDict({"x": torch.randn(INPUTS), "is_init": torch.zeros(1, dtype=torch.bool)}, []))
