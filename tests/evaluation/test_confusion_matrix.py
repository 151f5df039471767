import warnings

import pytest
from matplotlib import image
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font

from cellwright.evaluation import confusion_matrix
from cellwright.evaluation.confusion_matrix import draw_confusion
from cellwright.evaluation.fonts import font_for
from cellwright.evaluation.metrics import score


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    "labels",
    [["good", "bad"], ["正面", "负面"], ["$a$", "$b", "c_{"], ["🙂 smile", "🙁"], ["x" * 300, "y\nz"], ["", " "]],
    ids=repr,
)
def test_picture_of_any_label_without_a_warning(tmp_path, labels):
    draw_confusion(score(labels * 3, labels[::-1] * 3, labels), tmp_path / "confusion.png")
    assert image.imread(tmp_path / "confusion.png").std() > 0.05


def test_picture_of_many_classes_stays_small(tmp_path):
    labels = [f"class number {i}" for i in range(100)]
    draw_confusion(score(labels, labels, labels), tmp_path / "confusion.png")
    assert max(image.imread(tmp_path / "confusion.png").shape) < 2500


def test_of_many_classes_those_with_mistakes_are_drawn_and_no_text_is_lost(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(confusion_matrix, "_draw", lambda axes, matrix, font: drawn.append((axes.get_title(), matrix)))
    labels = [f"class {i:03}" for i in range(100)]
    true, given = labels * 2, [*labels, *labels]
    true += ["class 007"] * 3 + ["class 090"]
    given += ["class 090"] * 3 + ["class 051"]
    draw_confusion(score(true, given, labels), tmp_path / "confusion.png")
    ((title, matrix),) = drawn
    assert "of 100 classes those with the most mistakes" in title
    assert len(matrix.names) == 40
    assert matrix.names[-1] == "61 others"
    assert matrix.counts.sum() == len(true)
    at = {name: matrix.names.index(name) for name in ("class 007", "class 051", "class 090")}
    assert list(at.values()) == sorted(at.values())  # in the order of the classes
    assert matrix.counts[at["class 007"], at["class 090"]] == 3
    assert matrix.counts[at["class 090"], at["class 051"]] == 1
    assert matrix.counts[-1, -1] == 2 * 61


def test_forty_classes_are_all_drawn(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(confusion_matrix, "_draw", lambda axes, matrix, font: drawn.append(matrix))
    labels = [f"{i:02}" for i in range(40)]
    draw_confusion(score(labels, labels, labels), tmp_path / "confusion.png")
    assert drawn[0].names == labels


def test_shade_follows_the_share_of_the_row(tmp_path):
    right, wrong = tmp_path / "right.png", tmp_path / "wrong.png"
    draw_confusion(score(["a", "b"], ["a", "b"], ["a", "b"]), right)
    draw_confusion(score(["a", "b"], ["b", "a"], ["a", "b"]), wrong)
    first, second = image.imread(right), image.imread(wrong)
    assert first.shape == second.shape
    assert abs(first - second).max() > 0.5


def test_font_for_latin_is_matplotlibs_own():
    assert font_for(["good", "größer", "…"]) == "DejaVu Sans"


def test_font_for_chinese_is_one_that_has_it_or_none(monkeypatch):
    assert font_for(["正面"]) != "DejaVu Sans"
    own = [entry for entry in fontManager.ttflist if entry.name.startswith(("DejaVu", "STIX", "Last Resort"))]
    monkeypatch.setattr(fontManager, "ttflist", own)
    monkeypatch.setattr("cellwright.evaluation.fonts.font_manager.findSystemFonts", list)
    assert font_for(["正面"]) is None


def test_a_font_that_was_installed_since_matplotlib_looked_is_found(monkeypatch):
    own, new = (next(e for e in fontManager.ttflist if e.name == name) for name in ("DejaVu Sans", "STIXGeneral"))
    sign = chr(min(FT2Font(new.fname).get_charmap().keys() - FT2Font(own.fname).get_charmap().keys()))
    monkeypatch.setattr(fontManager, "ttflist", [own])
    monkeypatch.setattr("cellwright.evaluation.fonts.font_manager.findSystemFonts", lambda: ["no font", new.fname])
    assert font_for([sign]) == "STIXGeneral"
