"""Files as others publish them, from the command line: splits of their own, no header, other separators, folders."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
WORDS = {"good": ["great", "fine"], "bad": ["awful", "poor"]}


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts, each of another number, and their labels."""
    draw = random.Random(seed)
    labels = draw.choices(list(WORDS), k=count)
    return [(f"film {seed} {n} is {draw.choice(WORDS[label])}", label) for n, label in enumerate(labels)]


@pytest.fixture
def fit(cellwright: Command, small: list[str], tmp_path: Path) -> Command:
    """Fit for an epoch into the folder `run`."""

    def run(*arguments: object, status: int = 0) -> Any:
        ended = cellwright("fit", *arguments, "--out", tmp_path / "run", "--max-epochs", 1, "--overwrite", *small)
        assert ended.status == status, ended.err
        return ended

    return run


def test_splits_as_sst_2_has_them(fit: Command, cellwright: Command, tmp_path: Path) -> None:
    for seed, side in enumerate(("train", "dev", "test")):
        rows = "".join(f"{text}\t{label}\n" for text, label in sentences(40, seed))
        (tmp_path / f"{side}.tsv").write_text(f"sentence\tlabel\n{rows}")
    files = {side: tmp_path / f"{side}.tsv" for side in ("train", "dev", "test")}
    ended = fit(files["train"], "--text", "sentence", "--validation", files["dev"], "--test", files["test"])
    assert ended.out.startswith("40 train, 40 validation, 40 test texts of 2 classes")
    assert json.loads((tmp_path / "run" / "test.json").read_text())["texts"] == 40
    own = json.loads(cellwright("evaluate", tmp_path / "run", files["train"], "--json").out)
    assert (own["split"], own["texts"]) == ("test", 40)


def test_a_headerless_file_is_read_alike_by_evaluate(fit: Command, cellwright: Command, tmp_path: Path) -> None:
    """The SMS spam collection: no suffix, no header, quotation marks that are part of the texts."""
    for seed, name in enumerate(("SMSSpamCollection", "more")):
        rows = [
            f'{label}\t"{text}\n' if n % 3 else f"{label}\t{text}\n"
            for n, (text, label) in enumerate(sentences(90, seed))
        ]
        (tmp_path / name).write_text("".join(rows))
    how = ["--format", "tsv", "--no-header", "--no-quoting", "--text", 2, "--label", 1]
    ended = fit(tmp_path / "SMSSpamCollection", *how, "--test-share", 0)
    assert "no test split was kept: scored is the validation split" in ended.err
    assert (tmp_path / "run" / "validation.json").exists()
    assert not (tmp_path / "run" / "test.json").exists()
    more = json.loads(cellwright("evaluate", tmp_path / "run", tmp_path / "more", "--json").out)
    assert (more["split"], more["texts"]) == ("all", 90)
    (tmp_path / "named.csv").write_text("text;label\nfilm is great;good\nfilm is poor;bad\n")
    columns = ["--column", "text=text", "--column", "label=label"]
    other = cellwright("evaluate", tmp_path / "run", tmp_path / "named.csv", "--header", *columns, "--json")
    assert json.loads(other.out)["texts"] == 2
    assert "found semicolon between the fields" in other.err


def test_a_headerless_file_is_read_alike_by_predict(fit: Command, cellwright: Command, tmp_path: Path) -> None:
    texts, labels = zip(*[(f'"{text}', label) for text, label in sentences(60, 0)], strict=True)
    (tmp_path / "SMS").write_text("".join(f"{label}\t{text}\n" for text, label in zip(texts, labels, strict=True)))
    fit(tmp_path / "SMS", "--format", "tsv", "--no-header", "--no-quoting", "--text", 2, "--label", 1)
    out = tmp_path / "answers.jsonl"
    assert cellwright("predict", tmp_path / "run", tmp_path / "SMS", "--out", out).status == 0
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["1"], row["2"]) for row in found] == list(zip(labels, texts, strict=True))
    told = cellwright("predict", tmp_path / "run", "--json", *texts).out.splitlines()
    assert [row["probability"] for row in found] == [json.loads(line)["probability"] for line in told]
    assert texts[3] in cellwright("inspect", tmp_path / "run", tmp_path / "SMS", "--row", 4, "--json").out


def test_a_file_written_otherwise_than_the_runs_is_predicted(cellwright: Command, run: Path, tmp_path: Path) -> None:
    """The run's own is CSV with a header."""
    (tmp_path / "a.csv").write_text("1;great phone\n2;awful, dull\n")
    expected = cellwright("predict", run, "great phone", "awful, dull").out
    found = cellwright("predict", run, tmp_path / "a.csv", "--no-header", "--column", "text=-1")
    assert found.out == expected, found.err
    assert f"{tmp_path / 'a.csv'}: found semicolon between the fields; --separator comma" in found.err
    told = cellwright(
        "predict", run, tmp_path / "a.csv", "--no-header", "--column", "text=2", "--separator", "semicolon"
    )
    assert (told.out, "found semicolon" in told.err) == (expected, False)
    named = cellwright("predict", run, tmp_path / "a.csv")
    assert (named.status, "no column 'text'; the columns are '1', 'great phone'" in named.err) == (2, True)


def test_a_folder_as_imdb_has_it(fit: Command, cellwright: Command, tmp_path: Path) -> None:
    for seed, side in enumerate(("train", "test")):
        for n, (text, label) in enumerate(sentences(60, seed)):
            path = tmp_path / side / label / f"{n}_7.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    ended = fit(tmp_path / "train", "--test", tmp_path / "test")
    assert f"{tmp_path / 'train'}: a folder a class: bad" in ended.out
    assert " validation, 60 test texts of 2 classes" in ended.out
    assert cellwright("evaluate", tmp_path / "run", tmp_path / "test").status == 0


