import json

import pyarrow.parquet
import pytest
from matplotlib import image

from cellwright.data.readers.records import read_pieces
from cellwright.data.source import open_source
from cellwright.serve import Predictor
from cellwright.tasks.run import load_config


@pytest.fixture
def unseen(tmp_path):
    """Four texts of another file: three right, one with a label that the text contradicts."""
    path = tmp_path / "unseen.csv"
    path.write_text("text,label\ngreat fine,very good\nawful poor,坏 评\n好 lovely,very good\ndull 差,very good\n")
    return path


def test_every_row_of_another_file_is_scored(cellwright, run, unseen):
    scores = json.loads(cellwright("evaluate", run, unseen, "--json").out)
    assert (scores["split"], scores["texts"], scores["labels"]) == ("all", 4, ["very good", "坏 评"])
    assert scores["model"]["accuracy"] == scores["linear"]["accuracy"] == 3 / 4
    assert scores["model"]["confusion"] == [[2, 1], [0, 1]]
    assert scores["model"]["classes"][0] == {
        "label": "very good", "precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3,
    }  # fmt: skip


def test_tables_hold_the_same_numbers(cellwright, run, unseen):
    ended = cellwright("evaluate", run, unseen)
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert f"{unseen}, all: 4 texts" in lines
    assert "this model 0.750 0.733" in lines
    assert "very good 1.000 0.667 0.800 3" in lines
    assert "very good 2 1" in lines
    assert ended.err == ""


def test_several_files_are_scored_as_one(cellwright, run, unseen, tmp_path):
    """`Got unexpected extra argument`, it said, though fit takes several."""
    header, *rows = unseen.read_text().splitlines()
    for name, part in (("a.csv", rows[:1]), ("b.csv", rows[1:])):
        (tmp_path / name).write_text("\n".join([header, *part]) + "\n")
    ended = cellwright("evaluate", run, tmp_path / "a.csv", tmp_path / "b.csv", "--json")
    several, one = json.loads(ended.out), json.loads(cellwright("evaluate", run, unseen, "--json").out)
    assert (several.pop("data"), several.pop("split")) == (f"{tmp_path}/a.csv:{tmp_path}/b.csv", "all")
    assert several == {name: value for name, value in one.items() if name not in ("data", "split")}
    ended = cellwright("evaluate", run, "reviews-zh", unseen)
    assert ended.status == 2
    assert "reviews-zh is a built-in set, which stands alone" in ended.err


def test_own_file_is_scored_on_its_test_split(cellwright, run, reviews):
    own = json.loads(cellwright("evaluate", run, reviews, "--json").out)
    assert own["split"] == "test"
    assert own["texts"] < 60


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_each_split_can_be_asked_for_without_a_warning(cellwright, run, reviews, split):
    ended = cellwright("evaluate", run, reviews, "--split", split, "--json")
    assert json.loads(ended.out)["split"] == split
    assert ended.err == ""


def test_texts_of_the_training_are_pointed_out(cellwright, run, reviews):
    ended = cellwright("evaluate", run, reviews, "--split", "all", "--json")
    texts = json.loads(ended.out)["texts"]
    assert texts == 300
    assert f" of the {texts} texts are among the training texts: the scores flatter\n" in ended.err


def test_each_row_that_training_has_seen_counts(cellwright, run, reviews, tmp_path):
    config = load_config(run)
    text = open_source(str(reviews), text=config.options["text"], label=config.options["label"])["train"].texts[0]
    again = tmp_path / "again.jsonl"
    rows = [{"text": each, "label": config.labels[0]} for each in (text, f"{text} ", "never seen")]
    again.write_text("\n".join(map(json.dumps, rows)))
    assert "2 of the 3 texts are among" in cellwright("evaluate", run, again, "--split", "all").err


