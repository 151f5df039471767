"""Whether two results agree: the largest difference, as a share of the largest number of the tensor.

Two libraries round alike in no single element, and which one is off by a bit differs by processor. So nothing is
compared element by element: what was computed in float32 is held against the same in float64, by one number a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Of one layer or model on numbers of a test's size; measured, the worst of the suite is 3e-6 and 4e-15.
SHARE = {torch.float32: 1e-5, torch.float64: 1e-12}


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

    Without a share, by what the type of `found` allows. What is wanted may be of a higher precision.
    """
    if isinstance(wanted, Mapping):
        assert found.keys() == wanted.keys(), name
        pairs = [(f"{name}[{key!r}]", found[key], wanted[key]) for key in wanted]
    elif isinstance(wanted, list | tuple) and any(not isinstance(each, float | int) for each in wanted):
        assert len(found) == len(wanted), f"{name}: {len(found)} values; expected {len(wanted)}"
        pairs = [(f"{name}[{k}]", a, b) for k, (a, b) in enumerate(zip(found, wanted, strict=True))]
    else:
        found, wanted = _tensor(found), _tensor(wanted)
        bound = SHARE[found.dtype] if share is None else share
        value = error(found, wanted)
        assert value <= bound, f"{name or 'the result'} differs by {value:.2g} of its largest number; at most {bound:g}"
        return
    for each, a, b in pairs:
        assert_agree(a, b, share, each)


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.as_tensor(value if isinstance(value, np.ndarray) else np.asarray(value, float))
