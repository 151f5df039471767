from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagged_requests import SMALL, lines


@pytest.fixture(scope="session")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 sentences; many stand several times."""
    path = tmp_path_factory.mktemp("data") / "requests.jsonl"
    path.write_text(lines(300, 0))
    return path


@pytest.fixture
def options(requests: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Options of a run that takes a second, as JSON would hold them."""

    def make(**changes: Any) -> dict[str, Any]:
        return {**SMALL, "data": str(requests), "out": str(tmp_path / "run"), **changes}

    return make
