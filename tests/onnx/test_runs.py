"""Runs of each task as ONNX files, fed as a caller would, against what predict says of the same texts and series."""

import functools
import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from agreement import SINGLE, assert_agree, double
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import Scaling
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.models.language_model import LanguageModel
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.models.text_encoding import LongTextOptions
from cellwright.onnx import exporters
from cellwright.onnx.series import _Series
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.run import ClassifyRun, ClassifyRunConfig
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.objectives import predictor_of
from cellwright.tasks.tag.predictor import TagPredictor
from cellwright.training import fit
from language_runs import language_run
from made_series import beats, days, reservoirs, scaled_reservoirs, slopes, small, stores, waves
from recorded_runs import TAGS, tagger_run, transducer_run

FORMS = pytest.mark.parametrize("portable", [False, True], ids=["native", "portable"])
TEXTS = ["the film was lovely", "the", "", "dull music was the film"]


def padded(rows):
    """Rows of numbers as a caller pads them, and their lengths; a batch has at least one step."""
    longest = max(map(len, rows)) or 1
    return np.array([[*row, *[0] * (longest - len(row))] for row in rows]), np.array([len(row) for row in rows])


# --- classify ------------------------------------------------------------------------------------------
def classifier_run(folder, long_text=None, **options):
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(TEXTS, "words", min_frequency=1)
    small = {"embedding_dim": 5, "hidden_size": 7, "bigram_buckets": 50}
    config = ClassifierConfig(vocab_size=tokenizer.size, classes=3, **small | options)
    model = Classifier(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    description = ClassifyRunConfig(
        cellwright="0", labels=["bad", "so so", "好"], model=config, fingerprint="", options={"data": "x"},
        long_text=long_text or LongTextOptions(),
    )  # fmt: skip
    return ClassifyRun(folder, description, model, tokenizer)


CLASSIFIERS = [
    {},
    {"pooling": "last", "cell": "gru", "num_layers": 2},
    {"pooling": "mean", "bidirectional": False, "code_dim": 4},
    {"pooling": "attention", "bigram_buckets": 0, "cell": "janet"},
]


@pytest.mark.slow
@FORMS
@pytest.mark.parametrize("options", CLASSIFIERS, ids=str)
def test_classifier(options, portable, tmp_path, opened):
    run = classifier_run(tmp_path, **options)
    written = exporters.export(run, tmp_path / "m.onnx", portable=portable)
    assert [str(port) for port in written.inputs] == ["ids int64 (batch, time)", "lengths int64 (batch)"]
    file = opened(tmp_path / "m.onnx", everywhere=portable)
    ids, lengths = padded(run.tokenizer.encode(TEXTS))
    found = file(ids=ids, lengths=lengths)["logits"].double().softmax(-1)
    exact = ClassifyPredictor(replace(run, model=double(run.model))).predict(TEXTS)
    assert_agree(found, np.array([[*each.probabilities.values()] for each in exact]), SINGLE)
    assert json.loads(file.metadata["labels"]) == run.labels
    assert (file.metadata["task"], file.metadata["cell"]) == ("classify", run.config.model.cell)


def test_the_page_reads_texts(tmp_path, monkeypatch, capsys):
    run = classifier_run(tmp_path / "runs" / "reviews")
    run.path.mkdir(parents=True)
    (run.path / "tokenizer.json").write_text(run.tokenizer.to_json())
    exporters.export(run, tmp_path / "reviews.onnx")
    monkeypatch.chdir(tmp_path)
    exec(page("encode_batch"), {})
    said = ClassifyPredictor(run).predict(["The room was clean.", "Never again."])
    assert capsys.readouterr().out.strip() == str([each.label for each in said])


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
def test_the_page_asks_openvino_for_float32(tmp_path, monkeypatch):
    run = classifier_run(tmp_path)
    exporters.export(run, tmp_path / "reviews.onnx", portable=True)
    ids, lengths = padded(run.tokenizer.encode(TEXTS))
    monkeypatch.chdir(tmp_path)
    exec(page("import openvino"), told := {"ids": ids, "lengths": lengths})
    with torch.no_grad():
        expected = double(run.model)(torch.from_numpy(ids), torch.from_numpy(lengths))
    assert_agree(told["logits"], expected)


def test_the_page_checks_the_sizes_that_a_file_takes():
    exec(page("def check"), told := {})
    told["check"](np.zeros((2, 3)), np.array([0, 3]))
    for rows, lengths in ((np.zeros((0, 3)), []), (np.zeros((2, 0)), [0, 0]), (np.zeros((2, 3)), [1])):
        with pytest.raises(ValueError, match="expected at least 1 of each"):
            told["check"](rows, np.array(lengths))
    for lengths in ([-1, 3], [0, 4]):
        with pytest.raises(ValueError, match="expected 0 to 3"):
            told["check"](np.zeros((2, 3)), np.array(lengths))


def test_a_way_of_shortening_is_told(tmp_path):
    run = classifier_run(tmp_path, LongTextOptions(truncation="head+tail", max_length=9))
    exporters.export(run, tmp_path / "m.onnx")
    feed = exporters.graph_of(run).feed
    assert "a text of more than 9 tokens is shortened before, by --truncation head+tail" in feed


@pytest.mark.parametrize(
    ("long_text", "options", "what"),
    [
        (LongTextOptions(truncation="windows"), {}, "--truncation windows"),
        (LongTextOptions(truncation="compress"), {"code_dim": 3}, "--truncation compress"),
        (LongTextOptions(truncation="sentences"), {}, "--truncation sentences"),
        (LongTextOptions(), {"join": "recurrent"}, "--join recurrent"),
    ],
    ids=str,
)
def test_texts_in_pieces_are_refused(long_text, options, what, tmp_path):
    with pytest.raises(InputError, match=f"was trained with {what}, by which a text is several pieces.*train with"):
        exporters.export(classifier_run(tmp_path, long_text, **options), tmp_path / "m.onnx")


# --- tag -----------------------------------------------------------------------------------------------
SENTENCES = [["fly", "from", "new", "york"], ["oslo"], ["to", "atlantis", "to"]]


def fed(run, sentences):
    """As the command's closing lines say: numbers of words, and of each word's characters."""
    lexicon = json.loads((run.path / "lexicon.json").read_text())
    words = {word: number for number, word in enumerate(lexicon["words"], start=2)}
    letters = {letter: number for number, letter in enumerate(lexicon["characters"], start=2)}
    ids, lengths = padded([[words.get(word, 1) for word in sentence] for sentence in sentences])
    characters = np.zeros((*ids.shape, 8), np.int64)
    spelled = np.zeros(ids.shape, np.int64)
    for b, sentence in enumerate(sentences):
        for t, word in enumerate(sentence):
            characters[b, t, : len(word)] = [letters.get(letter, 1) for letter in word]
            spelled[b, t] = len(word)
    return {"words": ids, "lengths": lengths, "characters": characters, "spelled": spelled}


def page(part):
    """The block of docs/onnx.md that holds `part`."""
    text = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text()
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if part in block]
    return compile(block, "docs/onnx.md", "exec")


