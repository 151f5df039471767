"""Words that are made once for a layer: what fills them, and how often they are made."""

from __future__ import annotations

import ctypes
import gc
import threading
import weakref

import pytest
import torch

import cellwright
from cellwright.backends.kernels import backward, batch, forward, partition
from cellwright.backends.kernels import frame as frame_module
from cellwright.backends.kernels.frame import NO_BATCH, At, Batch, Frame
from cellwright.backends.kernels.workspace import Workspace
from cellwright.compiler.codegen.arguments import Struct
from cellwright.compiler.target import LINE

BLOCK = Struct("a", "b", "c")


class Noted:
    """An entry that notes the words of its items, as numbers, and does nothing."""

    def __init__(self, block: Struct) -> None:
        self._words, self.items = len(block.names), list[list[int]]()

    def run(self, header: int, count: int, threads: int) -> None:
        (first,) = words_at(header, 1)
        words = words_at(first, count * self._words)
        self.items += [words[k : k + self._words] for k in range(0, len(words), self._words)]


def words_at(where: int, number: int) -> list[int]:
    return list((ctypes.c_int64 * number).from_address(where))


def test_words_are_numbers_addresses_and_what_a_batch_says():
    frame, entry = Frame(threads=1), Noted(BLOCK)
    seven = Batch({"count": 7}, {"half": At("x", 64)}, None)
    frame.add(
        "noted", entry, BLOCK, [{"a": 3, "b": At("x", 8), "c": At("half", 2)}, {"a": At("count"), "b": 0, "c": 1}]
    )
    frame.run(seven, {"x": 1000})
    frame.run(Batch({"count": 9}, {"half": At("x", 128)}, None), {"x": 2000})
    assert entry.items == [[3, 1008, 1066], [7, 0, 1], [3, 2008, 2130], [9, 0, 1]]
    with pytest.raises(KeyError, match="x"):
        frame.run(seven, {})


def test_pieces_of_scratch_memory_go_by_the_batch_and_do_not_overlap():
    frame, entry = Frame(threads=1), Noted(BLOCK)
    first, second, third = frame.take(10), frame.take(lambda batch: 100 * batch["count"]), frame.take(1)
    frame.add("noted", entry, BLOCK, [{"a": first, "b": second.after(4), "c": third}])
    for count in (1, 5):
        frame.run(Batch({"count": count}, {}, None), {})
        a, b, c = entry.items[-1]
        assert a % LINE == 0
        assert b - 4 - a == LINE
        assert c - (b - 4) == -(-100 * count // LINE) * LINE


def test_parts_of_a_stretch_are_done_for_one_after_the_other():
    """Each with its own numbers, also when the words are run again; what comes before and after them is done once."""
    frame, block = Frame(threads=1), Struct("a")
    before, first, second, after = entries = [Noted(block) for _ in range(4)]
    frame.add("before", before, block, [{"a": 1}])
    with frame.each_stretch():
        frame.add("first", first, block, [{"a": At("row", 100)}])
        frame.add("second", second, block, [{"a": At("x")}])
    frame.add("after", after, block, [{"a": At("row")}])
    run = frame.bind(Batch({"row": 5}, {}, None, [{"row": 5}, {"row": 7}, {"row": 9}]), {"x": 1000})
    for number in (1, 2):
        run.run()
        assert [len(entry.items) for entry in entries] == [number, 3 * number, 3 * number, number]
        assert (first.items[-3:], after.items[-1]) == ([[105], [107], [109]], [9])


def test_a_missing_word_is_an_error_when_the_frame_is_made():
    with pytest.raises(KeyError, match="c"):
        Frame(threads=1).write(BLOCK, [{"a": 1, "b": 2}])


def test_counts_are_zero_at_each_run():
    """Threads count their meetings there, and the items that are taken."""
    frame, block, found = Frame(threads=1), Struct("met"), list[int]()

    class Counting(Noted):
        def run(self, header: int, count: int, threads: int) -> None:
            super().run(header, count, threads)
            place = ctypes.c_int64.from_address(self.items[-1][0])
            found.append(place.value)
            place.value += 1

    frame.add("noted", Counting(block), block, [{"met": frame.counts(1)}])
    run = frame.bind(NO_BATCH, {})
    run.run()
    run.run()
    assert found == [0, 0]


@pytest.mark.usefixtures("one_thread")
def test_a_layer_makes_its_words_once_whatever_the_lengths():
    """Batches of new lengths and sizes are what training has: they made them anew."""
    layer = cellwright.GRU(5, 7, bidirectional=True)
    made = []
    with cellwright.use_backend("compiled"):
        for lengths in ([4, 2, 3], [1, 5, 5], [2, 2], [6]):
            output, _ = layer(torch.randn(6, len(lengths), 5), lengths=lengths)
            output.sum().backward()
            made.append([f.cache_info().misses for f in (forward._frame, backward._frame)])
    assert made[1:] == made[:1] * 3


def test_threads_run_a_layer_at_the_same_time():
    """Each on words and scratch memory of its own."""
    layer, xs = cellwright.LSTM(9, 33), [torch.randn(40, 3, 9) for _ in range(4)]
    with cellwright.use_backend("compiled"), torch.no_grad():
        wanted = [layer(x)[0] for x in xs]
    found: dict[int, list[torch.Tensor]] = {}

    def run(k: int) -> None:
        with cellwright.use_backend("compiled"), torch.no_grad():
            found[k] = [layer(xs[k])[0] for _ in range(20)]

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(each, wanted[k]) for k in range(4) for each in found[k])


@pytest.mark.usefixtures("one_thread")
def test_what_is_bound_keeps_the_tables_of_its_batch():
    """A stream reads them long after the caches of shapes have forgotten its own."""
    layer, x = cellwright.GRU(5, 7).eval(), torch.randn(4, 3, 5)
    with cellwright.use_backend("compiled"), torch.inference_mode():
        wanted, stream = layer(x)[0], layer.stream(batch=3)
        first = stream.step(x[0])
        table = weakref.ref(stream._prepared._steps[0]._run._batch.source[0])
        for cache in (batch._batch, frame_module._filled, partition.tables):
            cache.cache_clear()
        gc.collect()
        assert table() is not None
        assert torch.equal(torch.stack([first, *(stream.step(step) for step in x[1:])]), wanted)


def test_tables_are_whole_when_they_are_made():
    """Words have their addresses: what is made when first asked for, two threads make twice, and one is freed."""
    made = partition.Tables([3, 2, 1], directions=2, threads=1)
    assert [starts.tolist() for starts in vars(made)["starts"]] == [[0, 1, 2], [5, 4, 2]]


def test_what_is_bound_for_life_holds_no_more_memory_than_it_needs(monkeypatch):
    """It held what a larger layer had left behind, hundreds of times as much."""
    frame = Frame(threads=1)
    frame.take(100)
    large = torch.empty(1 << 20, dtype=torch.uint8)
    spare = Workspace()
    monkeypatch.setattr(frame_module, "workspace", spare)
    spare.give(large)
    assert frame.bind(NO_BATCH, {}).room.nbytes == 2 * LINE
    assert spare.take(large.nbytes) is large


def test_frames_that_run_once_are_not_kept():
    """As that which packs a layer's weights when it is frozen."""
    kept = frame_module._filled.cache_info().currsize
    frame = Frame(threads=1)
    frame.add("noted", Noted(BLOCK), BLOCK, [{"a": At("x"), "b": 0, "c": 1}])
    frame.run_alone({"x": 1000})
    seen = weakref.ref(frame)
    del frame
    gc.collect()
    assert seen() is None
    assert frame_module._filled.cache_info().currsize == kept
