"""Where a framework is not installed, the import says so in one sentence, with what pip installs."""

import sys
from importlib import import_module

import pytest


@pytest.mark.parametrize(("module", "missing"), [("sb3", "gymnasium"), ("torchrl", "tensordict")])
def test_the_import_names_the_extra(module, missing, monkeypatch):
    name = f"cellwright.integrations.{module}"
    monkeypatch.setitem(sys.modules, missing, None)  # Python's way to have no such module
    monkeypatch.delitem(sys.modules, name, raising=False)
    says = rf"^{name} needs {missing}; pip install 'cellwright\[{module}\]'$"
    with pytest.raises(ModuleNotFoundError, match=says):
        import_module(name)
