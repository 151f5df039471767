"""`cellwright predict RUN FILE`: a path that exists is a file, and --out keeps its columns beside the answers."""

import csv
import gzip
import json
import os
import random
import subprocess
import sys
import threading

import pyarrow
import pyarrow.parquet
import pytest

ROWS = [
    {"id": "1", "text": "a great phone", "label": "x"},
    {"id": "2", "text": "awful\nand dull", "label": "y"},
    {"id": "3", "text": "", "label": "z"},
]
SAID = ["very good", "坏 评"]


@pytest.fixture
def table(tmp_path):
    """Three texts, one with a line end and one empty, between other columns."""
    path = tmp_path / "texts.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def test_a_path_that_exists_is_a_file(cellwright, run, table):
    """It labelled the file's name."""
    ended = cellwright("predict", run, table)
    lines = [line.split("\t") for line in ended.out.splitlines()]
    assert [line[2] for line in lines] == ["a great phone", "awful and dull", ""]
    assert [line[0] for line in lines[:2]] == SAID
    alone = cellwright("predict", run, *(row["text"] for row in ROWS))
    assert ended.out == alone.out


def test_text_takes_it_for_words(cellwright, run, table):
    ended = cellwright("predict", run, "--text", table)
    assert ended.out.rstrip("\n").split("\t")[2] == str(table)


@pytest.mark.parametrize("name", ["texts.csvv.csv", "no.jsonl", "Book1.xlsx", "letter.PDF"])
def test_a_name_that_looks_like_a_file_is_no_text(cellwright, run, tmp_path, name):
    ended = cellwright("predict", run, tmp_path / name)
    assert (ended.status, ended.out) == (2, "")
    assert "no such file" in ended.err
    assert "a text of these words needs --text" in ended.err


