"""One line an epoch: kept for the log, the curve and the user, and carried through a resume."""

import csv
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from cellwright.data.wording import counted
from cellwright.files import replace_file
from cellwright.training.best_epoch import KeepBest
from cellwright.training.module import TrainedModule
from cellwright.training.plan import Plan


class History(Callback):
    """Writes `log.csv` anew after each epoch, from rows that the checkpoints carry.

    So a resumed run never keeps a line of an epoch that it does again. The columns:

        epoch         from 1
        step          optimizer steps done
        train_loss    mean over the epoch, dropout on
        validation_…  each of the objective's scores, where there is a validation split
        tokens        read in this epoch, padding not counted
        seconds       since training began, stops not counted
    """

    def __init__(self, path: Path, best: KeepBest, plan: Plan, say: Callable[[str], None]) -> None:
        self.path = path
        self.best = best
        self.plan = plan
        self.say = say
        self.rows: list[dict[str, float]] = []
        self.listeners: list[Callable[[Trainer, Mapping[str, float]], None]] = []
        """Are told each row in the first process, once it is written."""
        self._sums = [0.0, 0.0, 0.0]  # of this epoch and all processes: loss × examples, examples, tokens
        self._seconds = 0.0  # before this process
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        """Wall time of training so far, that before a resume included."""
        return self._seconds + (time.monotonic() - self._started if self._started is not None else 0.0)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add rows, sums, and time."""
        checkpoint["history"] = {
            "rows": self.rows,
            "sums": self._sums,
            "seconds": self.seconds,
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on from there."""
        state = checkpoint["history"]
        self.rows, self._seconds, self._sums = state["rows"], state["seconds"], state["sums"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock; of a resumed run say where it stands."""
        self._started = time.monotonic()
        if trainer.global_step:
            self.say(
                f"going on after {len(self.rows)} of at most {counted(self.plan.epochs, 'epoch')}, "
                f"{counted(trainer.global_step, 'step')} and {self._seconds:.0f} s"
            )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the step."""
        assert isinstance(pl_module, TrainedModule)
        loss, examples, tokens, _ = pl_module.whole
        counts = (loss * examples, examples, tokens)
        self._sums = [total + count for total, count in zip(self._sums, counts, strict=True)]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the epoch's line; validation is done by now."""
        assert isinstance(pl_module, TrainedModule)
        loss, examples, tokens = self._sums
        self._sums = [0.0, 0.0, 0.0]
        row = {"epoch": trainer.current_epoch + 1, "step": trainer.global_step, "train_loss": loss / examples}
        row |= {f"validation_{name}": score for name, score in pl_module.scores.items()}
        self.rows.append(row | {"tokens": int(tokens), "seconds": round(self.seconds, 3)})
        if trainer.is_global_zero:
            replace_file(self.path, self._as_csv().encode())
            self.say(self._sentence(self.rows[-1]))
            for told in self.listeners:
                told(trainer, self.rows[-1])

    def _as_csv(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def _sentence(self, row: dict[str, float]) -> str:
        best = ", the best so far" if self.best.scores and self.best.epoch == row["epoch"] else ""
        scores = "".join(
            f", {name.replace('_', ' ')} {value:.3f}" for name, value in row.items() if name.startswith("validation_")
        )
        return (
            f"epoch {row['epoch']} of at most {self.plan.epochs}: loss {row['train_loss']:.3f}{scores}{best} "
            f"({row['seconds']:.0f} s)"
        )
