"""The data flow holds what the trace holds, in few nodes."""

import pytest

from cellwright.cells import CELLS
from cellwright.inspect.flow import CANDIDATE, CHOICE, GATE, MAP, PRODUCT, SOURCE, STATE, SUM, TAP, flow
from strange_cells import EVERY, attending, crossing, spiking, trading, waving


def described(cell):
    graph = flow(cell)
    number = {node: k for k, node in enumerate(graph.nodes)}
    return [(n.kind, n.letter, n.text, [f"{m}{number[o]}" for o, m in n.operands]) for n in graph.nodes]


def test_lstm():
    assert described(CELLS["lstm"]) == [
        (SOURCE, "f_t", "σ(x_f + u_f)", []),
        (STATE, "", "c_{t−1}", []),
        (PRODUCT, "", "×", ["0", "1"]),
        (SOURCE, "i_t", "σ(x_i + u_i)", []),
        (SOURCE, "g_t", "tanh(x_g + u_g)", []),
        (PRODUCT, "", "×", ["3", "4"]),
        (SUM, "c_t", "+", ["2", "5"]),
        (SOURCE, "o_t", "σ(x_o + u_o)", []),
        (MAP, "", "tanh", ["6"]),
        (PRODUCT, "h_t", "×", ["7", "8"]),
    ]


def test_what_a_gate_sees_besides_its_products_enters_its_box():
    nodes = {node.letter: node for node in flow(CELLS["peephole"]).nodes if node.letter}
    assert nodes["f_t"].text == "σ"
    assert [operand.text for operand, _ in nodes["f_t"].operands] == ["x_f + u_f", "p_f · c_{t−1}"]
    assert {letter: node.role for letter, node in nodes.items() if node.role} == {
        "i_t": GATE, "f_t": GATE, "o_t": GATE, "g_t": CANDIDATE,
    }  # fmt: skip


def test_what_is_subtracted_divided_by_and_chosen_is_marked():
    nodes = {node.letter: node for node in flow(CELLS["slstm"]).nodes if node.letter}
    assert [mark for _, mark in nodes["i_t"].operands] == ["", "−"]
    assert [mark for _, mark in nodes["h_t"].operands] == ["", "", "÷"]
    assert [mark for _, mark in nodes["b_t"].operands] == ["?", "then", "else"]
    assert nodes["b_t"].kind == CHOICE


def test_functions_of_two_values_and_of_whole_rows():
    nodes = {node.text: node for node in flow(attending).nodes + flow(waving).nodes}
    assert [mark for _, mark in nodes["pow"].operands] == ["", "^"]
    assert nodes["softmax"].kind == nodes["total"].kind == MAP
    assert "k" in nodes  # a named number alone
    assert [node.text for node in flow(spiking).nodes if node.letter == "z_t"] == ["spike(v_t − 0.3)"]


def test_a_chain_of_functions_is_one_node():
    assert "1 − σ(a_t − 1)" in [node.text for node in flow(CELLS["janet"]).nodes]
    assert "tanh(γ_c · norm(c_t) + β_c)" in [node.text for node in flow(CELLS["layer-norm-lstm"]).nodes]
    assert "h_{t−1} · h_{t−1}" in [node.text for node in flow(crossing).nodes]


@pytest.mark.parametrize(
    ("name", "lanes"),
    [("rnn", []), ("rnn-relu", []), ("lstm", ["c"]), ("lstm-1997", ["c"]), ("gru", ["h"]), ("slstm", ["c", "n", "m"])],
)
def test_the_states_that_no_function_bends(name, lanes):
    assert list(flow(CELLS[name]).lanes) == lanes


def test_a_lane_begins_at_its_state_and_ends_at_the_new_one():
    graph = flow(CELLS["gru"])
    assert [node.text for node in graph.lanes["h"]] == ["h_{t−1}", "×", "+"]
    assert graph.lanes["h"][-1] is graph.outputs["h"]


def test_taps_where_a_value_of_a_lane_is_used_after_it_went_on():
    assert [n.operands[0][0].letter for n in flow(CELLS["slstm"]).nodes if n.kind == TAP] == ["b_t"]
    assert sum(node.kind == TAP for node in flow(trading).nodes) == 2
    assert not any(node.kind == TAP for node in flow(CELLS["peephole"]).nodes)


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_nothing_of_the_trace_is_lost(definition):
    graph = flow(definition)
    assert set(graph.outputs) == {*definition.states, *definition.outputs}
    products = {product for node in graph.nodes for product in node.products}
    assert products == {name[0] for name in definition.reads - definition.streams.keys() if name[0] in "xu"}
    states = {node.text for node in graph.nodes if node.kind == STATE}
    assert len(states) == sum(name.startswith("s.") for name in definition.reads)
    letters = set(definition.trace.letters) & set(definition.gates)
    assert sum(node.role == GATE for node in graph.nodes) == len(letters)