def read_back(path):
    """The rows of a file, by other libraries than ours."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_out_holds_the_columns_and_the_answers(cellwright, run, table, tmp_path, suffix):
    out = tmp_path / f"answers{suffix}"
    ended = cellwright("predict", run, table, "--out", out)
    assert (ended.status, ended.out) == (0, "")
    assert "the input has a column 'label': the answer's is 'predicted_label'" in ended.err
    assert f"3 answers in {out}" in ended.err
    found = read_back(out)
    told = [json.loads(line) for line in cellwright("predict", run, table, "--json").out.splitlines()]
    assert list(found[0]) == ["id", "text", "label", "predicted_label", "probability", "probabilities"]
    for row, given, said in zip(found, ROWS, told, strict=True):
        assert {name: row[name] for name in given} == given
        assert (row["predicted_label"], float(row["probability"])) == (said["label"], said["probability"])
        shares = row["probabilities"]
        assert (json.loads(shares) if isinstance(shares, str) else shares) == said["probabilities"]
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


@pytest.mark.parametrize("suffix", [".jsonl", ".tsv", ".parquet", ".txt"])
def test_every_format_is_read(cellwright, run, tmp_path, suffix):
    path = tmp_path / f"in{suffix}"
    texts = ["great phone", "awful dull"]
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table({"n": [1, 2], "text": texts}), path)
    else:
        written = {
            ".jsonl": [json.dumps({"text": text, "n": {"deep": [1]}}) for text in texts],
            ".tsv": ["n\ttext", *(f"1\t{text}" for text in texts)],
            ".txt": texts,
        }
        path.write_text("\n".join(written[suffix]) + "\n")
    out = tmp_path / "out.jsonl"
    assert cellwright("predict", run, path, "--out", out).status == 0
    found = read_back(out)
    assert [row["text"] for row in found] == texts
    assert [row["label"] for row in found] == SAID
    if suffix == ".jsonl":
        assert found[0]["n"] == {"deep": [1]}


def test_column_format_and_encoding_are_said(cellwright, run, tmp_path):
    path = tmp_path / "texts.data"
    path.write_bytes("评论,n\ngreat 好,1\n".encode("gb18030"))
    named = ["--column", "text=评论", "--format", "csv", "--encoding", "gb18030"]
    assert cellwright("predict", run, path, *named).out.split("\t")[2] == "great 好\n"


def test_out_takes_texts_and_lines_too(cellwright, run, tmp_path):
    assert cellwright("predict", run, "great", "--out", tmp_path / "a.jsonl").status == 0
    assert cellwright("predict", run, "--out", tmp_path / "b.jsonl", stdin=b"great\n").status == 0
    (one,), (other,) = (read_back(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    assert one == other
    assert (one["text"], one["label"]) == ("great", "very good")


def test_more_rows_than_are_answered_at_once_keep_their_order(cellwright, run, tmp_path):
    draw = random.Random(1)
    texts = [f"{draw.choice(['great', 'awful'])} {k}" for k in range(2500)]
    path, out = tmp_path / "many.txt", tmp_path / "many.csv"
    path.write_text("\n".join(texts))
    assert cellwright("predict", run, path, "--out", out).status == 0
    found = read_back(out)
    assert [row["text"] for row in found] == texts
    assert all(row["label"] == SAID[row["text"].startswith("awful")] for row in found)


REFUSED = {
    "a file that is there": (["--out", "{table}"], "is there already; give another --out, or --overwrite"),
    "no format to write": (
        ["--out", "a.xlsx"],
        "the suffix '.xlsx' tells no format; expected a file that ends in .csv",
    ),
    "two ways out": (["--out", "a.csv", "--json"], "give one of them"),
    "no such column": (["--column", "text=review"], "no column 'review'; the columns are 'id', 'text', 'label': name "),
    "no such role": (["--column", "label=x"], "; expected text=NAME"),
    "nothing to resume": (["--resume"], "--resume goes on with a file of answers; expected --out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(cellwright, run, table, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, sentence = REFUSED[case]
    ended = cellwright("predict", run, table, *(each.format(table=table) for each in arguments))
    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "a.csv").exists()


def test_columns_without_a_file_are_refused(cellwright, run):
    for given, option in ((["great"], ["--column", "text=a"]), ([], ["--separator", "tab"]), ([], ["--format", "csv"])):
        ended = cellwright("predict", run, *given, *option, stdin=b"great\n")
        assert (ended.status, ended.out) == (2, "")
        assert f"{option[0]} says how a file is read, and no argument is one" in ended.err


def test_a_column_that_stands_twice_is_not_lost(cellwright, run, tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text("n,n,text\n1,2,great\n")
    assert cellwright("predict", run, path).status == 0
    ended = cellwright("predict", run, path, "--out", tmp_path / "out.csv")
    assert ended.status == 2
    assert "column 'n' stands twice in the file" in ended.err


def test_nothing_is_left_where_an_answer_fails(cellwright, run, table, tmp_path, monkeypatch):
    from cellwright.tasks.classify.predictor import ClassifyPredictor

    monkeypatch.setattr(ClassifyPredictor, "answered", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cellwright("predict", run, table, "--out", tmp_path / "out.csv").status == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["texts.csv"]


def test_what_the_run_does_not_know_is_counted_at_the_end(cellwright, run):
    ended = cellwright("predict", run, "great ★", "★ 好")
    assert ended.err == "unknown to this run: 2 of the 4 words: '★' (2 times)\n"


def test_inspect_takes_a_row_of_a_file(cellwright, run, table):
    by_file = cellwright("inspect", run, table, "--row", 2, "--json")
    assert by_file.status == 0, by_file.err
    assert by_file.out == cellwright("inspect", run, ROWS[1]["text"], "--json").out


def test_objects_with_other_keys_further_down_keep_theirs(cellwright, run, tmp_path):
    """A later key gets its column, and a field of the answers another name from the first row on."""
    path = tmp_path / "texts.jsonl"
    rows = [{"text": f"great {k}"} for k in range(1500)] + [{"text": "awful", "label": 3, "n": [1]}]
    path.write_text("\n".join(map(json.dumps, rows)))
    for suffix in (".csv", ".parquet", ".jsonl"):
        out = tmp_path / f"out{suffix}"
        assert cellwright("predict", run, path, "--out", out).status == 0
        first, *_, last = read_back(out)
        assert (first["predicted_label"], last["predicted_label"]) == tuple(SAID)
        assert str(last["label"]) == "3"
        assert str(last["n"]) == "[1]"
        assert first.get("label") in (None, "")


@pytest.mark.parametrize("kept", [[1, 2.5], [None, "a"], [[], ["a"]], [{"x": 1}, {"y": "b"}], [None, None]])
def test_a_column_of_parquet_has_the_type_that_all_its_pieces_fit(cellwright, run, tmp_path, kept):
    path, out = tmp_path / "texts.jsonl", tmp_path / "out.parquet"
    values = [kept[0]] * 1000 + [kept[1]]
    path.write_text("\n".join(json.dumps({"text": "great", "kept": value}) for value in values))
    assert cellwright("predict", run, path, "--out", out).status == 0
    expected = pyarrow.array(values)
    found = pyarrow.parquet.read_table(out)["kept"].combine_chunks()
    assert found.type == expected.type
    assert found.to_pylist() == expected.to_pylist()


def test_values_of_two_kinds_in_two_pieces_are_no_column_of_parquet(cellwright, run, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps({"text": "great", "n": 1 if k < 1000 else "a"}) for k in range(1001)))
    ended = cellwright("predict", run, path, "--out", tmp_path / "out.parquet")
    assert ended.status == 2
    assert "cannot be written as Parquet" in ended.err
    assert [each.name for each in tmp_path.iterdir()] == ["texts.jsonl"]


def test_a_mistake_in_the_second_file_is_said_before_the_first_is_answered(cellwright, run, table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("review\ngreat\n")
    ended = cellwright("predict", run, table, other)
    assert (ended.status, ended.out) == (2, "")
    assert "no column 'text'" in ended.err


def test_what_is_wrong_far_down_is_named_by_its_line(cellwright, run, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_bytes(b"text,n\n" + b"great,1\n" * 3000 + b"\xff,1\n")
    ended = cellwright("predict", run, path, "--out", tmp_path / "out.csv")
    assert ended.status == 2
    assert f"byte 0xff at offset {7 + 3000 * 8} (invalid start byte)" in ended.err
    path.write_bytes(b"text,n\n" + b"great,1\n" * 3000 + b"great\n")
    assert "line 3002: 1 fields; expected 2" in cellwright("predict", run, path).err


def test_a_pipe_is_read_once(cellwright, run, tmp_path):
    pipe, out = tmp_path / "pipe", tmp_path / "out.jsonl"
    for before, written in ((".csv", "text,n\ngreat,1\nawful,2\n"), (".jsonl", '{"text": "great"}\n{"text": "awful"}')):
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=[written])
        writer.start()
        ended = cellwright("predict", run, pipe, "--format", before[1:], "--out", out, "--overwrite")
        writer.join()
        assert ended.status == 0, ended.err
        assert [row["label"] for row in read_back(out)] == SAID
        pipe.unlink()


def test_a_folder_is_read_a_text_a_file(cellwright, run, tmp_path):
    folder, out = tmp_path / "texts", tmp_path / "out.csv"
    for name, text in (("pos/1.txt", "great"), ("neg/2.txt", "awful\r\nand dull"), ("3.txt", "great")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    assert cellwright("predict", run, folder, "--out", out).status == 0
    found = [(row["file"], row["text"], row["label"]) for row in read_back(out)]
    great, awful = SAID
    assert found == [("neg/2.txt", "awful\nand dull", awful), ("pos/1.txt", "great", great), ("3.txt", "great", great)]
    shown = cellwright("inspect", run, folder, "--row", 2, "--json")
    assert json.loads(shown.out)["text"] == "great"


@pytest.fixture
def shards(tmp_path):
    """Two compressed tables, and what Spark leaves beside them."""
    folder = tmp_path / "shards"
    folder.mkdir()
    (folder / "y0.csv.gz").write_bytes(gzip.compress(b"id,text\n1,great\n2,awful\n"))
    with pyarrow.CompressedOutputStream(str(folder / "y1.jsonl.zst"), "zstd") as file:
        file.write(b'{"text": "awful", "id": "3"}\n')
    (folder / "_SUCCESS").write_text("")
    return folder


@pytest.mark.parametrize("named", ["shards", "shards/y*", "sh*/y?.*"])
def test_a_folder_of_tables_and_a_pattern_are_their_rows(cellwright, run, shards, named):
    """The folder's packed files were raw texts, and a pattern was one where its end told no format."""
    out = shards.parent / "out.jsonl"
    ended = cellwright("predict", run, shards.parent / named, "--out", out, "--resume")
    assert ended.status == 0, ended.err
    great, awful = SAID
    found = [(row["id"], row["text"], row["label"]) for row in read_back(out)]
    assert found == [("1", "great", great), ("2", "awful", awful), ("3", "awful", awful)]
    shown = cellwright("inspect", run, shards.parent / named, "--row", 3, "--json")
    assert json.loads(shown.out)["text"] == "awful"


