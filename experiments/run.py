"""Measure the notes' claims, and write docs/claims.md.

python experiments/run.py                 all of them, then the page
python experiments/run.py relu padding    these anew, then the page
python experiments/run.py --page          the page and the plots alone, from docs/claims/*.json
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

from claim import FOLDER, Claim, Table, plot, run

NAMES = [
    "long_dependencies",
    "gradients",
    "bilstm",
    "gru",
    "depth",
    "relu",
    "relu_gates",
    "three_ways",
    "modes",
    "padding",
]
HEAD = """# The notes' claims, measured

What five Chinese notes on the LSTM say, and what comes out when it is measured with cellwright on one thread of a
CPU. Small models, three seeds: enough to see which way a thing goes, not to settle it. A claim **holds** where each
part of it that was measured does, and **holds partly** where only some do. Written by `python experiments/run.py`; the
figures are in [claims/](claims).
"""


def load(name: str) -> Claim:
    """The claim of experiments/NAME.py."""
    claim: Claim = importlib.import_module(name).CLAIM
    return claim


def page(claims: list[Claim], folder: Path) -> str:
    """docs/claims.md, of all results in the folder."""
    kept = {c.name: json.loads(p.read_text()) for c in claims if (p := folder / f"{c.name}.json").exists()}
    summary = [[f"[{c.title}](#{_anchor(c.title)})", _word(c, kept)] for c in claims]
    sections = [_section(c, kept[c.name]) if c.name in kept else _missing(c) for c in claims]
    return "\n".join([HEAD, markdown(Table(["claim", "verdict"], summary)), *sections])


def markdown(table: Table) -> str:
    """A table in Markdown."""
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _word(claim: Claim, kept: dict) -> str:  # type: ignore[type-arg]
    if claim.name not in kept:
        return "not measured yet"
    return claim.judge(kept[claim.name]["results"]).word


def _section(claim: Claim, kept: dict) -> str:  # type: ignore[type-arg]
    found, cost = claim.judge(kept["results"]), kept["cost"]
    return f"""{_opening(claim)}
**{found.word[0].upper()}{found.word[1:]}.** {found.by}

{markdown(claim.table(kept["results"]))}
![{claim.title}](claims/{claim.name}.svg)

How: {claim.how}

`python experiments/run.py {claim.name}` · {cost["processor_seconds"]} s of one processor · {kept["machine"]}
"""


def _missing(claim: Claim) -> str:
    return f"{_opening(claim)}\n**Not measured yet:** `python experiments/run.py {claim.name}`\n"


def _opening(claim: Claim) -> str:
    return f"## {claim.title}\n\n" + "".join(f"> {english}\n> {chinese}\n>\n" for english, chinese in claim.notes)


def _anchor(title: str) -> str:
    """GitHub's: lower case, letters and digits kept, spaces to hyphens."""
    return "".join("-" if c == " " else c for c in title.lower() if c.isalnum() or c in " -_")


def main() -> None:
    """Measure what is named, or all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    parser.add_argument("--quick", action="store_true", help="seconds, to see that all runs; figures mean nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the results; the page is written beside it")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"no claim {', '.join(sorted(unknown))}; expected some of {', '.join(NAMES)}")
    claims = [load(name) for name in NAMES]
    for claim in claims:
        if not given.page and (not given.names or claim.name in given.names):
            print(f"{claim.name} …", flush=True)
            run(claim, given.quick, given.folder)
        elif given.page and (kept := given.folder / f"{claim.name}.json").exists():
            plot(claim, json.loads(kept.read_text())["results"], given.folder)
    (given.folder.parent / "claims.md").write_text(page(claims, given.folder), encoding="utf-8")


if __name__ == "__main__":
    main()
