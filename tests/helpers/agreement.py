"""Whether two results agree: the largest difference, as a share of the largest number of the tensor.

Two libraries round alike in no single element, and which one is off by a bit differs by processor. So nothing is
compared element by element: what was computed in float32 is held against the same in float64, by one number a tensor.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Of one layer or model on numbers of a test's size; measured, the worst of the suite is 3e-6 and 4e-15.
SINGLE = 1e-5
# Of a layer whose kernels multiply so; measured, the worst are 8e-7, 6e-7, 2e-5 and 7e-3. Where a cell is
# not smooth, as one with relu, a product of bfloat16 that falls on the other side of 0 changes its gradient by more.
PRECISION = {"float32": SINGLE, "bf16x6": 2e-6, "bf16x3": 5e-5, "bf16": 0.02}
# Of one whose results are of bfloat16 too, or that begins with rounded weights: a bit of its 8 is 4e-3.
BFLOAT16 = 0.05
SHARE = {torch.float32: SINGLE, torch.float64: 1e-12}


def double(value: Any) -> Any:
    """The same in float64: a copy of a module, the floating-point tensors of a nested value; others as they are."""
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).double()
    if isinstance(value, Mapping):
        return {name: double(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [*map(double, value)] if isinstance(value, list) else tuple(map(double, value))
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def error(found: Tensor, wanted: Tensor) -> float:
    """The largest difference, relative to the largest number wanted; where all are 0, absolute."""
    assert found.shape == wanted.shape, f"shape {tuple(found.shape)}; expected {tuple(wanted.shape)}"
    wanted = wanted.detach().double()
    assert torch.isfinite(wanted).all()
    if not wanted.numel():
        return 0.0
    difference = (found.detach().double() - wanted).abs().max()
    return float(difference / (wanted.abs().max() or 1.0)) if torch.isfinite(difference) else float("inf")


def errors(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, float]:
    """The error of each value, by name."""
    assert found.keys() == wanted.keys()
    return {name: error(found[name], wanted[name]) for name in wanted}


def assert_agree(found: Any, wanted: Any, share: float | None = None, name: str = "") -> None:
    """Each tensor (array, number) of two equally nested results differs by at most `share` of its largest number.

    Without a share, by what the type of `found` allows; Python's numbers count as float64, so that those made of
    float32 need SINGLE. With a share of 0 both are the same bits, NaN for NaN. Else what is wanted is in float64: of
    two float32 results either may be the one that is off. Numbers side by side in a list or a mapping are one tensor.
    Whole numbers are equal.
    """
    if isinstance(wanted, Mapping):
        assert found.keys() == wanted.keys(), f"{name}: {[*found]}; expected {[*wanted]}"
        found = {key: found[key] for key in wanted}
        if not _numbers(wanted.values()):
            for key in wanted:
                assert_agree(found[key], wanted[key], share, f"{name}[{key!r}]")
            return
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, list | tuple) and not _numbers(wanted):
        assert len(found) == len(wanted), f"{name}: {len(found)} values; expected {len(wanted)}"
        for k, (a, b) in enumerate(zip(found, wanted, strict=True)):
            assert_agree(a, b, share, f"{name}[{k}]")
        return
    _agree(_tensor(found), _tensor(wanted), share, name or "the result")


def _agree(found: Tensor, wanted: Tensor, share: float | None, name: str) -> None:
    if share == 0 or not wanted.is_floating_point():
        torch.testing.assert_close(found, wanted, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"{name}: {m}")
        return
    assert wanted.dtype == torch.float64, f"{name} is held against {wanted.dtype}; compute what is wanted in float64"
    value, bound = error(found, wanted), SHARE[found.dtype] if share is None else share
    assert value <= bound, f"{name} differs by {value:.2g} of its largest number; at most {bound:g}"


def _numbers(values: Any) -> bool:
    return all(isinstance(each, float | int) for each in values)


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.tensor(value if isinstance(value, np.ndarray) else np.asarray(value, float))
