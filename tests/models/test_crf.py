"""The CRF against enumeration of every labelling, against pytorch-crf, and its gradient against differences."""

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchcrf import CRF as Peer

from agreement import assert_agree, double
from cellwright.models.crf import CRF, SPREAD


def made(tags: int, seed: int = 0, scale: float = 1.0) -> CRF:
    torch.manual_seed(seed)
    crf = CRF(tags).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return crf


def peer_of(crf: CRF) -> Peer:
    peer = Peer(len(crf.start), batch_first=True).double()
    with torch.no_grad():
        peer.start_transitions.copy_(crf.start)
        peer.transitions.copy_(crf.transitions)
        peer.end_transitions.copy_(crf.end)
    return peer


def enumerated(crf: CRF, emissions: Tensor, length: int) -> dict[tuple[int, ...], float]:
    """Score of every labelling of one row, added up by hand."""
    scores = {}
    for path in product(range(emissions.shape[-1]), repeat=length):
        total = sum(emissions[t, tag].item() for t, tag in enumerate(path))
        total += sum(crf.transitions[i, j].item() for i, j in pairwise(path))
        scores[path] = total + (crf.start[path[0]].item() + crf.end[path[-1]].item() if path else 0.0)
    return scores


@settings(max_examples=25)
@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4), tags=st.integers(1, 3), seed=st.integers(0, 99))
def test_every_labelling_is_counted_whatever_the_lengths(lengths: list[int], tags: int, seed: int) -> None:
    crf = made(tags, seed)
    emissions = torch.randn(len(lengths), 5, tags, dtype=torch.float64)
    labels = torch.randint(tags, (len(lengths), 5))
    scores, partition = crf.score(emissions, labels, lengths), crf.log_partition(emissions, lengths)
    best = crf.decode(emissions, lengths)
    for row, length in enumerate(lengths):
        all_scores = enumerated(crf, emissions[row], length)
        expected = torch.tensor(list(all_scores.values()), dtype=torch.float64).logsumexp(0)
        assert_agree(partition[row], expected)
        assert_agree(scores[row], all_scores[tuple(labels[row, :length].tolist())])
        assert tuple(best[row, :length].tolist()) == max(all_scores, key=all_scores.__getitem__)
        assert not best[row, length:].any()
    assert_agree(crf.log_likelihood(emissions, labels, lengths) + partition, scores)


@pytest.mark.parametrize("scale", [1.0, SPREAD])  # the second is computed in logarithms
def test_gradients_of_both_forms_against_differences(scale: float) -> None:
    crf = made(3)
    emissions = (scale * torch.randn(4, 5, 3, dtype=torch.float64)).requires_grad_()
    lengths, labels = torch.tensor([3, 0, 5, 1]), torch.randint(3, (4, 5))

    def run(emissions: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> Tensor:
        weights = {"start": start, "transitions": transitions, "end": end}
        call = (emissions, labels, lengths)
        return torch.func.functional_call(_Likelihood(crf), {f"crf.{k}": v for k, v in weights.items()}, call)

    assert torch.autograd.gradcheck(run, (emissions, crf.start, crf.transitions, crf.end))


class _Likelihood(torch.nn.Module):
    def __init__(self, crf: CRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, *call: Tensor) -> Tensor:
        return self.crf.log_likelihood(*call)


@pytest.mark.parametrize("tags", [1, 5])
def test_values_gradients_and_best_tags_are_pytorch_crfs(tags: int) -> None:
    crf = made(tags)
    peer = peer_of(crf)
    lengths = torch.tensor([7, 1, 4, 6])
    labels = torch.randint(tags, (4, 7))
    mask = torch.arange(7) < lengths[:, None]
    emissions = [torch.randn(4, 7, tags, dtype=torch.float64).requires_grad_()]
    emissions.append(emissions[0].detach().clone().requires_grad_())
    ours = crf.log_likelihood(emissions[0], labels, lengths)
    theirs = peer(emissions[1], labels, mask, reduction="none")
    assert_agree(ours, theirs)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)  # a row's gradient scales with its own
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    assert_agree(emissions[0].grad, emissions[1].grad)
    for own, other in [("start", "start_transitions"), ("transitions", "transitions"), ("end", "end_transitions")]:
        assert_agree(getattr(crf, own).grad, getattr(peer, other).grad)
    best = crf.decode(emissions[0], lengths)
    assert [row[:length].tolist() for row, length in zip(best, lengths, strict=True)] == peer.decode(emissions[1], mask)


