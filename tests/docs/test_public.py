"""docs/public.md is the list of public names: the code has them, and README, pages and examples import no others."""

import ast
import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

import cellwright
from optional_modules import ABSENT, NEEDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "public.md").read_text("utf-8")
PUBLIC = {
    title: set(re.findall(r"`([A-Za-z_]\w*)`", text))
    for title, text in re.findall(r"^## (cellwright\S*)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def there(module):
    """The names that a module declares, or else those that are defined in it."""
    found = importlib.import_module(module)
    if hasattr(found, "__all__"):
        return set(found.__all__)
    own = [name for name, each in vars(found).items() if getattr(each, "__module__", None) == module]
    return {name for name in own if not name.startswith("_") and callable(getattr(found, name))}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_page_names_all_that_is_public(module):
    if module in ABSENT:
        pytest.skip(f"{NEEDS[module]} is not installed")
    assert PUBLIC[module] == there(module)


def test_the_names_of_the_layers_are_the_same_in_both():
    for name in PUBLIC["cellwright.nn"]:
        assert getattr(cellwright, name) is getattr(cellwright.nn, name)


def imports(code):
    """What a piece of Python takes from the package: (module, name)."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cellwright":
            yield from ((node.module, each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, None) for each in node.names if each.name.split(".")[0] == "cellwright")
        elif isinstance(node, ast.Attribute) and ast.unparse(node).startswith("cellwright."):
            module, _, name = ast.unparse(node).rpartition(".")
            if module in PUBLIC and f"{module}.{name}" not in PUBLIC:
                yield module, name


def without_prompts(block):
    """The code of a block that may be a session."""
    if ">>>" not in block:
        return block
    lines = (line for line in block.splitlines() if re.match(r"(>>>|\.\.\.)", line))
    return "\n".join(line[4:] for line in lines)


def pieces():
    """Every piece of Python that a reader would copy, and where it is."""
    for path in sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")]):
        for block in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            yield path, without_prompts(block)
    for path in sorted(ROOT.glob("examples/*.py")):
        yield path, path.read_text("utf-8")
    for path in sorted(ROOT.glob("examples/*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield path, "".join(cell["source"])


def test_what_readers_copy_uses_public_names_only():
    used = {(str(path.relative_to(ROOT)), *found) for path, code in pieces() for found in imports(code)}
    assert len(used) > 30
    inside = {
        (path, module, name)
        for path, module, name in used
        if not (module in PUBLIC and (name is None or name in PUBLIC[module] or f"{module}.{name}" in PUBLIC))
    }
    assert inside == set()


REFERS = re.compile("args and errors are those of", re.IGNORECASE)
"""What torch.nn's layers say in place of a list: their arguments are another's."""


def documented():
    """The public functions, and the classes that are made by a call of the user's."""
    for module in PUBLIC.keys() - ABSENT - {"cellwright.nn", "cellwright.cells.language"}:
        for name in PUBLIC[module]:
            each = getattr(importlib.import_module(module), name)
            made = inspect.isclass(each) and inspect.isfunction(vars(each).get("__init__"))
            if (made or inspect.isfunction(each)) and not hasattr(each, "__dataclass_fields__"):
                yield f"{module}.{name}", each


@pytest.mark.parametrize(("name", "each"), sorted(documented()))
def test_its_docstring_is_in_the_sites_format_and_names_every_argument(name, each):
    text = inspect.getdoc(each) or ""
    if REFERS.search(text):
        return
    section = re.search(r"^Args:\n((?:    .*\n?)*)", text, re.MULTILINE)
    found = re.findall(r"^    (\w+): ", section[1], re.MULTILINE) if section else []
    assert found == [parameter for parameter in inspect.signature(each).parameters if parameter != "self"]
    assert "Raises " not in text, "errors have a section"


def test_most_of_what_is_public_is_held_to_it():
    assert len(list(documented())) > 20
