"""ONNX Runtime on a model of one LSTM, GRU or RNN node: inference alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cases import STANDARD
from cellwright.bench.case import Case, Problem
from cellwright.bench.rival import Work
from cellwright.onnx import standard
from rivals.missing import missing


def obstacle(case: Case) -> str | None:
    """Why this cannot compute a case, or None."""
    if case.cell not in STANDARD:
        return f"ONNX has no {case.cell}"
    return "ONNX Runtime does not train" if case.training else missing("onnx", "onnxruntime")


def prepare(problem: Problem) -> Work:
    """A session on as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model(problem), options, providers=["CPUExecutionProvider"])
    feed = given(problem)
    return Work(lambda: session.run(["y"], feed), lambda found: {"output": torch.from_numpy(found[0])})


def given(problem: Problem) -> dict[str, Any]:
    """The arrays that the model is given."""
    return {"x": problem.x.detach().numpy(), "lengths": problem.case.lengths.to(torch.int32).numpy()}


def model(problem: Problem) -> bytes:
    """A file of the one node, of the case's sizes."""
    from onnx import TensorProto, checker, helper, numpy_helper

    case = problem.case
    forward_both = {"direction": "bidirectional" if case.directions == 2 else "forward"}
    node = standard.STANDARD[case.cell]
    nodes = [
        helper.make_node(
            node.op,
            ["x", "weight_ih", "weight_hh", "bias", "lengths"],
            ["all"],
            hidden_size=case.hidden,
            **forward_both,
            **node.attributes,
        ),
        helper.make_node("Transpose", ["all"], ["by_step"], perm=[0, 2, 1, 3]),  # (T, D, B, H) -> (T, B, D, H)
        helper.make_node("Reshape", ["by_step", "shape"], ["y"]),
    ]
    constants = {**_weights(problem), "shape": np.array([0, 0, -1], np.int64)}
    graph = helper.make_graph(
        nodes,
        "layer",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [case.time, case.batch, case.hidden]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, [case.batch]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [case.time, case.batch, case.directions * case.hidden])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(model)
    return model.SerializeToString()


def _weights(problem: Problem) -> dict[str, Any]:
    """weight_ih (D, G·H, I), weight_hh (D, G·H, H) and bias (D, 2·G·H) in ONNX's order."""
    cell, state = problem.layer.cell, problem.layer.state_dict()
    order = standard.order(cell.key, cell.projections)

    def stacked(name: str) -> Any:
        sides = [state[name + suffix] for suffix in ("_l0", "_l0_reverse")[: problem.case.directions]]
        return torch.stack([_ordered(side, order) for side in sides])

    biases = torch.cat([stacked("bias_ih"), stacked("bias_hh")], 1)
    named = {"weight_ih": stacked("weight_ih"), "weight_hh": stacked("weight_hh"), "bias": biases}
    return {name: value.numpy() for name, value in named.items()}


def _ordered(values: Tensor, order: list[int]) -> Tensor:
    parts = values.chunk(len(order))
    return torch.cat([parts[k] for k in order])
