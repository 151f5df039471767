"""What an epoch reads, against the texts it is made of."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.token_rows import TokenRows
from cellwright.models.sampling import LARGEST_SEED
from cellwright.nn.tbptt import Lanes, Window, lanes, windows
from cellwright.tasks.lm.feed import LEAST_WINDOWS, LaneFeed
from cellwright.tasks.lm.stream import Stream

LENGTHS = st.lists(st.integers(0, 9), min_size=1, max_size=6)


def documents(lengths: list[int]) -> list[torch.Tensor]:
    """Each begins with its mark, 0, and all other tokens are different."""
    place = iter(range(1, 10_000))
    return [torch.tensor([0, *(next(place) for _ in range(length))]) for length in lengths]


def stream(lengths: list[int]) -> Stream:
    """The same without their marks."""
    return Stream.of(TokenRows.of([document[1:].tolist() for document in documents(lengths)]))


def joined(epoch: list[tuple[Window, ...]], way: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([e[way].input for e in epoch]), torch.cat([e[way].targets for e in epoch])


def copied(feed: LaneFeed, texts: list[torch.Tensor], number: int, rank: int, world: int) -> list[list[Window]]:
    """The windows of each direction by `nn.tbptt`, of texts that are drawn and copied one behind the other."""
    found = []
    for way in [texts, [torch.cat([text[:1], text[1:].flip(0)]) for text in texts]][: 1 + feed.both]:
        draws = torch.Generator().manual_seed(feed.seed * 1_000_003 + number)
        if len(way) > 1:
            drawn = [way[k] for k in torch.randperm(len(way), generator=draws).tolist()]
        else:
            start = int(torch.randint(len(way[0]), (1,), generator=draws))
            drawn = [way[0][start:], way[0][:start]]
        width = max(1, min(feed.lanes, (sum(map(len, way)) - 1) // (feed.window * LEAST_WINDOWS)))
        whole = lanes(drawn, width)
        own = slice(0, 1) if rank >= width else slice(rank, None, world)
        mine = Lanes(*(part[:, own] for part in whole))
        marked = torch.cat([torch.zeros_like(mine.input[:1]), mine.input[1:]])
        found.append(list(windows(mine._replace(input=marked), window=feed.window, stride=feed.stride)))
    return found


def plain(window: Window) -> list[object]:
    return [part.tolist() if isinstance(part, torch.Tensor) else part for part in window]


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(LENGTHS, st.tuples(st.integers(1, 500))),
    st.integers(1, 5),
    st.integers(1, 4).flatmap(lambda window: st.tuples(st.just(window), st.none() | st.integers(1, window))),
    st.booleans(),
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 3)),
)
def test_windows_are_those_of_texts_that_are_copied(lengths, many, sizes, both, where):
    """Of one text and several, long ones among them, in each direction, with windows that read steps again."""
    lengths = list(lengths) if sum(lengths) else [*lengths, 3]
    seed, number, world = where
    if len(lengths) % 2 == 0:
        lengths.append(300)
    feed = LaneFeed(stream(lengths), many, sizes[0], seed, both, sizes[1])
    for rank in range(world):
        found = feed.epoch(number, rank, world).examples
        expected = list(zip(*copied(feed, documents(lengths), number, rank, world), strict=True))
        assert [list(map(plain, ways)) for ways in found] == [list(map(plain, ways)) for ways in expected]


@settings(max_examples=40)
@given(LENGTHS, st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_lanes_go_on_from_window_to_window(lengths: list[int], lanes: int, window: int, world: int) -> None:
    texts = torch.cat(documents([*lengths, 400]))
    parts = [LaneFeed(stream([*lengths, 400]), lanes, window, None).epoch(0, rank, world) for rank in range(world)]
    assert len({len(part.batches) for part in parts}) == 1
    read = [joined(list(part.examples)) for part in parts if 0 not in part.idle]
    width = sum(inputs.shape[1] for inputs, _ in read)
    seen, following = (torch.empty(len(read[0][0]), width, dtype=torch.int64) for _ in range(2))
    for rank, (inputs, targets) in enumerate(read):
        seen[:, rank::world], following[:, rank::world] = inputs, targets
    wanted = texts[: seen.numel()].view(-1, len(seen)).T.clone()
    wanted[0] = 0  # a lane begins with the mark, whatever stands there
    assert torch.equal(seen, wanted)
    assert torch.equal(following.T.flatten(), texts[1 : seen.numel() + 1])
    assert len(texts) - 1 - seen.numel() < width


def test_a_process_without_a_lane_reads_the_first_one_for_nothing() -> None:
    first, second = (LaneFeed(stream([300]), 1, 4, None).epoch(0, rank, 2) for rank in range(2))
    assert torch.equal(joined(list(first.examples))[0], joined(list(second.examples))[0])
    assert [number in second.idle for number in range(len(second.batches))] == [True] * len(first.batches)
    assert 0 not in first.idle


@settings(max_examples=40)
@given(st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_is_a_function_of_its_number(seed: int, number: int) -> None:
    feed = LaneFeed(stream([5, 0, 7, 30]), 2, 4, seed)
    once, again = (joined(list(feed.epoch(number, 0, 1).examples))[0] for _ in range(2))
    assert torch.equal(once, again)
    others = [joined(list(feed.epoch(number + k, 0, 1).examples))[0] for k in range(1, 6)]
    assert not all(torch.equal(once, other) for other in others)


def test_seeds_are_told_apart_up_to_the_largest() -> None:
    feeds = [LaneFeed(stream([1000]), 1, 8, seed) for seed in (LARGEST_SEED, LARGEST_SEED - 1, 1, 0)]
    assert len({int(feed.epoch(2, 0, 1).examples[0][0].targets[0, 0]) for feed in feeds}) == 4


def test_one_text_begins_anywhere_and_each_pair_of_neighbours_stays_one() -> None:
    epochs = [joined(list(LaneFeed(stream([40]), 1, 8, 3).epoch(number, 0, 1).examples)) for number in range(4)]
    assert len({int(targets[0, 0]) for _, targets in epochs}) > 1
    for inputs, targets in epochs:
        inside = (targets != 0) & (inputs != 0)
        assert torch.equal((inputs + 1)[inside], targets[inside])


def test_each_document_is_told_apart() -> None:
    feed = LaneFeed(stream([3, 5, 2]), 1, 4, 0)
    for (window,) in feed.epoch(1, 0, 1).examples:
        marks = window.input == 0
        assert torch.equal(marks, torch.zeros_like(marks) if window.reset is None else window.reset)


def test_a_short_text_has_fewer_lanes() -> None:
    [(window,)] = LaneFeed(stream([3]), 32, 64, 0).epoch(0, 0, 1).examples
    assert window.input.shape == (3, 1)
    for length, width in ((2 * 32 * 4 - 1, 1), (2 * 32 * 4, 2), (9000, 5)):
        assert LaneFeed(stream([length]), 5, 4, 0).epoch(0, 0, 1).examples[0][0].input.shape == (4, width)


def test_backward_each_document_comes_from_its_end_on() -> None:
    epoch = list(LaneFeed(stream([3, 2]), 1, 4, None, both=True).epoch(0, 0, 1).examples)
    assert joined(epoch)[0].flatten().tolist() == [0, 1, 2, 3, 0, 4]
    backward, following = joined(epoch, way=1)
    assert backward.flatten().tolist() == [0, 3, 2, 1, 0, 5]
    assert following.flatten().tolist() == [3, 2, 1, 0, 5, 4]
