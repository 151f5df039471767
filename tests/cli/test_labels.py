"""Labels and tags as people write them, from the command line: the faults that users ran into, each by its name."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
WORDS = {"neg": ["awful", "dirty"], "pos": ["great", "lovely"]}
SENTENCE = [("\u674e", "B-PER"), ("\u56db", "I-PER"), ("\uff0c", "O"), ("\u5e7f", "B-LOC"), ("\u5dde", "I-LOC")]


def reviews(count: int, labels: list[str], seed: int = 0) -> str:
    """Rows of texts, each of another number, whose words say what the label means."""
    draw = random.Random(seed)
    said = [draw.choice(labels) for _ in range(count)]
    return "".join(f"room {seed} {n} was {draw.choice(WORDS[label.strip()])},{label}\n" for n, label in enumerate(said))


@pytest.fixture
def fit(cellwright: Command, small: list[str], tmp_path: Path) -> Command:
    """Fit for some epochs into the folder `run`."""

    def run(content: str | Path, *arguments: object, epochs: int = 1) -> Any:
        path = tmp_path / "data.csv"
        if isinstance(content, str):
            path.write_text(content)
        else:
            path = content
        end = ["--out", tmp_path / "run", "--max-epochs", epochs, "--patience", epochs, "--overwrite"]
        ended = cellwright("fit", path, *arguments, *end, *small)
        assert ended.status == 0, ended.err
        return ended

    return run


@pytest.fixture
def fit_tags(cellwright: Command, tmp_path: Path) -> Command:
    """Fit a tagger on sentences of words and tags, a word a line."""

    def run(sentences: list[list[tuple[str, str]]], *arguments: object, status: int = 0) -> Any:
        path = tmp_path / "data.conll"
        path.write_text("\n".join("".join(f"{word} {tag}\n" for word, tag in each) for each in sentences))
        sizes = ["--embedding-dim", 8, "--char-embedding-dim", 4, "--hidden-size", 8, "--threads", 1, "--max-epochs", 1]
        ended = cellwright("fit", path, "--task", "tag", *arguments, "--out", tmp_path / "run", "--overwrite", *sizes)
        assert ended.status == status, ended.err
        return ended

    return run


def test_faults_classify_label_spaces(fit: Command, cellwright: Command, tmp_path: Path) -> None:
    ended = fit("text,label\n" + reviews(80, ["neg", "pos", " neg", "pos "]))
    assert "white space around labels does not count" in ended.out
    assert "texts of 2 classes" in ended.out
    (tmp_path / "other.csv").write_text("text,label\n" + reviews(20, [" neg ", "pos"], 1))
    ended = cellwright("evaluate", tmp_path / "run", tmp_path / "other.csv", "--json")
    assert json.loads(ended.out)["labels"] == ["neg", "pos"]
    assert "as 'neg'" in ended.err


def test_labels_1_and_1_0_are_one(fit: Command) -> None:
    rows = reviews(80, ["neg", "pos"]).splitlines()
    spelled = [row.replace(",pos", ",1.0" if n % 2 else ",1").replace(",neg", ",0") for n, row in enumerate(rows)]
    assert "texts of 2 classes" in fit("\n".join(["text,label", *spelled])).out


def test_rows_without_labels_are_left_out_where_asked_by_evaluate_too(
    fit: Command, cellwright: Command, tmp_path: Path
) -> None:
    missing = "room without a label,\n"
    ended = fit("text,label\n" + reviews(60, ["neg", "pos"]) + missing, "--skip-missing")
    assert "1 row without a label left out, the first on " in ended.out
    (tmp_path / "other.csv").write_text("text,label\n" + missing + reviews(20, ["neg", "pos"], 1))
    ended = cellwright("evaluate", tmp_path / "run", tmp_path / "other.csv", "--json")
    assert json.loads(ended.out)["texts"] == 20
    assert f"1 row without a label left out, the first on {tmp_path / 'other.csv'}, line 2" in ended.err
    refused = cellwright("evaluate", tmp_path / "run", tmp_path / "other.csv", "--no-skip-missing")
    assert (refused.status, refused.out) == (2, "")
    assert "the label is missing in column 'label', as in 1 of 21 rows" in refused.err


def test_evaluate_scores_what_has_a_known_label_and_says_what_has_not(
    fit: Command, cellwright: Command, tmp_path: Path
) -> None:
    fit("text,label\n" + reviews(60, ["neg", "pos"]))
    (tmp_path / "other.csv").write_text("text,label\n" + reviews(20, ["neg", "pos"], 1) + "room,neutral\nbed,neutral\n")
    ended = cellwright("evaluate", tmp_path / "run", tmp_path / "other.csv", "--json")
    assert json.loads(ended.out)["texts"] == 20
    assert "2 of the 22 texts have a label that the run does not know, and are not scored: 'neutral' (2)" in ended.err


def test_no_class_vanishes_for_texts_with_two_labels(fit: Command) -> None:
    """Every text of the class stands a second time with another label."""
    double = reviews(60, ["neg", "pos"]).splitlines()
    double += [row.replace(",pos", ",neg") for row in double if row.endswith(",pos")]
    ended = fit("\n".join(["text,label", *double]))
    assert "that stand with different labels, the first on " in ended.out
    assert "rows of each class, before and after: 'neg' " in ended.out
    assert "texts of 2 classes" in ended.out
    assert "texts of 2 classes" in fit("\n".join(["text,label", *double]), "--duplicates", "keep").out


@pytest.mark.slow
def test_a_rare_class_is_found_with_class_weights(fit: Command, tmp_path: Path) -> None:
    """Of one in fifty, by a word that others have more often: without weights nothing is given that label."""
    draw = random.Random(0)
    rows = []
    for n in range(1000):
        rare = n % 50 == 0
        word = "slow" if rare or draw.random() < 0.05 else "fast"
        rows.append(f"{draw.choice('abcd')} {draw.choice('abcd')} {word},{'rare' if rare else 'common'}")
    content, recall = "\n".join(["text,label", *rows]), {}
    for weights in ("none", "balanced"):
        fit(content, "--class-weights", weights, "--duplicates", "keep", "--test-share", 0.3, epochs=4)
        scores = json.loads((tmp_path / "run" / "test.json").read_text())["model"]
        recall[weights] = next(each["recall"] for each in scores["classes"] if each["label"] == "rare")
    assert (recall["none"], recall["balanced"] > 0.5) == (0, True)


def test_faults_tag_nbsp_in_token(fit_tags: Command) -> None:
    sentence = [("prix", "O"), ("9\u00a0000", "B-NUM"), ("euros", "I-NUM"), ("Lyon", "B-LOC"), (".", "O")]
    ended = fit_tags([[(f"{n}", "O"), *sentence] for n in range(100)])
    assert "4 tags, chosen together (CRF), read as spans (iob2)" in ended.out


def test_faults_tag_fullwidth_space_token(fit_tags: Command) -> None:
    ended = fit_tags([[(f"{n}", "O"), *SENTENCE, ("\u3000", "O")] for n in range(100)])
    assert "5 tags, chosen together (CRF), read as spans (iob2)" in ended.out


def test_faults_tag_one_zero_for_O(fit_tags: Command, tmp_path: Path) -> None:
    sentences = [[(f"{n}", "O"), *SENTENCE] for n in range(200)]
    sentences[30][3] = ("\uff0c", "0")
    said = f"{tmp_path / 'data.conll'}: tags are read as spans (iob2), but for those that are none of it: '0' (1 word, "
    ended = fit_tags(sentences, "--test-share", 0, "--validation-share", 0)
    assert f"{said}the first in the sentence on line 211)" in ended.out
    assert "chosen together (CRF), read as spans (iob2)" in ended.out
    ended = fit_tags(sentences, "--spans", "none")
    assert "chosen one by one, each scored by itself" in ended.out
    assert "'0'" not in ended.out


def test_a_scheme_is_forced_and_else_named(fit_tags: Command) -> None:
    sentences = [[(f"{n}", "0"), *SENTENCE] for n in range(100)]
    ended = fit_tags(sentences)
    said = "each scored by itself: --spans iob2 reads them as spans, but for those that are none of it: '0' ("
    assert said in ended.out
    assert "each scored by itself" in ended.out
    ended = fit_tags(sentences, "--spans", "iob2")
    assert "chosen together (CRF), read as spans (iob2)" in ended.out
    refused = fit_tags([[(f"{n}", "NN"), ("b", "VB")] for n in range(100)], "--spans", "bmes", status=2)
    assert "--spans is bmes, and no tag of a training sentence is written so; the tags are 'NN', 'VB'" in refused.err


def test_white_space_around_tags_does_not_count(fit_tags: Command) -> None:
    sentences = [[(f"{n}", "O"), ("Lyon", "B-LOC\u00a0" if n % 2 else "B-LOC")] for n in range(100)]
    ended = fit_tags(sentences)
    assert "white space around tags does not count" in ended.out
    assert "'B-LOC\\xa0' (50 words) as 'B-LOC'" in ended.out
    assert "2 tags" in ended.out
