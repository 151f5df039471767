"""The equations of any cell, from its definition, as lines of Unicode and as LaTeX; its parameters and operations.

print("\\n".join(equations(lstm)))         i_t = σ(x_i + u_i) …
print("\\n".join(expanded(lstm)))          i_t = σ(W_i x_t + U_i h_{t−1} + b_i) …
print(latex(lstm))                        the latter, for a document
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cellwright.cells.definition import PER_STEP, Definition
from cellwright.cells.expression import OPERATIONS, Expression
from cellwright.cells.operations import LOOSE, POWER, PRODUCT, SUM, WHOLE, Operation, read
from cellwright.cells.printer import PLAIN, Notation, write, write_below
from cellwright.cells.trace import ordered, used_inputs

# fmt: off
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}
# fmt: on
# Words whose letter in print is another than the word.
_PRINTED = {"peephole": "p", "keep": "k"} | _GREEK
_IN_LATEX = {letter: rf"\{word}" for word, letter in _GREEK.items()}
_BEFORE = "t−1"


def equations(cell: Definition) -> list[str]:
    """One line a letter of the step, in its order, then the new states that have none; in terms of x and u."""
    return _lines(cell, _short(cell, Unicode()), Unicode())


def expanded(cell: Definition) -> list[str]:
    """The same, with the matrix products written out."""
    return _lines(cell, _expanded(cell, Unicode()), Unicode())


def where(cell: Definition) -> str:
    """What x and u stand for in `equations`; nothing of a cell that multiplies neither."""
    bias, other_bias = (" + b", " + b'") if cell.bias else ("", "")
    parts = [f"x = W x_t{bias}"] if cell.multiplies_input else []
    if cell.multiplies_state:
        if cell.multiplies_before:
            parts.append(f"u = U {Unicode().symbol(cell.recurrent_state, _BEFORE)}{other_bias}")
        if cell.trace.products:
            parts.append(f"u(a) = U a{other_bias}")
    return f"where {', '.join(parts)}." if parts else ""


def written(cell: Definition, value: Expression, called: Mapping[int, str] | None = None) -> str:
    """One value of the step as `equations` writes it, letters within it; `called` (by id) names further values."""
    named = _letters(cell, Unicode())[1] | dict(called or {})
    return (write if value.op == "number" else write_below)(value, _short(cell, Unicode()), named)


def letters(cell: Definition) -> dict[int, str]:
    """The values that have a letter, by id, each with that letter as `equations` prints it: i_t. No numbers."""
    numbers = {id(e) for e in cell.trace.constants.values()}
    return {key: letter for key, letter in _letters(cell, Unicode())[1].items() if key not in numbers}


def latex(cell: Definition) -> str:
    """`expanded` as an aligned environment of LaTeX's amsmath."""
    lines = (line.replace(" = ", " &= ", 1) for line in _lines(cell, _expanded(cell, Latex()), Latex()))
    return "\\begin{aligned}\n" + " \\\\\n".join(f"  {line}" for line in lines) + "\n\\end{aligned}"


def parameters(cell: Definition, inputs: int, hidden: int) -> int:
    """How many numbers one layer of one direction learns."""
    own = sum(hidden if cell.per_unit(name) else len(cell.projections) * hidden for name in cell.parameters)
    matrices, biases = _sizes(cell, inputs, hidden)
    return matrices + biases + own


def operations(cell: Definition, inputs: int, hidden: int) -> int:
    """Floating-point operations of one step of one sequence: 2 a weight, 1 a bias, 1 an operation of the step and unit.

    An exponential counts as one, and so does a mean over the units for each of them; what only gradients need is none.
    """
    matrices, biases = _sizes(cell, inputs, hidden)
    return 2 * matrices + biases + sum(1 if e.per_row and not _reduces(e) else hidden for e in _computed(cell))


def _sizes(cell: Definition, inputs: int, hidden: int) -> tuple[int, int]:
    """The numbers of W and U, and of their biases."""
    rows = len(cell.projections) * hidden
    columns = [inputs] * cell.multiplies_input + [hidden] * cell.multiplies_state
    return rows * sum(columns), rows * len(columns) if cell.bias else 0


# --- symbols -------------------------------------------------------------------------------------------
class Unicode:
    """Symbols as text: γ_{x,i}, c_{t−1}."""

    operations: Mapping[str, Operation] = OPERATIONS

    def symbol(self, base: str, *below: str) -> str:
        """A letter with what stands below it."""
        joined = ",".join(below)
        return base + (f"_{joined}" if len(joined) == 1 else f"_{{{joined}}}" if joined else "")

    def number(self, value: float) -> str:
        """A number of the step."""
        return PLAIN.number(value)

    def function(self, name: str, of: list[str]) -> str:
        """A named function."""
        return PLAIN.function(name, of)


