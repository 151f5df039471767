"""Several processes, as `torchrun` starts them: the model that one process makes, whatever befalls them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGTERM, Signals
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from agreement import SINGLE, assert_agree, double
from cellwright.errors import InputError
from cellwright.files import read_json
from cellwright.tasks.classify import ClassifyConfig
from cellwright.training import fit
from cellwright.training.processes import check_alike, together
from process import outcome, several

DRAWN = {"dropout": 0.0, "embedding_dropout": 0.0, "token_dropout": 0.0}
"""What is drawn at random, each process draws for itself."""
SIZES = {"hidden_size": 8, "embedding_dim": 8, "threads": 1, "max_epochs": 1, "batch_tokens": 600, "baseline": False}
LANGUAGE = SIZES | {"data": "reviews.csv", "batch_tokens": 40, "bptt": 8, "lr_schedule": "constant"}
CLASSIFY = SIZES | DRAWN | {"data": "reviews.csv"}
SERIES = {"data": "series.csv", "label": "label", "hidden_size": 8, "max_epochs": 2, "threads": 1}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "classes of other sizes": ("classify", CLASSIFY | {"class_weights": "balanced", "adversarial_epsilon": 0.02}),
    "large tables": ("classify", CLASSIFY),
    "large tables that thaw": ("classify", CLASSIFY | {"pretrain": "own", "pretrain_epochs": 1, "max_epochs": 2}),
    "batches of one text": ("classify", CLASSIFY | {"batch_tokens": 20}),
    "tags": ("tag", SIZES | DRAWN | {"data": "tags.conll", "batch_tokens": 100}),
    "language": ("lm", LANGUAGE | {"directions": "both", "stride": 4}),
    "language in one lane": ("lm", LANGUAGE | {"bptt": 64, "batch_tokens": 64}),
    "transduction": ("transduce", SIZES | {"data": "pairs.tsv", "dropout": 0.0}),
    "series": ("series", SERIES | {"batch_tokens": 60, "dropout": 0.0}),
}
FEW_ROWS = ["classes of other sizes", "batches of one text", "language", "language in one lane", "series"]
"""Where some of four processes have no row of a batch, or shares of other sizes."""
HEAD = """
import os, sys, torch
from cellwright import tasks
from cellwright.errors import InputError
from cellwright.models import embedding
from cellwright.training import fit, module
"""
TRAIN = """
for name, (task, options) in {runs!r}.items():
    torch.set_default_dtype(torch.float32 if task == "series" else torch.float64)  # whose values are read as float32
    embedding.LARGE_TABLE = 1 if "large" in name else 2**20
    fit(tasks.config_of(task)(**options, out={out!r} + "/" + name), progress=False)
"""
STOPPED = """
step = module.TrainedModule.training_step
def stopped(self, *args):
    last = self.global_rank == self.trainer.world_size - 1
    if self.global_step == {step} and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and last:
        os.kill(os.getpid(), {signal:d})
    return step(self, *args)
module.TrainedModule.training_step = stopped
"""
COUNTED = """
from torch import distributed
from cellwright.training.checkpointing import CheckpointCallback
waits, ends = [], []
def counted(name):
    call = getattr(distributed, name)
    def count(*args, **options):
        options.get("async_op") or waits.append(name)
        return call(*args, **options)
    setattr(distributed, name, count)
for name in ("all_reduce", "broadcast", "barrier", "all_gather_object"):
    counted(name)
end = CheckpointCallback.on_train_batch_end
def noted(*args):
    end(*args)
    ends.append(len(waits))
