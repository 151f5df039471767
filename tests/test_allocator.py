"""Whether memory that was freed is there without a fault for each of its pages."""

import gc
import os
import platform
import subprocess
import sys

import pytest

from cellwright.allocator import what_is_there_stays

PROGRAM = """
import resource
from cellwright.allocator import keep_freed_memory

print(keep_freed_memory())
first = [b"x" * 2**24 for _ in range(3)]
del first
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    pieces = [b"x" * 2**24 for _ in range(3)]
    del pieces
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")


def faults(**environment: str) -> tuple[str, int]:
    """What is returned, and page faults afterwards."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC", "GLIBC"))}
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, env=known | environment, capture_output=True, text=True, check=True)
    kept, count = ended.stdout.split()
    return kept, int(count)


def test_freed_memory_is_taken_again_unless_the_user_chose_otherwise() -> None:
    kept, few = faults()
    chosen, many = faults(MALLOC_TRIM_THRESHOLD_="0", MALLOC_MMAP_THRESHOLD_="65536")
    assert (kept, chosen) == ("True", "False")
    assert few < 100 < many


def test_what_was_there_before_a_block_is_looked_at_again_behind_it() -> None:
    before = gc.get_freeze_count()
    with what_is_there_stays():
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() == 0
