"""torch.fx: a layer is one node of a symbolic trace, as torch.nn's layers are.

torch.fx takes a module for one node where its class is of torch.nn, and goes into the call of any other. So it is the
call that writes the node down, for whatever tracer there is.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.fx import Proxy


def applies(input: object) -> bool:
    """Whether a layer is called while torch.fx traces: its input is a symbol."""
    return isinstance(input, Proxy)


def node(module: nn.Module, *given: Any, **options: Any) -> Any:
    """What stands for the result of `module(*given, **options)`; the first that is given is a symbol.

    Raises TypeError where the module is all that is traced, so that it is a node of nothing.
    """
    tracer = given[0].tracer
    path = tracer.path_of_module(module)
    if not path:
        raise TypeError(
            f"{type(module).__name__}: torch.fx is to trace this layer alone, which is one node; expected a module "
            "that holds it: torch.fx.symbolic_trace(torch.nn.Sequential(layer))"
        )
    return tracer.create_proxy("call_module", path, given, options)