class Latex(Unicode):
    """Symbols as LaTeX: \\gamma_{x,i}, c_{t-1}."""

    operations = OPERATIONS | {
        "subtract": replace(OPERATIONS["subtract"], written="{} - {}"),
        "multiply": replace(OPERATIONS["multiply"], written=r"{} \odot {}"),
        "divide": replace(OPERATIONS["divide"], written=r"\frac{{{}}}{{{}}}", binds=POWER, asks=()),
        "power": replace(OPERATIONS["power"], written="{}^{{{}}}", asks=(WHOLE, LOOSE)),
        "negate": replace(OPERATIONS["negate"], written="-{}"),
        "minimum": replace(OPERATIONS["minimum"], written=r"\min({}, {})"),
        "maximum": replace(OPERATIONS["maximum"], written=r"\max({}, {})"),
        "sigmoid": replace(OPERATIONS["sigmoid"], written=r"\sigma({})"),
        "tanh": replace(OPERATIONS["tanh"], written=r"\tanh({})"),
        "relu": replace(OPERATIONS["relu"], written=r"\operatorname{{relu}}({})"),
        "exp": replace(OPERATIONS["exp"], written=r"\exp({})"),
        "log": replace(OPERATIONS["log"], written=r"\log({})"),
        "log1p": replace(OPERATIONS["log1p"], written=r"\log(1 + {})", asks=(SUM,)),
        "sqrt": replace(OPERATIONS["sqrt"], written=r"\sqrt{{{}}}"),
        "sin": replace(OPERATIONS["sin"], written=r"\sin({})"),
        "cos": replace(OPERATIONS["cos"], written=r"\cos({})"),
        "atan": replace(OPERATIONS["atan"], written=r"\arctan({})"),
        "absolute": replace(OPERATIONS["absolute"], written=r"\left| {} \right|"),
        "floor": replace(OPERATIONS["floor"], written=r"\lfloor {} \rfloor"),
        "select": replace(
            OPERATIONS["select"],
            written=r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{else}} \end{{cases}}",
            binds=WHOLE,
            asks=(LOOSE, LOOSE, LOOSE),
        ),
        "mean": replace(OPERATIONS["mean"], written=r"\operatorname{{mean}}({})"),
        "sum": replace(OPERATIONS["sum"], written=r"\operatorname{{total}}({})"),
        "amax": replace(OPERATIONS["amax"], written=r"\operatorname{{amax}}({})"),
        "straight_through": replace(
            OPERATIONS["straight_through"], written=r"\operatorname{{straight\_through}}({}, {})"
        ),
    }

    def symbol(self, base: str, *below: str) -> str:
        """A letter with what stands below it."""
        return self._upright(base) + (f"_{{{','.join(self._upright(b) for b in below)}}}" if below else "")

    def number(self, value: float) -> str:
        """A number of the step: 1, -0.5, 10^{-5}."""
        mantissa, _, exponent = PLAIN.number(value).replace("−", "-").partition("e")
        power = f"10^{{{int(exponent)}}}" if exponent else ""
        return power if power and mantissa == "1" else rf"{mantissa} \cdot {power}" if power else mantissa

    def function(self, name: str, of: list[str]) -> str:
        """A named function."""
        operator = r"\log \sigma" if name == "log_sigmoid" else rf"\operatorname{{{name}}}"
        return operator + PLAIN.function("", of).replace(" | ", r" \mid ")

    def _upright(self, text: str) -> str:
        if text == _BEFORE:
            return "t-1"
        if len(text) == 1:
            return _IN_LATEX.get(text, text)
        return rf"\mathrm{{{text}}}" if text.isalpha() else text


# --- notations -----------------------------------------------------------------------------------------
def _short(cell: Definition, style: Unicode) -> Notation:
    """x.i as x_i."""

    def leaf(name: str) -> tuple[str, int]:
        root, *path = name.split(".")
        if root in ("x", "u") and name not in cell.streams:
            return style.symbol(root, *path), WHOLE
        return _other_leaf(cell, style, root, path), WHOLE

    def product(name: str, of: Callable[[int], str]) -> tuple[str, int]:
        return f"{leaf(name)[0]}({of(LOOSE)})", WHOLE

    x, u = (tuple(leaf(f"{root}.{part}")[0] for part in cell.projections) for root in "xu")
    wholes = {x: "x", u: "u", tuple(map("{} + {}".format, x, u)): "x + u"}
    return Notation(style.operations, leaf, style.number, _function(style, wholes), product)


