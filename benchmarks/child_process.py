"""One figure from a process of its own: what is loaded, compiled or allocated there is that figure's alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def ask(script: Path, *arguments: Any, environment: Mapping[str, str] | None = None) -> Any:
    """What `script --child ARGUMENT…` prints last, each argument as JSON; raises CalledProcessError where it fails."""
    command = [sys.executable, str(script), "--child", *(json.dumps(a) for a in arguments)]
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def asked() -> list[Any] | None:
    """In a child, the arguments; None in a script that a user runs."""
    return [json.loads(a) for a in sys.argv[2:]] if sys.argv[1:2] == ["--child"] else None
