"""The picture of a training."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from cellwright.training import curve


def test_no_unit_is_named_that_not_every_loss_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def figure(**options: object) -> Figure:
        drawn.append(Figure(**options))  # type: ignore[arg-type]
        return drawn[-1]

    monkeypatch.setattr(curve, "Figure", figure)
    row = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "validation_mae": 0.3}
    curve.draw_curve([row], "mae", 1, tmp_path / "curve.png")
    # Of forecasts it is a pinball loss, of anomalies a squared error.
    assert [axes.get_ylabel() for axes in drawn[0].axes] == ["loss", "mae"]
