"""What a transducer is trained with where nobody chooses."""

from pathlib import Path
from typing import Any

import pytest

from cellwright.data.batches import USUAL_STEPS
from cellwright.tasks.task import Prepared
from cellwright.tasks.transduce import TransduceConfig
from cellwright.tasks.transduce import prepare as module
from cellwright.tasks.transduce.prepare import FEW_PAIRS, prepare

PAIRS, LENGTH = 3000, 20


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    """As many different pairs, each of as many tokens: the source, the target and its end."""
    path = tmp_path_factory.mktemp("data") / "words.tsv"
    rows = [f"{number:010}\t{number + PAIRS:09}" for number in range(PAIRS)]
    path.write_text("source\ttarget\n" + "\n".join(rows) + "\n")
    return str(path)


def prepared(words: str, out: Path, **options: Any) -> Prepared[Any, Any]:
    shares = {"validation_share": 0.0, "test_share": 0.0}
    return prepare(TransduceConfig(data=words, out=out, **shares, **options), None)


@pytest.mark.parametrize(("few", "dropout", "steps"), [(PAIRS + 1, 0.5, USUAL_STEPS // 2), (PAIRS, 0.3, USUAL_STEPS)])
def test_few_pairs_are_kept_from_being_learned_by_heart(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, dropout: float, steps: int
) -> None:
    monkeypatch.setattr(module, "FEW_PAIRS", few)
    run = prepared(words, tmp_path / "run")
    assert run.run.model.dropout == dropout
    assert f"3,000 pairs to train on, with a dropout of {dropout}" in run.notes
    assert f"at most {PAIRS * LENGTH // steps:,} tokens" in run.train.describe(1)
    assert len(run.train.epoch(0, 0, 1).batches) == pytest.approx(steps, rel=0.05)


def test_what_is_chosen_is_taken(words: str, tmp_path: Path) -> None:
    assert PAIRS < FEW_PAIRS
    run = prepared(words, tmp_path / "run", dropout=0.0, batch_tokens=2000)
    assert run.run.model.dropout == 0
    assert run.train.describe(1) == "batches of at most 2,000 tokens"
    assert len(run.train.epoch(0, 0, 1).batches) == PAIRS * LENGTH // 2000
