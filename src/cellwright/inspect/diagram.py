"""The data flow of a cell as an SVG picture, derived from its definition.

Path("lstm.svg").write_text(svg(lstm), encoding="utf-8")
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import copysign

from cellwright.cells.definition import Definition
from cellwright.cells.formulas import Unicode, equations, where
from cellwright.inspect.flow import CANDIDATE, GATE, STATE, TAP, Flow, Node, flow
from cellwright.inspect.geometry import HALF, LEGEND, MARGIN, RADIUS, Geometry
from cellwright.inspect.layout import EDGE, layout
from cellwright.inspect.typeset import SIZE, typeset, width
from cellwright.inspect.wires import OUT, Wire, wires

INK, QUIET, WIRE, LANE, BODY, BORDER, PAPER = (
    "#1f2937",
    "#64748b",
    "#64748b",
    "#0d8a7f",
    "#f8fafc",
    "#cbd5e1",
    "#ffffff",
)
FILLS = {GATE: ("#fff1cc", "#d49a16"), CANDIDATE: ("#e2edff", "#4677cc"), "": ("#edf1f5", "#94a3b8")}
CORNER, TIP, MARK = 9, 7, 12.5  # px: the bend of a wire, the length of an arrow, the size of a mark
FACES = "'STIX Two Text', 'Latin Modern Roman', 'Times New Roman', 'Liberation Serif', 'Noto Serif', serif"
PLAIN = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', sans-serif"


def svg(cell: Definition) -> str:
    """The picture of one step of `cell`: the text of an SVG file that stands by itself."""
    graph = flow(cell)
    geometry = Geometry(cell, graph, layout(graph))
    ways = wires(geometry)
    parts = [
        *_frame(geometry),
        # Straight ones first: what crosses them is drawn over them, with a margin.
        *(_wire(way) for way in sorted(ways, key=lambda way: (way.lane, len(way.points)))),
        *(_product(geometry, name) for name in geometry.products),
        *(_node(geometry, node) for node in graph.nodes),
        *_labels(geometry),
        *(_mark(way) for way in ways if way.mark),
        *_legend(geometry),
    ]
    return _document(geometry, parts)


def _document(geometry: Geometry, parts: list[str]) -> str:
    cell = geometry.cell
    # Wide enough for what is written above and below a small cell.
    wide = max(geometry.right + OUT + _label_width(geometry) + MARGIN, 2 * MARGIN + _legend_width(geometry))
    wide, high = round(wide), round(geometry.bottom + LEGEND)
    described = "\n".join([*equations(cell), where(cell)]).rstrip()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" '
            f'role="img" font-family="{FACES}" font-size="{SIZE}" fill="{INK}">',
            f"<title>{escape(cell.name)}: {escape(cell.title)}</title>",
            f"<desc>{escape(described)}</desc>",
            f'<rect width="{wide}" height="{high}" fill="{PAPER}"/>',
            *parts,
            "</svg>\n",
        ]
    )


# --- frame and labels ----------------------------------------------------------------------------------
def _frame(geometry: Geometry) -> Iterator[str]:
    cell = geometry.cell
    yield (
        f'<text x="{MARGIN}" y="34" font-family="{PLAIN}" font-size="18" font-weight="600">{escape(cell.name)}'
        f'<tspan dx="12" font-size="14" font-weight="400" fill="{QUIET}">{escape(cell.title)}</tspan></text>'
    )
    x, y, wide, high = geometry.left, geometry.top, geometry.right - geometry.left, geometry.bottom - geometry.top
    yield f'<rect {_box(x, y, wide, high)} rx="16" fill="{BODY}" stroke="{BORDER}" stroke-width="1.5"/>'


def _labels(geometry: Geometry) -> Iterator[str]:
    """The states and x before the step on the left, the new states on the right, letters above their wires."""
    x = geometry.left - 14
    for way in geometry.flow.lanes.values():
        yield _text(x, geometry.y(way[0]), way[0].text, "end")
    for name, (_, y) in geometry.products.items():
        if name == "x" or geometry.cell.recurrent_state not in geometry.flow.lanes:
            yield _text(x, y, "x_t" if name == "x" else geometry.operand, "end")
    for node in geometry.flow.nodes:
        if node in geometry.flow.outputs.values():
            yield _text(geometry.right + OUT + 8, geometry.y(node), _output(geometry.flow, node), "start")
        if node.letter and node.operands and geometry.layout.ends[node] != EDGE:
            yield _text(geometry.x(node) + geometry.half(node) + 5, geometry.y(node) - 13, node.letter, "start", 14)


def _output(graph: Flow, node: Node) -> str:
    return ", ".join(Unicode().symbol(name, "t") for name, output in graph.outputs.items() if output is node)


def _label_width(geometry: Geometry) -> float:
    return 8 + max(width(_output(geometry.flow, node)) for node in geometry.flow.outputs.values())


# --- nodes and wires -----------------------------------------------------------------------------------
def _node(geometry: Geometry, node: Node) -> str:
    x, y, half, text = geometry.x(node), geometry.y(node), geometry.half(node), geometry.text(node)
    if node.kind == TAP or geometry.straight(node):
        return ""
    if node.kind == STATE:
        return _text(x, y, text)
    fill, edge = FILLS[node.role]
    if half == RADIUS:
        edge = LANE if any(node in way for way in geometry.flow.lanes.values()) else WIRE
        circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="{PAPER}" stroke="{edge}" stroke-width="1.6"/>'
        return circle + _operator(x, y, text)
    return _rectangle(x, y, half, fill, edge, round_=8 if not node.operands else HALF) + _text(x, y, text)


def _operator(x: float, y: float, text: str) -> str:
    """+ and × as strokes: fonts set them at different heights."""
    if text not in "+×":
        return _text(x, y, text)
    a, b = (6.5, 0.0) if text == "+" else (4.8, 4.8)
    lines = f"M{x - a:.1f} {y - b:.1f}L{x + a:.1f} {y + b:.1f}M{x - b:.1f} {y + a:.1f}L{x + b:.1f} {y - a:.1f}"
    return f'<path d="{lines}" stroke="{INK}" stroke-width="1.8" stroke-linecap="round"/>'


def _product(geometry: Geometry, name: str) -> str:
    x, y = geometry.products[name]
    box = _rectangle(x, y, geometry.product_half, PAPER, FILLS[""][1], round_=4)
    return box + _text(x, y, geometry.equations[name])


def _wire(wire: Wire) -> str:
    colour, thick = (LANE, 4.0) if wire.lane else (WIRE, 1.6)
    (x, y), (ex, ey) = wire.points[-2:]
    path = _path([*wire.points[:-1], _towards(wire.points[-1], (x, y), TIP)] if wire.arrow else list(wire.points))
    drawn = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>'
    # The first stretch leaves the value's own row: a margin there would cut what it comes from.
    margin = "" if wire.lane or x != ex else f'<path d="{_upright(wire)}" stroke="{BODY}" stroke-width="7"/>'
    dot = f'<circle cx="{wire.points[0][0]:.1f}" cy="{wire.points[0][1]:.1f}" r="3.4" fill="{colour}"/>'
    return margin + drawn + _arrow((ex, ey), (x, y), colour, 1.35 if wire.lane else 1.0) + (dot if wire.dot else "")


def _upright(wire: Wire) -> str:
    """The upright stretch of a wire, less what touches its ends."""
    a, b = wire.points[-2:]
    (x, y), (_, end) = _towards(a, b, CORNER + 2), _towards(b, a, TIP + 2)
    return f"M{x:.1f} {y:.1f}V{end:.1f}"


def _path(points: list[tuple[float, float]]) -> str:
    """Through the points, with round corners."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        (ax, ay), (bx, by) = (_towards(at, other, CORNER) for other in (before, after))
        text += f"L{ax:.1f} {ay:.1f}Q{at[0]:.1f} {at[1]:.1f} {bx:.1f} {by:.1f}"
    return text + f"L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _towards(start: tuple[float, float], end: tuple[float, float], by: float) -> tuple[float, float]:
    """The point `by` px from `start` on the way to `end`, or half-way where that is nearer."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    part = min(by, 0.5 * (abs(dx) + abs(dy)))
    return start[0] + (copysign(part, dx) if dx else 0), start[1] + (copysign(part, dy) if dy else 0)


def _arrow(tip: tuple[float, float], behind: tuple[float, float], colour: str, scale: float) -> str:
    (x, y), (bx, by) = tip, _towards(tip, behind, TIP * scale)
    sx, sy = (by - y) * 0.5, (bx - x) * 0.5
    corners = f"{x:.1f},{y:.1f} {bx + sx:.1f},{by + sy:.1f} {bx - sx:.1f},{by - sy:.1f}"
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _mark(wire: Wire) -> str:
    (x, y), (ex, ey) = wire.points[-2:]
    if x != ex:
        return _text(ex - 11, ey - 10, wire.mark, "end", MARK)
    return _text(ex + wire.side * 6, ey + copysign(14, y - ey), wire.mark, "start" if wire.side > 0 else "end", MARK)


# --- legend --------------------------------------------------------------------------------------------
def _legend(geometry: Geometry) -> Iterator[str]:
    """What the colours mean, of those that are there."""
    x, y = MARGIN, geometry.bottom + 26
    for kind, text in _meanings(geometry):
        fill, edge = FILLS.get(kind, FILLS[""])
        if kind == "lane":
            yield f'<path d="M{x} {y}h24" stroke="{LANE}" stroke-width="4"/>'
        elif kind:
            yield f'<rect {_box(x, y - 7, 24, 14)} rx="4" fill="{fill}" stroke="{edge}"/>'
        start = x + (32 if kind else 0)
        yield f'<text x="{start}" y="{y + 4}" font-family="{PLAIN}" font-size="12.5" fill="{QUIET}">{text}</text>'
        x += round(_meaning_width(kind, text))


def _meanings(geometry: Geometry) -> list[tuple[str, str]]:
    roles = {node.role for node in geometry.flow.nodes}
    lanes = "the state passes: no function bends it on its way"
    return [
        *([("lane", lanes)] if geometry.flow.lanes else [("", "every state is bent by a function at each step")]),
        *([(GATE, "gate: selects")] if GATE in roles else []),
        *([(CANDIDATE, "candidate: what may come in")] if CANDIDATE in roles else []),
    ]


def _legend_width(geometry: Geometry) -> float:
    return sum(_meaning_width(*each) for each in _meanings(geometry)) - 28


def _meaning_width(kind: str, text: str) -> float:
    return (60 if kind else 28) + 6.4 * len(text)


# --- elements ------------------------------------------------------------------------------------------
def _text(x: float, y: float, text: str, anchor: str = "middle", size: float = SIZE) -> str:
    scale = f' font-size="{size:g}"' if size != SIZE else ""
    return f'<text x="{x:.1f}" y="{y + 0.33 * size:.1f}" text-anchor="{anchor}"{scale}>{typeset(text)}</text>'


def _rectangle(x: float, y: float, half: float, fill: str, edge: str, round_: float) -> str:
    place = _box(x - half, y - HALF, 2 * half, 2 * HALF)
    return f'<rect {place} rx="{round_:g}" fill="{fill}" stroke="{edge}" stroke-width="1.4"/>'


def _box(x: float, y: float, wide: float, high: float) -> str:
    return f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
