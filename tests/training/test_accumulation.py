"""Several batches to a step: their gradients are those of one batch that holds all of them."""

import copy
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import process
from agreement import error
from cellwright import tasks
from cellwright.data.feed import Epoch
from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.training import fit, module
from cellwright.training.plan import Plan
from cellwright.training.schedule import Schedule
from cellwright.training.session import Session
from process import Signal, outcome

Options = Callable[..., dict[str, Any]]
SIZES = [3, 1, 7, 2, 5]  # of the batches: two steps, the second of two batches only
TOGETHER = 3
STILL = {"token_dropout": 0.0, "dropout": 0.0, "clip_norm": None, "clip_value": None, "weight_decay": 0.0}
"""Nothing random, and nothing that would hide a wrong scale."""


@dataclass(frozen=True)
class Given:
    """An epoch of the batches that a test says."""

    examples: Any
    batches: list[list[int]]
    collate: Any

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        return Epoch(self.examples, self.batches)

    def describe(self, world_size: int) -> str:
        return "as given"


def rows(task: str, reviews: Path, folder: Path) -> dict[str, Any]:
    """Options of a task, with a file of examples of different lengths."""
    path = folder / f"{task}.conll"
    texts = [line.split(",")[0].split() for line in reviews.read_text().splitlines()[1:60]]
    if task == "classify":
        return {"data": str(reviews), "embedding_dropout": 0.0}
    if task == "tag":
        path.write_text("\n".join("".join(f"{w}\t{'A' if '1' in w else 'B'}\n" for w in text) for text in texts))
        return {"data": str(path), "embedding_dropout": 0.0, "output_dropout": 0.0}
    path = path.with_suffix(".tsv")
    path.write_text("source\ttarget\n" + "".join(f"{' '.join(t)}\t{' '.join(t[::2])}\n" for t in texts))
    return {"data": str(path), "embedding_dim": 8}


