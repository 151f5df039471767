from pathlib import Path
from typing import Any

import pytest

import made_series
from series_runs import Options


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Options of a run on a file with that content."""

    def make(content: str, **changes: Any) -> dict[str, Any]:
        path = tmp_path / "data.csv"
        path.write_text(content)
        return made_series.small(data=str(path), out=str(tmp_path / "run"), **changes)

    return make
