"""Every mistake of the user ends with status 2 and one sentence that names what was found and what was expected."""

import json
import shutil

import pytest

GOOD = [f"text number {number},{'ab'[number % 2]}" for number in range(200)]


@pytest.fixture
def data(tmp_path):
    """Write a file and return its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def refused(cellwright):
    """Run a command, check that it ends as a mistake does, and return the sentence."""

    def run(*arguments, parts, stdin=b""):
        ended = cellwright(*arguments, stdin=stdin)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("cellwright: ")
        assert ended.err.count("\n") == 1
        for part in parts:
            assert str(part) in ended.err

    return run


FILES = {
    "empty file": (b"", ["the file is empty"]),
    "column that is not there": ("review,label\nx,a\n", ["line 1", "no column 'text'", "'review', 'label'"]),
    "not utf-8": (b"text,label\nb\xe9,a\n", ["byte 0xe9 at offset 12", "--encoding"]),
    "too many fields": ("text,label\nx,a\ny,z,b\n", ["line 3", "3 fields", "expected 2"]),
    "too few fields": ("text,label\nx,a\n\ny\n", ["line 4", "1 fields", "expected 2"]),
    "missing label": ('text,label\n"two\nlines",a\ny,\n', ["line 4", "label is missing", "'label'"]),
    "one class only": ("text,label\n" + "".join(f"{n},a\n" for n in range(99)), ["every label is 'a'", "two classes"]),
    "fewer rows than classes": ("text,label\nx,a\ny,b\nz,c\n", ["3 classes", "'a', 'b', 'c'", "more rows"]),
    "quote that is not closed": ('text,label\n"x,a\ny,b\n', ["line 2", "quotation marks"]),
}


@pytest.mark.parametrize("mistake", FILES)
def test_fit_refuses(refused, data, tmp_path, mistake):
    content, parts = FILES[mistake]
    path = data(content)
    refused("fit", path, "--out", tmp_path / "run", parts=[path, *parts])
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_evaluate_names_its_own_option_for_a_column(refused, cellwright, run, data):
    path = data("review,label\n" + "great,very good\nawful,坏 评\n" * 9)
    refused("evaluate", run, path, parts=["no column 'text'", "--column ROLE=NAME"])
    assert cellwright("evaluate", run, path, "--column", "text=review").status == 0


@pytest.mark.parametrize("mistake", ["empty file", "column that is not there", "not utf-8", "missing label"])
def test_evaluate_refuses(refused, run, data, mistake):
    content, parts = FILES[mistake]
    path = data(content)
    refused("evaluate", run, path, parts=[path, *parts])


def test_file_that_is_not_there(refused, data, run, tmp_path):
    data("text,label\n", "reviews.csv")
    missing = tmp_path / "review.csv"
    refused("fit", missing, "--out", tmp_path / "run", parts=[f"{missing}: no such file", tmp_path / "reviews.csv"])
    refused("evaluate", run, missing, parts=[f"{missing}: no such file", tmp_path / "reviews.csv"])


def test_built_in_set_that_is_misspelt(refused, tmp_path):
    refused("fit", "review-zh", "--out", tmp_path / "run", parts=["review-zh: no such file", "did you mean reviews-zh"])


def test_folder_without_texts_in_place_of_a_file(refused, tmp_path):
    said = "nothing; expected a folder a class, each with a file a text"
    refused("fit", tmp_path, "--out", tmp_path / "run", parts=[f"{tmp_path}: {said}"])
    said = "a folder of texts has no two columns for --source and --target; expected a file"
    refused("fit", tmp_path, "--task", "transduce", "--out", tmp_path / "run", parts=[f"{tmp_path}: {said}"])


def test_labels_that_are_all_unknown(refused, run, data):
    path = data("text,label\ngood,GOOD\nbad,BAD\n")
    refused("evaluate", run, path, parts=[f"{path}, line 2: label 'GOOD'", "'very good', '坏 评'"])


def test_missing_labels_are_counted_and_the_first_line_is_named(refused, run, data, tmp_path):
    path = data("text,label\ngood,very good\nbad,\nworse,  \nworst,坏 评\n,\n")
    said = f"{path}, line 3: the label is missing in column 'label', as in 2 of 5 rows; expected one in every row: fill"
    refused("fit", path, "--out", tmp_path / "run", parts=[said, "leave such rows out with --skip-missing"])
    refused("evaluate", run, path, parts=[said])


def test_all_of_a_built_in_set(refused, run):
    refused("evaluate", run, "reviews-zh", "--split", "all", parts=["reviews-zh", "--split train", "got all"])


def test_an_option_of_files_with_a_built_in_set(refused, run):
    said = "reviews-zh is a built-in set, and --encoding is gbk, which is for files; leave it out"
    refused("evaluate", run, "reviews-zh", "--encoding", "gbk", parts=[said])


def test_split_that_no_text_falls_to(refused, run, data):
    path = data("text,label\ngood,very good\n")
    refused("evaluate", run, path, "--split", "validation", parts=[path, "no text falls to the validation split"])


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ("--dropout 2", ["--dropout is 2; expected at least 0 and below 1"]),
        ("--hidden-size 0", ["--hidden-size is 0; expected at least 1"]),
        ("--learning-rate inf", ["--learning-rate is inf; expected a finite number"]),
        (f"--seed {2**63}", [f"--seed is {2**63}; expected at least 0 and at most {2**63 - 1}"]),
        ("--hidden-size 1.5", ["--hidden-size is 1.5; expected a valid integer"]),
        ("--clip-norm -1", ["--clip-norm is -1; expected above 0"]),
        ("--cell lstn", ["'lstn'", "rnn, ", "did you mean lstm?"]),
        ("--pooling middle", ["--pooling is middle; expected 'last', 'max', 'mean' or 'attention'"]),
        ("--task translate", ["no task 'translate'", "expected one of classify"]),
        ("--hiden 3", ["--hiden", "--hidden-size"]),
        ("--resume --overwrite", ["--resume", "--overwrite"]),
        ("--encoding utf-88", ["no encoding 'utf-88'"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_option_that_cannot_be(refused, data, tmp_path, options, parts):
    path = data("\n".join(["text,label", *GOOD]))
    refused("fit", path, "--out", tmp_path / "run", *options.split(), parts=parts)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_out_that_is_a_run(refused, run, reviews):
    before = (run / "model.safetensors").read_bytes()
    refused("fit", reviews, "--out", run, parts=[run, "--resume", "--overwrite"])
    assert (run / "model.safetensors").read_bytes() == before


def test_out_that_is_another_folder_is_not_even_overwritten(refused, reviews, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    refused("fit", reviews, "--out", tmp_path, "--overwrite", parts=[tmp_path, "holds files but no run"])
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_out_that_is_a_file(refused, reviews, tmp_path):
    (tmp_path / "run").write_text("")
    refused("fit", reviews, "--out", tmp_path / "run", parts=[tmp_path / "run", "is a file"])


def test_out_that_cannot_be_made(refused, reviews, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "run"
    refused("fit", reviews, "--out", out, parts=[out, "cannot be written", "Not a directory"])


def test_out_in_a_folder_that_nobody_may_write(refused, reviews):
    refused("fit", reviews, "--out", "/proc/run", parts=["/proc/run", "cannot be written"])


def test_picture_that_cannot_be_written(refused, run, reviews, tmp_path):
    picture = tmp_path / "no folder" / "matrix.png"
    refused("evaluate", run, reviews, "--picture", picture, parts=[picture, "cannot be written"])


@pytest.mark.parametrize("given", ["inspect RUN great --out", "inspect RUN great --png", "inspect RUN great --npz",
                                   "evaluate RUN DATA --picture", "cells show lstm --svg"])  # fmt: skip
def test_a_file_that_is_there_is_not_replaced_unasked(refused, cellwright, run, reviews, tmp_path, given):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    words = [{"RUN": run, "DATA": reviews}.get(word, word) for word in given.split()]
    refused(*words, mine, parts=[f"{mine}: is there already; give another {words[-1]}, or --overwrite to replace it"])
    assert mine.read_text() == "mine"
    assert cellwright(*words, mine, "--overwrite").status == 0
    assert mine.read_bytes() != b"mine"


def test_a_folder_of_runs_is_refused_with_the_runs_in_it(refused, run, tmp_path):
    study = tmp_path / "study"
    best = shutil.copytree(run, study / "best")
    refused("predict", study, "a", parts=["is not a run folder", f"but holds {best}"])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_run_without_one_of_its_files(refused, run, reviews, tmp_path, name, command):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / name).unlink()
    refused(command, copy, reviews, parts=[copy / name, "no such file"])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_run_with_a_file_cut_short(refused, run, tmp_path, name, share):
    copy = shutil.copytree(run, tmp_path / "copy")
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: int(share * len(content))])
    refused("predict", copy, "good", parts=[copy / name])


def test_run_of_a_newer_format(refused, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"format": 99, "invented": True}))
    refused("predict", copy, "good", parts=[copy / "config.json", "format 99", "newer"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden_size": "many"}, "field 'options.hidden_size': Input should be a valid integer"),
        (None, "field 'options.data'"),
    ],
)
def test_run_of_damaged_options(refused, run, reviews, tmp_path, options, said):
    copy = shutil.copytree(run, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    changed = {} if options is None else config["options"] | options
    (copy / "config.json").write_text(json.dumps(config | {"options": changed}))
    for command in (
        ["predict", copy, "good"],
        ["evaluate", copy, reviews],
        ["fit", reviews, "--out", copy, "--resume"],
    ):
        refused(*command, parts=[f"{copy / 'config.json'}: {said}"])


def test_run_that_is_not_there_or_a_file(refused, tmp_path, reviews):
    refused("predict", tmp_path / "run", "good", parts=[tmp_path / "run", "no such run folder"])
    refused("predict", reviews, "good", parts=[reviews, "is a file", "run folder"])


@pytest.mark.parametrize("command", ["predict", "evaluate", "generate", "serve"])
def test_run_of_a_name_that_no_folder_can_have(refused, reviews, command):
    name = "好" * 100  # 300 bytes
    data = [reviews] if command == "evaluate" else []
    refused(command, name, *data, parts=[f"{name}: no such run folder"])


def test_text_that_no_file_can_be_named_for_a_run_that_is_not_there(refused, tmp_path):
    refused("predict", tmp_path / "run", "x" * 300, parts=[tmp_path / "run", "no such run folder"])