def test_columns_and_format_of_another_file(cellwright, run, unseen, tmp_path):
    odd = tmp_path / "unseen.data"
    odd.write_bytes(unseen.read_text().replace("text,label", "评论,stars").replace(",", "\t").encode("gb18030"))
    named = ["--column", "text=评论", "--column", "label=stars", "--encoding", "gb18030", "--format", "tsv"]
    ended = cellwright("evaluate", run, odd, *named, "--json")
    assert json.loads(ended.out)["model"]["accuracy"] == 3 / 4


def test_picture_of_the_confusion_matrix(cellwright, run, unseen, tmp_path):
    assert cellwright("evaluate", run, unseen, "--picture", tmp_path / "matrix.png").status == 0
    assert image.imread(tmp_path / "matrix.png").std() > 0.05


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_mistakes_are_written_and_shown(cellwright, run, unseen, tmp_path, suffix):
    out = tmp_path / f"wrong.{suffix}"
    ended = cellwright("evaluate", run, unseen, "--mistakes", out)
    assert (ended.status, ended.err) == (0, f"1 mistake in {out}\n")
    (piece,) = read_pieces(out)
    (row,) = piece.rows
    sure = Predictor.load(run).predict(["dull 差"])[0].probability
    names = ["where", "text", "expected", "answered", "probability"]
    assert [name for name, _ in row] == names
    assert [value for _, value in row][:4] == [f"{unseen}, line 5", "dull 差", "very good", "坏 评"]
    assert float(row[-1][1]) == pytest.approx(sure, rel=1e-6)
    assert f"dull 差 very good 坏 评 {sure:.3f}" in [" ".join(line.split()) for line in ended.out.splitlines()]
    ended = cellwright("evaluate", run, unseen, "--mistakes", out)
    assert ended.status == 2
    assert f"{out}: is there already; give another --mistakes, or --overwrite to replace it" in ended.err


def test_without_a_mistake_the_file_has_the_names_of_the_columns(cellwright, run, unseen, tmp_path):
    right, out = tmp_path / "right.csv", tmp_path / "wrong.csv"
    right.write_text("text,label\ngreat fine,very good\n")
    ended = cellwright("evaluate", run, right, "--mistakes", out, "--json")
    assert ended.err == f"0 mistakes in {out}\n"
    assert out.read_text() == "where,text,expected,answered,probability\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wrong.xlsx", "the suffix '.xlsx' tells no format"),
        ("nowhere/wrong.csv", "nowhere; expected one that is there"),
        ("wrong.conll", "the suffix '.conll' tells no format"),
    ],
)
def test_mistakes_are_refused_before_any_work(cellwright, run, unseen, tmp_path, name, told):
    ended = cellwright("evaluate", run, unseen, "--mistakes", tmp_path / name)
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err


@pytest.mark.parametrize("named", ["itself", "link", "linked", "hard", "several", "pattern", "folder"])
def test_mistakes_never_replace_what_is_scored(cellwright, run, unseen, tmp_path, named):
    """`evaluate RUN ev.csv --mistakes ev.csv --overwrite` left the mistakes in the place of the labelled data."""
    folder, before, out = tmp_path / "folder", unseen.read_bytes(), unseen
    folder.mkdir()
    given = [unseen]
    if named in ("link", "linked", "hard"):
        other = tmp_path / "other.csv"
        other.hardlink_to(unseen) if named == "hard" else other.symlink_to(unseen)
        given, out = ([other], unseen) if named == "linked" else ([unseen], other)
    elif named == "several":
        (folder / "more.csv").write_bytes(before)
        given = [folder / "more.csv", unseen]
    elif named in ("pattern", "folder"):
        out = unseen.rename(folder / "unseen.csv")
        given = [folder / "*.csv" if named == "pattern" else folder]
    ended = cellwright("evaluate", run, *given, "--mistakes", out, "--overwrite")
    assert (ended.status, ended.out) == (2, "")
    assert f"{out}: --mistakes would replace what is read, " in ended.err
    assert out.read_bytes() == before


