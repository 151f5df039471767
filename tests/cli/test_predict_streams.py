"""`cellwright predict RUN FILE` reads and answers piece by piece: its memory does not grow with the rows."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from cellwright.tasks.predictor import Predictor

MEASURE = """
import re, sys
from pathlib import Path
from cellwright.cli import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(status)
"""
ROWS, TIMES, WIDE = 2000, 5, 1200
"""Rows of the small file, how many times as many the large one has, and how often a row's number stands in it."""


def made(count):
    return [{"text": f"{'awful' if k % 3 else 'great'} {k}", "more": f"{k:07}" * WIDE} for k in range(count)]


def write(path, rows):
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)


def read(path):
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def peak(run, path, out):
    """Kilobytes that the command took at most; ru_maxrss counts what its parent took as well."""
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, "predict", str(run), str(path), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return int(process.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="where Linux tells of a process's memory")
@pytest.mark.parametrize(("before", "after"), [(".csv", ".parquet"), (".parquet", ".jsonl"), (".jsonl", ".csv")])
def test_memory_does_not_grow_with_the_rows_and_the_answers_stay(run, tmp_path, before, after):
    peaks = []
    for count in (ROWS, TIMES * ROWS):
        path, out = tmp_path / f"{count}{before}", tmp_path / f"{count}out{after}"
        rows = made(count)
        write(path, rows)
        peaks.append(peak(run, path, out))
    held = sum(len(row["text"]) + len(row["more"]) for row in rows)
    assert 1024 * (peaks[1] - peaks[0]) < held / 2  # what allocators keep; all rows as Python has them take three times
    found = read(out)
    assert [{name: row[name] for name in ("text", "more")} for row in found] == rows
    expected = Predictor.load(run).predict([row["text"] for row in rows])
    assert [row["label"] for row in found] == [each.label for each in expected]
    shares = [float(row["probability"]) for row in found]
    assert shares == pytest.approx([each.probability for each in expected], abs=1e-6)
