"""fit, evaluate and predict from the command line, on series."""

import json
import re
from pathlib import Path

import pytest
from pyarrow import parquet

import made_series

OPTIONS = [str(part) for name, value in made_series.SMALL.items() for part in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "waves.csv"
    path.write_text(made_series.waves(150, 0))
    return path


@pytest.fixture(scope="module")
def run(cellwright, waves, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "waves"
    ended = cellwright("fit", waves, "--task", "series", "--out", out, *OPTIONS)
    assert ended.status == 0, ended.err
    assert "nearest neighbour" in ended.out
    assert "2 channels ('wave', 'noise')" in ended.out
    assert f"predict {out} more.csv    (a file of series)" in ended.out
    assert (out / "confusion.png").exists()
    return out


def test_predict_takes_files_and_lines(cellwright, run, waves):
    first, *rows = cellwright("predict", run, waves).out.splitlines()
    assert first == "series\tlabel\tprobability"
    assert len(rows) == 150
    assert rows[0].split("\t")[0] == "w0"
    line = b'{"values": [[10, 100], [10.5, 101], [11, 99]], "name": "mine"}\n'
    (said,) = cellwright("predict", run, "--json", stdin=line).out.splitlines()
    found = json.loads(said)
    assert set(found) == {"name", "label", "probability", "probabilities"}
    assert (found["name"], set(found["probabilities"])) == ("mine", {"fast", "slow"})


def test_series_of_several_files_are_told_apart(cellwright, run, waves, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(Path(waves).read_text())
    _, *alone = cellwright("predict", run, waves).out.splitlines()
    _, *both = cellwright("predict", run, waves, other).out.splitlines()
    assert both == [f"{path}:{row}" for path in (waves, other) for row in alone]


def test_evaluate_with_columns_of_other_names(cellwright, run, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(made_series.waves(30, 7).replace("series,", "who,").replace("label", "speed"))
    given = ["--column", "series=who", "--column", "label=speed"]
    scores = json.loads(cellwright("evaluate", run, other, *given, "--json").out)
    assert (scores["split"], scores["series"]) == ("all", 30)
    assert scores["models"]["this model"]["accuracy"] > 0.8
    assert set(scores["models"]) == {"this model", "nearest neighbour", "majority class"}
    assert cellwright("evaluate", run, other).status == 2


def test_predict_and_evaluate_may_leave_a_column_of_times_out(cellwright, run, waves, tmp_path):
    """`--ignore time` was what the error said to give, and predict had no such option."""
    odd = tmp_path / "odd.csv"
    odd.write_text(re.sub(r"^(w\d+),\d+,", r"\1,01/02/2026,", Path(waves).read_text(), flags=re.MULTILINE))
    ended = cellwright("predict", run, odd)
    assert ended.status == 2
    assert "--column ignore=NAME" in ended.err
    assert cellwright("predict", run, odd, "--column", "ignore=time").out == cellwright("predict", run, waves).out
    assert cellwright("evaluate", run, odd, "--column", "ignore=time", "--no-baseline").status == 0


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("name", "told"), [("nosuch", "no column 'nosuch'"), ("wave", "'wave' is one of those that")])
def test_a_column_to_ignore_is_there_and_none_that_the_run_reads(cellwright, run, waves, tmp_path, command, name, told):
    """Both were accepted without a word, and made no difference."""
    other = tmp_path / "other.csv"
    other.write_text(Path(waves).read_text())
    ended = cellwright(command, run, other, "--column", f"ignore={name}")
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err


def test_mistakes_end_with_one_sentence(cellwright, run, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("series,time,wave,noise\na,1,2,3\na,2,inf,3\n")
    ended = cellwright("predict", run, bad)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "bad.csv, line 3, column 'wave': inf is infinite" in ended.err
    ended = cellwright("predict", run, "no such file.csv")
    assert (ended.status, "no such file" in ended.err) == (2, True)


def test_without_the_training_file_there_are_no_baselines(cellwright, run, waves, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(made_series.waves(10, 7))
    moved = waves.rename(waves.with_suffix(".moved"))
    try:
        ended = cellwright("evaluate", run, other, "--json")
    finally:
        moved.rename(waves)
    assert "without baselines, since the run's training series cannot be read" in ended.err
    assert set(json.loads(ended.out)["models"]) == {"this model"}


def test_forecasts_are_a_line_a_step_and_channel(cellwright, tmp_path):
    data = tmp_path / "days.csv"
    data.write_text(made_series.days(200, 0))
    options = ["--objective", "forecast", "--horizon", 2, "--max-epochs", 1, "--hidden-size", 4, "--threads", 1]
    ended = cellwright("fit", data, "--task", "series", "--out", tmp_path / "run", *options)
    assert ended.status == 0, ended.err
    assert "MAE of each channel, in its own units" in ended.out
    rows = [line.split("\t") for line in cellwright("predict", tmp_path / "run", data).out.splitlines()]
    assert rows[0] == ["series", "ahead", "time", "channel", "0.1", "0.5", "0.9"]
    assert [row[:4] for row in rows[1:]] == [["1", "1", "200", "load"], ["1", "2", "201", "load"]]
    dated = tmp_path / "dated.csv"
    dated.write_text("time,load\n" + "".join(f"2026-01-{k:02},{k}\n" for k in (27, 28, 29)))
    (answer,) = cellwright("predict", tmp_path / "run", dated, "--json").out.splitlines()
    assert json.loads(answer)["times"] == ["2026-01-30", "2026-01-31"]
    assert cellwright("predict", tmp_path / "run", dated, "--out", tmp_path / "dated.parquet").status == 0
    assert parquet.read_table(tmp_path / "dated.parquet")["time"].to_pylist() == ["2026-01-30", "2026-01-31"]
    dated.write_text(dated.read_text() + "2026-02-02,9\n")  # a Monday, behind a Thursday
    ended = cellwright("predict", tmp_path / "run", dated)
    assert "the times of series '1' do not go on evenly: when the next steps come is not told" in ended.err
    assert ended.out.splitlines()[1].startswith("1\t1\t\tload\t")


def test_the_set_is_listed(cellwright):
    assert "vowels" in cellwright("datasets").out


def test_the_lines_of_standard_input_are_counted_on_from_what_was_answered_before(cellwright, run):
    good = b'{"values": [[10, 100], [10.5, 101]]}\n'
    ended = cellwright("predict", run, stdin=good * 1203 + b'{"values": [[10]]}\n')
    assert ended.status == 2
    assert "series, line 1204: a series of 1 channels; expected 2" in ended.err
    assert ended.out.splitlines()[-1].startswith("1000\t")
    ended = cellwright("predict", run, stdin=good * 1002 + b"\n")
    assert "series, line 1003: blank" in ended.err
    ended = cellwright("predict", run, stdin=good * 1002)
    assert ended.out.splitlines()[-1].startswith("1002\t")


def test_out_has_a_row_a_series_or_a_step_ahead(cellwright, run, waves, tmp_path):
    out = tmp_path / "answers.csv"
    assert cellwright("predict", run, waves, "--out", out).status == 0
    header, first, *_ = out.read_text().splitlines()
    assert header == "name,label,probability,probabilities"
    assert first.startswith("w0,")
    days, ahead = tmp_path / "days.csv", tmp_path / "run"
    days.write_text(made_series.days(120, 0))
    options = ["--objective", "forecast", "--horizon", 2, "--max-epochs", 1, *OPTIONS]
    ended = cellwright("fit", days, "--task", "series", "--out", ahead, *options)
    assert ended.status == 0, ended.err
    said = [line.split("\t") for line in cellwright("predict", ahead, days).out.splitlines()]
    assert cellwright("predict", ahead, days, "--out", tmp_path / "ahead.tsv").status == 0
    written = [line.split("\t") for line in (tmp_path / "ahead.tsv").read_text().splitlines()]
    assert written[0] == said[0] == ["series", "ahead", "time", "channel", "0.1", "0.5", "0.9"]
    assert [[float(value) for value in row[4:]] for row in said[1:]] == [
        [pytest.approx(float(value), rel=1e-5) for value in row[4:]] for row in written[1:]
    ]
    assert "series, which stand in files" in cellwright("predict", run, "--text", "a").err


def test_mistakes_are_series_by_their_names(cellwright, run, tmp_path):
    other, out = tmp_path / "other.csv", tmp_path / "wrong.csv"
    other.write_text(made_series.waves(30, 7).replace("slow", "fast"))
    cellwright("evaluate", run, other, "--mistakes", out)
    header, *wrong = out.read_text().splitlines()
    assert header == "where,series,expected,answered,probability"
    assert 5 < len(wrong) < 25
    assert all(row.split(",")[3:5] == ["fast", "slow"] for row in wrong)  # the place holds a comma


def test_forecasts_are_neither_right_nor_wrong(cellwright, tmp_path):
    data, out = tmp_path / "a.csv", tmp_path / "run"
    data.write_text("x\n" + "".join(f"{k % 5}\n" for k in range(60)))
    sizes = ["--objective", "forecast", "--horizon", 1, "--max-epochs", 1, "--hidden-size", 4, "--threads", 1]
    assert cellwright("fit", data, "--task", "series", "--out", out, *sizes).status == 0
    ended = cellwright("evaluate", out, data, "--mistakes", tmp_path / "wrong.csv")
    assert ended.status == 2
    assert "the answers of this run are neither right nor wrong; leave it out" in ended.err
