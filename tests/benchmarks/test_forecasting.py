"""The code of the page on forecasting libraries is what the benchmark runs."""

import pytest
import torch

import cellwright
import forecasting
from agreement import assert_agree, double
from rivals.missing import missing


@pytest.mark.parametrize("section", forecasting.LIBRARIES)
def test_each_section_defines_a_model(section):
    code = forecasting.code(section)
    assert "class MGU(" in code
    compile(code, section, "exec")


@pytest.mark.parametrize("section", forecasting.LIBRARIES)
def test_a_model_of_another_cell_is_trained(section, monkeypatch, tmp_path):
    if obstacle := missing(section.lower()):
        pytest.skip(obstacle)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    exec(forecasting.code(section), names)
    losses, ahead = forecasting.LIBRARIES[section](names["MGU"])
    assert len(losses) > 0
    assert ahead.size > 0


def test_the_state_that_gluonts_repeats_is_a_tuple_of_the_layers_own():
    begin = "class Layer(cellwright.Recurrent):"
    body = begin + forecasting.code("GluonTS").partition(begin)[2].partition("\n\n\nclass")[0]
    names = {"cellwright": cellwright}
    exec(body, names)
    for cell in ("mgu", "lstm"):
        torch.manual_seed(0)
        layer, x = names["Layer"](cell, 3, 5, batch_first=True), torch.randn(2, 7, 3)
        output, state = layer(x[:, :4])
        assert isinstance(state, tuple)
        assert all(one.shape == (1, 2, 5) for one in state)
        rest, _ = layer(x[:, 4:], tuple(one.repeat_interleave(1, dim=1) for one in state))
        assert_agree(torch.cat([output, rest], 1), double(layer)(x.double())[0])