CheckpointCallback.on_train_batch_end = noted
"""

# Minutes each, and not yet run often enough on a quiet machine: not for where a red test stops everything.
ELASTIC = pytest.mark.skipif("CELLWRIGHT_ELASTIC" not in os.environ, reason="CELLWRIGHT_ELASTIC=1 kills workers")


def started(count: int, *command: str, restarts: int = 0) -> subprocess.CompletedProcess[str]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}"]
    whole = [*torchrun, f"--max-restarts={restarts}", "--no-python", sys.executable, *command]
    return subprocess.run(whole, capture_output=True, text=True, env=os.environ, timeout=400)


@pytest.fixture(scope="module")
def data(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, draw = tmp_path_factory.mktemp("data"), Random(0)
    (folder / "reviews.csv").write_text("".join(reviews.read_text().splitlines(keepends=True)[:200]))
    words = ["good", "bad", "fine", "poor", "room", "food"]
    sentences = [draw.choices(words, k=draw.randint(1, 12)) for _ in range(200)]
    tagged = ["".join(f"{w}\t{'N' if len(w) == 4 else 'V'}\n" for w in each) for each in sentences]
    (folder / "tags.conll").write_text("".join(f"{each}w{k}\tX\n\n" for k, each in enumerate(tagged)))
    sources = ["".join(draw.choices("abcdef", k=draw.randint(3, 9))) for _ in range(200)]
    (folder / "pairs.tsv").write_text("source\ttarget\n" + "".join(f"{each}\t{each[::-1]}\n" for each in sources))
    lengths = [(f"s{k}", draw.choice("ab"), draw.randint(3, 15)) for k in range(80)]
    steps = [f"{name},{label},{draw.gauss(label == 'a', 1)}\n" for name, label, n in lengths for _ in range(n)]
    (folder / "series.csv").write_text("series,label,x\n" + "".join(steps))
    return folder


Script = Callable[..., str]
Train = Callable[..., Path]


@pytest.fixture(scope="module")
def script(data: Path) -> Script:
    """A script that trains some of RUNS, with options of their own; a signal may stop the last of its processes."""

    def write(*names: str, out: Path, at: int | None = None, by: Signals = SIGTERM, **changes: Any) -> str:
        of = {name: RUNS[name] for name in names}
        runs = {name: (task, {**o, "data": str(data / o["data"]), **changes}) for name, (task, o) in of.items()}
        stopped = "" if at is None else STOPPED.format(step=at, signal=by)
        return HEAD + stopped + TRAIN.format(runs=runs, out=str(out))

    return write


@pytest.fixture(scope="module")
def train(script: Script, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Run such a script in so many processes."""

    def run(count: int, *names: str, out: Path | None = None, **given: Any) -> Path:
        out = tmp_path_factory.mktemp("runs") if out is None else out
        ended = several(count, script(*names, out=out, **given), out)
        assert [each.status for each in ended] == [0] * count, ended
        (out / "said.txt").write_text("\n".join(line for each in ended for line in each.said))
        return out

    return run


@pytest.fixture(scope="module")
def alone(train: Train) -> Path:
    return train(1, *RUNS)


def assert_alike(one: Path, other: Path) -> None:
    """Weights, and scores of validation, to the rounding of the type that they were computed in."""
    mine, theirs = (load_file(folder / "model.safetensors") for folder in (one, other))
    for name, weight in mine.items():
        assert_agree(theirs[name], double(weight), 1e-11 if weight.dtype == torch.float64 else SINGLE, f"{one}: {name}")
    scores = [read_json(folder / "metrics.json")["validation"] for folder in (one, other)]
    assert_agree(*scores, SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "names"), [(2, [*RUNS]), (4, FEW_ROWS)])
def test_several_processes_make_the_model_of_one(alone: Path, train: Train, count: int, names: list[str]) -> None:
    several = train(count, *names)
    for name in names:
        assert_alike(alone / name, several / name)
    said = (several / "said.txt").read_text()
    assert said.count("pre-training: epoch 1 of at most 1") == names.count("large tables that thaw")  # one speaks
    assert f"batches of at most 600 tokens, shared by {count} processes" in said


@pytest.mark.slow
def test_within_an_epoch_processes_wait_for_gradients_alone(script: Script, tmp_path: Path) -> None:
    """Whatever else is asked of all, by us or by Lightning, would be one more wait for the slowest at each batch."""
    code = (
        HEAD
        + COUNTED
        + script("large tables", out=tmp_path, batch_tokens=200, checkpoint_seconds=3600)
        + "print('waits', len(ends), {*ends} == {ends[0]})"
    )
    for each in several(2, code, tmp_path):
        assert each.status == 0, each.said
        (told,) = [line.split() for line in each.said if line.startswith("waits ")]
        assert int(told[1]) > 5
        assert told[2] == "True"


