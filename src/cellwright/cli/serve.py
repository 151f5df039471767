"""`cellwright serve`: a run behind HTTP, with a page that draws its gates as you type."""

import gc
import inspect
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cellwright.cli.run_options import OwnCell
from cellwright.errors import InputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = ("127.", "::1")
WAITING = 2048  # connections that the system keeps until they are accepted

RunFolder = Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)]


def serve(run: RunFolder, cell: OwnCell = None, **options: Any) -> None:
    """Serve a run: a live page of its gates, and POST /predict for programs. Ctrl-C answers what waits, and ends."""
    from cellwright.options import configured
    from cellwright.serve.limits import Address, Computing, Greeting, Limits
    from cellwright.serve.load import app_of
    from cellwright.serve.origins import allowing
    from cellwright.tasks.run import trust_cell

    address = configured(Address, {name: options.pop(name) for name in Address.model_fields})
    computing = configured(Computing, {name: options.pop(name) for name in Computing.model_fields})
    greeting = configured(Greeting, {name: options.pop(name) for name in Greeting.model_fields})
    limits = configured(Limits, options)
    with _listening(address.host, address.port) as opened:  # before the run is loaded: who asks meanwhile waits
        trust_cell(run, cell)
        _take_threads(computing.threads)
        app = app_of(run, limits, greeting.example)
        guarded = allowing(app, address.allow_origin)
        shown = "gates" if app.state.served["inspects"] else "answers"
        print(f"{_url(opened)} shows the {shown} of {run} as you type; Ctrl-C ends.", flush=True)
        _run(guarded, opened)


class ServeCommand(TyperCommand):
    """`serve` with the fields of four models as its options, read when the command is used (see FitCommand)."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Read the command line with all the options."""
        return _with_options().make_context(*arguments, **settings)


def _with_options() -> Any:
    from cellwright.cli.options import command_of, options_of
    from cellwright.serve.limits import Address, Computing, Greeting, Limits

    named = inspect.signature(serve).parameters
    run, cell = (named[name].replace(kind=inspect.Parameter.KEYWORD_ONLY) for name in ("run", "cell"))
    kinds = (Address, Greeting, Computing, Limits)
    return command_of(serve, [run, cell, *(option for kind in kinds for option in options_of(kind))])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises InputError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InputError(f"--host is {host}: {error.strerror}; expected an address of this machine") from None
    # asyncio sends at once only from sockets that say they are TCP's. Else an answer's body waits until the client
    # has acknowledged its head, which takes Linux 40 ms.
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(WAITING)
    except OSError as error:
        opened.close()
        raise InputError(
            f"cannot listen at {host}, port {port}: {error.strerror}; choose another --port, 0 for any that is free"
        ) from None
    if not str(opened.getsockname()[0]).startswith(LOOPBACK):
        print(
            f"warning: everyone who reaches {host} may ask this server, which knows no passwords and no encryption",
            file=sys.stderr,
        )
    return opened


def _take_threads(threads: int | None) -> None:
    """Compute on so many; None: on all but one of those that there would be."""
    import torch

    torch.set_num_threads(threads or max(1, torch.get_num_threads() - 1))


def _url(opened: socket.socket) -> str:
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _run(app: "ASGIApp", opened: socket.socket) -> None:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    # What is there now stays: PyTorch and the model are some 200,000 objects. To look for dead ones among them, as
    # Python does every few thousand requests, stops all answers for 0.1 s.
    gc.collect()
    gc.freeze()
    try:
        server.run(sockets=[opened])
    except KeyboardInterrupt:  # which uvicorn raises again when it has answered all
        print("ended")