@pytest.mark.slow
@FORMS
@pytest.mark.parametrize("options", [{}, {"cell": "slstm", "num_layers": 2, "bidirectional": False}], ids=str)
def test_tagger(options, portable, tmp_path, opened):
    run = tagger_run(tmp_path, **options)
    exporters.export(run, tmp_path / "m.onnx", portable=portable)
    file = opened(tmp_path / "m.onnx", everywhere=portable)
    found = file(**fed(run, SENTENCES))
    expected = TagPredictor(replace(run, model=double(run.model))).tag(SENTENCES)
    field = [found[name].numpy() for name in ("start", "transitions", "end")]
    told = {}
    exec(page("def best_tags"), told)
    for row, sentence in enumerate(SENTENCES):
        scores = found["scores"][row, : len(sentence)].numpy()
        assert [TAGS[tag] for tag in told["best_tags"](scores, *field)] == expected[row].tags
    shares = found["logits"].double().softmax(-1).amax(-1)
    assert_agree(shares, [each.probability for each in expected], SINGLE)
    assert json.loads(file.metadata["tags"]) == TAGS


def test_tagger_without_field_characters_and_labels(tmp_path, opened):
    run = tagger_run(tmp_path, labels=(), crf=False, char_embedding_dim=0)
    written = exporters.export(run, tmp_path / "m.onnx")
    assert [port.name for port in (*written.inputs, *written.outputs)] == ["words", "lengths", "scores"]
    given = fed(run, SENTENCES)
    scores = opened(tmp_path / "m.onnx")(words=given["words"], lengths=given["lengths"])["scores"]
    for row, said in enumerate(TagPredictor(run).tag(SENTENCES)):
        assert [TAGS[int(tag)] for tag in scores[row, : len(SENTENCES[row])].argmax(-1)] == said.tags


