"""The picture of a training."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from cellwright.training import curve


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are made."""
    made: list[Figure] = []

    def figure(**options: object) -> Figure:
        made.append(Figure(**options))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(curve, "Figure", figure)
    return made


def test_no_unit_is_named_that_not_every_loss_has(tmp_path: Path, drawn: list[Figure]) -> None:
    row = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "validation_mae": 0.3}
    curve.draw_curve([row], "mae", 1, tmp_path / "curve.png")
    # Of forecasts it is a pinball loss, of anomalies a squared error.
    assert [axes.get_ylabel() for axes in drawn[0].axes] == ["loss", "mae"]


def test_without_validation_there_is_the_loss_of_training_alone(tmp_path: Path, drawn: list[Figure]) -> None:
    curve.draw_curve([{"epoch": 1, "train_loss": 0.5}], "accuracy", 1, tmp_path / "curve.png")
    [axes] = drawn[0].axes
    assert [line.get_label() for line in axes.get_lines()] == ["training, dropout on"]


@pytest.mark.parametrize(("scores", "bottom"), [((0.9500, 0.9501), 0.0), ((-0.4, 0.2), None)])
def test_a_small_difference_looks_small(
    tmp_path: Path, drawn: list[Figure], scores: tuple[float, float], bottom: float | None
) -> None:
    """The axes begin at 0, whatever the values, unless one lies below; no offset hides in a corner."""
    rows = [
        {"epoch": epoch, "train_loss": 1.5, "validation_loss": 1.4, "validation_r2": score}
        for epoch, score in enumerate(scores, 1)
    ]
    curve.draw_curve(rows, "r2", 2, tmp_path / "curve.png")
    loss, score = drawn[0].axes
    assert loss.get_ylim()[0] == 0
    assert score.get_ylim()[0] == bottom if bottom is not None else score.get_ylim()[0] < min(scores)
    assert score.get_ylim()[1] > max(scores) + 0.01
    assert score.yaxis.get_major_formatter().get_offset() == ""