def test_a_pattern_that_no_file_fits_is_a_text_unless_it_ends_like_a_file(cellwright, run, shards, monkeypatch):
    monkeypatch.chdir(shards)
    assert cellwright("predict", run, "great*").out.rstrip("\n").split("\t")[::2] == [SAID[0], "great*"]
    assert cellwright("predict", run, "great y*").out.rstrip("\n").split("\t")[2] == "great y*"
    assert cellwright("predict", run, "--text", "y*.zst").out.rstrip("\n").split("\t")[2] == "y*.zst"
    ended = cellwright("predict", run, "z*.csv")
    assert ended.status == 2
    assert "z*.csv: a pattern that no file fits" in ended.err


def test_tables_in_folders_are_refused_with_the_pattern(cellwright, run, shards):
    ended = cellwright("predict", run, shards.parent)
    assert (ended.status, ended.out) == (2, "")
    assert f"are named by a pattern, '{shards.parent}/**/*.csv.gz' '{shards.parent}/**/*.jsonl.zst'" in ended.err


def test_only_a_tagger_writes_a_file_of_columns(cellwright, run, table, tmp_path):
    """It was said that the table is no such file, as if another one would do."""
    ended = cellwright("predict", run, table, "--out", tmp_path / "q.conllu")
    assert (ended.status, ended.out) == (2, "")
    assert (
        "q.conllu: only a tagger's answers can stand in a file of columns, and the run is of task classify" in ended.err
    )
    assert not (tmp_path / "q.conllu").exists()


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """texts.csv, a link to it and another file, in the folder where commands run."""
    monkeypatch.chdir(tmp_path)
    for name in ("texts.csv", "more.csv"):
        (tmp_path / name).write_text("text\ngreat\n")
    (tmp_path / "link.csv").symlink_to("texts.csv")
    return tmp_path / "texts.csv"


