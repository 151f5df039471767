"""What tools that take torch.nn's layers by their type meet in ours: a warning, or a refusal with the way.

torch.ao.quantization hangs a `qconfig` on every module of the model that it is given, and then exchanges those whose
class it knows. Ours it would pass by without a word. torch.jit.script reads their source.
"""

from __future__ import annotations

import warnings
from typing import Any, NoReturn

from torch import nn


class LeftInFloat(nn.Module):
    """A module that says so where it is to be quantised and is not."""

    @property
    def qconfig(self) -> Any:
        """What torch.ao.quantization has hung on it."""
        if "_qconfig" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no qconfig")
        return self.__dict__["_qconfig"]

    @qconfig.setter
    def qconfig(self, given: Any) -> None:
        who = type(self).__name__
        warnings.warn(
            f"{who}: torch.ao.quantization knows torch.nn's layers by their type, and leaves this one in float; "
            "where it is to be quantised, give it cellwright.to_torch(model)",
            stacklevel=2,
        )
        self.__dict__["_qconfig"] = given

    @qconfig.deleter
    def qconfig(self) -> None:
        self.__dict__.pop("_qconfig", None)

    def __prepare_scriptable__(self) -> NoReturn:
        """What torch.jit.script calls before it reads the source of `forward`, which chooses kernels as it runs."""
        raise NotImplementedError(
            f"{type(self).__name__}: torch.jit.script cannot read it; give it cellwright.to_torch(model), or record "
            "the model with torch.jit.trace"
        )
