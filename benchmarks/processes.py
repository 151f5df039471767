"""Tokens a second of `fit` in several processes of one thread each, beside one, by the clock, of a first epoch.

python benchmarks/processes.py                         two processes, batches of 4,096 and 8,192 tokens of reviews-zh
python benchmarks/processes.py --processes 4 --data news-en

docs/scale-out.md has the figures. Machines differ in whether two cores are two, so say which one it was.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cellwright.bench.timing import others_at_work

BATCHES = (4096, 8192)


def tokens_a_second(data: str, processes: int, batch: int) -> float:
    """Of the one epoch of a run that it makes and throws away."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        fit = ["-m", "cellwright", "fit", data, "--out", str(out), "--max-epochs", "1", "--batch-tokens", str(batch)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run([*torchrun, *fit], env=environment, check=True, capture_output=True)
        with (out / "log.csv").open(newline="", encoding="utf-8") as lines:
            (row,) = csv.DictReader(lines)
    return float(row["tokens"]) / float(row["seconds"])


def main() -> None:
    """Print a row a batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2, help="beside one (2)")
    parser.add_argument("--data", default="reviews-zh", help="a built-in set, or a file of texts with labels")
    asked = parser.parse_args()
    if busy := others_at_work():
        print(busy)
    for batch in BATCHES:
        one, several = (tokens_a_second(asked.data, number, batch) for number in (1, asked.processes))
        print(
            f"batches of {batch:,} tokens: {one:,.0f} a second, {several:,.0f} with {asked.processes} processes, "
            f"{several / one:.2f} times"
        )


if __name__ == "__main__":
    main()