@pytest.mark.parametrize("gap", [SPREAD - 100, SPREAD + 100, 1e5])
def test_scores_far_apart_lose_nothing(gap: float) -> None:
    """Tag 1 is as good as impossible at each step but the last, which allows nothing else."""
    crf = made(2, scale=0.1)
    emissions = torch.zeros(1, 4, 2, dtype=torch.float64)
    emissions[0, :3, 1] = -gap
    emissions[0, 3, 0] = -gap
    found = enumerated(crf, emissions[0], 4)
    scores = torch.tensor(list(found.values()), dtype=torch.float64)
    assert_agree(crf.log_partition(emissions, [4])[0], scores.logsumexp(0))
    chosen = torch.nn.functional.one_hot(torch.tensor(list(found))).double()  # (labellings, 4, 2)
    marginals = (scores.softmax(0)[:, None, None] * chosen).sum(0)
    assert_agree(crf.marginals(emissions, [4])[0], marginals)


def test_a_forbidden_transition_is_never_taken() -> None:
    crf = made(3)
    with torch.no_grad():
        crf.transitions[0, 1] = -torch.inf
    emissions = torch.zeros(1, 6, 3, dtype=torch.float64)
    emissions[0, ::2, 0] = 9.0
    emissions[0, 1::2, 1] = 9.0
    scores = enumerated(crf, emissions[0], 6)
    best = crf.decode(emissions, [6])[0].tolist()
    assert tuple(best) == max(scores, key=scores.__getitem__)
    assert (0, 1) not in list(pairwise(best))
    expected = torch.tensor(list(scores.values()), dtype=torch.float64).logsumexp(0)
    assert_agree(crf.log_partition(emissions, [6])[0], expected)


def test_what_lies_beyond_a_length_is_not_looked_at() -> None:
    crf = made(3)
    emissions = torch.randn(2, 5, 3, dtype=torch.float64)
    labels = torch.randint(3, (2, 5))
    expected = crf.log_likelihood(emissions, labels, [2, 0])
    emissions[0, 2:], emissions[1] = torch.nan, torch.nan
    labels[0, 2:], labels[1] = -100, 77
    emissions.requires_grad_()
    found = crf.log_likelihood(emissions, labels, [2, 0])
    assert torch.equal(found, expected)
    found.sum().backward()
    assert emissions.grad is not None
    assert not emissions.grad[0, 2:].any()
    assert not emissions.grad[1].any()


def test_a_row_has_the_same_result_in_any_batch() -> None:
    crf = made(4)
    emissions = torch.randn(3, 6, 4, dtype=torch.float64)
    together = crf.log_partition(emissions, [2, 6, 3])
    alone = [crf.log_partition(emissions[row : row + 1], [length])[0] for row, length in enumerate([2, 6, 3])]
    assert_agree(together, torch.stack(alone))


def test_pytorch_crf_46_85_110_rows_without_a_step() -> None:
    """There "mask of the first timestep must all be on" ends the program; here the row counts for nothing."""
    crf = made(3)
    emissions = torch.randn(3, 4, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.zeros(3, 4, dtype=torch.int64)
    found = crf.log_likelihood(emissions, labels, [0, 4, 0])
    assert found[0] == found[2] == 0
    found.sum().backward()
    assert torch.isfinite(emissions.grad).all()
    assert crf.log_likelihood(emissions, labels, [0, 0, 0]).tolist() == [0, 0, 0]
    assert crf.decode(emissions[:, :0], [0, 0, 0]).shape == (3, 0)


def test_pytorch_crf_61_a_mask_in_place_of_lengths_is_refused() -> None:
    with pytest.raises(TypeError, match=r"lengths are torch\.bool; expected whole numbers.*mask\.sum"):
        made(2).decode(torch.zeros(1, 1, 2), torch.tensor([True]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_pytorch_crf_56_half_precision(dtype: torch.dtype) -> None:
    """16-bit emissions are read as they are; the sums are made and returned in float32."""
    crf = made(5).float()
    emissions = (3 * torch.randn(2, 90, 5)).to(dtype).requires_grad_()
    labels = torch.randint(5, (2, 90))
    found = crf.log_likelihood(emissions, labels, [90, 40])
    assert found.dtype == torch.float32
    assert_agree(found, double(crf).log_likelihood(double(emissions.detach()), labels, [90, 40]))
    found.sum().backward()
    assert emissions.grad.dtype == dtype


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"emissions have shape \(4, 2\); expected \(batch, time, tags\)"):
        made(2).log_partition(torch.zeros(4, 2), [4])
    with pytest.raises(ValueError, match=r"tags have shape \(1, 3\); expected \(batch, time\) = \(1, 4\)"):
        made(2).score(torch.zeros(1, 4, 2), torch.zeros(1, 3, dtype=torch.int64), [4])
    with pytest.raises(ValueError, match=r"lengths\[0\] is 5; expected 0 … 4"):
        made(2).decode(torch.zeros(1, 4, 2), [5])
