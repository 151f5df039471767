"""A step as a list of operations, each on earlier ones.

    0  x.i
    1  u.i
    2  x.i + u.i
    3  σ(2)
    …

A value is one number a unit, or one a row (a number, what reduces the units, as a mean, and what is made of those
alone). Equal operations are one node, so that what two outputs share is computed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cellwright.cells.definition import Definition
from cellwright.cells.expression import OPERATIONS, Expression
from cellwright.cells.operations import EVERYTHING, Interval, read

LEAVES = ("input", "number")


@dataclass(frozen=True)
class Node:
    """An operation on earlier nodes, an input of that name, or a number; `line` is where the step wrote it."""

    op: str
    operands: tuple[int, ...] = ()
    name: str = ""
    number: float = 0.0
    line: int = field(default=0, compare=False)

    @property
    def reads(self) -> tuple[int, ...]:
        """The nodes that its value is made of: all its operands but those that only its derivative has."""
        return self.operands if self.op in LEAVES else read(self.op, self.operands)


@dataclass
class Program:
    """Nodes in an order in which each can be computed, and the names of those that are asked for."""

    nodes: list[Node] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)
    _index: dict[Node, int] = field(default_factory=dict, repr=False)

    def input(self, name: str) -> int:
        """The node of the input of that name."""
        return self._node(Node("input", name=name))

    def number(self, value: float) -> int:
        """The node of a number."""
        return self._node(Node("number", number=value))

    def apply(self, op: str, *operands: int, line: int = 0) -> int:
        """The node of an operation on nodes."""
        return self._node(Node(op, operands, line=line))

    def _node(self, node: Node) -> int:
        if node not in self._index:
            self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return self._index[node]

    def add(self, expression: Expression, known: dict[int, int]) -> int:
        """The node of a traced expression; `known` maps the ids of expressions that are already nodes."""
        if id(expression) not in known:
            if expression.op in ("input", "product"):  # what a product gives comes from outside, as inputs do
                found = self.input(expression.name)
            elif expression.op == "number":
                found = self.number(expression.number)
            else:
                found = self._operation(expression, [self.add(o, known) for o in expression.operands])
            known[id(expression)] = found
        return known[id(expression)]

    def _operation(self, e: Expression, operands: list[int]) -> int:
        """The node of an operation of the step; squares, third and fourth powers are products, which cost less."""
        exponent = self.nodes[operands[1]].number if e.op == "power" else 0
        if exponent not in (2, 3, 4):
            return self.apply(e.op, *operands, line=e.line)
        base = operands[0]
        square = self.apply("multiply", base, base, line=e.line)
        if exponent == 2:
            return square
        return self.apply("multiply", square, base if exponent == 3 else square, line=e.line)

    def part(self, names: Sequence[str]) -> Program:
        """The program of some of the outputs alone, its nodes in the same order.

        Of a value that has the gradient of another only the value is left.
        """
        found, place = Program(), dict[int, int]()
        for old in sorted(self.needed(self.outputs[name] for name in names)):
            node = self.nodes[old]
            operands = tuple(place[o] for o in node.reads)
            aside = len(node.reads) < len(node.operands)
            place[old] = operands[0] if aside else found._node(replace(node, operands=operands))
        found.outputs = {name: place[self.outputs[name]] for name in names}
        return found

    def renamed(self, names: Mapping[str, str]) -> Program:
        """The same with other names of inputs and outputs."""
        nodes = [replace(node, name=names.get(node.name, node.name)) for node in self.nodes]
        outputs = {names.get(name, name): place for name, place in self.outputs.items()}
        return Program(nodes, outputs, {node: k for k, node in enumerate(nodes)})

    def recipe(self) -> object:
        """What the program is, apart from the lines it was written on."""
        nodes = [(node.op, node.operands, node.name, node.number) for node in self.nodes]
        return nodes, list(self.outputs.items())

    def copy(self) -> Program:
        """The same program, to be extended apart."""
        return Program(list(self.nodes), dict(self.outputs), dict(self._index))

    def per_row(self) -> list[bool]:
        """Of each node, whether it is one number a row (True) or one a unit."""
        found: list[bool] = []
        for node in self.nodes:
            if node.op in LEAVES:
                found.append(node.op == "number" or node.name.startswith("row."))
            else:
                found.append(OPERATIONS[node.op].reduces or all(found[o] for o in node.operands))
        return found

    def intervals(self) -> list[Interval]:
        """Of each node, bounds of its values, inputs being any number."""
        found: list[Interval] = []
        for node in self.nodes:
            if node.op in LEAVES:
                found.append(EVERYTHING if node.op == "input" else (node.number, node.number))
            else:
                found.append(OPERATIONS[node.op].bounds(*(found[o] for o in node.operands)))
        return found

    def reductions(self) -> list[int]:
        """The nodes that take a look at every unit of a row: those that reduce what is one number a unit."""
        rows = self.per_row()
        return [
            i
            for i, node in enumerate(self.nodes)
            if node.op not in LEAVES and OPERATIONS[node.op].reduces and not rows[node.operands[0]]
        ]

    def needed(self, roots: Iterable[int]) -> set[int]:
        """The nodes whose values the roots are made of, themselves included."""
        found, stack = set[int](), list(roots)
        while stack:
            index = stack.pop()
            if index not in found:
                found.add(index)
                stack.extend(self.nodes[index].reads)
        return found

    def inputs(self) -> list[str]:
        """The names of the inputs that the outputs need, in the order of the nodes."""
        return [self.nodes[i].name for i in sorted(self.needed(self.outputs.values())) if self.nodes[i].op == "input"]

    def verify(self) -> None:
        """Raise AssertionError where the program is not well formed: a defect of the pass that made it."""
        for index, node in enumerate(self.nodes):
            where = f"node {index} ({node.op})"
            assert node.op in LEAVES or node.op in OPERATIONS, f"{where}: no such operation"
            assert all(0 <= o < index for o in node.operands), f"{where}: uses a later node"
            arity = 0 if node.op in LEAVES else OPERATIONS[node.op].arity
            assert len(node.operands) == arity, f"{where}: {len(node.operands)} operands, not {arity}"
            for k, o in enumerate(node.operands):
                condition = node.op == "select" and k == 0
                wrong = "no comparison" if condition else "a comparison"
                assert (self.nodes[o].op == "greater") == condition, f"{where}: operand {k} is {wrong}"
        looking = self.reductions()
        for index, node in enumerate(self.nodes):
            # A sum of one number a row is that times the number of units, for which its derivative asks.
            reduces = node.op not in (*LEAVES, "sum") and OPERATIONS[node.op].reduces
            assert not reduces or index in looking, f"node {index} ({node.op}): of one number a row"
        for name, index in self.outputs.items():
            assert 0 <= index < len(self.nodes), f"output {name}: there is no node {index}"
            assert self.nodes[index].op != "greater", f"output {name}: a truth value"

    def __str__(self) -> str:
        """One line a node, as mathematics; leaves are written where they are used."""

        def written(i: int) -> str:
            node = self.nodes[i]
            return node.name if node.op == "input" else f"{node.number:g}" if node.op == "number" else f"t{i}"

        lines = [
            f"t{i} = " + OPERATIONS[node.op].written.format(*map(written, node.operands))
            for i, node in enumerate(self.nodes)
            if node.op not in LEAVES
        ]
        return "\n".join([*lines, *(f"{name} ← {written(i)}" for name, i in self.outputs.items())])


def forward(cell: Definition) -> Program:
    """The step of `cell`: inputs x.*, u.*, s.*, p.*, m.*; outputs state.*, and out.* of what is given beside states.

    Of each product within the step the operand is an output, operand.0, …, and what comes of it inputs u.*.
    """
    program, known = Program(), dict[int, int]()
    for k, product in enumerate(cell.trace.products):
        program.outputs[f"operand.{k}"] = program.add(product.operand, known)
    for name, expression in cell.trace.results.items():
        kind = "state" if name in cell.states else "out"
        program.outputs[f"{kind}.{name}"] = program.add(expression, known)
    program.verify()
    return program
