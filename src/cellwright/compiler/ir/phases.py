"""A program in the parts between its products.

A product within a step, u.n(a), is made between two passes over a row: the first makes what it multiplies, the second
reads what it gives. Backward it is the same the other way round. A program without such products is one part.

    forward    operand.0 = r h        product        n = tanh(x.n + u.n) …
    backward   u.n = cotangent of …   product        d.operand.0 …

What a part needs of an earlier one is computed again, from inputs, which are all in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cellwright.compiler.ir.program import Program


class Between(NamedTuple):
    """A product as a program sees it: the outputs that it multiplies, and the inputs that come of them."""

    multiplied: tuple[str, ...]
    given: tuple[str, ...]


class Phase(NamedTuple):
    """A part of a program, and the numbers of the products that are made after it."""

    program: Program
    products: tuple[int, ...]


def phases(program: Program, products: Sequence[tuple[int, Between]], last: Iterable[str] = ()) -> tuple[Phase, ...]:
    """The program in parts; `products` by number, in an order in which they can be made, and only those that it needs.

    The outputs `last` are written in the last part, since they overwrite what others read. So is what no product's
    operand is made of on the way, where most of what it needs is at hand.
    """
    needs = set(program.inputs())
    products = [(k, between) for k, between in products if needs.intersection(between.given)]
    after: dict[int, int] = {}
    ready: dict[str, int] = {}  # the inputs that products give, by the part that can first read them
    for k, between in products:
        parts = _first(program, ready)
        after[k] = max(parts[program.outputs[name]] for name in between.multiplied if name in program.outputs)
        ready |= dict.fromkeys(between.given, after[k] + 1)
    number = 1 + max(after.values(), default=-1)
    parts, multiplied = _first(program, ready), {name: after[k] for k, b in products for name in b.multiplied}
    place = {name: multiplied.get(name, number) for name in program.outputs}
    on_the_way = [
        program.needed(program.outputs[name] for name, part in multiplied.items() if part == k and name in place)
        for k in range(number)
    ]
    for name, index in program.outputs.items():
        if name not in multiplied and name not in last:
            found = (k for k in range(parts[index], number) if index in on_the_way[k])
            place[name] = next(found, number)
    return tuple(
        Phase(
            program.part([name for name in program.outputs if place[name] == k]) if number else program,
            tuple(product for product, part in after.items() if part == k),
        )
        for k in range(number + 1)
    )


def _first(program: Program, ready: dict[str, int]) -> list[int]:
    """Of each node, the part in which it can first be computed."""
    found: list[int] = []
    for node in program.nodes:
        found.append(ready.get(node.name, 0) if node.op == "input" else max((found[o] for o in node.reads), default=0))
    return found
