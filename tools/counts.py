"""What `make check` counts: functions that are too long or take too much, and types that say nothing.

    python tools/counts.py

A function of more than 40 lines or 6 arguments is named unless its docstring gives the reason: a sentence that begins
with "Long:" or "Many arguments:". Constructors, commands and operators of PyTorch (options, a schema)
count by lines only. The word Any may stand in the compiler at most 60 times.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "cellwright"
LINES, ARGUMENTS, ANY = 40, 6, 60
# Whose arguments are options of a command, of a page or of a layer, one by one.
OPTIONS = ("cli/", "serve/app.py", "serve/schemas.py")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and inner ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller may give: without self, and what a lambda or an inner function binds by a default."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls", "ctx")])


def is_operator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator makes it an operator of PyTorch, or the fake of one."""
    return any("custom_op" in (text := ast.unparse(each)) or "register_fake" in text for each in node.decorator_list)


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the first line of its body that is no docstring to the last."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def complaints(path: Path) -> Iterator[str]:
    """A line for each function of a file that is too long or takes too much."""
    name = str(path.relative_to(SOURCE))
    for node in functions(ast.parse(path.read_text(encoding="utf-8"))):
        says = ast.get_docstring(node) or ""
        where = f"{name}:{node.lineno} {node.name}"
        if lines(node) > LINES and "Long:" not in says:
            yield f"{where} has {lines(node)} lines; at most {LINES}, or say why"
        free = node.name == "__init__" or name.startswith(OPTIONS) or "Many arguments:" in says or is_operator(node)
        if arguments(node) > ARGUMENTS and not free:
            yield f"{where} takes {arguments(node)} arguments; at most {ARGUMENTS}, or say why"


def untyped() -> int:
    """How often the compiler says Any."""
    return sum(len(re.findall(r"\bAny\b", path.read_text())) for path in (SOURCE / "compiler").rglob("*.py"))


def main() -> int:
    """Print the complaints; 1 where there are any."""
    found = [line for path in sorted(SOURCE.rglob("*.py")) for line in complaints(path)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} functions too long or with too many arguments; Any in the compiler {untyped()} times")
    return int(bool(found) or untyped() > ANY)


if __name__ == "__main__":
    sys.exit(main())
