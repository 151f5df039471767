"""The policies of RecurrentPPO against sb3-contrib's own: one set of weights, episodes that begin within rollouts."""

import inspect
from functools import partial

import numpy as np
import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.cells.language import State, sigmoid, tanh

pytest.importorskip("sb3_contrib")

from gymnasium import spaces
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from sb3_contrib.ppo_recurrent import CnnLstmPolicy, MlpLstmPolicy, MultiInputLstmPolicy

from cellwright.integrations.sb3 import CnnRecurrentPolicy, MlpRecurrentPolicy, MultiInputRecurrentPolicy

UNITS, LAYERS, ROLLOUTS, STEPS = 12, 2, 3, 10
VECTOR = spaces.Box(-1, 1, (4,))
PIXELS = spaces.Box(0, 255, (3, 36, 36), np.uint8)
SEVERAL = spaces.Dict({"pixels": PIXELS, "vector": VECTOR})
POLICIES = {
    "vector": (MlpLstmPolicy, MlpRecurrentPolicy, VECTOR),
    "pixels": (CnnLstmPolicy, CnnRecurrentPolicy, PIXELS),
    "several": (MultiInputLstmPolicy, MultiInputRecurrentPolicy, SEVERAL),
}
CRITICS = {
    "its own": {},
    "shared": {"shared_lstm": True, "enable_critic_lstm": False},
    "none": {"enable_critic_lstm": False},
}


def made(policy, observations=VECTOR, actions=None, **options):
    """A policy, its weights drawn from one seed; recurrent weights large enough that states count."""
    torch.manual_seed(0)
    actions = spaces.Discrete(3) if actions is None else actions
    return policy(observations, actions, lambda _: 1e-3, lstm_hidden_size=UNITS, n_lstm_layers=LAYERS, **options)


def observed(space, rows):
    if isinstance(space, spaces.Dict):
        return {name: observed(each, rows) for name, each in space.items()}
    draw = np.random.default_rng(0)
    if space.dtype == np.uint8:
        return torch.from_numpy(draw.integers(0, 256, (rows, *space.shape), dtype=np.uint8))
    return torch.from_numpy(draw.normal(size=(rows, *space.shape)).astype(np.float32))


def in_float64(model):
    """The same policy in float64: sb3 makes all observations float32, which here is undone."""
    model = double(model)
    for extractor in {model.features_extractor, model.pi_features_extractor, model.vf_features_extractor}:
        extractor.register_forward_pre_hook(lambda _, given: double(given))
    return model


def states(dtype=torch.float32):
    torch.manual_seed(1)
    return RNNStates(*(tuple(torch.randn(LAYERS, ROLLOUTS, UNITS).to(dtype) for _ in range(2)) for _ in range(2)))


def beginnings(*places):
    starts = torch.zeros(ROLLOUTS, STEPS)
    for place in places:
        starts[place] = 1.0
    return starts.flatten()


WITHIN = beginnings((0, 0), (0, 4), (1, 9), (2, 1), (2, 2))


@pytest.mark.parametrize("starts", [beginnings(), beginnings((1, 0)), WITHIN], ids=["none", "first", "within"])
@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("kind", POLICIES)
def test_values_log_probs_entropy_and_gradients_are_the_originals(kind, critic, starts):
    """Gradients in float64: in float32 a unit of the image layers falls on the other side of its relu now and then."""
    original, own, space = POLICIES[kind]
    results = []
    for model in (
        in_float64(made(original, space, **CRITICS[critic])),
        in_float64(made(own, space, **CRITICS[critic])),
    ):
        numbers = evaluated(model, space, starts)
        sum(each.square().sum() for each in numbers).backward()
        results.append([*numbers, *(torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters())])
    wanted, found = results
    assert_agree(found, wanted)
    with torch.no_grad():
        single = evaluated(made(own, space, **CRITICS[critic]), space, starts)
    assert_agree(single, wanted[: len(single)], SINGLE)