@pytest.mark.parametrize("task", ["classify", "tag", "transduce"])
def test_gradients_are_those_of_one_large_batch(
    task: str, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_of = tasks.config_of(task)
    small = {"hidden_size": 8, "max_epochs": 1, "threads": 1, "accumulate_grad_batches": TOGETHER, "out": tmp_path}
    given = small | STILL | rows(task, reviews, tmp_path)
    known = {name: value for name, value in given.items() if name in config_of.model_fields}
    prepared = tasks.get(task).prepare(config_of(**known), None)
    examples = prepared.train.epoch(0, 0, 1).examples
    batches = [list(range(sum(SIZES[:k]), sum(SIZES[: k + 1]))) for k in range(len(SIZES))]
    prepared = replace(prepared, train=Given(examples, batches, prepared.train.collate), validation=None)
    session = Session(prepared, Plan.of(prepared.config, 2), progress=False, say=lambda s: None, resumable=False)
    session.module.double()  # rounding hides nothing
    whole = [list(chain(*batches[:TOGETHER])), list(chain(*batches[TOGETHER:]))]
    compared: list[float] = []

    def compare(trained: module.TrainedModule, *_: Any, **__: Any) -> None:
        """Before the step: what has been accumulated beside what one batch gives."""
        model = copy.deepcopy(trained.model)
        batch = prepared.train.collate([examples[k] for k in whole[len(compared)]])
        prepared.objective.loss(model, batch).loss.backward()
        wanted = dict(model.named_parameters())
        found = [(p.grad, wanted[name].grad) for name, p in trained.model.named_parameters() if p.grad is not None]
        compared.append(max(error(dense(mine), dense(one)) for mine, one in found))

    monkeypatch.setattr(module.TrainedModule, "configure_gradient_clipping", compare)
    session.run()
    assert len(compared) == 2
    assert max(compared) < 1e-12


OF_TWO = """
import copy, os, sys
sys.path.insert(0, {here!r})
import torch
from cellwright.tasks.classify import ClassifyConfig
from cellwright import tasks
from cellwright.training import module
from cellwright.training.plan import Plan
from cellwright.training.session import Session
from dataclasses import replace
from agreement import assert_agree
from test_accumulation import Given, SIZES
prepared = tasks.get("classify").prepare(ClassifyConfig(**{options!r}), None)
examples = prepared.train.epoch(0, 0, 1).examples
ends = [sum(SIZES[:k]) for k in range(5)]
batches = [list(range(a, b)) for a, b in zip(ends, ends[1:])]  # four: each process has two of them
mine = batches[int(os.environ["RANK"]) :: 2]
feed = Given(examples, mine, prepared.train.collate)
prepared = replace(prepared, train=feed, validation=None)
session = Session(prepared, Plan.of(prepared.config, 1), progress=False, say=print, resumable=False)
session.module.double()
def compare(trained, *_, **__):
    model = copy.deepcopy(trained.model)
    prepared.objective.loss(model, feed.collate(examples[: ends[4]])).loss.backward()
    wanted = dict(model.named_parameters())
    for name, each in trained.model.named_parameters():
        assert_agree(each.grad, wanted[name].grad, 1e-12)
    print("equal")
module.TrainedModule.configure_gradient_clipping = compare
session.run()
"""


@pytest.mark.slow
def test_gradients_of_two_processes_are_those_of_one_large_batch(reviews: Path, tmp_path: Path) -> None:
    options = {"data": str(reviews), "out": str(tmp_path), "hidden_size": 8, "max_epochs": 1, "threads": 1}
    options |= STILL | {"embedding_dropout": 0.0, "accumulate_grad_batches": 2}
    for ended in process.several(2, OF_TWO.format(options=options, here=str(Path(__file__).parent)), tmp_path):
        assert ended.said.count("equal") == 1, ended.said


def dense(gradient: Tensor | None) -> Tensor:
    assert gradient is not None
    return gradient.to_dense() if gradient.is_sparse else gradient


def test_steps_epochs_and_the_log_count_steps_and_the_loss_is_of_examples(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_epochs=1, learning_rate=1e-12)  # so that nothing moves
    said: list[str] = []
    fit(ClassifyConfig(**given), progress=False, say=said.append)
    alone = outcome(given["out"])
    together = given | {"out": given["out"] + "-together", "accumulate_grad_batches": 4}
    result = fit(ClassifyConfig(**together), progress=False, say=said.append)
    assert (alone["metrics"]["steps"], result.steps) == (11, 3)
    assert "batches of at most 512 tokens, 4 of them to a step" in said
    assert "trains until no score is better for 2 epochs, at most 1 epoch of 3 steps" in said
    (before,), (row,) = alone["log"], outcome(together["out"])["log"]
    assert (row["step"], row["tokens"]) == ("3", before["tokens"])
    # Other words are hidden by the dropout of other steps, no more.
    assert float(row["train_loss"]) == pytest.approx(float(before["train_loss"]), abs=0.02)


def test_dropout_differs_from_batch_to_batch_of_one_step(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    step = module.TrainedModule.training_step

    def draw(trained: module.TrainedModule, *args: Any) -> torch.Tensor:
        state = torch.get_rng_state()
        drawn.append(torch.rand(()).item())
        torch.set_rng_state(state)
        return step(trained, *args)

    monkeypatch.setattr(module.TrainedModule, "training_step", draw)
    fit(ClassifyConfig(**options(max_epochs=2, checkpoint_seconds=60, accumulate_grad_batches=4)), progress=False)
    assert len({*drawn}) == len(drawn) == 22


def test_the_step_size_is_that_of_the_step_and_not_of_its_batches(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three steps of four batches, and of three steps of one: shares 0, 1/3 and 2/3 of the epoch."""
    sizes: list[float] = []
    monkeypatch.setattr(
        module.TrainedModule,
        "configure_gradient_clipping",
        lambda trained, optimizer, *_, **__: sizes.append(optimizer.param_groups[0]["lr"]),
    )
    given = options(lr_schedule="cosine", max_epochs=1, checkpoint_seconds=60)
    fit(ClassifyConfig(**given | {"accumulate_grad_batches": 4}), progress=False)
    expected = []

    class Trainer:
        current_epoch, num_training_batches, accumulate_grad_batches = 0, 3, 1
        optimizers = [torch.optim.SGD([torch.zeros(1)])]  # noqa: RUF012

    for step in range(3):
        trainer: Any = Trainer()
        trainer.global_step = step
        config = ClassifyConfig(**given)
        Schedule(config, Plan.of(config, 3), None).on_train_batch_start(trainer, None, None, step)  # type: ignore[arg-type]
        expected.append(trainer.optimizers[0].param_groups[0]["lr"])
    assert sizes == pytest.approx(expected, rel=1e-12)
    assert sizes[1] > sizes[2] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("place", "count"), [("step", 6), ("step", 17), ("clipping", 3), ("write", 30)])
def test_killed_within_a_step_and_resumed_is_left_alone(options: Options, place: str, count: int) -> None:
    given = options(accumulate_grad_batches=3)
    assert process.start(given | {"out": given["out"] + "-alone"}).status == 0
    assert process.start(given, Signal(signal.SIGKILL, place, count)).status == -signal.SIGKILL
    assert process.start({**given, "resume": True}).status == 0
    assert outcome(given["out"]) == outcome(given["out"] + "-alone")


def test_a_resumed_run_keeps_how_many_and_refuses_another_number(options: Options) -> None:
    given = options(accumulate_grad_batches=2, max_epochs=1, checkpoint_seconds=60)
    fit(ClassifyConfig(**given), progress=False)
    with pytest.raises(InputError, match="was started with --accumulate-grad-batches 2, and 3 is given now"):
        fit(ClassifyConfig(**given | {"accumulate_grad_batches": 3, "resume": True}), progress=False)
    result = fit(ClassifyConfig(data=given["data"], out=given["out"], resume=True, max_epochs=2), progress=False)
    assert result.steps == 2 * 6
