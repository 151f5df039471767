"""A classifier that begins from a language model, by the options of `fit`."""

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import process
from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.encoder import adopted, load_encoder
from cellwright.tasks.classify.objective import ClassifyObjective
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit
from process import Signal, outcome


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    draw = random.Random(0)
    words = {"pos": ["great", "fine"], "neg": ["awful", "poor"]}
    rows = [f"{draw.choice(words[label])} {n} and more,{label}\n" for n in range(150) for label in words]
    path.write_text("text,label\n" + "".join(rows))
    return path


@pytest.fixture(scope="module")
def make(small: dict[str, Any], reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A run of a language model on the texts of the reviews."""

    def fitted(**changes: Any) -> Path:
        out = tmp_path_factory.mktemp("runs") / "lm"
        given = small | {"data": str(reviews), "out": out, "max_epochs": 1, "directions": "both"} | changes
        fit(LanguageConfig(**given), progress=False, say=lambda sentence: None)
        return out

    return fitted


@pytest.fixture(scope="module")
def both(make: Callable[..., Path]) -> Path:
    return make()


@pytest.mark.slow
def test_its_shape_and_tokens_are_taken_and_its_parts_thaw_in_time(both: Path, reviews: Path, tmp_path: Path) -> None:
    options = {"data": str(reviews), "out": tmp_path / "run", "encoder": both, "threads": 1, "seed": 1, "ema_decay": 0}
    result = fit(ClassifyConfig(**options, max_epochs=2, unfreeze_epochs=1), progress=False, say=lambda sentence: None)
    language, found = load_run(both), load_run(result.out)
    assert found.tokenizer.to_json() == language.tokenizer.to_json()
    assert (found.config.model.hidden_size, found.config.model.embedding_dim) == (12, 8)
    same = torch.equal(found.model.embedding.token.weight[1:], language.model.embedding.weight[1:])
    assert same  # of two epochs it thaws after both
    moved = [
        not torch.equal(getattr(found.model.recurrent, f"weight_ih_l0{suffix}"), layers[0].weight_ih_l0)
        for suffix, layers in (("", language.model.layers), ("_reverse", language.model.backward_layers))
    ]
    assert moved == [result.best_epoch == 2] * 2


def test_epochs_begun_are_kept_by_checkpoints(both: Path, reviews: Path, tmp_path: Path) -> None:
    config = ClassifyConfig(data=str(reviews), out=tmp_path, encoder=both, unfreeze_epochs=1)
    objective = ClassifyObjective(None, config)  # type: ignore[arg-type]
    objective.begin_pass(training=True)
    objective.begin_pass(training=False)
    objective.begin_pass(training=True)
    assert objective.state_dict() == {"epochs": 2}
    later = ClassifyObjective(None, config)  # type: ignore[arg-type]
    later.load_state_dict(objective.state_dict())
    later.begin_pass(training=True)
    assert later.state_dict() == {"epochs": 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 64}, "--hidden-size is 64, and --encoder .* makes it 12"),
        ({"truncation": "compress"}, "a run of task lm, which learned no code"),
    ],
)
def test_what_does_not_fit_is_one_sentence(both: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    config = ClassifyConfig(data="reviews-zh", out=tmp_path, encoder=both, **options)
    with pytest.raises(InputError, match=message):
        adopted(config, load_encoder(config))  # type: ignore[arg-type]


def test_a_language_model_in_one_direction_is_refused(make: Callable[..., Path], tmp_path: Path) -> None:
    config = ClassifyConfig(data="reviews-zh", out=tmp_path, encoder=make(directions="forward"))
    with pytest.raises(
        InputError, match="--num-layers 1 --directions forward; expected one of --num-layers 1 --directions both"
    ):
        load_encoder(config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unfreeze_epochs": 1}, "--unfreeze-epochs needs an encoder"),
        (
            {"unfreeze_epochs": 1, "freeze_encoder": True, "encoder": "a"},
            "never trains what --unfreeze-epochs trains later",
        ),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ClassifyConfig(data="a.csv", out=Path("run"), **options)


@pytest.mark.slow
def test_killed_before_its_first_checkpoint_it_begins_from_the_encoder_again(
    both: Path, reviews: Path, tmp_path: Path
) -> None:
    alone = {"data": str(reviews), "encoder": str(both), "threads": 1, "seed": 1, "max_epochs": 1, "embedding_dim": 8}
    assert process.start({**alone, "out": str(tmp_path / "alone")}).status == 0
    given = {**alone, "out": str(tmp_path / "killed")}
    assert process.start(given, Signal(signal.SIGKILL, "step", 2)).status == -signal.SIGKILL
    assert process.start({**given, "resume": True}).status == 0
    assert outcome(given["out"]) == outcome(tmp_path / "alone")
