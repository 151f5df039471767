"""return_gates=, against the equations written out step by step."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence

from agreement import assert_agree
from random_layers import random_layer

LENGTHS = [5, 2, 0, 4]
B, T, I, H = len(LENGTHS), 6, 3, 4


def layer_of(cell, **options):
    return random_layer(cell, I, H, **options)


def lstm_gates(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """One sequence through the LSTM written out; every letter of every step."""
    found = {letter: [] for letter in "ifgoch"}
    for step in x:
        a = w_ih @ step + b_ih + w_hh @ h + b_hh
        i, f, g, o = a[:H].sigmoid(), a[H : 2 * H].sigmoid(), a[2 * H : 3 * H].tanh(), a[3 * H :].sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        for letter, value in zip("ifgoch", (i, f, g, o, c, h), strict=True):
            found[letter].append(value)
    return {letter: torch.stack(values) for letter, values in found.items()}


def test_pytorch_31423_every_gate_and_state_of_every_step(path_with_gates):
    layer = layer_of("lstm", num_layers=2, bidirectional=True)
    x = torch.randn(T, B, I, dtype=torch.float64)
    h, c = torch.randn(4, B, H, dtype=torch.float64), torch.randn(4, B, H, dtype=torch.float64)
    _, _, gates = layer(x, (h, c), lengths=LENGTHS, return_gates=True)
    assert len(gates) == 4
    for b, length in enumerate(LENGTHS):
        below = x[:length, b]
        for k in (0, 1):
            if length == 0:
                continue
            both = []
            for d in (0, 1):
                steps = below.flip(0) if d else below
                expected = lstm_gates(steps, h[2 * k + d, b], c[2 * k + d, b], *layer.all_weights[2 * k + d])
                expected = {letter: v.flip(0) if d else v for letter, v in expected.items()}
                for letter in "ifgoch":
                    assert_agree(gates[2 * k + d][letter][:length, b], expected[letter])
                both.append(expected["h"])
            below = torch.cat(both, -1)
        for one in gates:
            assert all(not values[length:, b].any() for values in one.values())


def test_asking_for_gates_changes_nothing_else(path_with_gates):
    layer = layer_of("gru", num_layers=2, bidirectional=True)
    x = torch.randn(T, B, I, dtype=torch.float64)
    output, state, gates = layer(x, lengths=LENGTHS, return_gates=True)
    assert_agree((output, state), layer(x, lengths=LENGTHS))
    assert [set(one) for one in gates] == [{"r", "z", "n", "h"}] * 4
    assert_agree(torch.cat([gates[2]["h"], gates[3]["h"]], -1), output)


def test_gates_lie_as_the_output_does(path_with_gates):
    x, lengths = torch.randn(T, B, I, dtype=torch.float64), [6, 2, 1, 4]
    layer, first = layer_of("lstm"), layer_of("lstm", batch_first=True)
    (padded,) = layer(x, lengths=lengths, return_gates=True)[2]
    (turned,) = first(x.transpose(0, 1), lengths=lengths, return_gates=True)[2]
    packed_input = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    (packed,) = layer(packed_input, return_gates=True)[2]
    for letter, values in padded.items():
        assert values.shape == (T, B, H)
        assert_agree(turned[letter].transpose(0, 1), values)
        assert_agree(packed[letter], values)
    (single,) = layer(x[:, 0], return_gates=True)[2]
    assert_agree(single["f"], padded["f"][:, 0])


def test_gates_where_nothing_has_a_step():
    (gates,) = layer_of("lstm")(torch.zeros(T, B, I, dtype=torch.float64), lengths=[0] * B, return_gates=True)[2]
    assert {letter: tuple(values.shape) for letter, values in gates.items()} == dict.fromkeys("ifgohc", (T, B, H))


def test_gates_of_a_projected_state():
    layer = layer_of("lstm", proj_size=2)
    output, _, (gates,) = layer(torch.randn(T, B, I, dtype=torch.float64), return_gates=True)
    assert_agree(gates["h"], output)
    assert gates["c"].shape == gates["i"].shape == (T, B, H)
