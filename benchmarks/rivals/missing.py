"""Whether a rival's packages are there."""

from __future__ import annotations

import importlib.util


def missing(*modules: str) -> str | None:
    """The first of the modules that is not installed, as an obstacle."""
    absent = [m for m in modules if importlib.util.find_spec(m) is None]
    return f"{absent[0]} is not installed" if absent else None
