"""What the processes of a search do that a test starts, and can kill."""

import os
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cellwright.tuning.searching import search
from cellwright.tuning.study import Locks


def run(data: Path, out: Path, options: dict[str, Any], trials: int, said: Path | None = None) -> None:
    """Search; `said`: a file for what the search says."""
    with open(said or os.devnull, "w") as file:
        search(data, out, options=options, trials=trials, say=partial(print, file=file))


def hold(path: Path, number: int, told: Connection) -> None:
    """Take a lock, tell whether it could be had, and keep it for longer than a test takes."""
    locks = Locks(path)
    told.send(locks.taken(number))
    time.sleep(60)
