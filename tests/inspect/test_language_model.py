"""A language model's recording against its own pass and the reference; and the command that shows it."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.cli import main
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.inspect.language_model import EXPECTED, units_that_follow, units_that_tell
from cellwright.inspect.recorders import record
from cellwright.inspect.report import described
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit
from language_runs import language_run

TEXT = "the cat\nsat z"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A model of lines that begin with a number and hold a word in quotes, trained for seconds."""
    draw = random.Random(0)
    words = ["salt", "pepper", "oil", "vinegar"]
    lines = [f'{draw.randint(1, 9)} "{draw.choice(words)}" {draw.choice(words)}\n' for _ in range(600)]
    folder = tmp_path_factory.mktemp("runs")
    (folder / "lines.txt").write_text("".join(lines))
    given = {
        "hidden_size": 24,
        "num_layers": 2,
        "embedding_dim": 8,
        "max_epochs": 6,
        "learning_rate": 0.02,
        "threads": 1,
    }
    shares = {"validation_share": 0.4, "batch_tokens": 128}
    fit(LanguageConfig(data=str(folder / "lines.txt"), out=folder / "run", **given, **shares), progress=False)
    return folder / "run"


def test_bits_and_states_are_those_of_the_model_token_by_token(out):
    run, text = load_run(out), '3 "oil" salt'
    reading = record(run, text)
    assert "".join(reading.tokens) == text
    stream, bits = double(run.model).stream(), []
    logarithms = stream.feed([0])
    for number in run.tokenizer.encode([text])[0]:
        bits.append(-logarithms[number].item() / np.log(2))
        logarithms = stream.feed([number])
    assert_agree(reading.bits, bits, SINGLE)
    h, c = stream._layers[1].state
    assert_agree(reading.of(1, "forward").values["c"][-1], c.flatten())
    assert_agree(reading.of(1, "forward").values["h"][-1], h.flatten())


def test_without_a_validation_split_no_unit_is_found_and_that_is_said(out):
    run = load_run(out)
    options = run.config.options | {"validation_share": 0}
    bare = replace(run, config=run.config.model_copy(update={"options": options}))
    with pytest.raises(InputError, match="no validation split was kept, on which units are chosen"):
        units_that_follow(bare)


def test_units_follow_what_the_text_repeats(out):
    found = {each.feature: each for each in units_that_follow(load_run(out))}
    assert abs(found["characters since the line began"].held_out) > 0.4
    assert abs(found["in quotation marks"].held_out) > 0.2
    assert "at a capital letter" not in found  # the text has none


