import json

import numpy as np


def test_tells_the_answer_the_tokens_and_the_gates(cellwright, run):
    ended = cellwright("inspect", run, "a great  phone")
    lines = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    assert lines[0].startswith("very good ")
    assert lines[1] == "a great  phone"
    assert "great +" in lines[2]
    assert [line.split()[:3] for line in ended.out.splitlines() if line.split()[1:3] == ["0", "forward"]] == [
        [gate, "0", "forward"] for gate in "ifo"
    ]
    assert "half of c is left after" in ended.out


def test_json_is_one_object_that_predict_agrees_with(cellwright, run):
    told = json.loads(cellwright("inspect", run, "awful 差 <b>", "--json").out)
    predicted = json.loads(cellwright("predict", run, "awful 差 <b>", "--json").out)
    assert told["prediction"]["label"] == predicted["label"] == "坏 评"
    assert abs(told["prediction"]["probabilities"]["坏 评"] - predicted["probability"]) < 1e-5
    assert [row["token"] for row in told["tokens"]] == ["awful", "差", "<", "b", ">"]


def test_writes_what_was_asked_for(cellwright, run, tmp_path):
    files = {kind: tmp_path / f"a report.{kind}" for kind in ("html", "png", "npz")}
    ended = cellwright(
        "inspect", run, "great 好", "--out", files["html"], "--png", files["png"], "--npz", files["npz"]
    )  # fmt: skip
    assert ended.status == 0
    assert all(str(path) in ended.out for path in files.values())
    assert files["html"].read_text(encoding="utf-8").startswith("<!doctype html>")
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    with np.load(files["npz"]) as held:
        assert held["layer0.forward.c"].shape == (2, 8)


def test_a_report_never_replaces_what_is_inspected(cellwright, run, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("great")
    ended = cellwright("inspect", run, text, "--out", text, "--overwrite")
    assert (ended.status, ended.out) == (2, "")
    assert f"{text}: --out would replace what is read, {text}; expected another file" in ended.err
    assert text.read_text() == "great"


def test_mistakes_are_one_sentence(cellwright, run, tmp_path):
    for arguments, part in (
        ((run, ""), "no token"),
        ((run, "great " * 2001), "2,001 tokens"),
        ((tmp_path / "none", "great"), "no such run folder"),
        ((run, "great", "--out", tmp_path / "no" / "a.html"), "cannot be written"),
    ):
        ended = cellwright("inspect", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert part in ended.err
        assert ended.err.count("\n") == 1
