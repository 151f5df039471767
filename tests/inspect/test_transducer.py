"""A transducer's recording against the predictor, the attention computed by hand, and the reference."""

import json
from functools import partial

import numpy as np
import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.inspect.report import described
from cellwright.inspect.summary import summary
from cellwright.tasks.transduce.predictor import TransducePredictor
from recorded_runs import transducer_run

TEXT = " caféx "


@pytest.fixture
def run_of(tmp_path):
    """Make a run."""
    return partial(transducer_run, tmp_path)


EVERY = [
    {},
    {"attention": "additive", "cell": "gru", "num_layers": 2},
    {"attention": "dot", "cell": "slstm"},
    {"input_feeding": True, "bidirectional": False, "cell": "layer-norm-lstm"},
    {"copying": True},
]


@pytest.mark.parametrize("options", EVERY)
def test_the_answer_is_the_predictors_and_the_attention_with_it(run_of, options):
    run = run_of(**options)
    seen = record(run, TEXT)
    (expected,) = TransducePredictor(run).predict([TEXT])
    assert seen.prediction["answers"][0]["target"] == expected.target == seen.answer
    assert seen.written == [*expected.target_symbols, "■"]
    assert seen.tokens == expected.source_symbols == ["c", "a", "f", "é", "x"]
    assert seen.known.tolist() == [True] * 4 + [False]
    assert_agree(seen.attention, np.array(expected.alignment, float))
    assert_agree(seen.attention.sum(1), np.ones(len(seen.written)))
    # The probability of what was written is that of each symbol, told those before.
    logarithm = np.log(seen.answers.values[:, 0].astype(float)).sum()
    assert_agree(logarithm, expected.answers[0].log_probability, SINGLE)
    assert_agree(seen.share, np.exp(expected.answers[0].log_probability), SINGLE)


@pytest.mark.parametrize("options", EVERY[:3])
def test_letters_and_attention_by_hand(run_of, options):
    """Layer by layer on the reference; the attention by the formulas at the head of models/attention.py."""
    run = run_of(**options)
    seen, model = record(run, TEXT), double(run.model)
    symbols = torch.tensor([run.target.encode(["".join(seen.written[:-1])])[0]])
    with cellwright.use_backend("reference"), torch.no_grad():
        read = model.encoder(model.source_embedding(torch.tensor(run.source.encode([TEXT.strip()]))), return_gates=True)
        encoded = read[0][0]  # (S, D·H)
        first = model.begin(model.last(read[0], torch.tensor([len(seen.tokens)])))
        below = model.lower(torch.cat([first[:, None], model.target_embedding(symbols)], 1), return_gates=True)
        query, rows = below[0][0], []
        for q in query:
            match model.config.attention:
                case "general":
                    scores = [torch.dot(q, model.attend.key.weight @ k) for k in encoded]
                case "dot":
                    scores = [torch.dot(q, k[:6] + k[6:]) for k in encoded]
                case "additive":
                    a = model.attend
                    hidden = [torch.tanh(a.key(k) + a.query(q)) for k in encoded]
                    scores = [a.weight(each)[0] for each in hidden]
            rows.append(torch.stack(scores).softmax(0))
        attention = torch.stack(rows)
        above = model.upper(torch.cat([query, attention @ encoded], -1)[None], return_gates=True)
    assert_agree(seen.attention, attention)
    expected = [*read[2], *below[2], *above[2]]
    names = ["encoder"] * len(read[2]) + ["decoder"] * 2
    assert [each.stack for each in seen.letters] == names
    assert seen.of(1, "forward", "decoder") is seen.letters[-1]
    for letters, one in zip(seen.letters, expected, strict=True):
        assert letters.written == (letters.stack == "decoder")
        assert {len(values) for values in letters.values.values()} == {len(seen.steps_of(letters))}
        assert_agree(letters.values, {name: one[name][0] for name in letters.values})
    probabilities = model.dense(above[0])[0].softmax(-1).detach()
    written = [*symbols[0].tolist(), 0]
    best = [float(row[k]) for row, k in zip(probabilities, written, strict=True)]
    assert_agree(seen.answers.values[:, 0], best)


def test_what_is_copied_is_said(run_of):
    """The share by one softmax over what is said and the places of the source, and the letters that it holds for."""
    run = run_of(copying=True)
    seen, model = record(run, TEXT), double(run.model)
    source = torch.tensor(run.source.encode([TEXT.strip()]))
    symbols = torch.tensor([run.target.encode(["".join(seen.written[:-1])])[0]])
    with torch.no_grad():
        encoded = model.encode(source, torch.tensor([len(seen.tokens)]))
        said, state, shares = None, None, []
        for written in [*symbols[0].tolist(), 0]:
            step = model.step(encoded, said, state)
            output = step.state.output[0]
            places = [
                output @ model.copying.key.weight @ each + model.copying.follow.gain(output)[0] * run
                for each, number, run in zip(encoded.memory.values[0], source[0], step.state.trace[0], strict=True)
                if model.copying.counterparts[number] == written
            ]
            copied = sum(float(place.exp()) for place in places)
            shares.append(copied / (copied + float(model.dense(output)[written].exp())))
            said, state = torch.tensor([written]), step.state
    assert max(shares) > 0.1
    assert shares[-1] == 0
    for share, text in zip(shares, seen.answers.said, strict=True):
        assert f"; {100 * share:.1f} % of it copied; it looked at" in text


def test_it_is_told_and_described(run_of):
    seen = record(run_of(), TEXT)
    told, page = json.loads(json.dumps([summary(seen), described(seen)], allow_nan=False))
    assert_agree(np.array(told["attention"]), double(torch.from_numpy(seen.attention)), SINGLE)
    assert_agree(np.array(page["attention"]), double(torch.from_numpy(seen.attention)), share=1e-4)  # four digits
    assert told["written"] == page["written"] == seen.written
    assert [(part["layer"], part["written"]) for part in page["parts"]] == [
        ("encoder 0", False), ("encoder 0", False), ("decoder 0", True), ("decoder 1", True)
    ]  # fmt: skip
    assert told["gates"][-1] == told["gates"][-1] | {"stack": "decoder", "layer": 1, "direction": "forward"}


def test_an_answer_of_no_symbol(run_of):
    run = run_of()
    with torch.no_grad():
        run.model.dense.bias[0] = 1e4
    seen = record(run, "x")
    assert (seen.answer, seen.written, seen.attention.shape) == ("nothing", ["■"], (1, 1))


def test_a_source_without_symbols_is_refused(run_of):
    for text in ("", "  "):
        with pytest.raises(InputError, match="no token"):
            record(run_of(), text)