def test_the_command(out, tmp_path, capsys):
    assert main(["inspect", str(out), '1 "salt"', "--json", "--npz", str(tmp_path / "numbers.npz")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "".join(row["token"] for row in told["tokens"]) == '1 "salt"'
    bits = [row["bits"] for row in told["tokens"]]
    assert np.mean(bits) == pytest.approx(told["prediction"]["bits_a_character"], rel=1e-5)
    with np.load(tmp_path / "numbers.npz", allow_pickle=False) as numbers:
        assert numbers["layer0.forward.h"].shape == (8, 24)
        assert numbers["bits"] == pytest.approx(bits, abs=1e-4)
    assert main(["inspect", str(out), '1 "salt"']) == 0
    assert "in quotation marks" in capsys.readouterr().out


@pytest.mark.slow
def test_a_page_and_a_picture(out, tmp_path, capsys):
    page, picture = tmp_path / "a.html", tmp_path / "a.png"
    assert main(["inspect", str(out), '1 "salt"', "--out", str(page), "--png", str(picture)]) == 0
    assert "in quotation marks" in page.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "bits a token; most surprising" in capsys.readouterr().out


def test_without_the_text_that_it_learned_from_the_rest_is_told(out, tmp_path, capsys):
    lines = out.parent / "lines.txt"
    lines.rename(tmp_path / "moved")
    try:
        assert main(["inspect", str(out), "1", "--json"]) == 0
    finally:
        (tmp_path / "moved").rename(lines)
    said = capsys.readouterr()
    assert said.err.startswith("without the units that follow something: ")
    assert json.loads(said.out)["units"] == []


@pytest.mark.parametrize("options", [{"num_layers": 2}, {"cell": "gru", "embedding_dim": 7, "hidden_size": 7}])
def test_letters_and_expectations_are_the_models(tmp_path, options):
    run = language_run(tmp_path, **options)
    seen = record(run, TEXT)
    assert "".join(before + token for before, token in zip(seen.between, seen.tokens, strict=True)) == TEXT
    assert [token for token, known in zip(seen.tokens, seen.known, strict=True) if not known] == ["z"]
    tokens = torch.tensor([[0], *([number] for number in run.tokenizer.encode([TEXT])[0])])
    with cellwright.use_backend("reference"), torch.no_grad():
        model = double(run.model)
        expected = model(tokens)[0].exp()[1:, 0].numpy()  # after each token of the text
        values = model.embedding(tokens)
        for layer, letters in zip(model.layers, seen.letters, strict=True):
            values, _, (recorded,) = layer(values, return_gates=True)
            assert_agree(letters.values, {name: each[1:, 0] for name, each in recorded.items()})
    best = np.argsort(-expected[-1])[:EXPECTED]
    assert_agree(seen.answers.values, expected[:, best])
    names = {"\n": "↵", " ": "␣"}
    assert [label for label in seen.answers.names if label not in ("end of the text", "unknown")] == [
        names.get(text, text) for text in (run.tokenizer.decode([int(n)]) for n in best if n > 1)
    ]


def test_it_is_described_as_any_other(tmp_path):
    told = described(record(language_run(tmp_path), TEXT))
    assert told["answers"]["meaning"].startswith("The probability that a token comes next")
    assert "attributions" not in told
    assert len(told["answers"]["values"]) == len(told["bits"]) == len(told["tokens"]) == len(TEXT)


def test_a_text_without_tokens_is_refused(tmp_path):
    with pytest.raises(InputError, match="no token"):
        record(language_run(tmp_path), "")


@pytest.mark.slow
def test_the_unit_that_tells_a_label_is_that_of_each_text_read_by_itself(tmp_path):
    """Against Pearson's correlation by NumPy, of states that were recorded a text at a time."""
    run, draw = language_run(tmp_path, num_layers=2), random.Random(0)
    texts = ["".join(draw.choices("the cat", k=draw.randint(1, 9))) for _ in range(700)]
    last = [{f"layer{e.layer}.{s}": e.values[s][-1] for e in record(run, t).letters for s in "hc"} for t in texts]
    ends = {name: np.stack([each[name] for each in last]) for name in last[0]}
    good = ends["layer1.c"][:, 4] > np.median(ends["layer1.c"][:, 4])
    by_label = np.argsort(good)  # as some files stand: all of one label first
    table = Table([texts[i] for i in by_label], ["good" if good[i] else "bad" for i in by_label], [*range(700)], "made")
    (found,) = units_that_tell(run, table)
    place = np.empty(700, int)  # of each text among those drawn
    place[by_label[np.random.default_rng(0).permutation(700)]] = np.arange(700)
    first = place // 256 % 2 == 0

    def correlation(name, unit, half):
        return np.corrcoef(ends[name][half, unit], good[half])[0, 1]

    best = max(((n, u) for n in ends for u in range(9)), key=lambda each: abs(correlation(*each, first)))
    assert (found.feature, found.letter, found.unit) == ("the label good, at the end", *best)
    assert found.chosen == pytest.approx(correlation(*best, first), abs=1e-4)
    assert found.held_out == pytest.approx(correlation(*best, ~first), abs=1e-4)
    assert units_that_tell(run, Table(texts, None, list(range(700)), "made")) == []
