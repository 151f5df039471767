"""A function of a `Vector`, compiled and applied to arrays: `f = array_function(exp, "float32", 32); y = f(x)`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from llvmlite import ir

from cellwright.compiler.codegen.microkernel import lanes_of
from cellwright.compiler.codegen.vector import Vector, i64
from cellwright.compiler.runtime.jit import compile_module
from cellwright.compiler.target import Target, host


def array_function(
    function: Callable[[Vector], Vector], dtype: str, register_bytes: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """`function` of every element of a flat array of that dtype, as many at once as a register of that size holds."""
    target = host(register_bytes)
    engine = compile_module(loop(function, dtype, target), target)
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(engine.get_function_address("apply"))
    width = lanes_of(target, dtype).width

    def apply(x: np.ndarray) -> np.ndarray:
        assert x.dtype == dtype
        whole = np.zeros(-(-len(x) // width) * width, dtype)
        whole[: len(x)] = x
        y = np.empty_like(whole)
        run(whole.ctypes.data, y.ctypes.data, len(whole))
        return y[: len(x)]

    return apply


def loop(function: Callable[[Vector], Vector], dtype: str, target: Target) -> str:
    """The module of apply(from, to, count), count a multiple of the lanes and not 0."""
    lanes, module = lanes_of(target, dtype), ir.Module("array_function")
    pointer = lanes.scalar.as_pointer()
    apply = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer, pointer, i64]), "apply")
    source, result, count = apply.args
    entry, body, end = (apply.append_basic_block(name) for name in ("entry", "body", "end"))
    b = ir.IRBuilder(entry)
    b.branch(body)
    b.position_at_end(body)
    j = b.phi(i64)
    j.add_incoming(ir.Constant(i64, 0), entry)
    lanes.store(function(lanes.load(b, b.gep(source, [j]))), b.gep(result, [j]))
    following = b.add(j, ir.Constant(i64, lanes.width))
    j.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, count), body, end)
    b.position_at_end(end)
    b.ret_void()
    return str(module)
