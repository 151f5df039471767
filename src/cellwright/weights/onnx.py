"""Weights of an ONNX file: its nodes LSTM, GRU and RNN.

https://onnx.ai/onnx/operators/onnx__LSTM.html: W (D, G·H, I), R (D, G·H, H), B (D, 2·G·H), P (D, 3·H). Which node is
which cell is the table by which we write such files (`onnx.standard`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.onnx.standard import STANDARD, Standard
from cellwright.weights.building import Besides, build
from cellwright.weights.convention import Array, Convention, Written
from cellwright.weights.sources import array, chosen

WHO = "from_onnx"
PLACES = {"X": 0, "W": 1, "R": 2, "B": 3, "lengths": 4, "h": 5, "c": 6, "P": 7}
"""Where a node's inputs stand."""
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
"""ONNX's activations where the node names none."""


@dataclass(frozen=True)
class Node:
    """A recurrent node: its name, operator, attributes, and the inputs that are constants, by their letter."""

    name: str
    op: str
    attributes: Mapping[str, Any]
    inputs: Mapping[str, Array]
    given: frozenset[str]  # the inputs that there are, constant or not


def from_onnx(
    source: Any, *, nodes: Sequence[str] | None = None, batch_first: bool | None = None, into: Recurrent | None = None
) -> Any:
    """Make a layer with the weights of the LSTM, GRU or RNN nodes of an ONNX file.

    Args:
        source: The path of a file, or an onnx.ModelProto.
        nodes: Names of the nodes to take, from the first to the last; None takes all of these, in the file's order.
        batch_first: Of the layer that is made; None is as the nodes have it (layout=1).
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, `GRU`, `RNN`, or `Recurrent` with the cells peephole, relu-lstm, coupled, and gru-2014 of a GRU with
        linear_before_reset=0. A constant state other than zero becomes its learned initial state; one that comes from
        elsewhere in the file is passed in the call.

    Raises:
        InputError: The file cannot be read, there are no such nodes, their equations are those of no cell of ours
            (clip, other activations), a weight is no constant, or they are no stack.

    """
    found = chosen(WHO, "node", USUAL, _nodes(_model(source)), nodes)
    read, initial = [], []
    for node in found:
        cell, kind = _kind(node)
        read.append([(_convention(cell, kind), _written(node, kind, k)) for k in range(_directions(node))])
        initial.append(_initial(node))
    first = bool(found[0].attributes.get("layout", 0)) if batch_first is None else batch_first
    return build(WHO, read, first, into, Besides(initial=_joined(found, initial)))


def _model(source: Any) -> Any:
    try:
        import onnx
    except ImportError:
        raise InputError(f"{WHO}: ONNX files need the package onnx; pip install 'cellwright[onnx]'") from None
    from google.protobuf.message import DecodeError

    if not isinstance(source, str | Path):
        return source
    try:
        return onnx.load(source)
    except (OSError, DecodeError) as error:
        raise InputError(f"{source}: cannot be read ({error}); expected an ONNX file") from None


def _nodes(model: Any) -> list[Node]:
    from onnx import helper, numpy_helper

    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    for node in (each for each in graph.node if each.op_type == "Constant"):
        for value in (each.t for each in node.attribute if each.name == "value"):
            constants[node.output[0]] = value
    found = []
    for node in (each for each in graph.node if each.op_type in USUAL and each.domain in ("", "ai.onnx")):
        names = {letter: node.input[place] for letter, place in PLACES.items() if place < len(node.input)}
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        inputs = {n: numpy_helper.to_array(constants[name]) for n, name in names.items() if name in constants}
        given = frozenset(letter for letter, name in names.items() if name)
        found.append(Node(node.name or node.output[0], node.op_type, attributes, inputs, given))
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _directions(node: Node) -> int:
    direction = _text(node.attributes.get("direction", "forward"))
    if direction == "reverse":
        raise InputError(
            f"{WHO}: {node.name} has direction=reverse; expected forward or bidirectional: turn the input round, or "
            "take the node as the second direction of a layer"
        )
    return 2 if direction == "bidirectional" else 1


