"""The trace against a count of what was said, symbol by symbol back."""

import torch

from agreement import assert_agree
from cellwright.models.following import KEPT, Following, after, traces

PLACES = torch.tensor([[5, 6, 5, 6, 7, 1], [4, 4, 4, 1, 5, 1]])
TARGETS = torch.tensor([[5, 6, 5, 9, 7], [4, 4, 1, 4, 0]])


def by_hand(b, t, s):
    """Σ over k of KEPT^k, where the symbol said k + 1 before step t stands k + 1 before place s."""
    return sum(KEPT**k for k in range(min(t, s)) if TARGETS[b, t - 1 - k] == PLACES[b, s - 1 - k] != 1)


def test_is_the_weighted_run_of_what_was_said():
    wanted = torch.tensor(
        [[[by_hand(b, t, s) for s in range(6)] for t in range(6)] for b in range(2)], dtype=torch.float64
    )
    begin = torch.zeros(2, 6, dtype=torch.float64)
    assert_agree(traces(begin, TARGETS, PLACES), wanted)
    # After 5 6 5 the run of three ends before the second 6, that of one before the first; of 5 6 7, which differs in
    # its last symbol alone, the two before that count.
    assert wanted[0, 3].tolist() == [0, 1, 0, 1.75, 0, 0.75]


def test_a_step_at_a_time_is_the_whole():
    trace = torch.zeros(2, 6)
    whole = traces(trace, TARGETS, PLACES)
    for t in range(5):
        trace = after(trace, TARGETS[:, t], PLACES)
        assert_agree(trace, whole[:, t + 1], 0)


def test_it_begins_by_going_on():
    following = Following(3)
    with torch.no_grad():
        following.gain.weight.zero_()
    trace = torch.rand(2, 4, 6)
    assert_agree(following(torch.randn(2, 4, 3), trace), trace, 0)
