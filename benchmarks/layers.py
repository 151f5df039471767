"""The layers against torch.nn, a Python loop and ONNX Runtime, and where installed jax and Keras; and against targets.

    python benchmarks/layers.py                    the targets' shapes
    python benchmarks/layers.py --quick            one shape of each
    python benchmarks/layers.py --full             T 100 and 500, B 1 to 64, H 64 to 512, every cell: hours
    python benchmarks/layers.py --only 'gru training ragged'
    python benchmarks/layers.py --json FILE --markdown docs/benchmarks.md --targets docs/targets.md

Rivals compute a case in turn within this process, A B C A B C …, each the same work: results are compared before any is
timed, and a rival that computes something else ends the run. Figures are medians, with quartiles. Errors, memory,
import and compilation each have a script of their own here.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import accuracy
import breakdown
import machine
import memory
import startup
import tables
from cases import cases
from cellwright.bench.measure import Disagreement, Measurement, measure
from cellwright.bench.rivals import OURS
from cellwright.bench.timing import load, others_at_work
from results import Results
from rivals import RIVALS
from targets import TARGETS

TARGETS_ARE = "For those who work on the layers: what each is meant to reach, and the worst shape of each."


def main() -> None:
    """Measure, print, and write what was asked for."""
    options = _options()
    if doubt := others_at_work():
        print(doubt, file=sys.stderr)
    results = Results(" ".join(["python benchmarks/layers.py", *sys.argv[1:]]), machine.describe(), [load()])
    _speed(results, options)
    if not options.only:
        print("where the time goes, errors, memory, import and compilation …", file=sys.stderr)
        results.breakdown = breakdown.breakdown(options.extent)
        results.errors = accuracy.errors(options.extent)
        results.memory = memory.peaks(options.extent)
        results.imports = startup.imports(options.extent)
        results.compilations = startup.compilations(options.extent)
    results.load.append(load())
    tables.show([*tables.of_results(results, spreads=False), tables.of_targets(results)])
    _write(results, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    extent = parser.add_mutually_exclusive_group()
    for name in ("quick", "full"):
        extent.add_argument(f"--{name}", dest="extent", action="store_const", const=name)
    parser.set_defaults(extent="default")
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name contains this, and their speed alone")
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="rounds of a case at most (9)")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of a case; three rounds are made (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write all tables but the targets")
    parser.add_argument("--targets", type=Path, metavar="FILE", help="write the table of targets")
    return parser.parse_args()


def _speed(results: Results, options: argparse.Namespace) -> None:
    gauge = machine.Gauge()
    chosen = [case for case in cases(options.extent) if (options.only or "") in str(case)]
    for number, case in enumerate(chosen, 1):
        gauge.read()
        measurement = measure(case, RIVALS, options.repeat, options.seconds)
        results.speed.append(measurement)
        print(f"{number}/{len(chosen)} {_line(measurement)}", file=sys.stderr, flush=True)
    gauge.read()
    results.rates = gauge.rates


def _line(m: Measurement) -> str:
    ratios = ", ".join(f"{name} {m.ratio(name):.2f}×" for name in m.times if name != OURS)
    return f"{m.case}: {1e3 * m.times[OURS].median:.3g} ms; {ratios}"


def _write(results: Results, options: argparse.Namespace) -> None:
    if options.json:
        verdicts = {target.claim: verdict.says for target in TARGETS if (verdict := target.judge(results))}
        options.json.write_text(json.dumps(results.as_json() | {"targets": verdicts}, indent=1) + "\n")
    if options.markdown:
        head = f"# Benchmarks\n\nWritten by `{results.command}`; not by hand. {_how()}\n"
        parts = [head, *(tables.markdown(table) for table in tables.of_results(results, spreads=True))]
        options.markdown.write_text("\n".join(parts))
    if options.targets:
        head = f"# Targets of the layers\n\nWritten by `{results.command}`; not by hand. {TARGETS_ARE}\n"
        options.targets.write_text("\n".join([head, tables.markdown(tables.of_targets(results))]))


def _how() -> str:
    return " ".join((__doc__ or "").split("\n\n")[-1].split())


if __name__ == "__main__":
    try:
        main()
    except Disagreement as error:
        sys.exit(f"layers.py: {error}")
