"""The passes of the kernels, as they run."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from cellwright.backends.kernels import backward, forward


def listened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A list that gets the name and the arithmetic of each forward and backward pass from now on."""
    found: list[tuple[str, str]] = []

    def listen(module: ModuleType, name: str) -> None:
        run = getattr(module, name)

        def spy(call: Any, *given: Any, **named: Any) -> Any:
            found.append((name, call.arithmetic))
            return run(call, *given, **named)

        monkeypatch.setattr(module, name, spy)

    listen(forward, "forward")
    listen(backward, "backward")
    return found
