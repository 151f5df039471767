"""When symbols are copied, which, and that a run keeps to what it began with."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from agreement import assert_agree
from cellwright.data.pair_batches import PairRows
from cellwright.data.token_rows import TokenRows
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.tasks.transduce import TransduceConfig
from cellwright.tasks.transduce.copying import copied_share, counterparts
from cellwright.training import fit

SMALL: dict[str, Any] = {
    "hidden_size": 4, "embedding_dim": 4, "threads": 1, "max_epochs": 1, "lr_schedule": "constant", "baseline": False,
    "ema_decay": 0.0,
}  # fmt: skip
WORDS = [a + b + c for a in "abcd" for b in "efgh" for c in "ijkl"]
Config = Callable[..., TransduceConfig]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Options of a run on words and what becomes of each."""

    def make(target: Callable[[str], str], **changes: Any) -> TransduceConfig:
        path = tmp_path / "words.csv"
        path.write_text("source,target\n" + "".join(f"{word},{target(word)}\n" for word in WORDS))
        return TransduceConfig(**SMALL | {"data": str(path), "out": tmp_path / "run"} | changes)

    return make


def plural(word: str) -> str:
    return f"{word}es"


def described(config: TransduceConfig) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((config.out / "config.json").read_text())
    return found


def examples(pairs: Sequence[tuple[list[int], list[list[int]]]]) -> PairRows:
    """One for each target."""
    targets = TokenRows.of([target for _, each in pairs for target in each])
    counts = np.array([len(each) for _, each in pairs])
    return PairRows.of(TokenRows.of([source for source, _ in pairs]), targets, counts).one_by_one()


def test_the_same_symbol_is_the_counterpart() -> None:
    source, target = (Tokenizer.train([text], "characters", min_frequency=1) for text in ("abba c", "bcd"))
    copies = dict(zip(source.symbols(range(source.size)), counterparts(source, target), strict=True))
    numbers = {symbol: number for number, symbol in enumerate(target.symbols(range(target.size)))}
    assert copies == {"<pad>": 1, "<unk>": 1, "a": 1, " ": 1, "b": numbers["b"], "c": numbers["c"]}


def test_the_share_counts_a_symbol_as_often_as_the_source_has_it() -> None:
    alike = [1, 1, 5, 6, 1]  # 4 has no counterpart
    # One of the two fives stands in the source, and the six; of the second target nothing, of the third its six.
    assert copied_share(examples([([2, 3, 4], [[5, 5, 6], [7]]), ([3, 3], [[6, 1]])]), alike) == 3 / 6


SOME = st.lists(st.integers(0, 5), max_size=5)
SYMBOLS = st.lists(st.integers(0, 5), min_size=1, max_size=5)


@given(
    st.lists(st.tuples(SOME, st.lists(SYMBOLS, min_size=1, max_size=3)), min_size=1, max_size=6),
    st.lists(st.integers(0, 5), min_size=6, max_size=6),
)
def test_the_share_is_that_of_counting_each_pair_by_itself(pairs: list[Any], copies: list[int]) -> None:
    found = wanted = 0
    for source, targets in pairs:
        there = Counter(copies[number] for number in source)
        found += sum((Counter(target) & there).total() for target in targets)
        wanted += sum(map(len, targets))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cellwright.data.pair_batches.TOGETHER", 2)
        assert copied_share(examples(pairs), copies) == found / wanted


def test_copies_where_most_of_a_target_stands_in_its_source_and_says_so(config: Config) -> None:
    said: list[str] = []
    made = config(plural)
    fit(made, progress=False, say=said.append)
    [sentence] = [each for each in said if "copy" in each]
    assert sentence.endswith(
        "% of the targets' symbols stand in their source: the decoder may copy them (--no-copying: it may not)"
    )
    run = described(made)
    assert run["model"]["copying"] is run["options"]["copying"] is True
    weights = load_file(made.out / "model.safetensors")
    source, target = (Tokenizer.load(made.out / name) for name in ("source.json", "target.json"))
    assert weights["copying.counterparts"].tolist() == counterparts(source, target)


@pytest.mark.parametrize(
    ("target", "changes"), [(str.upper, {}), (plural, {"copying": False})], ids=["other letters", "not asked for"]
)
def test_copies_nothing(config: Config, target: Callable[[str], str], changes: dict[str, Any]) -> None:
    said: list[str] = []
    made = config(target, **changes)
    fit(made, progress=False, say=said.append)
    assert not [each for each in said if "copy" in each]
    assert described(made)["model"]["copying"] is False
    assert "copying.counterparts" not in load_file(made.out / "model.safetensors")


def test_nothing_to_copy_is_refused(config: Config) -> None:
    with pytest.raises(InputError, match=r"--copying: no target of .*words\.csv has a symbol of its source; expected"):
        fit(config(str.upper, copying=True), progress=False)


def test_a_resumed_run_copies_as_it_did(config: Config) -> None:
    whole, parts = (config(plural, out=config(plural).out.parent / name) for name in ("whole", "parts"))
    fit(whole.model_copy(update={"max_epochs": 2}), progress=False, say=lambda _: None)
    fit(parts, progress=False, say=lambda _: None)
    again = config(plural, out=parts.out, resume=True, max_epochs=2)
    fit(again, progress=False, say=lambda _: None)
    assert described(again)["model"]["copying"] is True
    assert_agree(*(load_file(each.out / "model.safetensors") for each in (again, whole)), 0)


def test_a_run_of_before_copying_goes_on_without(config: Config) -> None:
    """Its description has no such field, of the model or of the options; None would choose to copy now."""
    begun = config(plural, copying=False)
    fit(begun, progress=False, say=lambda _: None)
    description = described(begun)
    del description["model"]["copying"], description["options"]["copying"]
    (begun.out / "config.json").write_text(json.dumps(description))
    result = fit(config(plural, resume=True, max_epochs=2), progress=False, say=lambda _: None)
    assert result.epochs == 2
    assert "copying.counterparts" not in load_file(begun.out / "model.safetensors")
