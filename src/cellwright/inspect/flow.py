"""The data flow of a cell as a graph of few nodes, made of the trace of its step.

Three things make it readable. What is made of x, u and parameters alone is one node, a *source*, written out:
σ(x_i + u_i). A chain of functions of one value is one node: 1 − σ(a_t − 1). So is a sum or a product of many.

A state's *lane* is the way on which it reaches its own new value through nothing but sums, products and choices: no
function bends it there. It is the conveyor belt of the textbooks, and the reason why gradients survive many steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from cellwright.cells.definition import Definition
from cellwright.cells.expression import OPERATIONS, Expression
from cellwright.cells.formulas import letters, written
from cellwright.cells.operations import read

STATE, SOURCE, MAP, SUM, PRODUCT, CHOICE, TAP = "state", "source", "map", "sum", "product", "choice", "tap"
GATE, CANDIDATE = "gate", "candidate"

# How an operand enters where that is not plain: what is subtracted, divided by, raised to, asked, the rest of a choice.
MINUS, OVER, EXPONENT, ASKED, THEN, ELSE = "−", "÷", "^", "?", "then", "else"

_SIGN = {"": MINUS, MINUS: ""}
_SIDE = {"": OVER, OVER: ""}
_CHOICES = {"maximum": "max", "minimum": "min", "select": "if"}
_FUNCTIONS = {"greater": (">", OVER), "power": ("pow", EXPONENT)}  # of two values, the second with a mark
_UNBENT = {"add", "subtract", "multiply", "divide", "negate", "maximum", "minimum"}
HOLE = "∘"  # in the text of a node, the value that enters it, where it has no letter


@dataclass(frozen=True, eq=False)
class Node:
    """A value of the step.

    kind      STATE (before the step), SOURCE, MAP (a function of the sum of its operands), SUM, PRODUCT, CHOICE,
              or TAP: its one operand, which is a value of a lane, taken aside for what comes later
    text      what the node shows
    letter    the letter of its value as it is printed, where it has one
    role      GATE, CANDIDATE (a projection that is no gate), or neither
    operands  the nodes that it is made of, each with its mark
    products  of a source: those of "x" and "u" that it is made of
    unbent    whether the value of an operand goes through without a function that bends it
    """

    kind: str
    text: str
    letter: str = ""
    role: str = ""
    operands: tuple[tuple[Node, str], ...] = ()
    products: frozenset[str] = frozenset()
    unbent: bool = False


@dataclass(frozen=True)
class Flow:
    """The graph: what each state becomes, what is given, and the lane of each state that has one, from the state on."""

    outputs: Mapping[str, Node]
    lanes: Mapping[str, tuple[Node, ...]]

    @property
    def nodes(self) -> list[Node]:
        """Every node after its operands; those of the lanes' states first."""
        found: dict[Node, None] = {}
        for name in [*self.lanes, *self.outputs]:
            _collect(self.outputs[name], found)
        return list(found)


def flow(cell: Definition) -> Flow:
    """The data flow of one step of `cell`."""
    build = _Builder(cell)
    outputs = {name: build.node(value) for name, value in cell.trace.results.items()}
    taken: set[Node] = set()
    lanes: dict[str, tuple[Node, ...]] = {}
    for name, output in outputs.items():
        way = _way(output, build.states.get(name))
        if way and taken.isdisjoint(way):
            lanes[name] = way
            taken.update(way)
    return _tapped(Flow(outputs, lanes))


def _collect(node: Node, found: dict[Node, None]) -> None:
    if node not in found:
        for operand, _ in node.operands:
            _collect(operand, found)
        found[node] = None


def _way(node: Node, start: Node | None) -> tuple[Node, ...]:
    """The shortest unbent way from `start` to `node`, both included; empty where there is none."""
    if node is start:
        return (node,)
    if not node.unbent:
        return ()
    ways = [_way(operand, start) for operand, mark in node.operands if mark not in (ASKED, OVER)]
    best = min((way for way in ways if way), key=len, default=())
    return (*best, node) if best else ()


def _tapped(graph: Flow) -> Flow:
    """With taps where a value of a lane is used after the lane went on, since the next value then has its place."""
    lanes = {node: set(way[: k + 1]) for way in graph.lanes.values() for k, node in enumerate(way)}
    following = {node: after for way in graph.lanes.values() for node, after in pairwise(way)}
    needs: dict[Node, set[Node]] = {}  # the nodes of lanes that each is made of, itself included
    made: dict[Node, Node] = {}
    taps: dict[Node, Node] = {}

    def operand(user: Node, of: Node) -> Node:
        late = of in following and following[of] is not user and needs[user] - lanes[of]
        return taps.setdefault(of, Node(TAP, "", operands=((made[of], ""),))) if late else made[of]

    for node in graph.nodes:
        needs[node] = {node}.intersection(lanes).union(*(needs[o] for o, _ in node.operands))
        made[node] = replace(node, operands=tuple((operand(node, o), mark) for o, mark in node.operands))
    ways = {name: tuple(made[node] for node in way) for name, way in graph.lanes.items()}
    return Flow({name: made[node] for name, node in graph.outputs.items()}, ways)


