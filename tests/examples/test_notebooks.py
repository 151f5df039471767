"""Each notebook runs from top to bottom and prints what it shows; without Jupyter: it is JSON, cells of Python."""

import ast
import contextlib
import io
import json
import linecache
from pathlib import Path

import pytest

NOTEBOOKS = sorted(Path(__file__).parents[2].glob("examples/*.ipynb"))


def test_there_is_one_for_each_way_in():
    assert [path.stem for path in NOTEBOOKS] == ["drop_in_layer", "file_to_model", "own_cell", "scikit_learn"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_prints_what_it_shows(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    book = json.loads(path.read_text("utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cell for cell in book["cells"] if cell["cell_type"] == "code"):
        source, file = "".join(cell["source"]), f"<{path.stem}, cell {number + 1}>"
        # Jupyter shows a last expression; here every output is printed, so that there is one way to compare.
        assert not isinstance(ast.parse(source).body[-1], ast.Expr) or "print(" in source.splitlines()[-1]
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # as Jupyter does
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, file, "exec"), names)
        assert printed.getvalue() == "".join(line for output in cell["outputs"] for line in output["text"])
        assert cell["execution_count"] == number + 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path):
    text = "".join(line for cell in json.loads(path.read_text("utf-8"))["cells"] for line in cell["source"])
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert links
    assert all((path.parent / link).exists() for link in links)