# --- lm ------------------------------------------------------------------------------------------------
@pytest.mark.slow
@FORMS
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "slstm", "num_layers": 2, "embedding_dim": 6, "tie_weights": True},
        {"cell": "gru", "weight_drop": 0.3},
    ],
    ids=str,
)
def test_language_model_in_two_calls(options, portable, tmp_path, opened):
    run = language_run(tmp_path, **options)
    exporters.export(run, tmp_path / "m.onnx", portable=portable)
    file = opened(tmp_path / "m.onnx", everywhere=portable)
    texts = ["the cat", "dog sat on mat"]
    documents = [[0, *numbers] for numbers in run.tokenizer.encode(texts)]
    first, lengths = padded([document[:4] for document in documents])
    states = file.session.get_inputs()[2:]
    zeros = {each.name: np.zeros((2, each.shape[1]), np.float32) for each in states}
    began = file(ids=first, lengths=lengths, **zeros)
    rest, lengths = padded([document[4:] for document in documents])
    went_on = file(ids=rest, lengths=lengths, **{name: began[f"{name}_next"] for name in zeros})
    for row, document in enumerate(documents):
        stream = double(run.model).stream()
        expected = torch.stack([stream.feed([number]) for number in document])
        found = torch.cat([began["log_probabilities"][row], went_on["log_probabilities"][row]])[: len(document)]
        assert_agree(found, expected)


@pytest.mark.slow
@FORMS
def test_language_model_with_adaptive_softmax(portable, tmp_path, opened):
    run = language_run(tmp_path)
    config = LanguageModelConfig(vocab_size=1200, embedding_dim=6, hidden_size=32, softmax="adaptive")
    other = type(run)(run.path, run.config.model_copy(update={"model": config}), LanguageModel(config).eval(),
                      run.tokenizer, run.speller)  # fmt: skip
    exporters.export(other, tmp_path / "m.onnx", portable=portable)
    ids = np.random.default_rng(0).integers(0, 1200, (3, 7))
    zeros = {name: np.zeros((3, 32), np.float32) for name in ("h0", "c0")}
    file = opened(tmp_path / "m.onnx", everywhere=portable)
    found = file(ids=ids, lengths=np.array([7, 7, 7]), **zeros)["log_probabilities"]
    with torch.no_grad():
        assert_agree(found, double(other.model)(torch.from_numpy(ids.T))[0].transpose(0, 1))
    assert_agree(found.exp().sum(-1), torch.ones(3, 7, dtype=torch.float64))


# --- series --------------------------------------------------------------------------------------------
FEW = {"max_epochs": 1, "patience": 1}
SERIES = {
    "classify": (waves(40, 0, missing=0.1), {"num_layers": 2, "label": "label"}),
    "whole": (waves(60, 1), {"label": "label", "cell": "mgu"}),
    "forecast": (days(150, 0), {"objective": "forecast", "horizon": 2, "window": 16, "cell": "gru"}),
    "regress": (slopes(40, 0, missing=0.1), {"objective": "regress"}),
    "panel": (stores(40, 0), {"objective": "forecast", "season_length": 7, "window": 16}),
    "covariates": (
        scaled_reservoirs(4, 40, 0),
        {"objective": "forecast", "targets": "flow", "static_covariates": "area", "window": 16},
    ),
    "simulate": (reservoirs(4, 40, 0), {"objective": "simulate", "targets": "flow", "static_covariates": "area"}),
    "own scales": (stores(40, 0), {"objective": "anomaly", "window": 40}),
    "anomaly": (beats(40, 0), {"objective": "anomaly", "label": "label"}),
}


