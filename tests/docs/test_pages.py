"""The Python blocks of the pages do what they say: each page is one session, `>>>` lines with their results."""

import doctest
import re
from pathlib import Path

import pytest

import optional_modules
from cellwright.cells import language

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "tour.md",
    "from-torch.md",
    "in-place-of-torch-nn.md",
    "from-keras.md",
    "weights.md",
    "extend.md",
    "language.md",
    "drop-in.md",
    "ragged.md",
    "long-sequences.md",
    "precision.md",
    "series.md",
    "scikit-learn.md",
    "reinforcement-learning.md",
]
NEEDS = {"reinforcement-learning.md": [*optional_modules.NEEDS.values()]}
"""What a page shows beside this library, and tests can do without."""


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page(page, tmp_path, monkeypatch):
    for package in NEEDS.get(page, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)  # where some write files
    blocks = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    session = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, page, 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed == 0


def test_every_word_of_the_language_has_an_example():
    blocks = "\n".join(
        re.findall(r"^```python\n(.*?)^```$", (DOCS / "language.md").read_text(), re.MULTILINE | re.DOTALL)
    )
    words = [name for name, word in vars(language).items() if getattr(word, "__module__", "") == language.__name__]
    assert [word for word in words if word[0] != "_" and f"{word}(" not in blocks] == []
