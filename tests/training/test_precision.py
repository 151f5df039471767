"""How a run multiplies while it trains, and what it says of that."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from cellwright.backends.precision import decide, use_matmul_precision
from cellwright.errors import InputError
from cellwright.files import read_json
from cellwright.tasks.classify import ClassifyConfig
from cellwright.training import fit
from cellwright.training.precision import multiplying
from passes import listened

Options = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def torch_as_it_was():
    yield
    torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize(
    ("precision", "kernels", "switch"),
    [
        ("highest", "float32", "highest"),
        ("high", "bf16x3", "high"),
        ("medium", "bf16", "medium"),
        ("bf16-mixed", "bf16", "medium"),
    ],
)
def test_the_words_for_the_time_of_training(precision, kernels, switch):
    """Of a process that had asked for `medium` itself."""
    torch.set_float32_matmul_precision("medium")
    with multiplying(precision):
        assert decide(None, torch.float32).arithmetic == kernels
        assert torch.get_float32_matmul_precision() == switch
    assert torch.get_float32_matmul_precision() == "medium"
    assert decide(None, torch.float32).asked == "torch's switch for float32 products says 'medium'"


def test_a_run_holds_within_another_word():
    """Autocast says less than the block around it."""
    with use_matmul_precision("highest"), multiplying("bf16-mixed"):
        assert decide(None, torch.float32).arithmetic == "bf16"


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="this torch has the older switch only")
def test_torchs_newer_switches_are_left_as_they_are():
    """torch raises where the older one is asked then."""
    torch.backends.fp32_precision = "tf32"
    try:
        with multiplying("medium"):
            assert decide(None, torch.float32).arithmetic == "bf16"
        assert torch.backends.fp32_precision == "tf32"
    finally:
        torch.backends.fp32_precision = "none"


def test_the_switch_is_put_back_where_training_fails():
    with pytest.raises(KeyError), multiplying("high"):
        raise KeyError
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_run_multiplies_as_it_was_told_and_goes_on_so(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = listened(monkeypatch)
    given = options(max_epochs=1, checkpoint_seconds=60, precision="bf16-mixed")
    result = fit(ClassifyConfig(**given), progress=False)
    assert set(seen) == {("forward", "bf16"), ("backward", "bf16")}
    assert read_json(result.out / "config.json")["options"]["precision"] == "bf16-mixed"
    with pytest.raises(InputError, match="was started with --precision 'bf16-mixed', and 'high' is given now"):
        fit(ClassifyConfig(**given | {"max_epochs": 2, "resume": True, "precision": "high"}), progress=False)
    seen.clear()
    del given["precision"]
    assert fit(ClassifyConfig(**given | {"max_epochs": 2, "resume": True}), progress=False).epochs == 2
    assert set(seen) == {("forward", "bf16"), ("backward", "bf16")}
