"""A checkpoint comes back as it was, through text and numbers alone."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellwright.errors import InputError
from cellwright.training.checkpoint_io import SafetensorsIO, pack, unpack

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.integers()
STATES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=20,
)


@given(STATES)
def test_plain_data_comes_back(state: Any) -> None:
    back = unpack(json.loads(json.dumps(pack(state, {}, ""))), {})
    assert back == state
    assert repr(back) == repr(state)  # 1 and True and 1.0 are equal, and are not the same


def test_optimizer_and_its_numbers_come_back(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.randn(3, 2))
    optimizer = torch.optim.AdamW([weight], lr=0.1, betas=(0.9, 0.99))
    (weight**2).sum().backward()
    optimizer.step()
    state = {"optimizer": optimizer.state_dict(), "loss": 0.1 + 0.2, "worst": math.inf, "weight": weight}
    path = tmp_path / "last.safetensors"
    SafetensorsIO().save_checkpoint(state, path)
    back = SafetensorsIO().load_checkpoint(path)
    assert back["loss"] == 0.1 + 0.2
    assert back["worst"] == math.inf
    assert torch.equal(back["weight"], weight)
    assert back["optimizer"]["param_groups"] == optimizer.state_dict()["param_groups"]
    for name, value in optimizer.state_dict()["state"][0].items():
        assert torch.equal(back["optimizer"]["state"][0][name], value)


def test_a_checkpoint_of_before_loads_by_the_names_of_today(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    SafetensorsIO().save_checkpoint({"journal": {"seconds": 3.5}, "epoch": 2}, path)
    assert SafetensorsIO().load_checkpoint(path) == {"history": {"seconds": 3.5}, "epoch": 2}


def test_an_object_is_refused_by_its_place() -> None:
    with pytest.raises(TypeError, match=r"checkpoint\.callbacks\.0 is a PosixPath"):
        pack({"callbacks": [Path("x")]}, {}, "")


@pytest.mark.parametrize("keep", [0, 5, -1])
def test_cut_short(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "last.safetensors"
    SafetensorsIO().save_checkpoint({"weight": torch.ones(3)}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"last\.safetensors: not a whole checkpoint .*--overwrite"):
        SafetensorsIO().load_checkpoint(path)
