"""`kill -9` at random moments of `fit` and `predict`: nothing is lost, nothing comes twice, and the bits are the same.

    python benchmarks/killed.py [--task classify] [--rows 10000] [--kills 10] [--seed 1] [--folder FOLDER] [--page]

A model of the task is trained on so many rows with its arrays on disk, and answers for the same rows: once undisturbed,
and once killed so many times, each time gone on with by the same command. A moment is drawn in preparation, in training
or in prediction, by what is on the disk by then: bytes of the arrays, checkpoints that were written, bytes of the
answers, so that a slow machine is killed where a fast one is. At the end weights, vocabularies, scores, arrays and
answers are compared byte by byte; where they differ, or a command fails, the exit status is 1 and the files are kept.
`--page` writes the moments into docs/scale.md.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cellwright import tasks
from cellwright.tasks.run import MODEL
from page_section import replace_measured
from scale import PAGE, SUFFIXES, task_of, write_rows

OPTIONS = (
    *("--max-epochs", "1", "--hidden-size", "16", "--embedding-dim", "16"),
    *("--no-baseline", "--checkpoint-seconds", "1"),
)
OF_TASK = {"transduce": ("--beam-size", "1")}
"""Options of one task alone."""
CHECKPOINTS = 5
"""As many of one start at most are waited for."""
STAGES = ("preparation", "training", "prediction")
ARRAYS = "*-*/*.bin"
"""Those that have a name; a folder tmp… of others may be left by a kill."""


@dataclass
class Place:
    """Where one run and what comes of it lie."""

    rows: Path
    folder: Path

    @property
    def task(self) -> str:
        """The task, by the file of its rows."""
        return task_of(str(self.rows))

    @property
    def arrays(self) -> Path:
        """The folder of the arrays."""
        return self.folder / "arrays"

    @property
    def answers(self) -> Path:
        """The file of the answers: a tagger's is that of the rows once more."""
        return self.folder / f"answers{self.rows.suffix if self.task == 'tag' else '.csv'}"

    @property
    def run(self) -> Path:
        """The run folder."""
        return self.folder / "run"

    @property
    def said(self) -> Path:
        """What the processes said."""
        return self.folder / "said.txt"

    def fit(self) -> list[str]:
        """The command that trains, from its last checkpoint where there is one."""
        begun = (self.run / "checkpoints" / "last.safetensors").exists()
        started = ("--resume",) if begun else ("--overwrite",)
        options = ("--task", self.task, *OPTIONS, *OF_TASK.get(self.task, ()), *started)
        return ["fit", str(self.rows), "--out", str(self.run), "--cache", str(self.arrays), *options]

    def predict(self) -> list[str]:
        """The command that answers, behind the answers that are there."""
        return ["predict", str(self.run), str(self.rows), "--out", str(self.answers), "--resume"]

    def bytes_of_arrays(self) -> int:
        """Of those that are there."""
        return _bytes(self.arrays, ARRAYS)

    def bytes_of_answers(self) -> int:
        """Of those that are there, in whatever file they are kept until all are."""
        return _bytes(self.folder, f"{self.answers.name}*")

    def contents(self) -> dict[str, str]:
        """SHA-256 of what is made, by name; what holds times or the place of the data is left out."""
        kept = [self.run / name for name in (MODEL, "test.json", *tasks.get(self.task).files)]
        kept += [self.answers, *sorted(self.arrays.glob(ARRAYS))]
        return {str(file.relative_to(self.folder)): _sha256(file) for file in kept}


@dataclass
class Kill:
    """One moment."""

    stage: str
    share: float
    """Of what the stage writes in all; of training, of CHECKPOINTS."""


@dataclass
class Found:
    """What was there when a process was ended."""

    stage: str
    written: str
    """Of what the stage writes."""
    killed: bool
    """Rather than at its end before the moment came."""


def undisturbed(place: Place) -> dict[str, int]:
    """Train and answer; the bytes that each stage left."""
    for command in (place.fit(), place.predict()):
        _finish(command, place)
    return {"preparation": place.bytes_of_arrays(), "prediction": place.bytes_of_answers()}


