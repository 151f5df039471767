"""A tagger's recording against the predictor, the reference, and the sum over all labellings."""

import itertools
import json
from functools import partial

import numpy as np
import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.data.words import collate_words
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.inspect.report import described
from cellwright.inspect.summary import summary
from cellwright.tasks.tag.predictor import TagPredictor
from recorded_runs import TAGS, tagger_run

TEXT = "fly  from\nnew york to atlantis"


@pytest.fixture
def run_of(tmp_path):
    """Make a run."""
    return partial(tagger_run, tmp_path)


@pytest.mark.parametrize(
    "options", [{}, {"cell": "slstm", "num_layers": 2}, {"cell": "layer-norm-lstm", "bidirectional": False}]
)
def test_letters_and_answers_are_the_models(run_of, options):
    run = run_of(**options)
    seen = record(run, TEXT)
    (expected,) = TagPredictor(run).predict([TEXT])
    assert (seen.tokens, seen.tags, seen.answer) == (expected.tokens, expected.tags, expected.label)
    assert_agree(seen.share, expected.probability, SINGLE)
    assert seen.known.tolist() == [True] * 5 + [False]
    assert "".join(b + t for b, t in zip(seen.between, seen.tokens, strict=True)) == TEXT
    batch = collate_words(run.lexicon.examples([seen.tokens]))
    with cellwright.use_backend("reference"), torch.no_grad():
        model = double(run.model)
        spelled = model.spelling(batch.spellings, batch.spelled)[batch.forms]
        values = torch.cat([model.embedding(batch.words), spelled], -1)
        told = model.recurrent(values, return_gates=True)[2]
    assert len(told) == len(seen.letters)
    for letters, one in zip(seen.letters, told, strict=True):
        assert_agree(letters.values, {name: each[0] for name, each in one.items()})


def test_the_probabilities_are_sums_over_all_labellings(run_of):
    run = run_of()
    seen = record(run, "fly to new york")
    batch = collate_words(run.lexicon.examples([seen.tokens]))
    with torch.no_grad():
        x = double(run.model)(batch).emissions[0].numpy()
    start, transitions, end = (each.detach().double().numpy() for each in run.model.crf.parameters())
    expected, best = np.zeros_like(x), (-np.inf, None)
    for tags in itertools.product(range(3), repeat=4):
        score = start[tags[0]] + end[tags[-1]] + sum(x[t, k] for t, k in enumerate(tags))
        score += sum(transitions[a, b] for a, b in itertools.pairwise(tags))
        best = max(best, (score, tags))
        for t, k in enumerate(tags):
            expected[t, k] += np.exp(score)
    expected /= expected.sum(1, keepdims=True)
    assert_agree(seen.answers.values, expected)
    assert seen.tags == [TAGS[k] for k in best[1]]


def test_without_a_field_they_are_those_of_each_word_by_itself(run_of):
    run = run_of(crf=False)
    seen = record(run, TEXT)
    with torch.no_grad():
        expected = double(run.model)(collate_words(run.lexicon.examples([seen.tokens]))).emissions.softmax(-1)[0]
    assert_agree(seen.answers.values, expected)
    assert seen.tags == [TAGS[k] for k in expected.argmax(-1)]
    assert seen.answers.said[0].startswith(f"tagged {seen.tags[0]}, {100 * expected[0].max():.1f} %; ")


@pytest.mark.parametrize(("scheme", "part"), [("iob2", "="), ("plain", "/")])
def test_without_a_label_the_answer_is_spans_or_tags(run_of, scheme, part):
    seen = record(run_of(labels=(), scheme=scheme), "new york " * 40)
    assert part in seen.answer or seen.answer == "no span"
    assert len(seen.answer) <= 100
    assert seen.share is None


def test_it_is_told_and_described(run_of):
    seen = record(run_of(), TEXT)
    told = json.loads(json.dumps([summary(seen), described(seen)], allow_nan=False))
    assert [row["tag"] for row in told[0]["tokens"]] == told[0]["prediction"]["tags"] == told[1]["tags"] == seen.tags
    assert (told[1]["heading"], told[1]["step"]) == ("The words and their tags", "word")


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_text_without_words_is_refused(run_of, text):
    with pytest.raises(InputError, match="no token"):
        record(run_of(), text)


@pytest.mark.parametrize("text", ["oslo", "ω", "ω ψ ω"])
def test_one_word_and_unknown_words(run_of, text):
    seen = record(run_of(), text)
    assert_agree(seen.answers.values.sum(1), np.ones(len(seen.tokens)))
