"""A glance at a language model's reading against its own forward pass and the reference."""

import numpy as np
import pytest
import torch

import cellwright
from cellwright.errors import InputError
from cellwright.inspect.expectation import EXPECTED, expect
from cellwright.inspect.report import described
from language_runs import language_run

TEXT = "the cat\nsat z"


@pytest.mark.parametrize("options", [{"layers": 2}, {"cell": "gru", "embedding": 7, "hidden": 7}])
def test_letters_and_expectations_are_the_models(tmp_path, options):
    run = language_run(tmp_path, **options)
    seen = expect(run, TEXT)
    assert "".join(before + token for before, token in zip(seen.between, seen.tokens, strict=True)) == TEXT
    assert [token for token, known in zip(seen.tokens, seen.known, strict=True) if not known] == ["z"]
    tokens = torch.tensor([[0], *([number] for number in run.tokenizer.encode([TEXT])[0])])
    with cellwright.use_path("reference"), torch.no_grad():
        expected = run.model(tokens)[0].exp()[1:, 0].numpy()  # after each token of the text
        values = run.model.embedding(tokens)
        for layer, letters in zip(run.model.layers, seen.letters, strict=True):
            values, _, (recorded,) = layer(values, return_gates=True)
            assert set(letters.values) == set(recorded)
            for name, each in letters.values.items():
                np.testing.assert_allclose(each, recorded[name][1:, 0].numpy(), atol=2e-6)
    best = np.argsort(-expected[-1])[:EXPECTED]
    np.testing.assert_allclose(seen.probabilities, expected[:, best], atol=1e-6)
    names = {"\n": "↵", " ": "␣"}
    assert [label for label in seen.labels if label not in ("end of the text", "unknown")] == [
        names.get(text, text) for text in (run.tokenizer.decode([int(n)]) for n in best if n > 1)
    ]


def test_it_is_described_as_any_other(tmp_path):
    told = described(expect(language_run(tmp_path), TEXT))
    assert told["meaning"].startswith("The probability that a token comes next")
    assert "contributions" not in told
    assert len(told["probabilities"]) == len(told["tokens"]) == len(TEXT)


def test_a_text_without_tokens_is_refused(tmp_path):
    with pytest.raises(InputError, match="no token"):
        expect(language_run(tmp_path), "")
