"""The wires of a picture: from each value to what it enters, at right angles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cellwright.inspect.flow import STATE, TAP, Node
from cellwright.inspect.geometry import HALF, RADIUS, Geometry
from cellwright.inspect.layout import EDGE

PORT = 12  # px between two wires that enter a node from the same side
OUT = 26  # px that a wire goes on beyond the body

Point = tuple[float, float]


@dataclass(frozen=True)
class Wire:
    """A way from point to point; with an arrow at its end, a dot at its beginning, a mark beside its end."""

    points: tuple[Point, ...]
    arrow: bool = True
    dot: bool = False
    lane: bool = False
    mark: str = ""
    side: int = 1  # of an upright end on which the mark stands: 1 right, -1 left


def wires(geometry: Geometry) -> list[Wire]:
    """All of them."""
    return [
        *_incoming(geometry),
        *_trunks(geometry),
        *(wire for node in geometry.flow.nodes for wire in _outgoing(geometry, node)),
    ]


def _outgoing(geometry: Geometry, node: Node) -> Iterator[Wire]:
    """Those of one value. The furthest goes round a corner; the others turn off at a dot."""
    end = geometry.layout.ends[node]
    start = (_start(geometry, node), geometry.y(node))
    if end == EDGE:
        yield Wire((start, (geometry.right + OUT, start[1])), lane=_on_lane(geometry, node, None))
    # A tap has no box: the wire comes round the corner from the lane.
    before = tuple((start[0], geometry.y(operand)) for operand, _ in node.operands if node.kind == TAP)
    for user, x, mark in _users(geometry, node):
        if user.kind == TAP:
            continue
        y, column = geometry.y(user), geometry.layout.columns[user]
        if y == start[1]:
            at = (x - geometry.half(user), y)
            yield Wire((*before, start, at), dot=bool(before), lane=_on_lane(geometry, node, user), mark=mark)
            continue
        height = RADIUS if geometry.half(user) == RADIUS else HALF
        last = column == end
        corner, tip = (x, start[1]), (x, y - height if y > start[1] else y + height)
        on_lane = _on_lane(geometry, node, user)
        way = (*before, start, corner, tip) if last else (corner, tip)
        yield Wire(way, dot=not last or bool(before), lane=on_lane, mark=mark, side=-1 if x < geometry.x(user) else 1)


def _users(geometry: Geometry, node: Node) -> Iterator[tuple[Node, float, str]]:
    """What a value enters, at which x, with its mark; what enters a node from one side stands side by side."""
    for user in geometry.flow.nodes:
        for upper in (True, False):
            side = [(o, m) for o, m in user.operands if o is not user and _above(geometry, o, user) == upper]
            side.sort(key=lambda pair: geometry.layout.rows[pair[0]], reverse=upper)
            for k, (operand, mark) in enumerate(side):
                if operand is node:
                    yield user, geometry.x(user) + PORT * (k - (len(side) - 1) / 2), mark
        for operand, mark in user.operands:
            if operand is node and geometry.y(operand) == geometry.y(user):
                yield user, geometry.x(user), mark


def _above(geometry: Geometry, operand: Node, user: Node) -> bool | None:
    difference = geometry.layout.rows[operand] - geometry.layout.rows[user]
    return None if difference == 0 else difference < 0


def _on_lane(geometry: Geometry, node: Node, user: Node | None) -> bool:
    """Whether the wire from `node` to `user`, or out of the cell, is part of a lane."""
    ways = geometry.flow.lanes.values()
    if user is None:
        return any(way[-1] is node for way in ways)
    return any((node, user) in pairwise(way) for way in ways)


def _start(geometry: Geometry, node: Node) -> float:
    if geometry.straight(node):
        return geometry.left - 8
    return geometry.x(node) + geometry.half(node) + (4 if node.kind == STATE else 0)


def _incoming(geometry: Geometry) -> Iterator[Wire]:
    """x_t and h_{t−1} to their products; the latter off its lane where it has one."""
    lane = geometry.flow.lanes.get(geometry.cell.recurrent_state)
    for name, (x, y) in geometry.products.items():
        if name == "u" and lane:
            yield Wire(((x, geometry.y(lane[0])), (x, y - HALF)), dot=True)
        else:
            yield Wire(((geometry.left - 8, y), (x - geometry.product_half, y)))


def _trunks(geometry: Geometry) -> Iterator[Wire]:
    """The products to their sources."""
    for name, x in geometry.trunks.items():
        product = geometry.products[name][1]
        targets = [(node, _tap(geometry, node, name)) for node in geometry.flow.nodes if name in node.products]
        outmost = {min(y for _, y in targets), max(y for _, y in targets)}
        begin = (geometry.products[name][0] + geometry.product_half, product)
        for node, y in targets:
            tip = (geometry.x(node) - geometry.half(node), y)
            if y == product:
                yield Wire((begin, tip))
            elif y in outmost:
                yield Wire((begin, (x, product), (x, y), tip))
            else:
                yield Wire(((x, y), tip), dot=True)


def _tap(geometry: Geometry, node: Node, name: str) -> float:
    """The y at which a product comes into a source: u above x where both do."""
    if len(node.products) == 1:
        return geometry.y(node)
    return geometry.y(node) + (-PORT / 2 if name == "u" else PORT / 2)
