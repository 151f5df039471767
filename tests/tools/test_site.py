"""The site's table of contents has every page, once."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def pages(entries):
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from [value] if isinstance(value, str) else pages(value)


def test_every_page_is_in_the_contents():
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    listed = list(pages(settings["nav"]))
    assert len(listed) == len(set(listed))
    # What tools/site.py adds; read rather than imported, for it needs MkDocs.
    added = set(re.findall(r'"([a-z]+\.md)"', (ROOT / "tools" / "site.py").read_text("utf-8")))
    assert added >= {"architecture.md", "rooms.md"}
    assert set(listed) == added | {str(path.relative_to(ROOT / "docs")) for path in ROOT.glob("docs/**/*.md")}


def test_nothing_is_fetched_where_it_is_built_or_read():
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "font: false" in settings
    assert not re.findall(r"https?://", settings)
