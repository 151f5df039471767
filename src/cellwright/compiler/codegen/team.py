"""Several threads on one item: each computes a share of the columns of every product, then they meet.

So a batch of fewer sequences than threads reads each weight once a step, by the thread in whose cache it lies.

In inference the cell itself is computed by each thread on all units, into states of its own: of few sequences that is
cheaper than to meet once more, and a mean over the units needs them all. Products of the states before a step lie in
two places in turn, so that one meeting a step is enough: who writes the next step's does not touch what another still
reads. Products within a step are met for too, and have one place: who writes them has met all others for the next
step's first product since, and so a cell that has no such first product is never shared.

In training each thread computes its share of the units, and of whatever is done with whole rows, so that what is saved
is written once and is in one place: they meet before the product, which reads all units of the states, and after it.
A step that joins units otherwise, by a mean, a projection or a product within it, is not shared there
(`LoopSpec.splits`).
"""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Module, Value

from cellwright.compiler.codegen.arguments import ITEM
from cellwright.compiler.codegen.ir_builder import at, function, integer, minimum, pointer
from cellwright.compiler.codegen.vector import i64

PATIENCE = 1 << 12  # looks before a waiting thread lets others run: some microseconds, many times a meeting


class Team:
    """The parts of a loop's item: which one this thread is, and how many there are."""

    def __init__(self, module: Module, b: Builder, item: Value) -> None:
        self._b = b
        self._barrier = _define_barrier(module)
        self._rest = ITEM.address(b, item, "rest")
        self._met = at(b, ITEM.address(b, item, "met"), integer(0), i64)
        self.part = ITEM.number(b, item, "part")
        self.number = _number(b, item)
        with b.goto_entry_block():
            self._due = b.alloca(i64)  # how many arrivals end the meeting that comes next
        b.store(integer(0), self._due)
        with b.if_then(b.icmp_signed(">=", self.part, self.number)):
            b.ret_void()

    @property
    def several(self) -> Value:
        """Whether there is more than one."""
        return self._b.icmp_signed(">", self.number, integer(1))

    def share(self, count: Value) -> tuple[Value, Value]:
        """This thread's of `count` things: from the first to the last."""
        b = self._b
        first, last = (b.sdiv(b.mul(count, edge), self.number) for edge in (self.part, b.add(self.part, integer(1))))
        return first, last

    def barrier(self) -> None:
        """Wait until every part has come here; what each wrote before, all read after."""
        b = self._b
        with b.if_then(self.several):
            due = b.add(b.load(self._due), self.number)
            b.store(due, self._due)
            b.call(self._barrier, [self._met, due, self._rest])


def _number(b: Builder, item: Value) -> Value:
    """As many parts as were asked for, or as the pool has threads: OpenMP may give fewer."""
    wanted, alone = ITEM.number(b, item, "parts"), b.block
    with b.if_then(b.icmp_signed(">", wanted, integer(1))):
        kind = ir.FunctionType(ir.IntType(32), []).as_pointer()
        given = b.sext(b.call(b.bitcast(ITEM.address(b, item, "team"), kind), []), i64)
        fewer, asked = minimum(b, wanted, given), b.block
    number = b.phi(i64)
    number.add_incoming(wanted, alone)
    number.add_incoming(fewer, asked)
    return number


def _define_barrier(module: Module) -> Value:
    """Add barrier(met, due, rest): one more has come; wait until `due` have."""
    made, b = function(module, "barrier", [i64.as_pointer(), i64, pointer], inline=True)
    met, due, rest = made.args
    head, wait, let, done = (made.append_basic_block(name) for name in ("head", "wait", "let", "done"))
    b.atomic_rmw("add", met, integer(1), "acq_rel")
    before = b.block
    b.branch(head)
    b.position_at_end(head)
    looks = b.phi(i64)
    looks.add_incoming(integer(1), before)
    there = b.icmp_signed(">=", b.load_atomic(met, "acquire", 8), due)
    b.cbranch(there, done, wait)
    b.position_at_end(wait)
    more = b.add(looks, integer(1))
    tired = b.icmp_signed("==", b.srem(looks, integer(PATIENCE)), integer(0))
    b.cbranch(tired, let, head)
    looks.add_incoming(more, wait)
    b.position_at_end(let)
    b.call(b.bitcast(rest, ir.FunctionType(ir.IntType(32), []).as_pointer()), [])
    b.branch(head)
    looks.add_incoming(more, let)
    b.position_at_end(done)
    b.ret_void()
    return made