@ELASTIC
@pytest.mark.slow
def test_a_killed_worker_is_started_anew_and_no_row_is_lost_or_read_twice(train: Train, script: Script) -> None:
    """Nor is the run that was begun replaced, though --overwrite says so of the one before it."""
    whole = train(2, "language", checkpoint_seconds=0)
    out = train(1, "language", hidden_size=4)
    code = script("language", out=out, overwrite=True, checkpoint_seconds=0, at=25, by=SIGKILL)
    ended = started(2, "-c", code, restarts=1)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("torchrun starts the processes anew: the run goes on from its last checkpoint") == 1
    assert ended.stdout.count("going on after 0 of at most 1 epoch, 25 steps") == 1
    assert outcome(out / "language") == outcome(whole / "language")


@pytest.mark.slow
def test_more_or_fewer_processes_go_on_where_others_stopped(train: Train) -> None:
    """In the middle of an epoch, each with a state of its own."""
    alone = train(1, "language")
    out = train(2, "language", at=20)
    train(3, "language", out=out, resume=True, at=40)
    said = (train(1, "language", out=out, resume=True) / "said.txt").read_text()
    assert "going on after 0 of at most 1 epoch, 41 steps" in said
    assert_alike(alone / "language", out / "language")


@ELASTIC
@pytest.mark.slow
def test_a_process_that_is_gone_is_told_in_a_sentence(data: Path, tmp_path: Path) -> None:
    code = HEAD + STOPPED.format(step=3, signal=SIGKILL) + "from cellwright.cli import main; sys.exit(main())"
    arguments = ["fit", str(data / "reviews.csv"), "--out", str(tmp_path / "run"), "--batch-tokens", "512"]
    (tmp_path / "main.py").write_text(code)  # what stands in a command torchrun repeats in its report
    ended = started(2, str(tmp_path / "main.py"), *arguments)
    assert ended.returncode != 0
    told = [line for line in ended.stderr.splitlines() if line.startswith("cellwright: ")]
    assert len(told) == 1, ended.stderr
    assert "another of the 2 processes ended or cannot be reached (" in told[0]
    assert "training_step" not in ended.stderr  # torchrun has a traceback of its own


@pytest.mark.slow
def test_a_mistake_is_told_once(tmp_path: Path) -> None:
    arguments = ["fit", str(tmp_path / "nosuch.csv"), "--out", str(tmp_path / "run")]
    ended = several(2, f"import sys\nfrom cellwright.cli import main\nsys.exit(main({arguments!r}))", tmp_path)
    assert all(each.status for each in ended)
    assert sum(line.startswith("cellwright: ") for each in ended for line in each.said) == 1


@pytest.mark.slow
def test_a_mistake_of_one_process_ends_all_with_its_sentence(data: Path, tmp_path: Path) -> None:
    """Of a file that one machine has and another has not, say."""
    (tmp_path / "0.csv").write_text((data / "reviews.csv").read_text())
    each = f"data={str(tmp_path)!r} + '/' + os.environ['RANK'] + '.csv', out={str(tmp_path / 'run')!r}"
    code = f"try: fit(tasks.config_of('classify')({each}), progress=False)\nexcept InputError as error: print(error)\n"
    for ended in several(2, HEAD + code, tmp_path):
        assert [("process 1, on " in line, "1.csv" in line) for line in ended.said] == [(True, True)]


def test_other_rows_on_another_machine_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellwright.training.processes.gathered", lambda value: [("a", "one"), ("b", "two")])
    with pytest.raises(InputError, match=r"x.csv: process 1, on b, reads other rows there than the first one, on a;"):
        check_alike("x.csv", "one")


def test_alone_a_mistake_is_itself() -> None:
    mistake = InputError("as it was")
    with pytest.raises(InputError) as raised, together():
        raise mistake
    assert raised.value is mistake


def test_without_torchrun_a_run_that_is_there_is_none_to_go_on_with(data: Path, tmp_path: Path) -> None:
    config = ClassifyConfig(**CLASSIFY | {"data": str(data / "reviews.csv")}, out=tmp_path)
    fit(config, progress=False, say=lambda sentence: None)
    assert not (tmp_path / "checkpoints" / "launchers.json").exists()
    with pytest.raises(InputError, match="holds a run already"):
        fit(config, progress=False, say=lambda sentence: None)
