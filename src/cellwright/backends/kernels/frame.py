"""The words of a run, made once for a layer; from call to call only numbers of the batch and addresses change.

    frame = Frame(threads=1)
    columns = frame.take(lambda batch: 512 * batch["count"])           scratch memory of a run
    frame.add("packing", entry, PACK, [{"matrix": At("recurrent:0"), "panels": columns, …}])
    …
    frame.run(batch, {"recurrent:0": weight.data_ptr()})

Making the words of a training step takes as long as a small step's kernels, filling in what changes a few microseconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.backends.kernels.workspace import workspace
from cellwright.compiler.codegen.arguments import HEADER, Struct, address
from cellwright.compiler.runtime.parallel_for import Entry
from cellwright.compiler.target import LINE

WORD = 8
LEAST_ZEROS = 1 << 12  # bytes
_ROOM, _WORDS = "room", "words"

Numbers = Mapping[str, int]


@lru_cache(maxsize=16)
def _zeros(bytes: int) -> Tensor:
    return torch.zeros(bytes, dtype=torch.uint8, device="cpu")


class At(NamedTuple):
    """What a run is given by a name, a number of its batch or the address of a tensor, and so much after it."""

    base: str
    offset: int = 0

    def after(self, bytes: int) -> At:
        """So many bytes on."""
        return At(self.base, self.offset + bytes)


Word = int | At


@dataclass(frozen=True, eq=False)
class Batch:
    """What a batch fills in by name, the same for every call of its shape: numbers, and what begins within a tensor.

    source is kept as long as this, for numbers that are addresses of its tensors. What a frame does in stretches has
    numbers of each, in place of those; what comes after has the numbers of the last.
    """

    numbers: Numbers
    inside: Mapping[str, At]
    source: object
    stretches: Sequence[Numbers] = ({},)


NO_BATCH = Batch({}, {}, None)
"""Of what goes by no batch."""


class Part(NamedTuple):
    """Items that one entry does, before the next part begins: where their header is, and how many there are."""

    name: str
    entry: Entry
    header: int
    number: int

    def run(self, words: int, threads: int) -> None:
        """Do them, of a frame whose words are at that address."""
        self.entry.run(words + self.header, self.number, threads)


class Frame:
    """The words of entries that are run one after the other, and the scratch memory that they share."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        # Parts in a row, and whether they are done a stretch at a time.
        self._rounds: list[tuple[bool, list[Part]]] = [(False, [])]
        self._words = array("q")
        self._places: dict[str, list[tuple[int, int]]] = {}  # of each base: where it stands, and what is added there
        self._pieces: dict[str, Callable[[Numbers], int]] = {}  # of the scratch memory, and their bytes
        self.zeroed: list[int] = []  # places of words that are zero when a round begins
        self._held: list[object] = []

    # --- making it ------------------------------------------------------------------------------------
    def take(self, bytes: int | Callable[[Numbers], int]) -> At:
        """Scratch memory of a run, its values whatever they are; of a size that may go by the batch."""
        name = f"piece {len(self._pieces)}"
        self._pieces[name] = bytes if callable(bytes) else lambda batch: bytes
        return At(name)

    def constant(self, tensor: Tensor) -> int:
        """The address of what every run reads and none writes; it lives as long as the frame."""
        self._held.append(tensor)
        return tensor.data_ptr()

    def zeros(self, bytes: int) -> int:
        """The address of so many zeros."""
        return self.constant(_zeros(max(LEAST_ZEROS, 1 << (bytes - 1).bit_length())))

    def write(self, block: Struct, rows: Iterable[Mapping[str, Word]]) -> At:
        """Write structs one after another; gives where they stand. Raises KeyError where a field has no value."""
        begin = len(self._words)
        words = [row[name] for row in rows for name in block.names]
        for place, word in enumerate(words, begin):
            if isinstance(word, At):
                self._places.setdefault(word.base, []).append((place, word.offset))
        self._words.extend([0 if isinstance(word, At) else word for word in words])
        return At(_WORDS, WORD * begin)

    def counts(self, number: int) -> At:
        """Counts that are zero when a round begins, each in a line of its own."""
        self._apart()
        begin = At(_WORDS, WORD * len(self._words))
        for _ in range(number):
            self.zeroed.append(len(self._words))
            self._apart()
        return begin

    def add(self, name: str, entry: Entry, block: Struct, items: Sequence[Mapping[str, Word]]) -> None:
        """A part of the run: the entry does these items."""
        first = self.write(block, items)
        self._apart()  # threads count in the header
        header = self.write(HEADER, [{"items": first, "count": len(items), "taken": 0}])
        self._apart()
        self.zeroed.append(header.offset // WORD + HEADER.offset["taken"])
        self._rounds[-1][1].append(Part(name, entry, header.offset, len(items)))

    @contextmanager
    def each_stretch(self) -> Iterator[None]:
        """Parts that are added here are done, one after the other, for one stretch of the batch and then the next."""
        self._rounds.append((True, []))
        yield
        self._rounds.append((False, []))

    def _apart(self) -> None:
        """What comes next shares no line with what stands here."""
        self._words.extend([0] * (LINE // WORD))

    # --- running it -----------------------------------------------------------------------------------
    def rounds(self, batch: Batch) -> Iterator[tuple[Numbers, list[Part]]]:
        """Parts in their order, with the numbers that are new when they begin."""
        for in_stretches, parts in self._rounds:
            for numbers in (batch.stretches if in_stretches else ({},)) if parts else ():
                yield numbers, parts

    def begin(self, words: array[int], numbers: Numbers) -> None:
        """Make words ready for a round: counts zero, and numbers where they stand."""
        for place in self.zeroed:
            words[place] = 0
        for name, number in numbers.items():
            for place, more in self._places.get(name, ()):
                words[place] = number + more

    def filled(self, batch: Batch) -> _Filled:
        """The words for a batch, and which of them are addresses that a call fills in."""
        words, places, begin = self._words[:], dict[str, list[tuple[int, int]]](), dict[str, int]()
        end = 0
        for name, size in self._pieces.items():
            begin[name] = end
            end += -(-size(batch.numbers) // LINE) * LINE
        for base, found in self._places.items():
            if base in batch.numbers:
                for place, more in found:
                    words[place] = batch.numbers[base] + more
                continue
            within = At(_ROOM, begin[base]) if base in begin else batch.inside.get(base, At(base))
            places.setdefault(within.base, []).extend((place, within.offset + more) for place, more in found)
        return _Filled(words, end, places)

    def bind(self, batch: Batch, addresses: Mapping[str, int]) -> Run:
        """What runs it on a batch's tensors at these addresses, which the caller keeps.

        Its scratch memory is its own: of a workspace's it would hold a piece for life that may be far larger.
        """
        filled = _filled(self, batch)
        return self._bound(batch, filled, torch.empty(filled.room, dtype=torch.uint8, device="cpu"), addresses)

    def run(self, batch: Batch, addresses: Mapping[str, int]) -> None:
        """Run it once; the words of the batch are kept for the next time."""
        self._run(batch, _filled(self, batch), addresses)

    def run_alone(self, addresses: Mapping[str, int]) -> None:
        """Run it by no batch, for the only time: nothing of it is kept."""
        self._run(NO_BATCH, self.filled(NO_BATCH), addresses)

    def _run(self, batch: Batch, filled: _Filled, addresses: Mapping[str, int]) -> None:
        run = self._bound(batch, filled, workspace.take(filled.room), addresses)
        run.run()
        workspace.give(run.room)

    def _bound(self, batch: Batch, filled: _Filled, room: Tensor, addresses: Mapping[str, int]) -> Run:
        words = filled.words[:]
        own = {_ROOM: room.data_ptr(), _WORDS: address(words)}
        for base, places in filled.places.items():
            begin = own[base] if base in own else addresses[base]
            for place, more in places:
                words[place] = begin + more
        return Run(self, batch, words, room)


class _Filled(NamedTuple):
    """Words with the numbers of a batch, the bytes of scratch memory, and by base where addresses stand."""

    words: array[int]
    room: int
    places: dict[str, list[tuple[int, int]]]


@lru_cache(maxsize=128)
def _filled(frame: Frame, batch: Batch) -> _Filled:
    return frame.filled(batch)


class Run:
    """A frame's words with what they are given, which it may be run on again and again, by one thread at a time.

    room    its scratch memory
    """

    def __init__(self, frame: Frame, batch: Batch, words: array[int], room: Tensor) -> None:
        self.room = room
        self._frame, self._words, self._begin = frame, words, address(words)
        self._batch = batch  # kept, since the words have addresses of its tensors
        self._rounds = list(frame.rounds(batch))

    def run(self) -> None:
        """Do all parts, on as many threads as the frame has."""
        frame, begin = self._frame, self._begin
        for numbers, parts in self._rounds:
            frame.begin(self._words, numbers)
            for part in parts:
                part.run(begin, frame.threads)