def _kind(node: Node) -> tuple[str, Standard]:
    """Our cell of the same equations. Raises InputError where there is none."""
    if "clip" in node.attributes:
        raise InputError(f"{WHO}: {node.name} has clip={node.attributes['clip']:g}; expected a node that clips nothing")
    directions, count = _directions(node), len(USUAL[node.op])
    named = tuple(_text(each).capitalize() for each in node.attributes.get("activations", ()))
    each = [named[k * count : (k + 1) * count] or USUAL[node.op] for k in range(directions)]
    attributes = {n: v for n in ("input_forget", "linear_before_reset") if (v := node.attributes.get(n, 0))}
    peepholes = "P" in node.given
    for name, kind in STANDARD.items():
        same = kind.op == node.op and dict(kind.attributes) == attributes and bool(kind.peepholes) == peepholes
        if same and all((kind.activations or USUAL[kind.op]) == one for one in each):
            return name, kind
    raise InputError(
        f"{WHO}: {node.name} is {node.op} with {attributes or 'no attributes'}, activations "
        f"{'/'.join('+'.join(e) for e in each)} "
        f"and {'peepholes' if peepholes else 'no peepholes'}; it is no cell of ours: expected one of "
        f"{', '.join(STANDARD)}"
    )


def _convention(cell: str, kind: Standard) -> Convention:
    # Of a coupled cell ONNX leaves the place of f unread, and the table has i twice.
    return Convention(cell, kind.gates if len(set(kind.gates)) == len(kind.gates) else "iog")


def _constant(node: Node, letter: str) -> Array:
    if letter not in node.inputs:
        got = "computed in the file" if letter in node.given else "not there"
        raise InputError(f"{WHO}: {node.name}: {letter} is {got}; expected a constant")
    return array(WHO, letter, node.inputs[letter])


def _written(node: Node, kind: Standard, direction: int) -> Written:
    """One direction of a node; raises InputError where a weight is no constant or has not the node's shape."""
    count = len(kind.gates)
    input, recurrent = _constant(node, "W"), _constant(node, "R")
    directions, hidden = _directions(node), recurrent.shape[-1]
    shapes: dict[str, tuple[int, ...]] = {
        "W": (directions, count * hidden, input.shape[-1]),
        "R": (directions, count * hidden, hidden),
    }
    shapes |= {"B": (directions, 2 * count * hidden), "P": (directions, 3 * hidden)}
    for letter in (each for each in shapes if each in node.given):
        if _constant(node, letter).shape != shapes[letter]:
            got = node.inputs[letter].shape
            raise InputError(f"{WHO}: {node.name}: {letter} has shape {got}; expected {shapes[letter]}")
    if count != len(set(kind.gates)):  # without the place that ONNX leaves unread
        rows = np.concatenate([np.arange(k * hidden, (k + 1) * hidden) for k in (0, 1, 3)])
    else:
        rows = np.arange(count * hidden)
    first = second = None
    if "B" in node.given:
        first, second = (each[rows] for each in np.split(_constant(node, "B")[direction], 2))
    own = np.split(_constant(node, "P")[direction], 3) if kind.peepholes else []
    return Written(
        input[direction][rows],
        recurrent[direction][rows],
        first,
        second,
        own=dict(zip(kind.peepholes, own, strict=True)),
    )


def _initial(node: Node) -> dict[str, Array]:
    """The constant states (D, H) that are not zero."""
    found = {}
    for letter in (each for each in ("h", "c") if each in node.inputs and np.any(node.inputs[each])):
        state = _constant(node, letter)  # (D, B, H), with layout=1 (B, D, H)
        state = np.swapaxes(state, 0, 1) if node.attributes.get("layout", 0) else state
        if np.any(state != state[:, :1]):
            raise InputError(
                f"{WHO}: {node.name}: the constant {letter} differs from sequence to sequence; expected one for all of "
                "them"
            )
        found[letter] = state[:, 0]
    return found


def _joined(nodes: Sequence[Node], initial: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The states of all nodes one after the other, (L·D, H); those of a node without are zero."""
    letters = dict.fromkeys(letter for each in initial for letter in each)
    zeros = [np.zeros((_directions(node), node.inputs["R"].shape[-1]), node.inputs["R"].dtype) for node in nodes]
    return {
        letter: np.concatenate([each.get(letter, zero) for each, zero in zip(initial, zeros, strict=True)])
        for letter in letters
    }
