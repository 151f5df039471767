"""From rows and columns to pixels.

From left to right: the labels of the states before the step, the two matrix products and the trunks that carry them to
the sources, the sources, the columns of the step, the labels of the new states.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cellwright.cells.definition import Definition
from cellwright.cells.formulas import Unicode, where
from cellwright.inspect.flow import CHOICE, PRODUCT, SOURCE, STATE, SUM, TAP, Flow, Node
from cellwright.inspect.layout import Layout
from cellwright.inspect.typeset import width

ROW, HALF, RADIUS = 58, 17, 15  # px: from row to row, half a box, of a circle
MARGIN, GAP, PADDING, TITLE, LEGEND = 20, 32, 13, 64, 48  # px


@dataclass(frozen=True)
class Geometry:
    """Where everything is, in px."""

    cell: Definition
    flow: Flow
    layout: Layout

    # --- nodes ----------------------------------------------------------------------------------------
    def text(self, node: Node) -> str:
        """What stands in a node."""
        return f"{node.letter} = {node.text}" if node.kind == SOURCE and node.letter else node.text

    def half(self, node: Node) -> float:
        """Half its width."""
        if node.kind == TAP:
            return 0.0
        if node.kind in (SUM, PRODUCT) or (node.kind == CHOICE and len(node.text) == 1):
            return RADIUS
        return max(RADIUS + 4, width(self.text(node)) / 2 + (0 if node.kind == STATE else PADDING))

    def x(self, node: Node) -> float:
        """Its centre; a source is flush left with the others, a state that has no lane flush right."""
        column = self.layout.columns[node]
        if column:
            return self.columns[column]
        left, right = self.sources
        return right - self.half(node) if node.kind == STATE else left + self.half(node)

    def y(self, node: Node) -> float:
        """The middle of its row."""
        return self._row(self.layout.rows[node])

    def _row(self, row: float) -> float:
        return self.top + ROW * (row + 0.7 - min([0.0, *self._product_rows.values()]))

    # --- the body -------------------------------------------------------------------------------------
    @property
    def top(self) -> float:
        """The upper edge of the cell's body."""
        return TITLE

    @cached_property
    def bottom(self) -> float:
        """The lower edge."""
        lowest = max([*(y for _, y in self.products.values()), *(self.y(node) for node in self.flow.nodes)])
        return lowest + 0.7 * ROW

    @cached_property
    def left(self) -> float:
        """The left edge: to its left stand the labels of what comes in."""
        texts = ["x_t", self.operand, *(way[0].text for way in self.flow.lanes.values())]
        return MARGIN + max(width(text) for text in texts) + 12

    @cached_property
    def right(self) -> float:
        """The right edge."""
        if len(self.columns) == 1:
            return self.sources[1] + GAP
        return self.columns[-1] + self._widths[-1] / 2 + 0.8 * GAP

    @cached_property
    def columns(self) -> list[float]:
        """The centre of each column."""
        centres, edge = [(self.sources[0] + self.sources[1]) / 2], self.sources[1]
        for size in self._widths[1:]:
            centres.append(edge + GAP + size / 2)
            edge += GAP + size
        return centres

    @cached_property
    def _widths(self) -> list[float]:
        nodes = self.layout.columns.items()
        return [max(self._room(n) for n, c in nodes if c == column) for column in range(self.layout.width)]

    def _room(self, node: Node) -> float:
        """The width of a node, with the marks at its sides."""
        return 2 * self.half(node) + 2 * max(width(mark) for mark in ["", *(mark for _, mark in node.operands)])

    # --- what comes in --------------------------------------------------------------------------------
    @property
    def operand(self) -> str:
        """The state that U multiplies, as it is printed; of a cell without U the first."""
        return Unicode().symbol(self.cell.recurrent_state or self.cell.states[0], "t−1")

    @cached_property
    def equations(self) -> dict[str, str]:
        """x = W x_t + b and u = U h_{t−1} + b', those that the step uses."""
        both = where(self.cell).removeprefix("where ").removesuffix(".").split(", ")
        used = {product for node in self.flow.nodes for product in node.products}
        return {text[0]: text for text in reversed(both) if text[:1] in used}

    @cached_property
    def products(self) -> dict[str, tuple[float, float]]:
        """The centre of the box of each product, amid the sources that use it."""
        x = self.left + 22 + self.product_half
        return {name: (x, self._row(row)) for name, row in self._product_rows.items()}

    @cached_property
    def _product_rows(self) -> dict[str, float]:
        """Their rows: half-way between two, where no source's own wires run; at least half a row from the lanes."""
        rows = [self.layout.rows[node] for node in self.flow.nodes if node.products]
        if not rows:
            return {}
        middle = (min(rows) + max(rows)) / 2
        apart = 0.5 if middle.is_integer() else 1.0
        places = {"u": middle - apart, "x": middle + apart}
        return {name: places[name] for name in self.equations}

    @cached_property
    def product_half(self) -> float:
        """Half the width of those boxes."""
        return max((width(text) / 2 + PADDING for text in self.equations.values()), default=0.0)

    @cached_property
    def trunks(self) -> dict[str, float]:
        """The x of the upright wire that carries each product to its sources."""
        start = self.left + 22 + 2 * self.product_half + 22
        return {name: start + 16 * k for k, name in enumerate(self.products)}

    @cached_property
    def sources(self) -> tuple[float, float]:
        """The left and the right edge of the sources."""
        boxes = [n for n, column in self.layout.columns.items() if column == 0 and not self.straight(n)]
        left = max(self.trunks.values(), default=self.left) + 28
        return left, left + max((2 * self.half(node) for node in boxes), default=0.0)

    def straight(self, node: Node) -> bool:
        """Whether a node is a state that comes in on its lane."""
        return any(node is way[0] for way in self.flow.lanes.values())
