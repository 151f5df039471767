"""`fit --task lm`, then `generate`: text that goes on from a prompt, by the options, and one sentence for a mistake."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from cellwright.cli import journal, predict
from cellwright.errors import InputError
from cellwright.tasks.lm.predictor import LanguagePredictor
from cellwright.tasks.predictor import Predictor
from interrupted import answers_end_after

Command = Callable[..., Any]
LINE = "the cat sat on the mat.\n"


@pytest.fixture(scope="module")
def told(cellwright: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run that knows one line by heart, and what the command said."""
    folder = tmp_path_factory.mktemp("lm")
    (folder / "cat.txt").write_text(LINE * 120)
    options = {
        "--hidden-size": 24,
        "--embedding-dim": 8,
        "--batch-tokens": 128,
        "--bptt": 16,
        "--learning-rate": 0.03,
    }
    given = [part for option in (options | {"--ema-decay": 0.9, "--max-epochs": 8}).items() for part in option]
    ended = cellwright("fit", folder / "cat.txt", "--task", "lm", "--out", folder / "run", *given)
    return folder / "run", ended


@pytest.mark.slow
def test_fit_says_what_to_try(told: tuple[Path, Any]) -> None:
    run, ended = told
    assert ended.status == 0
    assert f'cellwright generate {run} --prompt "a beginning"' in ended.out
    assert "6-grams, Kneser-Ney" in ended.out
    assert "bits a character" in json.dumps(json.loads((run / "test.json").read_text())).replace("_", " ")


def test_a_prompt_goes_on(cellwright: Command, told: tuple[Path, Any]) -> None:
    ended = cellwright("generate", told[0], "--prompt", "the cat", "--temperature", 0, "--length", 17)
    assert (ended.status, ended.out, ended.err) == (0, "the cat sat on the mat.\n\n", "")


def test_the_stop_text_is_not_written(cellwright: Command, told: tuple[Path, Any]) -> None:
    ended = cellwright("generate", told[0], "--prompt", "the cat", "--temperature", 0, "--stop", " mat")
    assert ended.out == "the cat sat on the\n"


def test_a_seed_gives_the_same_text(cellwright: Command, told: tuple[Path, Any]) -> None:
    once, again, other = (
        json.loads(cellwright("generate", told[0], "--seed", seed, "--temperature", 3, "--json").out)["text"]
        for seed in (1, 1, 2)
    )
    assert once == again != other


def test_characters_never_seen_are_read_as_unknown_and_that_is_said(
    cellwright: Command, told: tuple[Path, Any]
) -> None:
    ended = cellwright("generate", told[0], "--prompt", "é the Ω", "--length", 3)
    assert ended.status == 0
    assert ended.out.startswith("é the Ω")
    assert ended.err == "unknown to this run: 2 of the 7 characters: 'é', 'Ω'\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--top-p 2", "--top-p is 2; expected above 0 and at most 1"),
        ("--top-k 0", "--top-k is 0; expected at least 1"),
        ("--temperature inf", "--temperature is inf; expected a finite number"),
        (f"--seed {2**63}", f"--seed is {2**63}; expected at least 0 and at most {2**63 - 1}"),
        ("--stop=", "--stop is ''; expected at least 1 character"),
        ("--temperature warm", "--temperature is warm; expected a valid number"),
    ],
)
def test_a_mistake_is_one_sentence(cellwright: Command, told: tuple[Path, Any], options: str, sentence: str) -> None:
    ended = cellwright("generate", told[0], *options.split())
    assert (ended.status, ended.out, ended.err) == (2, "", f"cellwright: {sentence}\n")


def test_a_classifier_does_not_write(cellwright: Command, run: Path) -> None:
    ended = cellwright("generate", run)
    assert (ended.status, ended.out) == (2, "")
    assert "is a run of classify; expected one that `cellwright fit --task lm` made" in ended.err


def test_predict_scores_a_plain_text_by_its_lines_as_a_table_by_its_rows(
    cellwright: Command, told: tuple[Path, Any], tmp_path: Path
) -> None:
    plain, table = tmp_path / "two.txt", tmp_path / "two.csv"
    plain.write_text(f"{LINE}\nmat\r\n")
    table.write_text(f'text\n{LINE}""\nmat\n')
    by_line, by_row = (cellwright("predict", told[0], each, "--json") for each in (plain, table))
    assert by_line.out == by_row.out
    assert [json.loads(line)["characters"] for line in by_line.out.splitlines()] == [len(LINE) - 1, 0, 3]
    assert f"{plain}: each line is a text of its own; `cellwright evaluate` scores the file as one" in by_line.err
    assert by_line.err.count("each line") == 1


@pytest.fixture
def packed(tmp_path: Path) -> list[Path]:
    """Forty lines, no two alike, in two files."""
    lines = [LINE * (k % 3) + "the cat sat"[: k % 9] + f" {'x' * k}\n" for k in range(20)]
    one, other = tmp_path / "a.txt.gz", tmp_path / "b.txt.zst"
    one.write_bytes(gzip.compress("".join(lines).encode()))
    with pyarrow.CompressedOutputStream(str(other), "zstd") as file:
        file.write("".join(lines).encode())
    return [one, other]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_lines_of_packed_texts_are_scored_on_after_ctrl_c(
    cellwright: Command, told: tuple[Path, Any], packed: list[Path], monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(predict, "LINES", 7)
    monkeypatch.setattr(journal, "SECONDS", 0.0)
    whole, out = (packed[0].with_name(name + suffix) for name in ("whole", "out"))
    assert cellwright("predict", told[0], *packed, "--out", whole).status == 0
    with answers_end_after(LanguagePredictor, 3):
        assert cellwright("predict", told[0], *packed, "--out", out).status == 130
    ended = cellwright("predict", told[0], *packed, "--out", out, "--resume")
    assert "going on after 21 answers" in ended.err
    assert out.read_bytes() == whole.read_bytes()


def test_lines_are_answered_before_the_end_is_read(told: tuple[Path, Any], file: Callable[..., Path]) -> None:
    path = file("long.txt", LINE.encode() * 3000 + b"\xff\n")
    pieces = Predictor.load(told[0]).request(str(path), {}).pieces()
    assert len(next(pieces).texts) < 3000
    with pytest.raises(InputError, match=r"long\.txt: not utf-8: byte 0xff"):
        list(pieces)


def test_a_language_model_is_scored_on_the_text_as_it_is_written(
    cellwright: Command, told: tuple[Path, Any], tmp_path: Path
) -> None:
    """Or what it takes ｃ for, it would predict for nothing."""
    plain, full = (json.loads(cellwright("predict", told[0], text, "--json").out) for text in ("the cat", "the ｃat"))
    assert full["bits_a_character"] > plain["bits_a_character"] + 0.5
    assert "unknown to this run: 1 of the 7 characters: 'ｃ'" in cellwright("predict", told[0], "the ｃat").err
