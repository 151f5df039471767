"""Training processes that a test can kill.

They come from a fork server that has imported everything already: a process of their own in a tenth of the time.
"""

import csv
import json
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

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
