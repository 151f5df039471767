"""`cellwright`: the subcommands together, and how a run of them ends.

0    done
1    standard output was closed before the end, as `| head` does
2    the user's mistake: one sentence on standard error
3    one of several processes of `fit` is gone: one sentence on each machine that is left
130  interrupted by Ctrl-C
"""

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

import typer
from typer.exceptions import TyperException

from cellwright import __version__
from cellwright.cli.bench import BenchCommand, bench
from cellwright.cli.cells import app as cells
from cellwright.cli.compare import compare
from cellwright.cli.datasets import datasets
from cellwright.cli.evaluate import evaluate
from cellwright.cli.export import export
from cellwright.cli.fit import FitCommand, fit
from cellwright.cli.generate import GenerateCommand, generate
from cellwright.cli.inspect import inspect
from cellwright.cli.predict import predict
from cellwright.cli.run_options import FilesCommand, RunCommand, say
from cellwright.cli.search import SearchCommand, search
from cellwright.cli.serve import ServeCommand, serve
from cellwright.errors import InputError, ProcessLost, no_memory
from cellwright.stages import told

app = typer.Typer(
    name="cellwright",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # on 80 columns Rich's tables cut the names of the longer options
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=FitCommand)(fit)
app.command(cls=SearchCommand)(search)
app.command()(compare)
app.command(cls=RunCommand)(evaluate)
app.command(cls=RunCommand)(predict)
app.command(cls=GenerateCommand)(generate)
app.command(cls=FilesCommand)(inspect)
app.command(cls=ServeCommand)(serve)
app.command()(export)
app.command()(datasets)
app.command(cls=BenchCommand)(bench)
app.add_typer(cells, name="cells")


MISTAKE, LOST = 2, 3
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def cellwright(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Recurrent networks from a file of text to a model that works: fit, evaluate, predict, generate."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on `arguments`, sys.argv by default, and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _take_any_output()
    serves = given[:1] == ["serve"]  # whose output nobody watches
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts, one speaks
    if "RANK" in os.environ:  # and torch's C++ would warn in each; it reads this when it is loaded
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        with told(say) if first and not serves else nullcontext():
            status = app(given or ["--help"], prog_name="cellwright", standalone_mode=False)
        sys.stdout.flush()
        return status or 0
    except InputError as error:  # all of the processes end by the same one
        return _mistake(str(error)) if first else MISTAKE
    except TyperException as error:  # an unknown option or command, a value that is no number
        return _mistake(error.format_message()) if first else MISTAKE
    except ProcessLost as error:
        if os.environ["LOCAL_RANK"] == "0":  # the first one may be what was lost
            print(f"cellwright: {error}", file=sys.stderr)
        return LOST
    except (MemoryError, RuntimeError) as error:
        sentence = no_memory(error)
        if sentence is None:
            raise
        return _mistake(sentence)
    except BrokenPipeError:
        _drop_output()
        return 1
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:  # what writes files has said so better
            raise
        _drop_output()
        return _mistake(
            f"standard output, or a file that a library writes, has no room ({error.strerror}); make some, and run the "
            "same again"
        )
    except KeyboardInterrupt:
        return 130


def _take_any_output() -> None:
    """Let what is said go nowhere where a stream is closed, as schedulers may start a command, and in any letters."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            # Else a file that is opened next would be what libraries print to.
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, os.fdopen(number, "w"))
        stream = getattr(sys, name)
        # A terminal that cannot show a character gets its number, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What is still buffered goes nowhere, else the interpreter complains when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _mistake(sentence: str) -> int:
    print(f"cellwright: {sentence}", file=sys.stderr)
    return MISTAKE