@dataclass
class _Builder:
    cell: Definition
    states: dict[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.letters = letters(self.cell)
        self.roles = {id(value): self._role(name) for name, value in self.cell.trace.letters.items()}
        self.made: dict[int, Node] = {}
        self.uses: Counter[int] = Counter()
        seen: set[int] = set()
        stack = list(self.cell.trace.results.values())
        while stack:
            e = stack.pop()
            if id(e) not in seen:
                seen.add(id(e))
                self.uses.update(id(o) for o in _parts(e))
                stack.extend(_parts(e))

    def node(self, e: Expression) -> Node:
        """The node of a value, made once."""
        if id(e) not in self.made:
            self.made[id(e)] = self._make(e)
        return self.made[id(e)]

    def _make(self, e: Expression) -> Node:
        letter, role = self.letters.get(id(e), ""), self.roles.get(id(e), "")
        if e.op == "input" and e.name.startswith("s."):
            return self.states.setdefault(e.name[2:], Node(STATE, written(self.cell, e), letter))
        if self._pure(e):
            return Node(SOURCE, written(self.cell, e), letter, role, products=frozenset(_products(self.cell, e)))
        if len(self._variable(e)) == 1:
            return self._map(e, letter, role)
        kind, text, terms = self._operation(e)
        operands = tuple((self.node(o), mark) for o, mark in terms)
        return Node(kind, text, letter, role, operands, unbent=kind != MAP)

    def _operation(self, e: Expression) -> tuple[str, str, list[tuple[Expression, str]]]:
        if e.called:
            return MAP, e.called, [(o, "") for o in self._variable(e)]
        if e.op in ("add", "subtract"):
            return SUM, "+", list(self._terms(e, ("add", "subtract"), _SIGN))
        if e.op in ("multiply", "divide"):
            return PRODUCT, "×", list(self._terms(e, ("multiply", "divide"), _SIDE))
        if e.op in _FUNCTIONS:
            text, mark = _FUNCTIONS[e.op]
            return MAP, text, list(zip(e.operands, ("", mark), strict=True))
        marks = (ASKED, THEN, ELSE) if e.op == "select" else ("", "")
        return CHOICE, _CHOICES[e.op], list(zip(e.operands, marks, strict=True))

    def _map(self, e: Expression, letter: str, role: str) -> Node:
        """A chain of functions of one value, down to a letter, a sum or what is used elsewhere too."""
        chain, inner = [e], self._variable(e)[0]
        while self._own(inner) and len(self._variable(inner)) == 1:
            chain.append(inner)
            inner = self._variable(inner)[0]
        sums = self._own(inner) and inner.op in ("add", "subtract") and not inner.called
        terms = self._terms(inner, ("add", "subtract"), _SIGN) if sums else [(inner, "")]
        operands = tuple((self.node(o), mark) for o, mark in terms)
        unbent = not sums and all(map(self._straight, chain))
        return Node(MAP, self._text(chain, inner), letter, role, operands, unbent=unbent)

    def _text(self, chain: list[Expression], inner: Expression) -> str:
        if chain[0].op == "product":  # U_n of a letter, σ(U_n ∘) of a sum
            return written(self.cell, chain[0], {id(inner): HOLE})
        name = chain[0].called or OPERATIONS[chain[0].op].written.removesuffix("({})")
        if len(chain) == 1 and "{" not in name:
            return name
        named = id(inner) in self.letters or inner.op == "input"
        return written(self.cell, chain[0], {} if named else {id(inner): HOLE})

    def _terms(
        self, e: Expression, ops: tuple[str, str], turned: Mapping[str, str]
    ) -> Iterator[tuple[Expression, str]]:
        """What a sum (or product) adds up, through the sums that nothing else uses; the second of a pair is turned."""
        for o, turn in zip(e.operands, (False, e.op == ops[1]), strict=True):
            inner = self._terms(o, ops, turned) if self._own(o) and o.op in ops and not o.called else [(o, "")]
            for term, mark in inner:
                yield term, turned[mark] if turn else mark

    def _straight(self, e: Expression) -> bool:
        """Whether a value goes through unbent; its square does not."""
        once = len({id(o) for o in e.operands}) == len(e.operands)
        return e.op in _UNBENT and not e.called and once

    def _own(self, e: Expression) -> bool:
        """Whether it is a nameless step on the way to one other value."""
        operation = e.op not in ("input", "number")
        return operation and id(e) not in self.letters and self.uses[id(e)] == 1 and not self._pure(e)

    def _pure(self, e: Expression) -> bool:
        """Whether it is made of products and parameters alone, without a letter within."""
        if e.op == "input":
            return not e.name.startswith("s.")
        return all(id(o) not in self.letters and self._pure(o) for o in _parts(e))

    def _variable(self, e: Expression) -> list[Expression]:
        """Its operands, each once, without the numbers and parameters among them."""
        different = {id(o): o for o in _parts(e)}
        return [o for key, o in different.items() if key in self.letters or not self._pure(o) or any(_inputs(o))]

    def _role(self, name: str) -> str:
        return GATE if name in self.cell.gates else CANDIDATE if name in self.cell.projections else ""


def _parts(e: Expression) -> tuple[Expression, ...]:
    """What a value is written in terms of; of what only its gradient reads there is no picture."""
    if e.called:
        return e.of
    if e.op == "product":
        return e.operands
    return () if e.op in ("input", "number") else read(e.op, e.operands)


def _inputs(e: Expression) -> Iterator[str]:
    if e.op == "input" and not e.name.startswith("p."):
        yield e.name
    for o in _parts(e):
        yield from _inputs(o)


def _products(cell: Definition, e: Expression) -> Iterator[str]:
    return (name[0] for name in _inputs(e) if name[0] in "xu" and name not in cell.streams)
