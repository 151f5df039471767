"""`cellwright inspect` of a language model: surprise token by token, and the units that follow something."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

    from cellwright.inspect.language import Reading
    from cellwright.inspect.probes import Probe
    from cellwright.tasks.lm.run import LanguageRun

STRONGEST = 5  # tokens that the terminal names
FULL = 8.0  # bits of surprise that are shown by the full colour


def show_language(run: "LanguageRun", text: str, as_json: bool) -> "Reading":
    """Print what was found, and return the reading for whoever writes its numbers."""
    from cellwright.inspect.language import read_text, units_that_follow

    reading, probes = read_text(run, text), units_that_follow(run)
    if as_json:
        print(json.dumps(_summary(reading, probes), ensure_ascii=False))
    else:
        _print(reading, probes)
    return reading


def _summary(reading: "Reading", probes: "list[Probe]") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "tokens": reading.tokens,
        "bits": [round(float(bits), 4) for bits in reading.bits],
        "units": [asdict(each) for each in probes],
    }


def _print(reading: "Reading", probes: "list[Probe]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(f"{reading.bits.mean():.2f} bits a token", style="bold"))
    console.print(_coloured(reading), soft_wrap=True)
    worst = ", ".join(f"{reading.tokens[t]!r} {reading.bits[t]:.1f}" for t in reading.most_surprising[:STRONGEST])
    console.print(Text(f"most surprising, the redder the more bits: {worst}\n"), soft_wrap=True)
    table = Table("follows", "unit", "correlation", "when chosen", box=box.SIMPLE_HEAD)
    for each in probes:
        table.add_row(each.feature, f"{each.unit} of {each.letter}", f"{each.held_out:+.2f}", f"{each.chosen:+.2f}")
    console.print(table)
    print("Units were chosen on one half of the run's validation text; the correlation is that on the other half.")


def _coloured(reading: "Reading") -> "Text":
    """The text, each token the redder the more surprising."""
    from rich.text import Text

    coloured = Text()
    for token, bits in zip(reading.tokens, reading.bits, strict=True):
        light = round(255 - 150 * min(float(bits) / FULL, 1.0))
        coloured.append(token, style=f"black on rgb(255,{light},{light})")
    return coloured
