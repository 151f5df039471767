"""The Python blocks of the pages do what they say: each page is one session, `>>>` lines with their results."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "tour.md",
    "from-torch.md",
    "from-keras.md",
    "extend.md",
    "drop-in.md",
    "ragged.md",
    "long-sequences.md",
    "precision.md",
    "series.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where some write files
    blocks = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    session = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, page, 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed == 0
