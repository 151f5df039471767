"""A recipe with torch.nn's layers in place of cellwright's kernels: the same data, model, seed and steps.

python benchmarks/recipe_on_torch.py pos-zh runs/pos-torch 0        # what follows the recipe's name goes to it

Layers given lengths are computed as torch.nn's documentation has ragged batches computed: pack, run, pad.
`benchmarks/recipes.py` puts the run beside cellwright's own: RECIPE@torch.nn=FOLDER.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from recipes import scripts

# Stands in for `cellwright` on the recipe's path.
PROGRAM = f"""#!{sys.executable}
import sys

from cellwright.cli import main
from cellwright.backends.dispatch import use_backend

with use_backend("torch"):
    sys.exit(main())
"""


def main() -> None:
    """Run the recipe; its exit status is this program's."""
    recipes = scripts()
    if len(sys.argv) < 2 or sys.argv[1] not in recipes:
        sys.exit(f"recipe_on_torch.py: expected one of {', '.join(recipes)}")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "cellwright")
        program.write_text(PROGRAM)
        program.chmod(0o755)
        path = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
        command = ["sh", recipes[sys.argv[1]], *sys.argv[2:]]
        sys.exit(subprocess.run(command, env=os.environ | path, check=False).returncode)


if __name__ == "__main__":
    main()
