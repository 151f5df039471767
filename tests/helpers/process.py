"""Training processes that a test can kill.

They come from a fork server that has imported everything already: a process of their own in a tenth of the time.
"""

import contextlib
import csv
import json
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from safetensors.torch import load_file
from torch.distributed import TCPStore

from cellwright import files, tasks
from cellwright.errors import InputError
from cellwright.training import fit, module

Place = tuple[Any, str]
PLACES: dict[str, Place] = {
    "step": (module.TrainedModule, "training_step"),
    "clipping": (module.TrainedModule, "configure_gradient_clipping"),  # between gradient and update
    "validation": (module.TrainedModule, "validation_step"),
    "write": (files.os, "fsync"),  # a file is written beside its place, but not renamed yet
    "end": (sys.modules["cellwright.training.fit"], "draw_curve"),  # training is over
}
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["cellwright.training"])

ACCURACIES = [0.5, 0.7, 0.8, 0.6, 0.7, 0.9]
"""Of each epoch, whatever the model says: the third is the best on any machine, with patience 2 the fifth the last."""


TIMES = {"seconds"}
"""All else in log.csv and metrics.json must agree."""


@dataclass
class Signal:
    """Sent by the process to itself when it comes by `place` for the `count`-th time."""

    number: signal.Signals
    place: str
    count: int


@dataclass
class Ended:
    status: int
    """Exit status; minus the signal's number if one ended it."""
    said: list[str]


def start(options: dict[str, Any], sent: Signal | None = None, most_bytes: int | None = None) -> Ended:
    """Train in a process of its own; with `most_bytes`, no file that it writes may be larger."""
    said = Path(options["out"] + ".said")
    process = SERVER.Process(target=run, args=(options, sent, most_bytes, said))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "still running after two minutes"
    return Ended(process.exitcode, said.read_text().splitlines())


def run(options: dict[str, Any], sent: Signal | None, most_bytes: int | None, said: Path) -> None:
    """What the process does: says each sentence into `said`, and ends as the command line would."""
    setattr(*PLACES["end"], lambda *_: None)  # it takes longer than the training, and no test of these looks at it
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    if sent is not None:
        call_at(sent, lambda: os.kill(os.getpid(), sent.number))
    script_scores()
    with said.open("w", buffering=1) as file:
        try:
            config = tasks.config_of(options.pop("task", "classify"))(**options)
            result = fit(config, progress=False, say=lambda sentence: print(sentence, file=file))
        except InputError as error:
            print(error, file=file)
            sys.exit(2)
        print(json.dumps(asdict(result), default=str), file=file)


def script(code: str, *arguments: object, said: Path, environment: Mapping[str, object] | None = None) -> Ended:
    """Run a script in a process of its own; `said`: a file for what it prints."""
    (ended,) = _scripts([(code, arguments, said, environment or {})])
    return ended


def several(count: int, code: str, folder: Path) -> list[Ended]:
    """Run a script in `count` processes that share the work: what `torchrun` tells them, and its store, are theirs.

    folder: for what each of them prints.
    """
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    told = {
        "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "GROUP_RANK": 0, "MASTER_ADDR": "localhost",
        "MASTER_PORT": store.port, "TORCHELASTIC_USE_AGENT_STORE": True, "TORCHELASTIC_RESTART_COUNT": 0,
        "TORCHELASTIC_RUN_ID": uuid4().hex,
    }  # fmt: skip
    ranks = [(folder / f"{rank}.said", told | {"RANK": rank, "LOCAL_RANK": rank}) for rank in range(count)]
    return _scripts([(code, (), said, environment) for said, environment in ranks])


def _scripts(given: Sequence[tuple[str, Sequence[object], Path, Mapping[str, object]]]) -> list[Ended]:
    """Run all of them at once."""
    processes = [SERVER.Process(target=_run_script, args=each) for each in given]
    for process in processes:
        process.start()
    for process in processes:
        process.join(400)
    statuses = [process.exitcode for process in processes]
    for process in processes:
        process.kill()  # one that waits for another, if any
    assert None not in statuses, f"still running after 400 s: {[*map(str, processes)]}"
    return [
        Ended(status or 0, said.read_text().splitlines())
        for status, (_, _, said, _) in zip(statuses, given, strict=True)
    ]


def _run_script(code: str, arguments: Sequence[object], said: Path, environment: Mapping[str, object]) -> None:
    os.environ |= {name: str(value) for name, value in environment.items()}
    sys.argv = ["-c", *map(str, arguments)]
    with said.open("w", buffering=1) as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        exec(code, {})


def script_scores() -> None:
    """Put ACCURACIES in the place of the accuracy."""
    score = module.TrainedModule.on_validation_epoch_end

    def scripted(self: module.TrainedModule) -> None:
        score(self)
        self.scores = self.scores | {"accuracy": ACCURACIES[self.current_epoch]}

    module.TrainedModule.on_validation_epoch_end = scripted  # type: ignore[method-assign]


def call_at(sent: Signal, act: Callable[[], None]) -> None:
    """Call `act` before the function at the place runs for the `count`-th time."""
    owner, name = PLACES[sent.place]
    function = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == sent.count:
            act()
        return function(*args, **kwargs)

    setattr(owner, name, counted)


def outcome(folder: str | Path) -> dict[str, Any]:
    """Everything a run leaves, without the times."""
    out = Path(folder)
    with (out / "log.csv").open() as file:
        log = [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]
    metrics = json.loads((out / "metrics.json").read_text())
    weights = {name: tensor.numpy().tobytes() for name, tensor in load_file(out / "model.safetensors").items()}
    last = load_file(out / "checkpoints" / "last.safetensors")
    return {
        "log": log,
        "metrics": {key: value for key, value in metrics.items() if key not in TIMES},
        "weights": weights,
        "last": {name: tensor.numpy().tobytes() for name, tensor in last.items()},
    }
