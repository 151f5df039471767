"""The files of the live page: the report's own drawing code, and what makes it live. None comes from a network."""

from __future__ import annotations

from importlib.resources import files

from cellwright.inspect.report import DRAWING, page_file

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
JAVASCRIPT, STYLE = "text/javascript", "text/css"


def pages() -> dict[str, tuple[str, str]]:
    """Of each path what it holds, and its media type."""
    scripts = {name: page_file(name) for name in DRAWING} | {"live.js": _own("live.js")}
    styles = {"look.css": page_file("look.css"), "live.css": _own("live.css")}
    made = _own("live.html")
    for name, part in (
        ("styles", "\n".join(f'<link rel="stylesheet" href="page/{each}">' for each in styles)),
        ("scripts", "\n".join(f'<script src="page/{each}" defer></script>' for each in scripts)),
        ("view", page_file("view.html")),
        ("notes", page_file("notes.html")),
    ):
        made = made.replace("{{" + name + "}}", part)
    return (
        {"/": (made, "text/html")}
        | {f"/page/{name}": (text, STYLE) for name, text in styles.items()}
        | {f"/page/{name}": (text, JAVASCRIPT) for name, text in scripts.items()}
    )


def _own(name: str) -> str:
    return (files("cellwright.serve") / "page" / name).read_text("utf-8")
