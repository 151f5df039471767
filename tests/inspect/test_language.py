"""A language model's text against the model itself, and the command that shows it."""

import json
import random

import numpy as np
import pytest
import torch

from cellwright.cli import main
from cellwright.inspect.language import read_text, units_that_follow
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A model of lines that begin with a number and hold a word in quotes, trained for seconds."""
    draw = random.Random(0)
    words = ["salt", "pepper", "oil", "vinegar"]
    lines = [f'{draw.randint(1, 9)} "{draw.choice(words)}" {draw.choice(words)}\n' for _ in range(600)]
    folder = tmp_path_factory.mktemp("runs")
    (folder / "lines.txt").write_text("".join(lines))
    given = {"hidden": 24, "layers": 2, "embedding": 8, "max_epochs": 6, "learning_rate": 0.02, "threads": 1}
    shares = {"validation_share": 0.4, "batch_tokens": 128}
    fit(LanguageConfig(data=str(folder / "lines.txt"), out=folder / "run", **given, **shares), progress=False)
    return folder / "run"


def test_bits_and_states_are_those_of_the_model_token_by_token(out):
    run, text = load_run(out), '3 "oil" salt'
    reading = read_text(run, text)
    assert "".join(reading.tokens) == text
    stream = run.model.stream()
    logarithms = stream.feed([0])
    for t, number in enumerate(run.tokenizer.encode([text])[0]):
        assert reading.bits[t] == pytest.approx(-logarithms[number].item() / np.log(2), rel=1e-4)
        logarithms = stream.feed([number])
    h, c = stream._layers[1].state
    torch.testing.assert_close(torch.from_numpy(reading.states["layer1.c"][-1]), c.flatten())
    torch.testing.assert_close(torch.from_numpy(reading.states["layer1.h"][-1]), h.flatten())


def test_units_follow_what_the_text_repeats(out):
    found = {each.feature: each for each in units_that_follow(load_run(out))}
    assert abs(found["characters since the line began"].held_out) > 0.4
    assert abs(found["in quotation marks"].held_out) > 0.2
    assert "at a capital letter" not in found  # the text has none


def test_the_command(out, tmp_path, capsys):
    assert main(["inspect", str(out), '1 "salt"', "--json", "--npz", str(tmp_path / "numbers.npz")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "".join(told["tokens"]) == '1 "salt"'
    assert len(told["bits"]) == 8
    with np.load(tmp_path / "numbers.npz", allow_pickle=False) as numbers:
        assert numbers["layer0.h"].shape == (8, 24)
        assert numbers["bits"] == pytest.approx(told["bits"], abs=1e-4)
    assert main(["inspect", str(out), '1 "salt"']) == 0
    assert "in quotation marks" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([""], "the text has no token"), (["1", "--png", "x.png"], "of a language model there is no picture")],
)
def test_what_cannot_be_shown(out, capsys, arguments, said):
    assert main(["inspect", str(out), *arguments]) == 2
    assert said in capsys.readouterr().err