def evaluated(model, space, starts):
    """Values, log probabilities and entropy of a rollout."""
    rows = ROLLOUTS * STEPS
    before = states(next(model.parameters()).dtype)
    return [*model.evaluate_actions(observed(space, rows), torch.arange(rows) % 3, before, starts)]


@pytest.mark.parametrize("critic", CRITICS)
def test_a_step_of_collection_is_the_originals(critic):
    """Action, value, log probability and all states of a step; then its distribution and value by themselves."""
    starts = torch.tensor([1.0, 0.0, 1.0])
    given, results = observed(VECTOR, ROLLOUTS), []
    original, own = (
        made(policy, actions=spaces.Box(-1, 1, (2,)), **CRITICS[critic])
        for policy in (MlpLstmPolicy, MlpRecurrentPolicy)
    )
    for model in (in_float64(original), own):
        before = states(next(model.parameters()).dtype)
        with torch.no_grad():
            actions, values, log_probs, after = model(given, before, starts, deterministic=True)
            distribution, _ = model.get_distribution(given, before.pi, starts)
            apart = model.predict_values(given, before.vf, starts)
        results.append([actions, values, log_probs, *after.pi, *after.vf, distribution.mode(), apart])
    wanted, found = results
    assert_agree(found, wanted, SINGLE)


def test_predict_carries_the_state_as_the_original():
    original, own = made(MlpLstmPolicy), made(MlpRecurrentPolicy)
    state = wanted_state = None
    for step in range(6):
        seen = observed(VECTOR, step + 1)[-1].numpy()
        begins = np.array([step in (0, 3)])
        wanted, wanted_state = original.predict(seen, wanted_state, begins, deterministic=True)
        action, state = own.predict(seen, state, begins, deterministic=True)
        assert action == wanted
        assert_agree(list(state), [each.astype("float64") for each in wanted_state], share=1e-5)


def test_the_same_seed_gives_the_same_weights_draws_and_state_dict():
    original = made(MlpLstmPolicy, lstm_kwargs={"bias": False})
    drawn = torch.rand(1)
    own = made(MlpRecurrentPolicy, lstm_kwargs={"bias": False})
    assert torch.equal(torch.rand(1), drawn)
    assert list(own.state_dict()) == list(original.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), original.parameters(), strict=True))
    assert [*own.optimizer.param_groups[0]["params"]] == [*own.parameters()]
    original.load_state_dict(own.state_dict())


def trained(policy, steps=256, **policy_kwargs):
    model = RecurrentPPO(
        policy,
        "CartPole-v1",
        n_steps=64,
        batch_size=64,
        n_epochs=2,
        seed=0,
        device="cpu",
        policy_kwargs={"lstm_hidden_size": UNITS, **policy_kwargs},
    )
    return model.learn(steps)


def test_training_from_one_seed_goes_the_originals_way():
    wanted, found = (trained(policy).policy.state_dict() for policy in (MlpLstmPolicy, MlpRecurrentPolicy))
    first = trained(MlpRecurrentPolicy, 64).policy.state_dict()
    for name, weights in wanted.items():
        assert_agree(found[name], double(weights), share=0.0001)
    assert any(not torch.equal(found[name], first[name]) for name in first)


@cellwright.cell(projections="z n", gates="z", state="h")
def leaky(x, u, s):
    """One gate, nothing reset."""
    z = sigmoid(x.z + u.z)
    return State(h=z * s.h + (1 - z) * tanh(x.n + u.n))


