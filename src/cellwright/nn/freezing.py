"""Layers whose weights stay as they are: packed once for inference, by the first call that kernels compute.

Packing reads all weights and writes as many, at every call; of one short sequence that is as long as the steps. Where
they are large, reading them is what a step takes: so they may be packed as int8, a quarter of the bytes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, is_
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from cellwright.backends.call import Packed, differentiates
from cellwright.backends.precision import Decision
from cellwright.cells import Definition

Kept = Literal["int8"]
_version = attrgetter("_version")
_MOST_SHAPES = 16  # of small calls that a layer keeps bound


@dataclass(frozen=True)
class FreezingError:
    """The largest error of a layer's outputs of a sample, as a share of the largest output: of float64 both.

    int8     with the weights that are frozen
    float32  with the weights as they were, for comparison
    """

    int8: float
    float32: float


class Frozen:
    """The parameters of a frozen layer as they were, and of each of its layers what kernels packed of them.

    It goes with no copy of the layer and into no file: a copy has to be frozen itself.
    """

    def __init__(
        self, parameters: list[Tensor], layers: int, weights: Kept | None, error: FreezingError | None
    ) -> None:
        self.weights, self.error = weights, error
        self._parameters, self._state = parameters, _state(parameters)
        self.packed: list[Packed] = [{} for _ in range(layers)]
        # What small calls are bound to (`nn.ready`), by their shapes; of one shape as many as ran at the same time.
        self.ready: dict[Any, list[Any]] = {}

    def changed(self, parameters: Sequence[Tensor | None]) -> bool:
        """Whether the parameters are others, or have other numbers."""
        return not all(map(is_, parameters, self._parameters)) or _state(parameters) != self._state


def _state(parameters: Sequence[Any]) -> tuple[list[int], list[int]]:
    """How often each was written to, and where it lies."""
    return list(map(_version, parameters)), list(map(Tensor.data_ptr, parameters))


class Freezes(nn.Module):
    """A module that can be frozen; `Recurrent` says of which parameters and how many layers."""

    cell: Definition
    num_layers: int
    learn_initial_state: bool
    _flat: list[str]
    _frozen: Frozen | None = None

    @property
    def frozen(self) -> bool:
        """Whether its weights are packed once; see `freeze`."""
        return self._frozen is not None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_frozen"}

    @property
    def frozen_error(self) -> FreezingError | None:
        """What the weights that are frozen as int8 err by on the sample that came with them, if one did."""
        return None if self._frozen is None else self._frozen.error

    def freeze(self, weights: Kept | None = None, *, sample: Any = None) -> Self:
        """Pack the weights once, for inference: the same numbers, sooner where the call is small and the layer large.

        Until `unfreeze` a call that would want a gradient is refused, and so is one after the weights have changed; a
        program of torch.compile packs at each of its calls, and gives gradients, as layers that are not frozen do. (A
        change that autograd does not count, one in place through `.data`, is not noticed.)

        Args:
            weights: "int8" packs whole numbers of 8 bits, with a scale for each row of a matrix: other numbers, whose
                error docs/precision.md gives, and a quarter of the memory to read. States, sums and biases are float32
                as ever, and so are the parameters and the state_dict. Only kernels multiply them, on a CPU. A program
                of torch.compile breaks off at the layer and goes on after it; one that is to be a single graph
                (fullgraph=True, torch.export) and a trace are refused. None packs the weights as they are.
            sample: An input as a call takes it, on which the error of int8 is measured: `frozen_error` has it, and
                `explain` says it.

        Returns:
            The layer.

        Raises:
            ValueError: A weight is no parameter of its own but computed, as by a parametrisation; or cannot be
                quantised; or `weights` is another word; or there is a sample without int8, or one of which the layer's
                outputs are not finite, or none.
            TypeError: The sample is no input alone.

        Examples:
            >>> import cellwright
            >>> layer = cellwright.LSTM(8, 16).eval().freeze()
            >>> with torch.inference_mode():
            ...     output, (h, c) = layer(torch.randn(5, 1, 8))
            >>> layer.freeze(weights="int8", sample=torch.randn(5, 1, 8)).frozen_error.int8 < 0.02
            True

        """
        self._frozen = self._packed_once(weights, sample)
        return self

    def _packed_once(self, weights: Kept | None, sample: Any = None) -> Frozen:
        """What `freeze` makes of the layer, which stays as it is; raises as it does."""
        who = f"{type(self).__name__}.freeze"
        if weights not in (None, "int8"):
            raise ValueError(f"{who}: weights is {weights!r}; expected 'int8', or nothing for weights as they are")
        if sample is not None and weights is None:
            raise ValueError(f"{who}: there is a sample and nothing to measure on it; expected weights='int8' with it")
        computed = [name for name in self._all_names() if self._parameters.get(name) is None]
        if computed:
            raise ValueError(
                f"{who}: {computed[0]} is computed at each call, and may change; expected "
                "parameters: remove the parametrisation first (torch.nn.utils.parametrize.remove_parametrizations)"
            )
        if weights == "int8":
            from cellwright.backends.kernels.int8_panels import check  # loads the compiler

            check(who, {name: getattr(self, name) for name in self._flat})
        error = None if sample is None else _measured(who, self, sample)
        return Frozen(self._now(), self.num_layers, weights, error)

    def unfreeze(self) -> Self:
        """Read the weights at every call again.

        Returns:
            The layer.

        """
        self._frozen = None
        return self

    def _all_names(self) -> list[str]:
        """Of the parameters that are packed, and of the states that are learned: small calls are bound to both."""
        return [*self._flat, *(f"initial_{s}" for s in self.cell.states)] if self.learn_initial_state else self._flat

    def _now(self) -> list[Tensor]:
        # As they lie there, where they can be had so: nn.Module looks for an attribute in three places.
        names = self._all_names()
        found = list(map(self._parameters.get, names))
        return [getattr(self, name) if p is None else p for name, p in zip(names, found, strict=True)]

    def check_frozen(self, *given: Any) -> None:
        """Raise RuntimeError where the layer, which is frozen, cannot answer a call with these, on any backend.

        Args:
            given: All of the call that a gradient may flow into, as the user gave it.

        """
        if self.decided() and (torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None):
            raise RuntimeError(self.no_program())
        if torch.compiler.is_compiling():
            return
        self.packed()
        if differentiates((*_tensors(*given), *self._now())):
            raise RuntimeError(
                f"{type(self).__name__}: the layer is frozen, and this call would want a gradient; call it within "
                "torch.inference_mode() or torch.no_grad(), or unfreeze() it"
            )

    def no_program(self) -> str:
        """What a program says that is to hold a layer whose weights are frozen as int8."""
        return (
            f"{type(self).__name__}: the layer's weights are frozen as int8, which no program of torch.compile or "
            "torch.export and no trace can hold; unfreeze() it first"
        )

    def decided(self) -> Decision | None:
        """How kernels multiply, where the frozen weights say it."""
        if self._frozen is None or self._frozen.weights is None:
            return None
        error = self._frozen.error
        measured = "" if error is None else f", which errs by {error.int8:.1e} of the largest output of its sample"
        return Decision("int8", f"freeze(weights='int8'){measured}")

    def may_run(self, *given: Tensor) -> bool:
        """Whether the weights of a frozen layer are those that were packed, and no gradient would be wanted."""
        # As they lie there: what is computed at each call by now is None here, and so has changed.
        now = list(map(self._parameters.get, self._all_names()))
        if self._frozen is None or self._frozen.changed(now):
            return False
        return not torch.is_grad_enabled() or not differentiates((*given, *self._now()))

    def take_ready(self, key: Any) -> Any:
        """What a small call of a frozen layer is bound to, for this call alone; None where there is nothing."""
        kept = self._frozen.ready.get(key) if self._frozen else None
        try:
            return kept.pop() if kept else None
        except IndexError:  # another thread has just taken it
            return None

    def give_ready(self, key: Any, ready: Any) -> None:
        """Keep it for the next such call."""
        if self._frozen is None:
            return
        every = self._frozen.ready
        while len(every) >= _MOST_SHAPES and key not in every:
            every.pop(next(iter(every), None), None)
        every.setdefault(key, []).append(ready)

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


def _tensors(*given: Any) -> Iterator[Tensor]:
    """The tensors in a call's arguments; what is none, or holds none, is for the call to refuse."""
    for one in given:
        if isinstance(one, Tensor):
            yield one
        elif isinstance(one, Mapping):
            yield from _tensors(*one.values())
        elif isinstance(one, (tuple, list)):  # a PackedSequence is a tuple
            yield from _tensors(*one)


