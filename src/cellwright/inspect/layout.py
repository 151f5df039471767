"""Rows and columns for a data flow, such that no wire runs over a node.

Time goes from left to right. A value's wire keeps to its own row, from its node's column to that of the last node that
it enters, turning off into the column of each. A node and the wires that come into it have their stretch of a column
for themselves. So wires only ever cross at right angles. The lanes lie on top, the sources in the first column.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from cellwright.inspect.flow import SOURCE, STATE, Flow, Node

EDGE = math.inf  # the column of what leaves the cell


@dataclass(frozen=True)
class Layout:
    """Where each node lies: its row, from the top, and its column; and the column at which its wire ends."""

    rows: dict[Node, int]
    columns: dict[Node, int]
    ends: dict[Node, float]

    @property
    def height(self) -> int:
        """How many rows there are."""
        return 1 + max(self.rows.values())

    @property
    def width(self) -> int:
        """How many columns there are, that of the sources among them."""
        return 1 + max(self.columns.values())


def layout(flow: Flow) -> Layout:
    """Place every node of `flow`; the same flow has the same picture."""
    plan = _Plan(flow)
    for node in flow.nodes:
        plan.place(node)
    rows = {node: plan.rows.index(row) for node, row in plan.row.items()}
    return Layout(rows, plan.columns, {node: plan.end(node) for node in plan.columns})


@dataclass(eq=False)
class _Row:
    """The nodes of a row, from left to right. It has no number yet: rows may still come in between."""

    nodes: list[Node] = field(default_factory=list)


class _Plan:
    """A layout in the making."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.columns: dict[Node, int] = {}
        self.row: dict[Node, _Row] = {}
        self.taken: dict[int, list[tuple[_Row, _Row]]] = defaultdict(list)  # the stretches of each column
        self.users: dict[Node, list[Node]] = defaultdict(list)
        for node in flow.nodes:
            for operand, _ in node.operands:
                self.users[operand].append(node)
        self.before = {node: last for way in flow.lanes.values() for last, node in pairwise(way)}
        self.rows = [_Row() for _ in flow.lanes]
        self.lanes = {n: row for row, way in zip(self.rows, flow.lanes.values(), strict=True) for n in way}
        for node in flow.nodes:
            if node.kind in (SOURCE, STATE):
                self._put(node, 0, self.lanes.get(node) or self._insert(len(self.rows)))

    def place(self, node: Node) -> None:
        """Put a node into the first column where it has room, after its operands.

        A node of a lane takes the place of the value before it: what else uses that one comes first.
        """
        if node in self.columns:
            return
        earlier = [operand for operand, _ in node.operands]
        if node in self.before:
            earlier += [user for user in self.users[self.before[node]] if user is not node]
        for other in earlier:
            self.place(other)
        column = 1 + max(self.columns[other] for other in earlier)
        while not self._fits(column, self._stretch(node, self._choose(node, column))):
            column += 1
        place = self._choose(node, column)
        row = place if isinstance(place, _Row) else self._insert(place)
        stretch = self._stretch(node, row)
        self.taken[column].append((self.rows[int(stretch[0])], self.rows[int(stretch[1])]))
        self._put(node, column, row)

    def end(self, node: Node, without: Node | None = None) -> float:
        """The column where the wire of a node ends: EDGE where it leaves, or while a user (but one) is not placed."""
        users = [user for user in self.users[node] if user is not without]
        if node in self.flow.outputs.values() or any(user not in self.columns for user in users):
            return EDGE
        return max((self.columns[user] for user in users), default=self.columns[node])

    def _choose(self, node: Node, column: int) -> _Row | int:
        """The row for a node: its lane, that of an operand whose wire ends in it, a free one nearby, or a new one."""
        if node in self.lanes:
            return self.lanes[node]
        lanes = len(self.flow.lanes)
        operands = [operand for operand, _ in node.operands]
        inherited = [self._index(o) for o in operands if self.end(o, node) < column and self._index(o) >= lanes]
        if inherited:
            upwards = any(user in self.lanes for user in self.users[node])
            return self.rows[min(inherited) if upwards else max(inherited)]
        lowest = max(self._index(operand) for operand in operands)
        free = [k for k in range(lanes, len(self.rows)) if all(self.end(n) < column for n in self.rows[k].nodes)]
        near = min(free, key=lambda k: abs(k - lowest), default=None)
        return max(lowest + 1, lanes) if near is None or abs(near - lowest) > 2 else self.rows[near]

    def _stretch(self, node: Node, place: _Row | int) -> tuple[float, float]:
        """The rows between which a node and the wires that come into it lie; a row yet to be made lies half-way."""
        own = self.rows.index(place) if isinstance(place, _Row) else place - 0.5
        among = [own, *(self._index(operand) for operand, _ in node.operands)]
        return min(among), max(among)

    def _fits(self, column: int, stretch: tuple[float, float]) -> bool:
        others = [(self.rows.index(top), self.rows.index(bottom)) for top, bottom in self.taken[column]]
        return all(stretch[1] < top or bottom < stretch[0] for top, bottom in others)

    def _index(self, node: Node) -> int:
        return self.rows.index(self.row[node])

    def _insert(self, index: int) -> _Row:
        self.rows.insert(index, _Row())
        return self.rows[index]

    def _put(self, node: Node, column: int, row: _Row) -> None:
        self.columns[node], self.row[node] = column, row
        row.nodes.append(node)
