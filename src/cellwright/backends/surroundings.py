"""What is around a call and wants to see operations that torch knows: a trace, a dispatch mode, torch.func."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad

PLAIN = frozenset((Tensor, torch.nn.Parameter))  # the types of tensors that hide nothing: a subclass may have no memory
NO_MEMORY = "kernels read memory, and the tensors are of a subclass or a torch dispatch mode is on"

# Found once: the shortest calls take as long as a hundred such look-ups.
_tracing, _modes = torch._C._get_tracing_state, torch._C._len_torch_dispatch_stack
_functorch = torch._C._are_functorch_transforms_active


def disturbed() -> str | None:
    """Why what is around the call wants to see operations that torch knows, or None."""
    if torch.compiler.is_compiling():
        return "the call is being traced by torch.compile or torch.export"
    if _tracing() is not None:
        return "the call is being traced by torch.jit"
    if _modes():
        return NO_MEMORY
    return transformed() if _functorch() or forward_ad._current_level >= 0 else None


def transformed() -> str | None:
    """Why only operations that torch can transform one by one will do, or None."""
    if _functorch():
        return "kernels do not know torch.func's transformations"
    if forward_ad._current_level >= 0:
        return "kernels have no forward-mode derivative, and the call is within a dual_level"
    return None
