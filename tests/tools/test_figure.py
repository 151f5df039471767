"""The README's figure: of a run that nobody trained, so that the test needs no minutes."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.run import ClassifyRun, ClassifyRunConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture
def figure(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.delitem(sys.modules, "figure", raising=False)
    import figure

    return figure


@pytest.fixture
def recording(figure, tmp_path):
    torch.manual_seed(0)
    text = "".join(word for word, _ in figure.WORDS)
    tokenizer = Tokenizer.train([text], "characters", min_frequency=1)
    config = ClassifierConfig(vocab_size=tokenizer.size, classes=2, embedding_dim=5, hidden_size=20)
    described = ClassifyRunConfig(
        cellwright="0", labels=["negative", "positive"], model=config, fingerprint="", options={"data": "x"}
    )
    return record(ClassifyRun(tmp_path, described, Classifier(config).eval(), tokenizer), text)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_it_is_a_picture_as_wide_as_the_readme(figure, recording, monkeypatch):
    monkeypatch.setattr(figure, "font_for", lambda texts: "DejaVu Sans")  # whatever is installed
    drawn = figure.draw(recording)
    assert len(drawn) < 300_000
    picture = imread(BytesIO(drawn))
    assert picture.shape[1] == 1600
    assert (picture[0, 0, :3] == 1).all()  # on white


def test_units_are_those_that_move_most_in_either_half(figure):
    state = np.zeros((6, 40))
    state[1, 3::2], state[4, 2::2] = np.arange(1, 20), np.arange(1, 20)
    found = figure._telling(state)
    assert sorted(found) == sorted([*range(25, 40, 2), *range(24, 40, 2)])
    assert all(unit % 2 for unit in found[:8])  # the early peaks first


def test_without_a_font_it_says_which_to_install(figure, recording, monkeypatch):
    monkeypatch.setattr(figure, "font_for", lambda texts: None)
    with pytest.raises(InputError, match="fonts-wqy-microhei"):
        figure.draw(recording)


def test_the_figure_that_is_kept_is_small():
    kept = ROOT / "docs" / "figures" / "gates.png"
    assert kept.stat().st_size < 300_000
    assert imread(kept).shape[1] == 1600
