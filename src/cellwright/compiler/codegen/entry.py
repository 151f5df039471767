"""The function that every thread of a pool calls: it does work on items until none is left."""

from __future__ import annotations

from llvmlite.ir import Module, Value

from cellwright.compiler.codegen.arguments import HEADER, Struct
from cellwright.compiler.codegen.ir_builder import at, element, function, integer, pointer
from cellwright.compiler.codegen.vector import i64


def define_entry(module: Module, work: Value, name: str, block: Struct) -> None:
    """Add name(header), which every thread of the pool calls: it does `work` on items that no other has taken.

    OpenMP may give fewer threads than were asked for (OMP_THREAD_LIMIT, OMP_DYNAMIC); those that come do all items.
    """
    made, b = function(module, name, [pointer])
    (header,) = made.args
    items, number = HEADER.address(b, header, "items"), HEADER.number(b, header, "count")
    taken = at(b, header, integer(HEADER.offset["taken"]), i64)
    head, body, done = (b.append_basic_block(part) for part in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    k = b.atomic_rmw("add", taken, integer(1), "monotonic")
    b.cbranch(b.icmp_signed("<", k, number), body, done)
    b.position_at_end(body)
    b.call(work, [element(b, items, k, block.bytes)])
    b.branch(head)
    b.position_at_end(done)
    b.ret_void()
