"""An autoencoder's recording against the predictor, torch.nn's layers, and the reference."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.cli import main
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.inspect.report import described
from cellwright.inspect.summary import summary
from cellwright.tasks.autoencode.predictor import AutoencodePredictor
from recorded_runs import autoencoder_run

TEXT = "the dog\nsat z"
WINDOWS = [TEXT[:4], TEXT[4:8], TEXT[8:12], TEXT[12:]]


@pytest.fixture
def run_of(tmp_path):
    """Make a run."""
    return partial(autoencoder_run, tmp_path)


def numbers_of(run, text):
    return run.tokenizer.encode([text])[0]


def back_of(run, text):
    """The tokens that come back of a window, found by the model's own decoding."""
    length = torch.tensor([len(text)])
    return run.model.decode(run.model.encode(torch.tensor([numbers_of(run, text)]), length), length)


@pytest.mark.parametrize("options", [{}, {"cell": "gru"}, {"cell": "slstm", "max_length": 64}])
def test_the_answer_is_the_predictors(run_of, options):
    run = run_of(**options)
    seen = record(run, TEXT)
    (expected,) = AutoencodePredictor(run).predict([TEXT])
    assert seen.prediction == expected.as_json()
    assert seen.answer == expected.reconstruction
    assert "".join(before + token for before, token in zip(seen.between, seen.tokens, strict=True)) == TEXT
    assert [token for token, known in zip(seen.tokens, seen.known, strict=True) if not known] == ["z"]
    right = [a == b for a, b in zip(*seen.answers.values.T, strict=True)]  # the two are one token then
    assert np.mean(right) == pytest.approx(expected.exact)
    assert seen.answers.values.min() > 0
    assert_agree(seen.share, np.prod(seen.answers.values[:, 0].astype(float)), SINGLE)


def test_probabilities_by_hand(run_of):
    """Window by window with torch.nn's layers: the code of the text, then step by step what came back before."""
    run = run_of()
    seen, model, rows = record(run, TEXT), double(run.model), []
    encoder, decoder = nn.LSTM(5, 6, bidirectional=True).double(), nn.LSTM(5 + 3, 6).double()
    encoder.load_state_dict(model.recurrent.state_dict())
    decoder.load_state_dict(model.decoder.state_dict())
    with torch.no_grad():
        for window in WINDOWS:
            _, (h, _) = encoder(model.embedding(torch.tensor(numbers_of(run, window))))
            code, before, state = model.code(h.flatten()), torch.zeros(5).double(), None
            for number in numbers_of(run, window):
                output, state = decoder(torch.cat([before, code])[None], state)
                shares = model.dense(output[0]).softmax(-1)
                best = int(shares.argmax())
                rows.append((best, float(shares[best]), float(shares[number])))
                before = model.embedding(torch.tensor(best))
    assert_agree(seen.answers.values, np.array([row[1:] for row in rows]))
    names = {0: "padding", 1: "unknown", **{n: run.tokenizer.decode([n]) for n in range(2, run.tokenizer.size)}}
    signs = {" ": "␣", "\n": "↵"}
    assert seen.written == [signs.get(names[best], names[best]) for best, *_ in rows]
    for (best, share, own), number, said in zip(rows, numbers_of(run, TEXT), seen.answers.said, strict=True):
        assert f"came back, {100 * share:.1f} %" in said
        assert said.endswith(f"would have {100 * own:.1f} %") == (best != number)


@pytest.mark.parametrize("options", [{}, {"cell": "gru"}, {"cell": "layer-norm-lstm"}])
def test_letters_are_those_of_each_window_alone(run_of, options):
    run = run_of(**options)
    seen, model, expected = record(run, TEXT), double(run.model), []
    with cellwright.use_backend("reference"), torch.no_grad():
        for window in WINDOWS:
            read = model.recurrent(model.embedding(torch.tensor([numbers_of(run, window)])), return_gates=True)
            length = torch.tensor([len(window)])
            code = model.code(model.last(read[0], length)).expand(len(window), 3)
            before = torch.cat([torch.zeros(1, dtype=torch.int64), back_of(run, window)[0, :-1]])
            written = model.decoder(torch.cat([model.embedding(before), code], -1)[None], return_gates=True)
            expected.append([*read[-1], *written[-1]])
    assert [(e.stack, e.direction, e.written) for e in seen.letters] == [
        ("encoder", "forward", False), ("encoder", "reverse", False), ("decoder", "forward", True)
    ]  # fmt: skip
    for letters, *parts in zip(seen.letters, *expected, strict=True):
        assert {len(values) for values in letters.values.values()} == {len(seen.steps_of(letters))} == {len(TEXT)}
        by_hand = {name: torch.cat([part[name][0] for part in parts]) for name in parts[0]}
        assert_agree(letters.values, by_hand, share=1e-4)  # a layer norm on these weights: 4e-5


def test_it_is_told_and_described(run_of):
    seen = record(run_of(), TEXT)
    told, page = json.loads(json.dumps([summary(seen), described(seen)], allow_nan=False))
    assert told["written"] == page["written"] == seen.written
    assert (page["attention"], page["step"], "attention" in told) == (None, "token", False)
    assert [(part["layer"], part["direction"], part["written"]) for part in page["parts"]] == [
        ("encoder 0", "forward", False), ("encoder 0", "reverse", False), ("decoder 0", "forward", True)
    ]  # fmt: skip
    assert told["gates"][-1] == told["gates"][-1] | {"stack": "decoder", "layer": 0, "direction": "forward"}


@pytest.mark.slow
def test_the_command(run_of, tmp_path, capsys):
    seen = record(run_of(kind="words"), "the cat sat on the dog")
    page, picture, numbers = (str(tmp_path / name) for name in ("a.html", "a.png", "a.npz"))
    given = ["--out", page, "--png", picture, "--npz", numbers]
    assert main(["inspect", str(tmp_path), seen.text, *given]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{seen.answer} {seen.share:.1%}\n")
    assert all(each in said for each in seen.answers.said)
    assert "decoder layer 0, forward: half of c is left after" in said
    assert "The probability of each token that came back" in Path(page).read_text(encoding="utf-8")
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    with np.load(numbers, allow_pickle=False) as held:
        assert held["written"].tolist() == seen.written
        np.testing.assert_array_equal(held["decoder.layer0.forward.f"], seen.letters[-1].values["f"])


def test_a_text_without_tokens_is_refused(run_of):
    with pytest.raises(InputError, match="no token"):
        record(run_of(), "")