def _expanded(cell: Definition, style: Unicode) -> Notation:
    """x.i as W_i x_t + b_i, u.i as U_i h_{t−1} + b'_i, u.i(a) as U_i a + b'_i, and their sum with one b_i."""
    operand = {"x": style.symbol("x", "t"), "u": style.symbol(*_base(cell.recurrent_state or "h"), _BEFORE)}
    matrix, vector = {"x": "W", "u": "U"}, {"x": "b", "u": "b'"}

    def times(root: str, part: Sequence[str], value: str) -> str:
        return f"{style.symbol(matrix[root], *part)} {value}"

    def bias(root: str, *part: str) -> str:
        return f" + {style.symbol(vector[root], *part)}" if cell.bias else ""

    def leaf(name: str) -> tuple[str, int]:
        root, *path = name.split(".")
        if root in matrix and name not in cell.streams:
            return one(root, *path), SUM if cell.bias else PRODUCT
        return _other_leaf(cell, style, root, path), WHOLE

    def product(name: str, of: Callable[[int], str]) -> tuple[str, int]:
        part = name[2:]
        return times("u", [part], of(WHOLE)) + bias("u", part), SUM if cell.bias else PRODUCT

    def merged(e: Expression, write: Callable[[Expression, int], str]) -> tuple[str, int] | None:
        made = {o.name: o for o in e.operands if o.op in ("input", "product") and o.name not in cell.streams}
        names = sorted(made)
        if e.op != "add" or [n[:2] for n in names] != ["u.", "x."] or names[0][2:] != names[1][2:]:
            return None
        u = made[names[0]]
        return both([names[0][2:]], operand["u"] if u.op == "input" else write(u.operands[0], WHOLE)), SUM

    def both(part: Sequence[str], multiplied: str) -> str:
        return f"{times('x', part, operand['x'])} + {times('u', part, multiplied)}{bias('x', *part)}"

    def one(root: str, *part: str) -> str:
        return times(root, part, operand[root]) + bias(root, *part)

    wholes = {tuple(one(root, part) for part in cell.projections): one(root) for root in matrix}
    wholes[tuple(both([part], operand["u"]) for part in cell.projections)] = both([], operand["u"])
    return Notation(style.operations, leaf, style.number, _function(style, wholes), product, merged)


def _function(style: Unicode, wholes: Mapping[tuple[str, ...], str]) -> Callable[[str, list[str]], str]:
    """norm(x_i | x_i, x_f, …) as norm(x_i | x), where those are all that x consists of; `wholes` by their parts."""

    def function(name: str, of: list[str]) -> str:
        among = tuple(of[1:])
        return style.function(name, [of[0], wholes[among]] if among and among in wholes else of)

    return function


def _other_leaf(cell: Definition, style: Unicode, root: str, path: list[str]) -> str:
    base, *below = [part for word in path for part in _base(word)]
    if root == "s":
        below.append(_BEFORE)
    if cell.streams.get(f"{root}.{path[0]}") == PER_STEP:
        below.append("t")
    return style.symbol(base, *below)


def _base(name: str) -> list[str]:
    """gamma_x as γ and the x below it."""
    base, *below = name.split("_")
    return [_PRINTED.get(base, base), *below]


# --- lines ---------------------------------------------------------------------------------------------
def _lines(cell: Definition, notation: Notation, style: Unicode) -> list[str]:
    lines, letters = _letters(cell, style)
    return [f"{symbol} = {_right(value, symbol, notation, letters)}" for symbol, value in lines]


def _letters(cell: Definition, style: Unicode) -> tuple[list[tuple[str, Expression]], dict[int, str]]:
    """Each letter of the step, printed, with its value, numbers first; by id the first letter of each such value."""
    used = {id(o) for e in cell.trace.order for o in (e, *(ordered(e.of) if e.op == "number" else ()))}
    named = {name: value for name, value in cell.trace.constants.items() if id(value) in used}
    named |= cell.trace.letters
    named |= {name: value for name, value in cell.trace.results.items() if name not in named}
    lines = [(style.symbol(*_base(name), *_at(cell, value)), value) for name, value in named.items()]
    # A state that is only handed on, r_2 = s.r_1, is no letter for the one it was.
    lettered = {id(e) for e in cell.trace.letters.values()}
    handed = {id(e) for e in cell.trace.results.values() if e.op == "input"} - lettered
    first: dict[int, str] = {}
    for symbol, value in lines:
        if id(value) not in handed:
            first.setdefault(id(value), symbol)
    return lines, first


def _at(cell: Definition, value: Expression) -> list[str]:
    """The t below a letter; what is made of parameters alone is the same at every step, but of those of a step."""
    still = (name.startswith("p.") and cell.streams.get(name) != PER_STEP for name in used_inputs([value]))
    return [] if all(still) else ["t"]


def _right(value: Expression, symbol: str, notation: Notation, letters: Mapping[int, str]) -> str:
    if letters.get(id(value)) == symbol:
        return write_below(value, notation, letters)
    return write(value, notation, letters)


def _computed(cell: Definition) -> list[Expression]:
    """The operations that the new states and the outputs are made of, each once."""
    seen: dict[int, Expression] = {}
    stack: list[Any] = list(cell.trace.results.values())
    while stack:
        e = stack.pop()
        if id(e) not in seen and e.op not in ("input", "number"):
            seen[id(e)] = e
            stack.extend(e.operands if e.op == "product" else read(e.op, e.operands))
    # A product is counted with U; straight_through hands on a value that is there.
    return [e for e in seen.values() if e.op not in ("product", "straight_through")]


def _reduces(e: Expression) -> bool:
    return OPERATIONS[e.op].reduces