@pytest.mark.parametrize("cell", ["gru", "mgu", "peephole", "sru", leaky], ids=str)
def test_any_cell_says_of_a_rollout_what_it_says_step_by_step(cell):
    model = made(MlpRecurrentPolicy, cell=cell)
    for parameter in model.lstm_actor.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    given, starts = observed(VECTOR, ROLLOUTS * STEPS), WITHIN
    actions = torch.zeros(ROLLOUTS * STEPS)
    with torch.no_grad():
        values, log_probs, _ = model.evaluate_actions(given, actions, states(), starts)
        carried, by_step = states(), []
        apart = given.reshape(ROLLOUTS, STEPS, -1)
        for t in range(STEPS):
            here = starts.reshape(ROLLOUTS, STEPS)[:, t]
            value, log_prob, _ = model.evaluate_actions(apart[:, t], torch.zeros(ROLLOUTS), carried, here)
            *_, carried = model(apart[:, t], carried, here)
            by_step.append((value.flatten(), log_prob))
    assert_agree(values.reshape(ROLLOUTS, STEPS), double(torch.stack([v for v, _ in by_step], 1)), share=1e-5)
    assert_agree(log_probs.reshape(ROLLOUTS, STEPS), double(torch.stack([p for _, p in by_step], 1)), share=1e-5)


def test_an_episode_begins_from_a_learned_state_that_training_moves():
    model = made(MlpRecurrentPolicy, cell="gru", lstm_kwargs={"learn_initial_state": True})
    values, _, _ = model.evaluate_actions(
        observed(VECTOR, ROLLOUTS * STEPS), torch.zeros(ROLLOUTS * STEPS), states(), WITHIN
    )
    values.sum().backward()
    assert model.lstm_critic.initial_h.grad.abs().min() > 0
    assert any(each is model.lstm_critic.initial_h for each in model.optimizer.param_groups[0]["params"])


def test_a_trained_model_is_saved_and_loaded_with_its_cell(tmp_path):
    model = trained(MlpRecurrentPolicy, 64, cell="mgu")
    model.save(tmp_path / "model.zip")
    again = RecurrentPPO.load(tmp_path / "model.zip", device="cpu")
    seen = observed(VECTOR, 1).numpy()
    assert again.policy.lstm_actor.cell is cellwright.CELLS["mgu"]
    assert np.array_equal(again.predict(seen, deterministic=True)[1], model.predict(seen, deterministic=True)[1])

    model.policy.save(tmp_path / "policy.pt")
    policy = MlpRecurrentPolicy.load(tmp_path / "policy.pt", device="cpu")
    assert policy.lstm_hidden_state_shape == (1, 1, UNITS)
    assert np.array_equal(policy.predict(seen, deterministic=True)[1], model.predict(seen, deterministic=True)[1])


def test_arguments_and_defaults_are_the_originals():
    """They are written out here, and would stay behind if sb3-contrib changed them."""
    wanted = [*inspect.signature(MlpLstmPolicy).parameters.values()]
    found = [*inspect.signature(MlpRecurrentPolicy).parameters.values()]
    assert found[-1].name == "cell"
    assert [each.name for each in found[:-1]] == [each.name for each in wanted]
    differ = {a.name for a, b in zip(found, wanted, strict=False) if a.default != b.default}
    assert differ == {"features_extractor_class"}
    for original, own, _ in POLICIES.values():
        assert inspect.signature(original).parameters["features_extractor_class"].default is own.own_extractor


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"cell": "slstm"},
            "the cell slstm has 4 states, and RecurrentPPO carries 2 a layer; expected a cell with fewer",
        ),
        ({"cell": "ea-lstm"}, "the cell ea-lstm reads entity with each call"),
        ({"lstm_kwargs": {"bidirectional": True}}, "lstm_kwargs has bidirectional, which the policy decides"),
    ],
)
def test_what_cannot_be_made_is_refused(options, says):
    with pytest.raises(ValueError, match=f"^MlpRecurrentPolicy: {says}"):
        made(MlpRecurrentPolicy, **options)


def test_an_unknown_cell_is_refused_in_one_sentence():
    with pytest.raises(cellwright.InputError, match="lsm"):
        made(partial(MlpRecurrentPolicy, cell="lsm"))
