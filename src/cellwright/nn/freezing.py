"""Layers whose weights stay as they are: packed once for inference, by the first call that kernels compute.

Packing reads all weights and writes as many, at every call; of one short sequence that is as long as the steps.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from cellwright.backends.call import Packed


class Frozen:
    """The parameters of a frozen layer as they were, and of each of its layers what kernels packed of them.

    It goes with no copy of the layer and into no file: a copy has to be frozen itself.
    """

    def __init__(self, parameters: list[Tensor], layers: int) -> None:
        self._parameters = [(p, p._version, p.data_ptr()) for p in parameters]
        self.packed: list[Packed] = [{} for _ in range(layers)]

    def changed(self, parameters: list[Tensor]) -> bool:
        """Whether the parameters are others, or have other numbers."""
        now = [(p, p._version, p.data_ptr()) for p in parameters]
        return any(p is not then or rest != was for (p, *rest), (then, *was) in zip(now, self._parameters, strict=True))


class Freezes(nn.Module):
    """A module that can be frozen; `Recurrent` says of which parameters and how many layers."""

    num_layers: int
    _flat: list[str]
    _frozen: Frozen | None = None

    @property
    def frozen(self) -> bool:
        """Whether its weights are packed once; see `freeze`."""
        return self._frozen is not None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_frozen"}

    def freeze(self) -> Self:
        """Pack the weights once, for inference: the same numbers, sooner where the call is small and the layer large.

        Until `unfreeze` a call that would want a gradient is refused, and so is one after the weights have changed. A
        program of torch.compile packs at each of its calls, as layers that are not frozen do. (A change that autograd
        does not count, one in place through `.data`, is not noticed.)

        Returns:
            The layer.

        Raises:
            ValueError: A weight is no parameter of its own but computed, as by a parametrisation.

        Examples:
            >>> import cellwright
            >>> layer = cellwright.LSTM(8, 16).eval().freeze()
            >>> with torch.inference_mode():
            ...     output, (h, c) = layer(torch.randn(5, 1, 8))

        """
        computed = [name for name in self._flat if self._parameters.get(name) is None]
        if computed:
            raise ValueError(
                f"{type(self).__name__}.freeze: {computed[0]} is computed at each call, and may change; expected "
                "parameters: remove the parametrisation first (torch.nn.utils.parametrize.remove_parametrizations)"
            )
        self._frozen = Frozen(self._now(), self.num_layers)
        return self

    def unfreeze(self) -> Self:
        """Read the weights at every call again.

        Returns:
            The layer.

        """
        self._frozen = None
        return self

    def _now(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat]

    def check_frozen(self, *inputs: Tensor) -> None:
        """Raise RuntimeError where the layer, which is frozen, cannot answer a call with these, on any backend."""
        if torch.compiler.is_compiling():
            return
        self.packed()
        if torch.is_grad_enabled() and any(t.requires_grad for t in (*inputs, *self._now())):
            raise RuntimeError(
                f"{type(self).__name__}: the layer is frozen, and this call would want a gradient; call it within "
                "torch.inference_mode() or torch.no_grad(), or unfreeze() it"
            )

    def packed(self) -> list[Packed] | list[None]:
        """Of each layer what kernels have packed; None where they pack at every call.

        Raises RuntimeError where the weights are no longer what was packed.
        """
        if self._frozen is None or torch.compiler.is_compiling():
            return [None] * self.num_layers
        if self._frozen.changed(self._now()):
            raise RuntimeError(
                f"{type(self).__name__}: the weights have changed since freeze(); call freeze() again, or unfreeze()"
            )
        return self._frozen.packed


def freeze(model: nn.Module) -> list[str]:
    """Freeze every layer of a model, as `freeze` of each does.

    Args:
        model: A layer, or a model that has some in it.

    Returns:
        The names of the layers, as `named_modules` gives them.

    Raises:
        ValueError: There is no layer that can be frozen, or a weight of one is computed.

    Examples:
        >>> import cellwright
        >>> freeze(nn.Sequential(cellwright.LSTM(8, 16), nn.Tanh()))
        ['0']

    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, Freezes)}
    if not layers:
        raise ValueError(f"freeze: {type(model).__name__} has no recurrent layer of cellwright's in it")
    for layer in layers.values():
        layer.freeze()
    return list(layers)
