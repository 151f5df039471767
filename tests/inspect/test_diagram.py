"""No wire of a picture runs over a node, lanes are straight, and the file is SVG, for shipped and for strange cells."""

import subprocess
import sys
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest

from cellwright.cells import CELLS
from cellwright.cells.formulas import equations, where
from cellwright.inspect.diagram import svg
from cellwright.inspect.flow import STATE, TAP, flow
from cellwright.inspect.geometry import HALF, RADIUS, Geometry
from cellwright.inspect.layout import layout
from cellwright.inspect.typeset import typeset
from cellwright.inspect.wires import wires
from strange_cells import EVERY, trading

SVG = "{http://www.w3.org/2000/svg}"


def geometry_of(definition):
    graph = flow(definition)
    return Geometry(definition, graph, layout(graph))


def boxes(geometry):
    """Left, top, right, bottom of each node and product."""
    for node in geometry.flow.nodes:
        if node.kind != TAP and not geometry.straight(node):
            half = geometry.half(node)
            high = RADIUS if half == RADIUS else HALF
            x, y = geometry.x(node), geometry.y(node)
            yield x - half, y - high, x + half, y + high
    for x, y in geometry.products.values():
        yield x - geometry.product_half, y - HALF, x + geometry.product_half, y + HALF


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_no_wire_runs_over_a_node(definition):
    geometry = geometry_of(definition)
    for wire in wires(geometry):
        for (ax, ay), (bx, by) in pairwise(wire.points):
            assert ax == bx or ay == by
            for left, top, right, bottom in boxes(geometry):
                apart = max(ax, bx) <= left + 0.01 or min(ax, bx) >= right - 0.01
                assert apart or max(ay, by) <= top + 0.01 or min(ay, by) >= bottom - 0.01


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_no_two_nodes_touch(definition):
    for one, other in combinations(boxes(geometry_of(definition)), 2):
        apart = one[2] < other[0] or other[2] < one[0]
        assert apart or one[3] < other[1] or other[3] < one[1]


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_no_two_values_share_a_stretch_of_a_wire(definition):
    """In a row, each value's wire ends before the next one's begins."""
    geometry = geometry_of(definition)
    level = {geometry.y(node): [] for node in geometry.flow.nodes}
    for node in geometry.flow.nodes:
        end = min(geometry.layout.ends[node], geometry.layout.width)
        level[geometry.y(node)].append((geometry.layout.columns[node], end))
    for stretches in level.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(stretches)))


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_every_operand_has_its_wire(definition):
    geometry = geometry_of(definition)
    inside = sum(len(node.operands) for node in geometry.flow.nodes if node.kind != TAP)
    leaving = len(set(geometry.flow.outputs.values()))
    taps = sum(len(node.products) for node in geometry.flow.nodes)
    assert len(wires(geometry)) == inside + leaving + taps + len(geometry.products)


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_a_lane_is_one_straight_line_above_the_rest(definition):
    geometry = geometry_of(definition)
    levels = [{geometry.y(node) for node in way} for way in geometry.flow.lanes.values()]
    assert all(len(level) == 1 for level in levels)
    others = [geometry.y(n) for n in geometry.flow.nodes if not any(n in way for way in geometry.flow.lanes.values())]
    assert all(max(level) < min(others, default=1e9) for level in levels)


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_the_file_is_svg_with_the_equations_for_who_cannot_see_it(definition):
    root = ElementTree.fromstring(svg(definition))
    assert root.tag == SVG + "svg"
    said = [*equations(definition), *([where(definition)] if where(definition) else [])]
    assert root.find(SVG + "desc").text.splitlines() == said
    wide, high = float(root.get("width")), float(root.get("height"))
    for text in root.iter(SVG + "text"):
        assert 0 < float(text.get("x")) < wide
        assert 0 < float(text.get("y")) < high


def test_what_it_shows():
    texts = ["".join(text.itertext()) for text in ElementTree.fromstring(svg(CELLS["gru"])).iter(SVG + "text")]
    assert {"zt = σ(xz + uz)", "1 − zt", "tanh", "u = U ht−1 + b'", "ht−1", "xt", "ht", "nt"} <= set(texts)
    assert any(text.startswith("the state passes") for text in texts)
    assert not any("the state passes" in text for text in ElementTree.fromstring(svg(CELLS["rnn"])).itertext())


def test_a_title_with_markup_is_text():
    picture = svg(trading)
    assert "<script>" not in picture
    assert "&lt;script&gt;" in picture


def test_the_same_cell_has_the_same_picture_in_every_process():
    code = "from cellwright.cells import CELLS; from cellwright.inspect.diagram import svg; print(svg(CELLS['slstm']))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True).stdout
    assert other.rstrip("\n") == svg(CELLS["slstm"]).rstrip("\n")


def test_subscripts_stand_lower_and_come_back():
    root = ElementTree.fromstring(f"<t>{typeset('γ_{x,i} · tanh(c_t) + b')}</t>")
    level, seen = 0.0, {}
    for span in root:
        level += float(span.get("dy", 0))
        seen[span.text] = (level > 0, span.get("font-style") == "italic")
    assert seen == {
        "γ": (False, True), "x,i": (True, False), " · ": (False, False), "tanh": (False, False), "(": (False, False),
        "c": (False, True), "t": (True, False), ") + ": (False, False), "b": (False, True),
    }  # fmt: skip


def test_states_that_have_no_lane_are_written_where_they_enter():
    definition = next(cell for cell in EVERY if cell.name == "crossing")
    geometry = geometry_of(definition)
    free = [node for node in geometry.flow.nodes if node.kind == STATE and not geometry.straight(node)]
    texts = ["".join(text.itertext()) for text in ElementTree.fromstring(svg(definition)).iter(SVG + "text")]
    assert [node.text for node in free] == ["h_{t−1}"]
    assert texts.count("ht−1") == 2  # there, and at the product with U
