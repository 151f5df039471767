"""Modules of the package that need what an extra installs, and that tests can do without."""

from importlib.util import find_spec

NEEDS = {"cellwright.integrations.torchrl": "torchrl", "cellwright.integrations.sb3": "sb3_contrib"}
"""The package that each needs."""

ABSENT = {module for module, package in NEEDS.items() if find_spec(package) is None}
"""Those that cannot be imported here."""
