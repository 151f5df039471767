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
