"""Rivals on torch tensors: the compiled kernels, torch.nn padded and packed, the cell's step in a Python loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cellwright.backends.dispatch import use_backend
from cellwright.bench.case import TORCH, Case, Problem
from cellwright.bench.rival import Work


def anything(case: Case) -> str | None:
    """No case is an obstacle."""
    return None


def cannot_pad(case: Case) -> str | None:
    """Why torch.nn's layer does not give the same numbers on the padded batch."""
    if case.cell not in TORCH:
        return f"torch.nn has no {case.cell}"
    if case.ragged and case.directions == 2:
        return "its reverse direction would begin in the padding"
    return None


def cannot_pad_in_autocast(case: Case) -> str | None:
    """The same within autocast to bfloat16, where the LSTM is oneDNN's, which raises on processors without AVX-512."""
    if case.cell == "lstm" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "torch.nn's LSTM has no bfloat16 on this processor"
    return cannot_pad(case)


def cannot_pack(case: Case) -> str | None:
    """Why torch.nn's layer is not called on a packed batch."""
    if case.cell not in TORCH:
        return f"torch.nn has no {case.cell}"
    return None if case.ragged else "nothing is ragged"


def compiled(problem: Problem) -> Work:
    """Cellwright's kernels, on the padded batch with its lengths; raises where they cannot run."""
    return _on_backend("compiled", problem)


def loop(problem: Problem) -> Work:
    """The step called from Python for each time step, on the sequences that are alive."""
    return _on_backend("reference", problem)


def padded(problem: Problem) -> Work:
    """torch.nn's layer over all T steps of every sequence."""
    layer = problem.torch_layer()
    return _work(problem, lambda: layer(problem.x)[0], problem.x, layer.named_parameters())


def padded_in_autocast(problem: Problem) -> Work:
    """The same within autocast to bfloat16, to an output in float32."""
    layer = problem.torch_layer()
    return _work(problem, _in_autocast(lambda: layer(problem.x)[0]), problem.x, layer.named_parameters())


def packed(problem: Problem) -> Work:
    """torch.nn's layer as its documentation has ragged batches computed: pack, run, pad."""
    layer = problem.torch_layer()
    return _work(problem, _packing(problem, layer), problem.x, layer.named_parameters())


def packed_in_autocast(problem: Problem) -> Work:
    """The same within autocast to bfloat16, to an output in float32."""
    layer = problem.torch_layer()
    return _work(problem, _in_autocast(_packing(problem, layer)), problem.x, layer.named_parameters())


def _packing(problem: Problem, layer: nn.Module) -> Callable[[], Tensor]:
    def call() -> Tensor:
        rows = pack_padded_sequence(problem.x, problem.case.lengths, enforce_sorted=False)
        return pad_packed_sequence(layer(rows)[0], total_length=problem.case.time)[0]

    return call


def _in_autocast(call: Callable[[], Tensor]) -> Callable[[], Tensor]:
    def inner() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            output = call()
        return output.float()

    return inner


def packed_before(problem: Problem) -> Work:
    """torch.nn's layer from packed rows to packed rows."""
    layer = problem.torch_layer()

    def pack(padded: Tensor) -> Any:
        return pack_padded_sequence(padded.detach(), problem.case.lengths, enforce_sorted=False)

    def unpack(data: Tensor) -> Tensor:
        return pad_packed_sequence(rows._replace(data=data), total_length=problem.case.time)[0]

    rows = pack(problem.x)
    rows.data.requires_grad_(problem.case.training)
    work = _work(
        problem, lambda: layer(rows)[0].data, rows.data, layer.named_parameters(), pack(problem.cotangent).data
    )
    return Work(
        work.run,
        lambda result: {
            name: unpack(value) if name in ("output", "input") else value for name, value in _named(result).items()
        },
    )


def _on_backend(backend: Literal["compiled", "reference"], problem: Problem) -> Work:
    layer, inputs, parameters = problem.layer, problem.inputs, problem.parameters

    def call() -> Tensor:
        with use_backend(backend):
            return cast(Tensor, layer(problem.x, lengths=problem.lengths, inputs=inputs, parameters=parameters)[0])

    given = {f"{name} of each call": value for found in (inputs, parameters) for name, value in (found or {}).items()}
    return _work(problem, call, problem.x, (*layer.named_parameters(), *given.items()))


def _work(
    problem: Problem,
    call: Callable[[], Tensor],
    input: Tensor,
    weights: Iterable[tuple[str, Tensor]],
    cotangent: Tensor | None = None,
) -> Work:
    """`call` alone, or with the gradients of the input and the weights from the output's cotangent."""
    wanted = {"input": input, **dict(weights)}
    leaves, start = list(wanted.values()), problem.cotangent if cotangent is None else cotangent

    def infer() -> Sequence[tuple[str, Tensor]]:
        with torch.no_grad():
            return [("output", call())]

    def train() -> Sequence[tuple[str, Tensor]]:
        output = call()
        return [("output", output), *zip(wanted, torch.autograd.grad(output, leaves, start), strict=True)]

    def read(result: Sequence[tuple[str, Tensor]]) -> Mapping[str, Tensor]:
        named = _named(result)
        return named | {"output": named["output"] * problem.inside}

    return Work(train if problem.case.training else infer, read)


def _named(result: Sequence[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in result}
