"""What programs of torch.compile are told of our functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


def constant_in_programs(function: _Function) -> _Function:
    """Decorate a function of which a traced program has the result alone, found when it is traced.

    All that torch.compiler.assume_constant_result does, but for importing torch._dynamo, which takes longer than torch.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
