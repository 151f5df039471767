"""The version stands in two files, since a citation file cannot read the other."""

import re
from pathlib import Path

import cellwright

CITATION = Path(__file__).parents[2] / "CITATION.cff"


def test_the_citation_names_the_version():
    assert re.findall(r"^version: (.+)$", CITATION.read_text(), re.MULTILINE) == [cellwright.__version__]
