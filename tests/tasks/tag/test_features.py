"""`--feature-columns`: what a column says of each word is read in training, in evaluation and in use."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import cellwright
from cellwright.cli import main
from cellwright.data.readers.tagged import read_tagged
from cellwright.data.sentences import Featured
from cellwright.data.special_tokens import KNOWN, UNKNOWN
from cellwright.data.word_segmentation import words_of
from cellwright.data.words import Lexicon, collate_words
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.models.tagger import Tagger
from cellwright.models.tagger_architecture import TaggerConfig

DRAW = np.random.default_rng(0)
OPTIONS = {
    "hidden_size": 12, "embedding_dim": 8, "char_embedding_dim": 0, "max_epochs": 12, "threads": 1,
    "learning_rate": 0.03, "dropout": 0.0, "embedding_dropout": 0.0, "feature_dim": 4, "feature_columns": "pos,case",
}  # fmt: skip


def rows(count):
    """Sentences in which the tag is what the first feature says, whatever the word is."""
    for _ in range(count):
        length = int(DRAW.integers(1, 6))
        pos = DRAW.choice(["N", "V"], length).tolist()
        yield {
            "tokens": [f"w{k}" for k in DRAW.integers(0, 9, length)],
            "pos": pos,
            "case": DRAW.choice(["nom", "acc", "-"], length).tolist(),
            "tags": ["noun" if each == "N" else "verb" for each in pos],
        }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    data = folder / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, rows(200))), "utf-8")
    said = []
    cellwright.fit(data, folder / "run", task="tag", options=OPTIONS, say=said.append)
    assert any(sentence.endswith("2 features of each word") for sentence in said)
    return folder / "run"


def test_what_only_a_feature_says_is_learned(run, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(map(json.dumps, rows(50))), "utf-8")
    report = cellwright.evaluate(run, other, say=lambda sentence: None).as_json()
    assert report["model"]["accuracy"] == 1.0
    assert report["most_frequent_tag"]["accuracy"] < 0.8


def test_a_text_has_them_behind_its_words(run):
    predictor = cellwright.load(run)
    (first, second) = predictor.predict(["w1 +N +acc w2 +V +nom", Featured(["w1", "w2"], [("V", "-"), ("N", "-")])])
    assert (first.tokens, first.tags) == (["w1", "w2"], ["noun", "verb"])
    assert second.tags == ["verb", "noun"]


def test_a_file_to_predict_has_them_in_its_columns(run, tmp_path):
    predictor = cellwright.load(run)
    listed = tmp_path / "some.jsonl"
    listed.write_text('{"tokens": ["w1", "w2"], "pos": ["V", "N"], "case": ["-", "-"]}\n', "utf-8")
    assert [each.tags for each in predictor.predict(predictor.request(str(listed), {}).texts)] == [["verb", "noun"]]
    lined = tmp_path / "some.conll"
    lined.write_text("form pos case\nw1 V -\nw2 N -\n", "utf-8")
    asked = predictor.request(str(lined), {"tokens": "form"})
    assert [each.tags for each in predictor.predict(asked.texts)] == [["verb", "noun"]]
    named = predictor.request(str(listed), {"feature_columns": "case,pos"})  # of other names, in this order
    assert named.texts == [Featured(["w1", "w2"], [("-", "V"), ("-", "N")])]


def test_the_command_line_answers_a_file_that_has_them(run, tmp_path, capsys):
    path = tmp_path / "some.conll"
    path.write_text("form pos case\nw1 V -\nw2 N -\n", "utf-8")
    assert main(["predict", str(run), str(path), "--column", "tokens=form", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["tags"]) == ("w1 w2", ["verb", "noun"])


def test_what_is_not_said_or_new_is_unknown_and_counted(run):
    predictor = cellwright.load(run)
    words, _, features = predictor.unseen(["w1 +N +acc w2 +X", "w3"])
    assert (words.total, features.total, features.lacks) == (3, 6, {"X": 1, "none": 3})
    assert len(predictor.predict(["w1 w2"])[0].tags) == 2


def test_inspect_shows_the_words_and_reads_the_features(run):
    recording = record(cellwright.load(run).run, "w1 +V +acc w2 +N +nom")
    assert (recording.tokens, recording.tags) == (["w1", "w2"], ["verb", "noun"])


def test_a_run_with_features_is_not_exported(run, tmp_path):
    with pytest.raises(InputError, match="a tagger of --feature-columns"):
        cellwright.export(run, tmp_path / "run.onnx")


def test_a_resumed_run_reads_them_too(run):
    cellwright.fit(
        json.loads((run / "config.json").read_text("utf-8"))["options"]["data"],
        run,
        task="tag",
        options={"resume": True, "max_epochs": 13},
        say=lambda sentence: None,
    )


def test_the_model_reads_each_columns_own_table():
    torch.manual_seed(0)
    config = TaggerConfig(
        vocab_size=5, alphabet=5, tags=2, features=(4, 3), feature_dim=3, embedding_dim=2, hidden_size=4
    )
    model = Tagger(config).eval()
    told = [Featured(["a", "b"], [("x", "p"), ("y", "p")])]
    lexicon = Lexicon(["a", "b"], ["a", "b"], [["x", "y"], ["p"]])
    batch = collate_words(lexicon.examples(told))
    assert batch.features.tolist() == [[[KNOWN, KNOWN], [KNOWN + 1, KNOWN]]]
    read = []
    model.recurrent.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0]))
    model(batch)
    tables = [table.token.weight for table in model.features]
    expected = torch.cat([tables[0][[KNOWN, KNOWN + 1]], tables[1][[KNOWN, KNOWN]]], -1)
    assert torch.equal(read[0][0, :, -6:], expected)


def test_a_lexicon_keeps_them_and_one_without_is_written_as_before():
    told = [Featured(["a"], [("x", "p")]), Featured(["b", "a"], [("y", "p"), ("x", "q")])]
    lexicon = Lexicon.train(told, size=9, min_frequency=1)
    assert lexicon.features == [["x", "y"], ["p", "q"]]
    assert Lexicon.from_json(lexicon.to_json(), "lexicon.json").features == lexicon.features
    assert "features" not in Lexicon.train([["a"]], size=9, min_frequency=1).to_json()
    (example,) = lexicon.examples([["b", "a"]])
    assert example.features.tolist() == [[UNKNOWN, UNKNOWN]] * 2


def test_words_that_begin_with_a_plus_stay_words():
    lexicon = Lexicon(["a"], ["a"], [["N"]])
    assert words_of("a +N +b", lexicon) == Featured(["a", "+b"], [("N",), ("",)])
    assert words_of("+N a", lexicon) == ["+N", "a"]
    assert words_of("a + b", lexicon) == ["a", "+", "b"]
    assert words_of("a +N", Lexicon(["a"], ["a"])) == ["a", "+N"]


CONLL = "Fly VB I-VP O\nto TO B-PP O\nBoston NNP B-NP B-city\n\nNow RB B-ADVP O\n"
READ = [[("VB", "I-VP"), ("TO", "B-PP"), ("NNP", "B-NP")], [("RB", "B-ADVP")]]


def test_columns_are_read_by_number_and_by_name(file):
    assert read_tagged(file("a.conll", CONLL), features=["2", "3"]).features == READ
    assert read_tagged(file("b.conll", CONLL), features=["-2"]).features == [[(b,) for _, b in row] for row in READ]
    named = read_tagged(file("c.conll", "form pos chunk tag\n" + CONLL), tokens="form", tags="tag", features=["pos"])
    assert named.features == [[(a,) for a, _ in row] for row in READ]
    assert read_tagged(file("d.conll", CONLL)).features is None
    assert read_tagged(file("e.conll", CONLL), features=["2"]).take([1]).features == [[("RB",)]]


def test_lists_are_read_by_key(tmp_path, file):
    table = {"tokens": [["a", "b"]], "tags": [["O", "O"]], "pos": [["N", "V"]]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    line = file("a.jsonl", json.dumps({name: lists[0] for name, lists in table.items()}))
    for path in (tmp_path / "a.parquet", line):
        assert read_tagged(path, features=["pos"]).features == [[("N",), ("V",)]]


@pytest.mark.parametrize(
    ("name", "content", "features", "told"),
    [
        ("a.conll", CONLL, ["4"], "line 1: column 4 of 4 is that of the tags, and --feature-columns names it"),
        ("a.conll", CONLL, ["7"], "line 1: --feature-columns is column 7"),
        ("a.conll", "a\tN\tO\nb\t\tO\n", ["2"], "line 2: the feature is missing"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}', ["pos"], "pos"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"], "pos": []}', ["pos"], "line 1: 1 tokens and 0 values in 'pos'"),
        (
            "a.jsonl",
            '{"tokens": ["a"], "tags": ["O"]}',
            ["tags"],
            "'tags' is the key of the tags, and --feature-columns",
        ),
        ("a.pos", "a/O", ["2"], "lines of token/tag have no columns, and --feature-columns is 2"),
    ],
)
def test_features_that_are_not_there_are_refused(file, name, content, features, told):
    with pytest.raises(InputError) as error:
        read_tagged(file(name, content), features=features)
    assert told in str(error.value)


def test_a_size_for_no_features_is_refused(file, tmp_path):
    with pytest.raises(InputError, match="--feature-dim is 4, and --feature-columns names no features"):
        cellwright.fit(file("a.conll", CONLL), tmp_path / "run", task="tag", options={"feature_dim": 4})


@pytest.mark.parametrize("columns", ["", "1,1", ",1", "pos, pos"])
def test_columns_that_are_empty_or_twice_are_refused(file, tmp_path, columns):
    with pytest.raises(InputError, match=r"--feature-columns is .*; expected columns with commas between them, each"):
        cellwright.fit(file("a.conll", CONLL), tmp_path / "run", task="tag", options={"feature_columns": columns})
