#!/bin/sh
# Lightning 2.6.6: CSVLogger deletes the rows of the run that it goes on with, before it has any of its own.
#
# Training goes on from a checkpoint by fit(ckpt_path=...), and a logger of a fixed version writes into the same folder
# again: so one expects the new rows behind the old ones. The old metrics.csv is deleted as soon as anything is logged,
# be it options without a number, so that a run that stops there leaves none at all; the warning given says that it goes
# when new rows are saved. That it goes is meant (Lightning's pull request 19446).
# Seen, and expected here, non-zero exit otherwise:
#   after epoch 0                          : epochs 0
#   logger made again                      : epochs 0
#   only options logged                    : no file
#   gone on from the checkpoint to epoch 1 : epochs 1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 lightning==2.6.6
cat > "$folder/resumed.py" <<'PYTHON'
import csv
import logging
import sys
import warnings
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger

folder = Path(sys.argv[1])
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
QUIET = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class One(LightningModule):
    """A model of one weight, which logs a number an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(()))

    def training_step(self, batch, index):
        loss = (self.w * batch).mean()
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def logger(version: str) -> CSVLogger:
    return CSVLogger(folder, name="runs", version=version)


def train(version: str, epochs: int, checkpoint: Path | None = None) -> Trainer:
    trainer = Trainer(max_epochs=epochs, logger=logger(version), accelerator="cpu", **QUIET)
    trainer.fit(One(), torch.utils.data.DataLoader(torch.ones(4)), ckpt_path=checkpoint)
    return trainer


def logged(version: str) -> str:
    """The epochs in metrics.csv."""
    file = folder / "runs" / version / "metrics.csv"
    if not file.exists():
        return "no file"
    with file.open(newline="") as rows:
        return "epochs " + " ".join(row["epoch"] for row in csv.DictReader(rows))


def check(title: str, version: str, expected: str) -> None:
    print(f"{title:<38} : {logged(version)}")
    assert logged(version) == expected, f"{expected} in 2.6.6"


train("first", 1)
check("after epoch 0", "first", "epochs 0")
again = logger("first")
check("logger made again", "first", "epochs 0")
again.log_hyperparams({"lr": 0.1})
again.save()
check("only options logged", "first", "no file")
train("second", 1).save_checkpoint(folder / "second.ckpt")
train("second", 2, folder / "second.ckpt")
check("gone on from the checkpoint to epoch 1", "second", "epochs 1")
PYTHON
"$folder/venv/bin/python" "$folder/resumed.py" "$folder"
