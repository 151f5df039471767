"""fit, evaluate and predict from the command line, on one run."""

import json
from pathlib import Path

import pytest

from agreement import SINGLE, assert_agree
from cellwright.tasks.predictor import Predictor
from tagged_requests import SMALL, lines

OPTIONS = [str(part) for name, value in SMALL.items() for part in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "requests.jsonl"
    path.write_text(lines(300, 0))
    return path


@pytest.fixture(scope="module")
def run(cellwright, requests, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tags"
    ended = cellwright("fit", requests, "--task", "tag", "--sentence-label", "intent", "--out", out, *OPTIONS)
    assert ended.status == 0, ended.err
    assert "The network adds" in ended.out
    assert "most frequent tag" in ended.out
    return out


@pytest.mark.slow
def test_predict_says_how_it_cuts_and_prints_words_with_tags(cellwright, run):
    ended = cellwright("predict", run, "fly fly from oslo to  new york", "")
    first, second = ended.out.splitlines()
    label, probability, tagged = first.split("\t")
    assert (label, tagged) == ("fly", "fly/O fly/O from/O oslo/B-from.city to/O new/B-to.city york/I-to.city")
    assert 0.5 < float(probability) <= 1
    assert second.endswith("\t")
    assert ended.err.startswith(
        "Texts are cut at white space; one without any, in Chinese, Japanese or Thai, into words"
    )
    assert ended.err.count("\n") == 1


def test_json_has_tokens_tags_and_spans(cellwright, run):
    spoken = json.loads(cellwright("predict", run, "fare fare from san jose to oslo", "--json").out)
    assert spoken["text"] == "fare fare from san jose to oslo"
    assert spoken["tokens"] == spoken["text"].split()
    assert spoken["tags"][3:5] == ["B-from.city", "I-from.city"]
    assert spoken["spans"][0] == {"kind": "from.city", "words": ["san", "jose"], "start": 3, "end": 5}
    assert spoken["label"] == "fare"


def test_evaluate_gives_spans_words_and_sentences_beside_the_baseline(cellwright, run, tmp_path: Path):
    other = tmp_path / "other.jsonl"
    other.write_text(lines(30, 5).replace('"tags"', '"slots"'))
    scores = json.loads(cellwright("evaluate", run, other, "--column", "tags=slots", "--json").out)
    assert scores["split"] == "all"
    assert scores["model"]["spans"]["f1"] > 0.9 > scores["most_frequent_tag"]["spans"]["f1"]
    assert scores["model"]["sentence_accuracy"] > 0.9
    assert scores["model"]["unseen_words"]["words"] == 0
    ended = cellwright("evaluate", run, other, "--column", "tags=slots")
    assert "of the 30 sentences are among the training sentences: the scores flatter" in ended.err
    assert "from.city" in ended.out
    assert cellwright("evaluate", run, other).status == 2


def test_tags_that_the_run_does_not_know_are_pointed_out(cellwright, run, tmp_path: Path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"tokens": "a b", "tags": "O B-sea", "intent": "sail"}\n')
    ended = cellwright("evaluate", run, other)
    assert "1 of the 2 tags are none that the run knows and count as wrong: 'B-sea'" in ended.err
    assert "1 of the 1 labels are none that the run knows and count as wrong: 'sail'" in ended.err


def test_mistakes_are_words_and_labels_of_sentences(cellwright, run, tmp_path: Path):
    words = ["fly", "fly", "from", "oslo", "to", "new", "york"]
    tags = ["O", "O", "O", "B-from.city", "B-to.city", "B-to.city", "I-to.city"]
    other, out = tmp_path / "other.jsonl", tmp_path / "wrong.jsonl"
    other.write_text(json.dumps({"tokens": words, "tags": tags, "intent": "fare"}))
    ended = cellwright("evaluate", run, other, "--mistakes", out)
    assert f"2 mistakes in {out}" in ended.err
    wrong = sorted(map(json.loads, out.read_text().splitlines()), key=lambda row: row["word"] is None)
    assert [list(row.values())[:-1] for row in wrong] == [
        [f"{other}, line 1", " ".join(words), "to", 5, "B-to.city", "O"],
        [f"{other}, line 1", " ".join(words), None, None, "fare", "fly"],
    ]
    predictor = Predictor.load(run)
    (tagged,), (sure,) = predictor.tag_surely([words])
    shares = predictor.probabilities([words])[0]
    best = [shares[place, predictor.run.config.tags.index(tag)] for place, tag in enumerate(tagged.tags)]
    assert_agree(sure, best, share=SINGLE)
    assert [row["probability"] for row in wrong] == pytest.approx([sure[4], tagged.probability])
    assert "fly fly from oslo [to] new york" in ended.out


def test_own_file_is_scored_on_its_test_split(cellwright, run, requests):
    own = json.loads(cellwright("evaluate", run, requests, "--json").out)
    assert own["split"] == "test"
    assert 0 < own["sentences"] < 60


def test_without_the_training_file_there_is_no_baseline(cellwright, run, tmp_path, requests):
    other = tmp_path / "other.jsonl"
    other.write_text(lines(5, 5))
    moved = requests.rename(requests.with_suffix(".moved"))
    try:
        ended = cellwright("evaluate", run, other, "--json")
    finally:
        moved.rename(requests)
    assert "without baselines, since the run's training sentences cannot be read" in ended.err
    assert json.loads(ended.out)["most_frequent_tag"] is None


def test_answers_do_not_depend_on_the_batch(run):
    predictor = Predictor.load(run)
    texts = ["fly fly from oslo to denver", "", "fare", "x " * 50, "now fare to new york"]
    together = predictor.predict(texts)
    for text, answer in zip(texts, together, strict=True):
        (alone,) = predictor.predict([text])
        assert (alone.tokens, alone.tags, alone.label) == (answer.tokens, answer.tags, answer.label)
        assert_agree(alone.probability, answer.probability, SINGLE)


def test_predict_takes_files_of_words_and_of_texts(cellwright, run, tmp_path):
    """Of words without a tag a line, of words with them, as JSON lists, and as texts."""
    text = "fly fly from oslo to new york"
    words, tags = text.split(), ["O", "O", "O", "B-from.city", "O", "B-to.city", "I-to.city"]
    expected = " ".join(f"{word}/{tag}" for word, tag in zip(words, tags, strict=True))
    files = {
        "bare.conll": "\n".join(words) + "\n",
        "tagged.conll": "".join(f"{word} X\n" for word in words),
        "lists.jsonl": json.dumps({"tokens": words, "tags": ["X"] * 7}),
        "texts.jsonl": json.dumps({"text": text}),
        "texts.csv": f"id,text\n1,{text}\n",
        "texts.txt": f"{text}\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_text(content)
        ended = cellwright("predict", run, path)
        assert ended.out.rstrip("\n").split("\t")[-1] == expected, (name, ended.err)
    out = tmp_path / "out.jsonl"
    assert cellwright("predict", run, tmp_path / "lists.jsonl", "--out", out).status == 0
    found = json.loads(out.read_text())
    assert (found["tokens"], found["tags"]) == (words, ["X"] * 7)
    assert found["predicted_tags"] == tags


def test_words_of_a_list_are_not_cut_again(cellwright, run, tmp_path):
    path = tmp_path / "lists.jsonl"
    path.write_text(json.dumps({"tokens": ["new york", "oslo"]}))
    assert json.loads(cellwright("predict", run, path, "--json").out)["tokens"] == ["new york", "oslo"]


def test_evaluate_counts_words_and_characters_that_are_unknown(cellwright, run, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({"tokens": ["fly", "zürich", "ｆly"], "tags": ["O"] * 3, "intent": "fly"}))
    said = cellwright("evaluate", run, path, "--no-baseline").err
    assert "unknown to this run: 1 of the 3 words: 'zürich'" in said
    assert "of the 12 characters: " in said
    assert "in their compatible form (NFKC): 'ｆ' as 'f'" in said
    assert "without baselines fitted on the training sentences, as asked" in said