@torch.no_grad()
def _measured(who: str, layer: Freezes, sample: Any) -> FreezingError:
    """What a layer with weights of int8 errs by, and one with its own, in evaluation; raises as `freeze` does."""
    if not isinstance(sample, (Tensor, PackedSequence, Mapping)):
        raise TypeError(
            f"{who}: sample is {type(sample).__name__}; expected an input alone, as the layer's first argument: a "
            "tensor, a PackedSequence, or a mapping of tensors"
        )
    plain = copy.deepcopy(layer).eval()
    exact = _output(who, copy.deepcopy(plain).double(), _in_float64(sample))
    largest = float(exact.abs().max()) or 1.0

    def error(other: Freezes) -> float:
        return float((_output(who, other, sample).double() - exact).abs().max()) / largest

    return FreezingError(int8=error(copy.deepcopy(plain).freeze(weights="int8")), float32=error(plain))


def _output(who: str, layer: nn.Module, sample: Any) -> Tensor:
    """The numbers of the layer's output."""
    output: Tensor = layer(sample)[0].data  # of a PackedSequence as well
    if not (output.numel() and output.isfinite().all()):
        got = "not finite" if output.numel() else "none"
        raise ValueError(f"{who}: the layer's outputs of the sample are {got}; expected finite ones, to measure int8")
    return output


def _in_float64(sample: Any) -> Any:
    """A call's input, in that type."""
    if isinstance(sample, Mapping):
        return {name: value.double() for name, value in sample.items()}
    return sample.double()


def freeze(model: nn.Module, weights: Kept | None = None) -> list[str]:
    """Freeze every layer of a model, as `freeze` of each does; where one cannot be, all stay as they are.

    Args:
        model: A layer, or a model that has some in it.
        weights: "int8", or None for the weights as they are.

    Returns:
        The names of the layers, as `named_modules` gives them.

    Raises:
        ValueError: There is no layer that can be frozen, or a weight of one cannot be.

    Examples:
        >>> import cellwright
        >>> freeze(nn.Sequential(cellwright.LSTM(8, 16), nn.Tanh()))
        ['0']

    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, Freezes)}
    if not layers:
        raise ValueError(f"freeze: {type(model).__name__} has no recurrent layer of cellwright's in it")
    frozen = [layer._packed_once(weights) for layer in layers.values()]
    for layer, one in zip(layers.values(), frozen, strict=True):
        layer._frozen = one
    return list(layers)
