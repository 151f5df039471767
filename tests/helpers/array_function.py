"""A function of a `Vector`, compiled and applied to arrays: `f = array_function(exp, "float32", 32); y = f(x)`."""

from __future__ import annotations

import ctypes
import inspect
from collections.abc import Callable

import numpy as np
from llvmlite import ir

from cellwright.compiler.codegen.microkernel import lanes_of
from cellwright.compiler.codegen.vector import Vector, i64
from cellwright.compiler.runtime.jit import compile_module
from cellwright.compiler.target import Target, host


def array_function(
    function: Callable[..., Vector], dtype: str, register_bytes: int | None = None
) -> Callable[..., np.ndarray]:
    """`function` of every element of flat arrays of that dtype, as many at once as a register of that size holds."""
    target = host(register_bytes)
    engine = compile_module(loop(function, dtype, target), target)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (_arity(function) + 1), ctypes.c_int64)
    run = kind(engine.get_function_address("apply"))
    width = lanes_of(target, dtype).width

    def apply(*operands: np.ndarray) -> np.ndarray:
        wholes = []
        for x in operands:
            assert x.dtype == dtype
            wholes.append(np.zeros(-(-len(x) // width) * width, dtype))
            wholes[-1][: len(x)] = x
        y = np.empty_like(wholes[0])
        run(*(whole.ctypes.data for whole in wholes), y.ctypes.data, len(y))
        return y[: len(operands[0])]

    return apply


def loop(function: Callable[..., Vector], dtype: str, target: Target) -> str:
    """The module of apply(from, …, to, count), count a multiple of the lanes and not 0."""
    lanes, module = lanes_of(target, dtype), ir.Module("array_function")
    pointers = [lanes.scalar.as_pointer()] * (_arity(function) + 1)
    apply = ir.Function(module, ir.FunctionType(ir.VoidType(), [*pointers, i64]), "apply")
    *sources, result, count = apply.args
    entry, body, end = (apply.append_basic_block(name) for name in ("entry", "body", "end"))
    b = ir.IRBuilder(entry)
    b.branch(body)
    b.position_at_end(body)
    j = b.phi(i64)
    j.add_incoming(ir.Constant(i64, 0), entry)
    lanes.store(function(*(lanes.load(b, b.gep(source, [j])) for source in sources)), b.gep(result, [j]))
    following = b.add(j, ir.Constant(i64, lanes.width))
    j.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, count), body, end)
    b.position_at_end(end)
    b.ret_void()
    return str(module)


def _arity(function: Callable[..., Vector]) -> int:
    return len(inspect.signature(function).parameters)
