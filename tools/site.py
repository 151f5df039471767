"""What MkDocs is told beside mkdocs.yml: pages that stand outside of docs/, links out of it, and equations.

On the site ARCHITECTURE.md, CHANGELOG.md and CONTRIBUTING.md are pages, the drawing of the rooms has one of its own,
links to files that are no pages become their names, and LaTeX becomes MathML, which browsers draw without a script.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import graph  # noqa: E402  # beside this file, which MkDocs loads by its path

OUTSIDE = {"architecture.md": "ARCHITECTURE.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
"""Pages of the site that are files of the repository's top."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MATH = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    for page, source in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    between = graph.arrows()
    rooms = f"# Rooms\n\n{graph.__doc__}\n\n![Every room imports only what is below it](figures/rooms.svg)\n\n"
    files.append(File.generated(config, "rooms.md", content=f"{rooms}{graph.counted(between)}\n"))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Turn links to pages into links within the site, other links out of docs/ into names, and LaTeX into MathML."""
    source = OUTSIDE.get(page.file.src_uri)
    where = posixpath.dirname(source or f"docs/{page.file.src_uri}")
    pages = {file: name for name, file in OUTSIDE.items()} | {f"docs/{f.src_uri}": f.src_uri for f in files}

    def led(match: re.Match[str]) -> str:
        picture, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        if re.match(r"[a-z]+:", target):
            return match[0]
        file = posixpath.normpath(posixpath.join(where, target))
        if file == "docs/cells":
            file = "docs/cells/README.md"
        if file in pages:
            to = posixpath.relpath(pages[file], posixpath.dirname(page.file.src_uri) or ".")
            return f"{picture}[{text}]({to}{anchor})"
        if not (ROOT / file).exists():
            return match[0]  # MkDocs refuses it
        return text if file in text.replace("`", "") or picture else f"{text} (`{file}`)"

    pieces, end = [], 0
    for code in CODE.finditer(markdown):
        pieces += [LINK.sub(led, markdown[end : code.start()]), code[0]]
        end = code.end()
    return MATH.sub(_drawn, "".join([*pieces, LINK.sub(led, markdown[end:])]))


def _drawn(found: re.Match[str]) -> str:
    """Equations as MathML. The converter knows `split`, not `aligned`, and aligns as browsers no longer do."""
    drawn = convert(found[1].replace("{aligned}", "{split}"), display="block")
    return drawn.replace(' columnalign="', ' style="text-align: ')
