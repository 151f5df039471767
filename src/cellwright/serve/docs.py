"""The page of what the server answers, for people: made of its OpenAPI description, without a script or a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page/look.css">
<link rel="stylesheet" href="page/live.css">
</head>
<body>
<main>
<h1 class="kicker">{title}</h1>
<p class="quiet">For programs: <a href="openapi.json">openapi.json</a>. <a href=".">The live page</a>.</p>
{operations}
</main>
</body>
</html>
"""


def docs_page(description: Mapping[str, Any]) -> str:
    """The HTML of an OpenAPI description: of each path what it does, takes, and answers where it cannot."""
    operations = [
        "\n".join(["<section>", *_operation(method.upper(), path, operation), "</section>"])
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return PAGE.format(title=escape(description["info"]["title"]), operations="\n".join(operations))


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method} {escape(path)}</code></h2>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    if "requestBody" not in operation:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for example in schema.get("examples", []):
        shown = escape(json.dumps(example, ensure_ascii=False))
        address = f"http://127.0.0.1:8000{escape(path)}"
        yield f"<pre>curl {address} -H 'content-type: application/json' \\\n  -d '{shown}'</pre>"
    required = schema.get("required", [])
    fields = schema["properties"].items()
    yield from _table(("field", "", "default"), (_field(name, each, name in required) for name, each in fields))
    problems = {status: each["description"] for status, each in operation["responses"].items() if status != "200"}
    yield from _table(("status", ""), problems.items())


def _field(name: str, schema: Mapping[str, Any], required: bool) -> tuple[str, str, str]:
    default = json.dumps(schema["default"]) if "default" in schema else ""
    return name, schema.get("description", ""), "required" if required else default


def _table(columns: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield '<table class="words"><tr>' + "".join(f"<th>{column}</th>" for column in columns) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</table>"