@pytest.mark.parametrize("given", [["texts.csv"], ["link.csv"], ["more.csv", "texts.csv"], ["t*.csv"], ["."]])
@pytest.mark.parametrize("how", ["--overwrite", "--resume"])
@pytest.mark.parametrize("name", ["texts.csv", "link.csv"])
def test_answers_never_replace_what_is_answered(cellwright, run, beside, given, how, name):
    """`predict RUN texts.csv --out texts.csv --overwrite` left no texts."""
    ended = cellwright("predict", run, *given, "--out", name, how)
    assert (ended.status, ended.out) == (2, "")
    assert f"{name}: --out would replace what is read, " in ended.err
    assert beside.read_text() == "text\ngreat\n"


def test_answers_never_replace_standard_input(run, beside):
    command = [sys.executable, "-m", "cellwright", "predict", str(run), "--out", "texts.csv", "--overwrite"]
    with beside.open() as stdin:
        ended = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "texts.csv: --out would replace what is read, /dev/stdin" in ended.stderr
    assert beside.read_text() == "text\ngreat\n"


def test_what_is_read_as_a_text_may_be_replaced(cellwright, run, beside):
    assert cellwright("predict", run, "texts.csv", "--text", "--out", "texts.csv", "--overwrite").status == 0
    assert beside.read_text().startswith("text,")
