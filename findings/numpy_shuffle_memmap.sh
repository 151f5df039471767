#!/bin/sh
# numpy 2.4.6: Generator.shuffle of a memmap takes some 200 times as long as of the same memory seen as a plain array.
#
# A memmap is an array whose memory is a file's; it is already there when it is shuffled, so one expects the time of an array.
# The permutation is the same. But the fast way asks whether the type is ndarray itself, and a memmap is a subclass of it, which
# goes an item at a time through Python. `memmap.view(numpy.ndarray)` is the same memory, and fast.
# Seen (200,000 numbers): array 4 ms, memmap 970 ms, its view 5 ms. Expected here, non-zero exit otherwise:
#   the three permutations are equal; the memmap takes more than 20 times as long as its view
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
cat > "$folder/shuffle.py" <<'PYTHON'
import tempfile
from time import perf_counter

import numpy as np

COUNT = 200_000


def shuffled(numbers: np.ndarray) -> float:
    """The least seconds of three."""
    taken = []
    for _ in range(3):
        numbers[:] = np.arange(COUNT)
        began = perf_counter()
        np.random.default_rng(3).shuffle(numbers)
        taken.append(perf_counter() - began)
    return min(taken)


array = np.empty(COUNT, np.int32)
with tempfile.TemporaryFile() as file:
    mapped = np.memmap(file, np.int32, "w+", shape=(COUNT,))
    plain = shuffled(array)
    slow = shuffled(mapped)
    found = mapped.copy()
    view = shuffled(mapped.view(np.ndarray))
    print(f"array {1e3 * plain:.1f} ms, memmap {1e3 * slow:.1f} ms, its view {1e3 * view:.1f} ms")
    assert np.array_equal(array, found) and np.array_equal(array, mapped), "the permutation was the same in numpy 2.4.6"
    assert slow > 20 * view, "a memmap took some 200 times as long as its view in numpy 2.4.6"
PYTHON
"$folder/venv/bin/python" "$folder/shuffle.py"
