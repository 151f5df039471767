"""A recording of a classifier against the layers, the predictor and the reference."""

import numpy as np
import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.cells import CELLS
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.inspect.recording import MOST_TOKENS
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.run import ClassifyRun

TEXT = "the film was  lovely, 很 好\n看 unheard of"


def numbers_of(run: ClassifyRun, text):
    return torch.tensor(run.tokenizer.encode([text]))


@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm", "peephole"])
def test_letters_are_those_of_the_reference(run_of, cell):
    run = run_of(num_layers=2, cell=cell)
    recording = record(run, TEXT)
    with cellwright.use_backend("reference"), torch.no_grad():
        model = double(run.model)
        expected = model.recurrent(model.embedding(numbers_of(run, TEXT)), return_gates=True)[2]
    assert [(e.layer, e.direction) for e in recording.letters] == [
        (layer, direction) for layer in (0, 1) for direction in ("forward", "reverse")
    ]
    for letters, one in zip(recording.letters, expected, strict=True):
        assert set(letters.values) == set(CELLS[cell].trace.letters) | set(CELLS[cell].states)
        assert {values.shape for values in letters.values.values()} == {(len(recording.tokens), 7)}
        assert_agree(letters.values, {name: one[name][0] for name in letters.values})


@pytest.mark.parametrize("bidirectional", [True, False])
def test_answers_are_those_to_each_beginning(run_of, bidirectional, monkeypatch):
    run = run_of(bidirectional=bidirectional)
    monkeypatch.setattr("cellwright.inspect.recording.BATCH_TOKENS", 25)  # some beginnings at a time
    recording = record(run, TEXT)
    numbers = numbers_of(run, TEXT)[0]
    for t, row in enumerate(recording.answers.values, start=1):
        with torch.no_grad():
            expected = double(run.model)(numbers[None, :t], torch.tensor([t])).softmax(-1)[0]
        assert_agree(row, expected)
    (prediction,) = ClassifyPredictor(run).predict([TEXT])
    assert recording.answer == prediction.label
    assert_agree(recording.answers.values[-1].max(), prediction.probability, SINGLE)


def test_tokens_are_pieces_of_the_text(run):
    recording = record(run, TEXT)
    assert recording.tokens == ["the", "film", "was", "lovely", ",", "很", "好", "看", "unheard", "of"]
    assert recording.known.tolist() == [True] * 8 + [False] * 2
    assert recording.between[3:5] == ["  ", ""]
    assert recording.between[7] == "\n"


def test_bytes_of_a_character_are_tokens_of_it(run_of):
    recording = record(run_of(kind="bpe"), "看😀x")
    assert "".join(dict.fromkeys(recording.tokens)) == "看😀x"
    assert all(recording.known)


def test_attributions_sum_to_the_change_of_the_log_odds(run):
    """The axiom of completeness, Sundararajan, Taly and Yan 2017, proposition 1; the ends from the model itself."""
    recording = record(run, TEXT)
    label, numbers = run.labels.index(recording.answer), numbers_of(run, TEXT)
    model = double(run.model)
    embedded = model.embedding(numbers)
    with torch.no_grad():
        ends = [model.of_embedded(e, torch.tensor([numbers.shape[1]])).softmax(-1)[0] for e in (embedded, embedded * 0)]
    (text, baseline) = (float(torch.logit(p[label])) for p in ends)
    found = recording.attributions
    assert_agree((found.score, found.baseline), (text, baseline), SINGLE)
    assert abs(text - baseline) > 0.1
    assert found.values.sum() == pytest.approx(text - baseline, abs=0.011 * abs(text - baseline))


def test_with_two_classes_log_odds_are_the_difference_of_the_logits(run_of):
    run = run_of(labels=("no", "yes"))
    recording = record(run, TEXT)
    numbers = numbers_of(run, TEXT)
    with torch.no_grad():
        logits = double(run.model)(numbers, torch.tensor([numbers.shape[1]]))[0]
    assert_agree(recording.attributions.score, abs(logits[0] - logits[1]), SINGLE)


def test_the_letters_of_a_layer_by_name(run):
    recording = record(run, TEXT)
    assert recording.of(1, "reverse") is recording.letters[3]
    with pytest.raises(LookupError, match=r"no layer 2, forward; there are layer 0, forward; .*layer 1, reverse"):
        recording.of(2, "forward")


def test_nothing_to_inspect_and_too_much(run):
    for text in ("", "  \n"):
        with pytest.raises(InputError, match="no token"):
            record(run, text)
    with pytest.raises(InputError, match=r"2,001 tokens; expected at most 2,000"):
        record(run, "film " * (MOST_TOKENS + 1))


def test_a_text_that_is_read_in_parts_is_refused_and_a_shorter_one_is_not(run_of):
    run = run_of(long_text={"truncation": "windows", "max_length": 4})
    assert record(run, "the film was lovely").tokens == ["the", "film", "was", "lovely"]
    with pytest.raises(InputError, match=r"5 tokens, and .* --truncation windows.* at most 4 tokens"):
        record(run, "the film was lovely, ")
    shuffled = run_of(long_text={"truncation": "sentences", "max_length": 9, "shuffle": True})
    assert record(shuffled, "the film was.").tokens == ["the", "film", "was", "."]  # one sentence is in order
    with pytest.raises(InputError, match=r"expected one of at most 9 tokens, and one sentence"):
        record(shuffled, "The film. Was it. Lovely.")


def test_training_mode_gradients_and_inputs_are_left_alone(run):
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    record(run, TEXT)
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())
    assert all(parameter.grad is None for parameter in run.model.parameters())


def test_without_reasons_it_is_the_same(run):
    recording, seen = record(run, TEXT), record(run, TEXT, False)
    assert seen.attributions is None
    assert seen.tokens == recording.tokens
    np.testing.assert_array_equal(seen.answers.values, recording.answers.values)
    for letters, others in zip(seen.letters, recording.letters, strict=True):
        assert all(np.array_equal(letters.values[name], others.values[name]) for name in others.values)