@pytest.fixture(scope="module")
def series_run(tmp_path_factory):
    """The folder of a run on one of SERIES, trained when it is first asked for, and beside it its file."""

    @functools.cache
    def train(name):
        content, options = SERIES[name]
        folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
        (folder / "series.csv").write_text(content)
        config = SeriesConfig(data=str(folder / "series.csv"), out=folder / "run", **small(**FEW | options))
        return fit(config, progress=False).out

    return train


@pytest.mark.slow
@FORMS
@pytest.mark.parametrize("name", SERIES)
def test_series(name, portable, tmp_path, series_run, opened):
    run = load_run(series_run(name))
    exporters.export(run, tmp_path / "m.onnx", portable=portable)
    file = opened(tmp_path / "m.onnx", everywhere=portable)
    table = read_series(str(run.path.parent / "series.csv"), run.config.reading)
    window = 16 if name in ("forecast", "panel", "covariates") else None
    names = [table.channels.index(channel) for channel in json.loads(file.metadata["channels"])]
    values = [each[-(window or len(each)) :, names] for each in table.values]
    filled = [carried(each, np.array(json.loads(file.metadata["mean"]))) for each in values]
    given = {"values": stacked(filled), "lengths": np.array([len(each) for each in values])}
    if name in ("classify", "regress"):
        given["known"] = stacked([~np.isnan(each) for each in values])
    (found,) = file(**given).values()
    said = predictor_of(run).predict_series(table)
    if name in ("classify", "whole"):
        assert json.loads(file.metadata["labels"]) == run.config.labels
        expected = [[*each.probabilities.values()] for each in said]
        assert_agree(found.double().softmax(-1), np.array(expected), SINGLE)
    elif name == "regress":
        assert_agree(found, [each.value for each in said])
    elif name == "simulate":
        assert json.loads(file.metadata["channels"]) == ["rain", "pet", "area"]
        assert_agree(found[:, :, 0], [[[*step["flow"].values()] for step in each.steps] for each in said])
    elif window:
        assert run.config.scaling.shared == ((2, 3) if name == "covariates" else ())
        assert json.loads(file.metadata["quantiles"]) == [*run.config.model.quantiles]
        expected = [[[[*q.values()] for q in step.values()] for step in each.ahead] for each in said]
        assert_agree(found, np.array(expected))
    else:
        for row, each in enumerate(said):
            assert_agree(found[row, : len(each.steps)], each.steps)


def carried(values, mean):
    """A missing value as the last before it in its channel, or its mean, as the closing line asks for."""
    filled = values.copy()
    for t, row in enumerate(filled):
        before = mean if t == 0 else filled[t - 1]
        filled[t] = np.where(np.isnan(row), before, row)
    return filled


def stacked(rows):
    return pad_sequence([torch.from_numpy(row).float() for row in rows], batch_first=True).numpy()


def test_series_far_from_zero_that_hardly_move_keep_their_digits_in_float32():
    class AsRead(torch.nn.Module):
        def forward(self, values, known, lengths):
            return values

    scaling = Scaling([3_000_000.0371, -40_000.00123], [0.9, 0.011])
    config = SimpleNamespace(
        model=SimpleNamespace(objective="classify", inputs=2, channels=2), scaling=scaling, numbers=None
    )
    mean, deviation = (torch.tensor(each, dtype=torch.float64) for each in scaling[:2])
    values = (mean + deviation * torch.randn(1, 9, 2, dtype=torch.float64)).float()
    read = _Series(config, AsRead())(values, torch.tensor([9]))["logits"]
    assert read.dtype == torch.float32
    assert_agree(read, (values.double() - mean) / deviation)


# --- none ----------------------------------------------------------------------------------------------
def test_a_transducer_is_refused(tmp_path):
    with pytest.raises(InputError, match="a run of task transduce; expected one of classify, tag, lm, series, which"):
        exporters.export(transducer_run(tmp_path), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
