"""What an epoch reads, against the texts it is made of."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.models.sampling import LARGEST_SEED
from cellwright.nn.tbptt import Window
from cellwright.tasks.lm.feed import LaneFeed


def documents(lengths: list[int]) -> list[torch.Tensor]:
    """Each begins with its mark, 0, and all other tokens are different."""
    place = iter(range(1, 10_000))
    return [torch.tensor([0, *(next(place) for _ in range(length))]) for length in lengths]


def joined(epoch: list[tuple[Window, ...]], way: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([e[way].input for e in epoch]), torch.cat([e[way].targets for e in epoch])


@settings(max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_lanes_go_on_from_window_to_window(lengths: list[int], lanes: int, window: int, world: int) -> None:
    texts = documents([*lengths, 400])
    stream = torch.cat(texts)
    parts = [LaneFeed(texts, lanes, window, None).epoch(0, rank, world) for rank in range(world)]
    assert len({len(part.batches) for part in parts}) == 1
    read = [joined(list(part.examples)) for part in parts if 0 not in part.idle]
    width = sum(inputs.shape[1] for inputs, _ in read)
    seen, following = (torch.empty(len(read[0][0]), width, dtype=torch.int64) for _ in range(2))
    for rank, (inputs, targets) in enumerate(read):
        seen[:, rank::world], following[:, rank::world] = inputs, targets
    wanted = stream[: seen.numel()].view(-1, len(seen)).T.clone()
    wanted[0] = 0  # a lane begins with the mark, whatever stands there
    assert torch.equal(seen, wanted)
    assert torch.equal(following.T.flatten(), stream[1 : seen.numel() + 1])
    assert len(stream) - 1 - seen.numel() < width


def test_a_process_without_a_lane_reads_the_first_one_for_nothing() -> None:
    first, second = (LaneFeed(documents([300]), 1, 4, None).epoch(0, rank, 2) for rank in range(2))
    assert torch.equal(joined(list(first.examples))[0], joined(list(second.examples))[0])
    assert [number in second.idle for number in range(len(second.batches))] == [True] * len(first.batches)
    assert 0 not in first.idle


@settings(max_examples=40)
@given(st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_is_a_function_of_its_number(seed: int, number: int) -> None:
    feed = LaneFeed(documents([5, 0, 7, 30]), 2, 4, seed)
    once, again = (joined(list(feed.epoch(number, 0, 1).examples))[0] for _ in range(2))
    assert torch.equal(once, again)
    others = [joined(list(feed.epoch(number + k, 0, 1).examples))[0] for k in range(1, 6)]
    assert not all(torch.equal(once, other) for other in others)


def test_seeds_are_told_apart_up_to_the_largest() -> None:
    [text] = documents([1000])
    feeds = [LaneFeed([text], 1, 8, seed) for seed in (LARGEST_SEED, LARGEST_SEED - 1, 1, 0)]
    assert len({int(feed.epoch(2, 0, 1).examples[0][0].targets[0, 0]) for feed in feeds}) == 4


def test_one_text_begins_anywhere_and_each_pair_of_neighbours_stays_one() -> None:
    [text] = documents([40])
    epochs = [joined(list(LaneFeed([text], 1, 8, 3).epoch(number, 0, 1).examples)) for number in range(4)]
    assert len({int(targets[0, 0]) for _, targets in epochs}) > 1
    for inputs, targets in epochs:
        inside = (targets != 0) & (inputs != 0)
        assert torch.equal((inputs + 1)[inside], targets[inside])


def test_each_document_is_told_apart() -> None:
    feed = LaneFeed(documents([3, 5, 2]), 1, 4, 0)
    for (window,) in feed.epoch(1, 0, 1).examples:
        marks = window.input == 0
        assert torch.equal(marks, torch.zeros_like(marks) if window.reset is None else window.reset)


def test_a_short_text_has_fewer_lanes() -> None:
    [(window,)] = LaneFeed(documents([3]), 32, 64, 0).epoch(0, 0, 1).examples
    assert window.input.shape == (3, 1)
    for length, width in ((2 * 32 * 4 - 1, 1), (2 * 32 * 4, 2), (9000, 5)):
        assert LaneFeed(documents([length]), 5, 4, 0).epoch(0, 0, 1).examples[0][0].input.shape == (4, width)


def test_backward_each_document_comes_from_its_end_on() -> None:
    epoch = list(LaneFeed(documents([3, 2]), 1, 4, None, both=True).epoch(0, 0, 1).examples)
    assert joined(epoch)[0].flatten().tolist() == [0, 1, 2, 3, 0, 4]
    backward, following = joined(epoch, way=1)
    assert backward.flatten().tolist() == [0, 3, 2, 1, 0, 5]
    assert following.flatten().tolist() == [3, 2, 1, 0, 5, 4]