def test_a_folder_is_no_place_for_mistakes(cellwright, run, unseen, tmp_path):
    """With --overwrite that was found out after all the work."""
    out = tmp_path / "dd.csv"
    out.mkdir()
    ended = cellwright("evaluate", run, unseen, "--mistakes", out, "--overwrite")
    assert (ended.status, ended.out) == (2, "")
    assert f"{out}: is a folder; expected a file: give another --mistakes" in ended.err


@pytest.mark.parametrize("suffix", [".answered", ".answered.json"])
def test_mistakes_leave_the_state_of_an_interrupted_predict(cellwright, run, unseen, tmp_path, suffix):
    """Mistakes are written beside their place under these names: what stood there was gone."""
    kept, out = tmp_path / f"w9.csv{suffix}", tmp_path / "w9.csv"
    kept.write_text("mine")
    ended = cellwright("evaluate", run, unseen, "--mistakes", out, "--overwrite")
    assert (ended.status, ended.out) == (2, "")
    assert f"{kept}: is there already, perhaps of a `predict --out {out}`" in ended.err
    assert (kept.read_text(), out.exists()) == ("mine", False)


def test_parquet_without_a_mistake_has_the_kinds_of_its_columns(cellwright, run, tmp_path):
    """All were null: joined with another file's they were refused."""
    right, out = tmp_path / "right.csv", tmp_path / "wrong.parquet"
    right.write_text("text,label\ngreat fine,very good\n")
    assert cellwright("evaluate", run, right, "--mistakes", out).status == 0
    kinds = [(each.name, str(each.type)) for each in pyarrow.parquet.read_schema(out)]
    assert kinds == [
        *((name, "string") for name in ("where", "text", "expected", "answered")),
        ("probability", "double"),
    ]


def test_without_the_training_texts_there_are_no_baselines(cellwright, small, reviews, unseen, tmp_path):
    data, out = tmp_path / "moved.csv", tmp_path / "run"
    data.write_bytes(reviews.read_bytes())
    assert cellwright("fit", data, "--out", out, "--max-epochs", 1, *small).status == 0
    data.unlink()
    ended = cellwright("evaluate", out, unseen, "--json")
    scores = json.loads(ended.out)
    assert (scores["majority"], scores["linear"]) == (None, None)
    assert ended.err.startswith(
        f"without baselines, since the run's training texts cannot be read: {data}: no such file"
    )
    assert "baseline" not in cellwright("evaluate", out, unseen).out


def test_scores_are_those_of_the_predictions(cellwright, run, unseen):
    predicted = [prediction.label for prediction in Predictor.load(run).predict(["great fine", "dull 差"])]
    assert predicted == ["very good", "坏 评"]


def test_fullwidth_digits_are_read_as_plain_ones_and_that_is_said(cellwright, small, tmp_path):
    """A classifier of ASCII digits took full-width ones for unknown, without a word: accuracy 1.000, then 0.455."""
    rows = [(f"位置{k}号，给{1 + k % 5}分", "差" if k % 5 < 2 else "好") for k in range(200)]
    plain, full = tmp_path / "plain.csv", tmp_path / "full.csv"
    plain.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    wide = {ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"}
    full.write_text("text,label\n" + "".join(f"{text.translate(wide)},{label}\n" for text, label in rows))
    out = tmp_path / "run"
    assert cellwright("fit", plain, "--out", out, "--tokenizer", "characters", "--max-epochs", 8, *small).status == 0
    scored = [cellwright("evaluate", out, path, "--split", "all", "--json") for path in (plain, full)]
    found = [json.loads(ended.out)["model"]["accuracy"] for ended in scored]
    assert found[0] == found[1] > 0.9
    assert "unknown characters that were read in their compatible form (NFKC): '０' as '0', " in scored[1].err
    assert "compatible" not in scored[0].err
