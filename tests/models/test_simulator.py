"""Simulations against torch.nn and against the cell by itself, and what they read."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import softplus

from agreement import assert_agree, double
from cellwright.cells import CELLS
from cellwright.data.series import Roles
from cellwright.models.process_model import RANGES, ProcessModel
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.simulator import Simulator
from cellwright.nn import Recurrent


def simulator(masked: bool = False) -> Simulator:
    config = SeriesModelConfig(
        objective="simulate",
        channels=4,
        masked=masked,
        hidden_size=5,
        dropout=0.0,
        quantiles=(0.1, 0.5, 0.9),
        roles=Roles(past=1, static=1, simulated=True),
    )
    return Simulator(config).eval()


@pytest.mark.parametrize("cell", ["gr4j", "hbv"])
@pytest.mark.parametrize("static", [0, 2])
def test_a_process_model_is_its_cell_with_parameters_in_their_ranges(cell, static):
    torch.manual_seed(0)
    inputs, (low, high) = len(CELLS[cell].inputs), zip(*RANGES[cell].values(), strict=True)
    config = SeriesModelConfig(
        objective="simulate", cell=cell, channels=1 + inputs + static, masked=False, hidden_size=3, quantiles=(0.5,),
        units=(2.0,), ranges=RANGES[cell], roles=Roles(past=inputs, static=static, simulated=True),
    )  # fmt: skip
    model = ProcessModel(config)
    nn.init.uniform_(model.free, -2, 2)
    values, lengths = torch.rand(2, 40, 1 + inputs + static) * 9, torch.tensor([40, 25])
    found = double(model)(double(values), torch.ones_like(values), lengths)
    parameters = {}
    for k, name in enumerate(RANGES[cell]):
        free = double(model.free)[k].expand(2)
        if static:
            seen = double(values)[:, 0, -static:]
            first, _, last = double(model.regional)
            free = free + (first(seen).tanh() @ last.weight[k] + last.bias[k])
        place = torch.sigmoid(free)
        if low[k] > 0 and high[k] >= 10 * low[k]:
            parameters[name] = torch.exp(math.log(low[k]) + (math.log(high[k]) - math.log(low[k])) * place)
        else:
            parameters[name] = low[k] + (high[k] - low[k]) * place
    assert_agree(double(model).parameters_of(double(values)), parameters, 1e-7)  # ranges are float32
    layer = Recurrent(cell, inputs, 1, batch_first=True)
    given = {name: double(values)[:, :, 1 + k] for k, name in enumerate(CELLS[cell].inputs)}
    output, _ = layer(given, lengths=lengths, parameters=double(model).parameters_of(double(values)))
    assert_agree(found[..., 0], output / 2)


@pytest.mark.parametrize("masked", [False, True])
def test_the_entity_aware_lstm_reads_static_covariates_in_its_input_gate(masked):
    torch.manual_seed(0)
    roles = Roles(past=2, static=2, simulated=True)
    small = {"objective": "simulate", "channels": 5, "hidden_size": 4, "dropout": 0.0, "quantiles": (0.5,)}
    model = Simulator(SeriesModelConfig(**small, cell="ea-lstm", masked=masked, roles=roles)).eval()
    layer = Recurrent("ea-lstm", 4 if masked else 2, 4, batch_first=True)
    layer.load_state_dict(model.recurrent.state_dict())
    values, known, lengths = torch.randn(2, 6, 5), torch.rand(2, 6, 5).round(), torch.tensor([6, 3])
    found = model(values, known, lengths)
    model, layer, values, known = double([model, layer, values, known])
    parts = [values, known] if masked else [values]
    entity = model.parameters_given.layers["entity"](torch.cat([part[:, 0, 3:] for part in parts], -1))
    read = torch.cat([part[..., 1:3] for part in parts], -1)
    output, _ = layer(read, lengths=lengths, parameters={"entity": entity})
    assert_agree(found[..., 0], model.dense(output))


def test_against_torch():
    torch.manual_seed(0)
    model = simulator(masked=True)
    twin = nn.LSTM(4, 5, batch_first=True)
    twin.load_state_dict(model.recurrent.state_dict())
    values, known = torch.randn(2, 6, 4), torch.rand(2, 6, 4).round()
    found = model(values, known, torch.tensor([6, 2]))
    model, twin, values, known = double([model, twin, values, known])
    for row, length in enumerate((6, 2)):
        output, _ = twin(torch.cat([values[..., 2:], known[..., 2:]], -1)[row : row + 1, :length])
        dense = model.dense(output[0]).view(length, 2, 3)
        assert_agree(found[row, :length], torch.cat([dense[..., :1], softplus(dense[..., 1:])], -1).cumsum(-1))


@given(length=st.integers(1, 6), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_step_follows_from_the_inputs_up_to_it_alone(length, seed, data):
    torch.manual_seed(seed)
    model, step = simulator(), data.draw(st.integers(0, length - 1))
    values, known, lengths = torch.randn(1, length, 4), torch.ones(1, length, 4), torch.tensor([length])
    later, targets, now = values.clone(), values.clone(), values.clone()
    later[:, step + 1 :] += 1
    targets[..., :2] += 1
    now[:, step, 2] += 1
    same = model(values, known, lengths)
    assert torch.equal(model(later, known, lengths)[:, step], same[:, step])
    assert torch.equal(model(targets, known, lengths), same)
    assert not torch.equal(model(now, known, lengths)[:, step], same[:, step])