def test_all_is_trained_on_where_nothing_is_to_be_held_out(fit: Command, cellwright: Command, tmp_path: Path) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in sentences(30, 0))
    (tmp_path / "a.csv").write_text(f"text,label\n{rows}")
    ended = fit(tmp_path / "a.csv", "--validation-share", 0, "--test-share", 0)
    assert ended.out.startswith("30 train, no validation, no test texts")
    assert "no validation: no epoch is better than another" in ended.out
    assert "nothing was held out, so that there are no scores" in ended.err
    assert "the last epoch was the best" not in ended.out
    assert not {"test.json", "validation.json"} & {path.name for path in (tmp_path / "run").iterdir()}
    again = ["--resume", "--max-epochs", 2]
    assert cellwright("fit", tmp_path / "a.csv", "--out", tmp_path / "run", *again).status == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["best_epoch"], metrics["epochs"], metrics["validation"], metrics["baseline"]) == (2, 2, {}, None)
    assert json.loads(cellwright("evaluate", tmp_path / "run", tmp_path / "a.csv", "--json").out)["split"] == "train"


INFLECTED = [("walk", "walked", "V;PST"), ("walk", "walks", "V;3;SG;PRS"), ("walk", "walking", "V;V.PTCP;PRS")]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Inflection as SIGMORPHON has it: lemma, form and features, no header."""
    stems = [first + rest for first in "bcdfglmprstw" for rest in ("alk", "ook", "ump", "ark")]
    path = tmp_path / "pairs_without_header.tsv"
    rows = ["\t".join((stem, form.replace("walk", stem), tags)) for stem in stems for _, form, tags in INFLECTED]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_fault_pairs_without_header(fit: Command, cellwright: Command, pairs: Path, tmp_path: Path) -> None:
    refused = fit(pairs, "--task", "transduce", status=2)
    assert "if this line is a row, give --no-header and the columns by number" in refused.err
    followed = fit(pairs, "--task", "transduce", "--source", "balk", "--target", "balked")
    assert "line 1 is taken for the names of the columns: 'balk', which is also a value of its column" in followed.out
    columns = ["--no-header", "--source", 1, "--target", 2, "--features", 3]
    ended = fit(pairs, "--task", "transduce", *columns)
    assert "characters+features and" in ended.out
    assert sum(int(part.split()[0]) for part in ended.out.split(" test sources")[0].split(", ")) == 144
    said = cellwright("predict", tmp_path / "run", "walk +V +PST", "--json")
    assert said.err == "features stand behind the source, a + before each, as in: walk +V +PST\n"
    assert json.loads(said.out)["source_symbols"] == ["w", "a", "l", "k", "+V", "+PST"]
    other = json.loads(cellwright("evaluate", tmp_path / "run", pairs, "--split", "all", "--json").out)
    assert other["model"]["sequences"] == 144
    lines = cellwright("predict", tmp_path / "run", pairs, "--json").out.splitlines()
    assert len(lines) == 144
    assert json.loads(lines[0])["source_symbols"] == ["b", "a", "l", "k", "+V", "+PST"]
    (tmp_path / "one.txt").write_text("walk +V +PST\n")
    by_file = cellwright("predict", tmp_path / "run", tmp_path / "one.txt", "--format", "plain", "--json")
    assert by_file.out == said.out


def test_features_that_stand_in_the_source_are_symbols_without_being_told(fit: Command, tmp_path: Path) -> None:
    rows = [f"{stem}alk +V +{tag},{stem}alk{end}" for stem in "btw" * 9 for tag, end in (("PST", "ed"), ("PRS", "s"))]
    (tmp_path / "a.csv").write_text("source,target\n" + "\n".join(rows) + "\n")
    share = ["--validation-share", 0, "--test-share", 0]
    assert "characters+features and" in fit(tmp_path / "a.csv", "--task", "transduce", *share).out
    told = fit(tmp_path / "a.csv", "--task", "transduce", "--source-symbols", "characters", *share)
    assert " characters and" in told.out


REFUSED = {
    "a share beside a file": (
        ["--test", "{}", "--test-share", "0.1"],
        "--test is {}, which is taken whole, and --test-sh",
    ),
    "shares of everything": (
        ["--validation-share", "0.5", "--test-share", "0.5"],
        "together below 1, and leave something",
    ),
    "a separator of JSONL": (
        ["--separator", "tab", "--format", "jsonl"],
        "is read as jsonl, and --separator tab is for",
    ),
    "no such separator": (["--separator", "colon"], "--separator is 'colon'; expected one character, or one of comma,"),
    "no such file": (["--test", "none.csv"], "none.csv: no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(fit: Command, reviews: Path, case: str) -> None:
    arguments, message = REFUSED[case]
    ended = fit(reviews, *(each.format(reviews) for each in arguments), status=2)
    assert message.format(reviews) in ended.err


@pytest.mark.parametrize("option", ["--test", "--no-header", "--separator"])
def test_options_of_files_are_refused_for_a_built_in_set(fit: Command, reviews: Path, option: str) -> None:
    value = {"--test": [reviews], "--separator": ["tab"]}.get(option, [])
    assert "reviews-zh is a built-in set, and --" in fit("reviews-zh", option, *value, status=2).err


def test_what_a_task_does_not_know_is_refused_by_evaluate(cellwright: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": "b"}\n')
    ended = cellwright("evaluate", run, tmp_path / "a.jsonl", "--no-quoting")
    assert (ended.status, "is read as jsonl, and --no-quoting is for CSV and TSV" in ended.err) == (2, True)
