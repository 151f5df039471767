"""An autoencoder from a file: what it says is what its model computes, and a classifier begins from it."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from agreement import SINGLE, assert_agree, double
from cellwright.data.source import open_source
from cellwright.errors import InputError
from cellwright.models.autoencoder import reconstruction
from cellwright.tasks import get
from cellwright.tasks.autoencode import AutoencodeConfig
from cellwright.tasks.autoencode.predictor import AutoencodePredictor
from cellwright.tasks.autoencode.run import AutoencodeRun
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.run import load_run
from cellwright.training import fit

WORDS = ["red", "green", "blue", "grey"]
SMALL: dict[str, Any] = {
    "hidden_size": 24, "embedding_dim": 8, "threads": 1, "learning_rate": 0.02, "ema_decay": 0.9,
    "lr_schedule": "constant",
}  # fmt: skip


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """160 different texts of one to nine colours, the first of which decides the label."""
    draw = torch.Generator().manual_seed(0)
    made: dict[str, str] = {}
    while len(made) < 160:
        length = int(torch.randint(1, 10, (), generator=draw))
        words = [WORDS[i] for i in torch.randint(4, (length,), generator=draw)]
        made[" ".join(words)] = "warm" if words[0] == "red" else "cold"
    path = tmp_path_factory.mktemp("data") / "colours.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in made.items()))
    return str(path)


@pytest.fixture(scope="module")
def out(texts: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on windows of at most two words, which are learned wholly: also with seeds 1 and 2 in place of 0."""
    folder = tmp_path_factory.mktemp("runs") / "code"
    options = {**SMALL, "max_length": 2, "code_dim": 12, "max_epochs": 20, "patience": 20, "batch_tokens": 64}
    fit(AutoencodeConfig(data=texts, out=folder, **options), progress=False)
    return folder


def loaded(folder: Path) -> AutoencodeRun:
    run = load_run(folder)
    assert isinstance(run, AutoencodeRun)
    return run


def test_texts_come_back_from_their_codes(out: Path) -> None:
    predictor = AutoencodePredictor(loaded(out))
    several = [" ".join(words) for words in product(WORDS, repeat=3)]
    found = predictor.predict(several)
    assert [answer.reconstruction for answer in found] == several
    assert {answer.exact for answer in found} == {1.0}
    (strange,) = predictor.predict(["blue violet grey"])  # a word that cannot come back
    right = [a == b for a, b in zip(strange.reconstruction.split(), ["blue", "violet", "grey"], strict=True)]
    assert strange.exact == pytest.approx(sum(right) / 3)
    assert strange.exact < 1
    long, short, empty = predictor.predict(["red green blue grey red", "blue", ""])
    assert (long.reconstruction, long.exact, len(long.codes)) == ("red green blue grey red", 1.0, 3)
    assert (short.reconstruction, short.exact) == ("blue", 1.0)
    assert (empty.reconstruction, empty.exact, empty.codes) == ("", 1.0, [])
    window = torch.tensor(predictor.run.tokenizer.encode(["blue"]))
    code = double(predictor.run.model).encode(window, torch.tensor([1]))
    assert_agree(torch.tensor(short.codes), code)


def test_evaluation_is_the_models_loss_beside_the_frequencies(out: Path, texts: str) -> None:
    run = loaded(out)
    report = get("autoencode").evaluate(run, texts, "test", {}, print)
    told = report.as_json()
    test = open_source(texts, label=None)["test"].texts
    sums, tokens, model = 0.0, 0, double(run.model)
    for text in test:
        for window in run.text_encoder.encode([text])[0]:
            row, length = torch.tensor([window]), torch.tensor([len(window)])
            sums += reconstruction(model(row, length), row, length).loss.item() * len(window)
            tokens += len(window)
    assert told["tokens"] == tokens
    assert_agree(told["told"]["nats"], sums / tokens, SINGLE)
    assert told["told"]["nats"] < 0.5 < told["unigram"]["nats"] < 2
    assert told["free"] > 0.7 > told["unigram"]["exact"]


@pytest.mark.parametrize("frozen", [True, False])
def test_a_classifier_reads_the_codes_of_windows(out: Path, texts: str, tmp_path: Path, frozen: bool) -> None:
    given = {"data": texts, "out": tmp_path / "run", "truncation": "compress", "encoder": out, "freeze_encoder": frozen}
    result = fit(ClassifyConfig(**given, join="recurrent", max_epochs=2, threads=1), progress=False)
    run = load_run(result.out)
    model = run.model
    encoder = loaded(out).model
    assert torch.equal(model.code.weight, encoder.code.weight) == frozen
    assert torch.equal(model.embedding.token.weight, encoder.embedding.token.weight) == frozen
    table = open_source(texts)["validation"]
    *answers, empty = [found.label for found in ClassifyPredictor(run).predict([*table.texts, ""])]
    right = [answer == label for answer, label in zip(answers, table.labels, strict=True)]
    assert sum(right) / len(right) == pytest.approx(result.validation["accuracy"])
    assert empty in run.labels
    config = json.loads((result.out / "config.json").read_text())
    assert (config["model"]["code_dim"], config["model"]["hidden_size"], config["long_text"]["max_length"]) == (
        12,
        24,
        2,
    )
    # Resumed without the encoder's folder being looked at, and still frozen.
    resumed = ClassifyConfig(data=texts, out=result.out, max_epochs=3, resume=True)
    assert fit(resumed, progress=False).epochs == 3
    assert torch.equal(load_run(result.out).model.code.weight, encoder.code.weight) == frozen


REFUSED: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "no encoder": (
        lambda out: {"truncation": "compress"},
        "--truncation compress needs an encoder; give --encoder RUN",
    ),
    "frozen nothing": (lambda out: {"freeze_encoder": True}, "--freeze-encoder needs an encoder"),
    "another size": (
        lambda out: {"encoder": out, "hidden_size": 25},
        r"--hidden-size is 25, and --encoder .* makes it 24; leave it out",
    ),
    "another cell": (lambda out: {"encoder": out, "cell": "gru"}, r"--cell is gru, and --encoder .* makes it lstm"),
    "no run": (lambda out: {"encoder": out / "none"}, "no such run folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(out: Path, texts: str, tmp_path: Path, case: str) -> None:
    options, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        fit(ClassifyConfig(data=texts, out=tmp_path / "run", **options(out)), progress=False)


def test_a_classifier_is_no_encoder(out: Path, texts: str, tmp_path: Path) -> None:
    other: dict[str, Any] = {"data": texts, "threads": 1, "max_epochs": 1, "hidden_size": 4, "embedding_dim": 4}
    fit(ClassifyConfig(**other, out=tmp_path / "labels"), progress=False)
    with pytest.raises(InputError, match="a run of task classify; expected one of autoencode"):
        fit(ClassifyConfig(data=texts, out=tmp_path / "run", encoder=tmp_path / "labels"), progress=False)
