"""The rooms of the package and who imports whom, drawn from the imports themselves: `make graph`.

    python tools/graph.py       writes docs/figures/rooms.svg, prints every arrow with its number of imports

A room is what stands directly under `cellwright`: a package or a module. An arrow is an import of one room by
another, at the top of a file or inside a function; imports for types alone are none. A room's floor is one above the
highest that it imports, so every arrow leads down; a circle, in which none could, ends the run. Drawn are the arrows
that do not follow from others.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

import grimp

PICTURE = Path(__file__).parents[1] / "docs" / "figures" / "rooms.svg"
WIDE, HIGH, GAP, FLOOR = 104, 30, 14, 62  # of a box, between boxes, from floor to floor; pixels
Arrows = Mapping[tuple[str, str], int]


def arrows(package: str = "cellwright") -> dict[tuple[str, str], int]:
    """How many imports lead from one room to another. The package's own door, which imports all, is no room."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True)
    found: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = (name.split(".")[1:2] for name in (importer, imported))
            if one and other and one != other:
                found[one[0], other[0]] += 1
    return dict(sorted(found.items()))


def floors(between: Arrows) -> dict[str, int]:
    """The floor of each room, the lowest 0. Raises ValueError for a circle, which it names."""
    below: dict[str, set[str]] = {}
    for one, other in between:
        below.setdefault(one, set()).add(other)
        below.setdefault(other, set())
    found: dict[str, int] = {}

    def climb(room: str, path: tuple[str, ...]) -> int:
        if room in path:
            raise ValueError(f"a circle of imports: {' → '.join([*path[path.index(room) :], room])}")
        if room not in found:
            found[room] = max((climb(other, (*path, room)) + 1 for other in sorted(below[room])), default=0)
        return found[room]

    for room in sorted(below):
        climb(room, ())
    return found


def drawn(between: Arrows) -> list[tuple[str, str]]:
    """The arrows that follow from no others: there is no longer way from the one to the other."""
    below: dict[str, set[str]] = {}
    for one, other in between:
        below.setdefault(one, set()).add(other)

    @cache
    def reached(room: str) -> frozenset[str]:
        return frozenset(far for near in below.get(room, ()) for far in (near, *reached(near)))

    return [
        (one, other)
        for one, other in between
        if not any(other in reached(near) for near in below[one] if near != other)
    ]


def svg(between: Arrows) -> str:
    """The drawing: a floor a row, the highest on top."""
    floor = floors(between)
    rows: dict[int, list[str]] = {}
    for room in sorted(floor):
        rows.setdefault(floor[room], []).append(room)
    top, widest = max(rows), max(map(len, rows.values()))
    width = widest * (WIDE + GAP) + GAP
    place = {
        room: (width / 2 + (k - len(some) / 2 + 0.5) * (WIDE + GAP), 24 + (top - level) * FLOOR)
        for level, some in rows.items()
        for k, room in enumerate(some)
    }
    lines = []
    for one, other in drawn(between):
        (x, y), (to_x, to_y) = place[one], place[other]
        y, to_y = y + HIGH / 2, to_y - HIGH / 2 - 3
        bend = (to_y - y) / 2
        lines.append(
            f'<path d="M{x:.0f} {y:.0f} C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}"/>'
        )
    boxes = [
        f'<rect x="{x - WIDE / 2:.0f}" y="{y - HIGH / 2:.0f}" width="{WIDE}" height="{HIGH}" rx="5"/>'
        f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(room)}</text>'
        for room, (x, y) in place.items()
    ]
    height = 48 + top * FLOOR
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>The rooms of cellwright: each imports only what is below it</title>",
            '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z" fill="#557"/></marker>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            '<g fill="none" stroke="#557" stroke-opacity=".55" marker-end="url(#tip)">',
            *lines,
            '</g><g fill="#eef" stroke="#557" font-family="sans-serif" font-size="12" text-anchor="middle">',
            *(box.replace("<text", '<text fill="#113" stroke="none"') for box in boxes),
            "</g></svg>",
            "",
        ]
    )


def counted(between: Arrows) -> str:
    """A line of Markdown a room, from the top: its floor, and what it imports how often."""
    floor = floors(between)
    rows = []
    for room in sorted(floor, key=lambda room: (-floor[room], room)):
        below = ", ".join(f"{other} {count}" for (one, other), count in between.items() if one == room)
        rows.append(f"| {floor[room]} | `{room}` | {below or '–'} |")
    return "\n".join(["| floor | room | imports, and how many |", "|---:|---|---|", *rows])


def main() -> None:
    """Draw, and print the table."""
    between = arrows()
    PICTURE.write_text(svg(between), encoding="utf-8")
    print(counted(between))
    rooms = len(floors(between))
    print(
        f"\n{rooms} rooms, {len(between)} arrows, {sum(between.values())} imports; no arrow leads up", file=sys.stderr
    )


if __name__ == "__main__":
    main()