def killed(place: Place, kills: list[Kill], whole: dict[str, int]) -> list[Found]:
    """Train and answer with these kills; what was there at each."""
    found: list[Found] = []
    for kill in kills:
        if kill.stage == "prediction":
            _finish(place.fit(), place)
        found.append(_killed_once(place.predict() if kill.stage == "prediction" else place.fit(), place, kill, whole))
        print(found[-1], flush=True)
    _finish(place.fit(), place)
    _finish(place.predict(), place)
    return found


def _killed_once(command: list[str], place: Place, kill: Kill, whole: dict[str, int]) -> Found:
    reached, written = _moment(place, kill, whole)
    process = _start(command, place)
    while process.poll() is None and not reached():
        time.sleep(0.01)
    process.kill()
    ended = process.wait()
    if ended > 0:
        raise _failed(command, ended, place)
    return Found(kill.stage, written(), ended < 0)


def _moment(place: Place, kill: Kill, whole: dict[str, int]) -> tuple[Callable[[], bool], Callable[[], str]]:
    """Whether a moment is reached, and what there is by then."""
    if kill.stage == "training":
        last = place.run / "checkpoints" / "last.safetensors"
        seen: set[int] = {last.stat().st_mtime_ns} if last.exists() else set()
        number = 1 + int(kill.share * CHECKPOINTS)
        wanted = len(seen) + number

        def written() -> bool:
            if last.exists():
                seen.add(last.stat().st_mtime_ns)
            return len(seen) >= wanted

        return written, lambda: str(number)
    size = place.bytes_of_arrays if kill.stage == "preparation" else place.bytes_of_answers
    total = whole[kill.stage]
    return (lambda: size() >= kill.share * total), lambda: f"{size() / total:.0%}"


def _finish(command: list[str], place: Place) -> None:
    if command[0] == "fit" and (place.run / "test.json").exists():
        return
    if status := _start(command, place).wait():
        raise _failed(command, status, place)


def _failed(command: list[str], status: int, place: Place) -> SystemExit:
    last = place.said.read_text().splitlines()[-20:]
    return SystemExit("\n".join([f"{command[0]} ended with {status}; the last lines of {place.said}:", *last]))


def _start(command: list[str], place: Place) -> subprocess.Popen[bytes]:
    with place.said.open("ab") as said:
        return subprocess.Popen([sys.executable, "-m", "cellwright", *command], stdout=said, stderr=said)


def _bytes(folder: Path, pattern: str) -> int:
    total = 0
    for file in folder.glob(pattern):
        try:
            total += file.stat().st_size
        except FileNotFoundError:  # renamed since it was listed
            continue
    return total


def _sha256(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def _listed(words: list[str]) -> str:
    return " and ".join([each for each in (", ".join(words[:-1]), *words[-1:]) if each])


def drawn(count: int, seed: int) -> list[Kill]:
    """Moments in the order in which a run passes them, as many in each stage as in the others, or one more."""
    draw = random.Random(seed)
    shares = {stage: sorted(draw.random() for _ in range(count)[number::3]) for number, stage in enumerate(STAGES)}
    return [Kill(stage, share) for stage in STAGES for share in shares[stage]]


def report(head: str, found: list[Found], whole: dict[str, int], different: list[str]) -> str:
    """What was killed where, and whether it made a difference, as Markdown."""
    lines = [f"{head}: {f'{_listed(different)} differ' if different else 'no byte differs'}.", ""]
    for stage in STAGES:
        some = [
            f"{each.written}{'' if each.killed else ' (where it ended first)'}" for each in found if each.stage == stage
        ]
        what = f"of {whole[stage] / 1e6:,.1f} MB" if stage in whole else "checkpoints of a start"
        lines += [f"- {stage}: killed when {_listed(some)} {what} were written"] if some else []
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train, answer, kill, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(SUFFIXES), default="classify")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="an empty folder for rows and runs; a temporary one by default")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    rows = folder / f"rows{SUFFIXES[options.task]}"
    write_rows(rows, options.rows)
    places = [Place(rows, folder / each) for each in ("undisturbed", "killed")]
    for place in places:
        place.folder.mkdir()
    whole = undisturbed(places[0])
    found = killed(places[1], drawn(options.kills, options.seed), whole)
    expected, got = (place.contents() for place in places)
    different = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
    head = f"`{options.task}`, {options.rows:,} rows, {len(expected)} files compared"
    made = report(head, found, whole, different)
    print(made)
    if options.page:
        replace_measured(PAGE, made, f"killed {options.task}")
    if different:
        sys.exit(f"what they made is kept in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
