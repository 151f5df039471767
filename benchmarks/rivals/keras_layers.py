"""Keras' layers on TensorFlow, as one traced function; batch first, as Keras has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cases import STANDARD
from cellwright.bench.case import Case, Problem
from cellwright.bench.rival import Work
from rivals.missing import missing

# The order of Keras' gates in torch's letters.
GATES = {"lstm": "ifgo", "gru": "zrn", "rnn": "h"}


def obstacle(case: Case) -> str | None:
    """Why this cannot compute a case, or None."""
    return missing("keras", "tensorflow") if case.cell in STANDARD else f"Keras has no {case.cell}"


def prepare(problem: Problem) -> Work:
    """The layer, or both directions in Keras' Bidirectional, with a mask where the batch is ragged."""
    import tensorflow

    case, layer = problem.case, _layer(problem)
    x = tensorflow.constant(problem.x.detach().transpose(0, 1).numpy())
    cotangent = tensorflow.constant(problem.cotangent.transpose(0, 1).numpy())
    mask = tensorflow.constant(problem.inside[..., 0].T.numpy()) if case.ragged else None

    def train() -> Any:
        with tensorflow.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, mask=mask)
        return output, tape.gradient(output, [x, *layer.trainable_weights], cotangent)

    def read(result: Any) -> dict[str, Tensor]:
        output, (d_input, *d_weights) = result if case.training else (result, (None,))
        found = {"output": _by_time(output) * problem.inside}
        if case.training:
            found |= {"input": _by_time(d_input)} | _restored(problem, [torch.tensor(w.numpy()) for w in d_weights])
        return found

    return Work(tensorflow.function(train if case.training else lambda: layer(x, mask=mask)), read)


def _by_time(values: Any) -> Tensor:
    """(B, T, ·) -> (T, B, ·)."""
    return torch.tensor(values.numpy()).transpose(0, 1)


def _layer(problem: Problem) -> Any:
    """Keras' layer with the problem's weights."""
    import keras

    case = problem.case
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}[case.cell]
    layer = kind(case.hidden, return_sequences=True)
    if case.directions == 2:
        layer = keras.layers.Bidirectional(layer)
    layer.build((case.batch, case.time, case.hidden))
    state = problem.layer.state_dict()
    values: list[Tensor] = []
    for end in ("_l0", "_l0_reverse")[: case.directions]:
        biases = [_ordered(problem, state[f"{name}{end}"]) for name in ("bias_ih", "bias_hh")]
        values += [_ordered(problem, state[f"{name}{end}"]).t() for name in ("weight_ih", "weight_hh")]
        values.append(torch.stack(biases) if case.cell == "gru" else sum(biases, torch.zeros(())))
    layer.set_weights([value.numpy() for value in values])
    return layer


def _ordered(problem: Problem, values: Tensor, back: bool = False) -> Tensor:
    """(G·H, …) from torch's order of gates to Keras', or back."""
    ours, theirs = problem.layer.cell.projections, GATES[problem.case.cell]
    if len(ours) == 1:
        return values
    start, end = (theirs, ours) if back else (ours, theirs)
    parts = dict(zip(start, values.chunk(len(ours)), strict=True))
    return torch.cat([parts[letter] for letter in end])


def _restored(problem: Problem, gradients: list[Tensor]) -> dict[str, Tensor]:
    """The gradients of Keras' kernel, recurrent kernel and bias as those of torch's parameters."""
    found: dict[str, Tensor] = {}
    for d, end in enumerate(("_l0", "_l0_reverse")[: problem.case.directions]):
        kernel, recurrent, bias = gradients[3 * d : 3 * d + 3]
        both = bias if problem.case.cell == "gru" else [bias, bias]  # one bias in place of torch's sum of two
        parts = zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (kernel.t(), recurrent.t(), *both), strict=True)
        found |= {name + end: _ordered(problem, value, back=True) for name, value in parts}
    return found
