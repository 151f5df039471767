"""`cellwright bench`: how fast a layer is on this machine, beside torch.nn's."""

import inspect
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.backends.dispatch import Backend
    from cellwright.bench.case import Case
    from cellwright.bench.measure import Measurement

ROUNDS, SECONDS = 25, 5.0
"""Most rounds, and the time after which none is begun."""


Training = Annotated[
    bool, typer.Option("--training/--inference", help="With the gradients of input and weights, or without.")
]
Json = Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")]


def bench(training: bool, as_json: bool, **options: Any) -> None:
    """Time a layer against torch.nn's on padded and packed sequences, or, of a cell that torch lacks, a Python loop.

    Results are compared before anything is timed, then each computes in turn. Figures are medians, with quartiles.
    """
    from cellwright.bench.case import Case
    from cellwright.bench.config import BenchConfig
    from cellwright.bench.measure import Disagreement, measure
    from cellwright.bench.rivals import of_case
    from cellwright.bench.timing import others_at_work
    from cellwright.cells.from_file import named
    from cellwright.options import configured

    told = configured(BenchConfig, options)
    case = Case(
        named(told.cell).key,
        training,
        told.lengths == "ragged",
        told.seq_len,
        told.batch_size,
        told.hidden_size,
        precision=told.precision,
    )
    backend = _check(case)
    with _on(told.threads):
        if doubt := others_at_work():
            print(doubt, file=sys.stderr)
        try:
            found = measure(case, of_case(case), ROUNDS, SECONDS)
        except Disagreement as error:
            raise InputError(f"{error}; choose fewer steps, over which roundings grow less") from None
        _print(found, as_json, backend)
        if case.precision != "highest" and not as_json:
            print(backend.reason)


class BenchCommand(TyperCommand):
    """`bench` with the fields of BenchConfig as its options, read when the command is used, as `fit` does."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Read the command line with all the options."""
        from cellwright.bench.config import BenchConfig
        from cellwright.cli.options import command_of, options_of

        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [
            inspect.Parameter("training", keyword, default=True, annotation=Training),
            inspect.Parameter("as_json", keyword, default=False, annotation=Json),
        ]
        return command_of(bench, [*options_of(BenchConfig), *own]).make_context(*arguments, **settings)


def _check(case: "Case") -> "Backend":
    """What computes ours. Raises InputError where the kernels do not run here, or the memory is too small."""
    from cellwright.backends.bounds import kernels_of_any_size
    from cellwright.bench.case import Problem

    small = Problem(replace(case, time=1, batch=1, hidden=1))
    with kernels_of_any_size():
        backend = small.layer.explain(small.x, inputs=small.inputs, parameters=small.parameters)
    if backend.name != "compiled":
        raise InputError(f"there are no kernels to time on this machine; layers are computed by {backend}")
    if hasattr(os, "sysconf"):
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if case.least_bytes > there:
            raise InputError(
                f"--seq-len {case.time} --batch-size {case.batch} --hidden-size {case.hidden} take "
                f"{case.least_bytes / 1e9:,.0f} GB or more, and this machine has "
                f"{there / 1e9:,.0f}; choose smaller ones"
            )
    return backend


@contextmanager
def _on(threads: int | None) -> Iterator[None]:
    """With that many threads, as before for None."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _print(found: "Measurement", as_json: bool, backend: "Backend") -> None:
    import torch

    import cellwright
    from cellwright.bench.rivals import OURS
    from cellwright.data.wording import counted

    versions = {"cellwright": cellwright.__version__, "torch": str(torch.__version__)}
    threads = torch.get_num_threads()
    if as_json:
        print(json.dumps(found.as_json() | {"threads": threads, "versions": versions, "backend": str(backend)}))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("", box=box.SIMPLE_HEAD)
    for column in ("ms", "quartiles", f"times {OURS}'s"):
        table.add_column(column, justify="right")
    for name, spread in found.times.items():
        low, median, high = (f"{1e3 * seconds:.3g}" for seconds in (spread.low, spread.median, spread.high))
        table.add_row(name, median, f"{low} to {high}", f"{found.ratio(name):.2f}")
    print(f"{found.case}, {counted(threads, 'thread')}")
    Console(highlight=False).print(table)
    for name, why in found.absent.items():
        print(f"without {name}: {why}")
    print(f"{OURS}: {found.rate / 1e9:.3g} GFLOP/s, those of the matrix products alone and no padding counted")
    print(f"results differ by at most {max(found.differences.values()):.1e} of the largest value")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
