#!/bin/sh
# Lightning 2.6.6: with several processes every training batch begins with a broadcast that all of them wait for.
#
# Of DDP one expects that processes wait for each other where gradients are added, once a step, and that this overlaps
# with the backward pass. Lightning asks process 0 before each batch whether it was told to stop (SIGTERM), by a
# broadcast of one number that blocks; no option turns it off. On a slow network, or with small models, that is a
# second wait a batch, which nothing overlaps with.
# Counted are the calls of torch.distributed.broadcast in process 0, of runs that differ by nothing but their batches.
# Seen, and expected here, non-zero exit otherwise:
#   one process,    10 batches more : 0 broadcasts more
#   two processes,  10 batches more : 10 broadcasts more
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 lightning==2.6.6
cat > "$folder/broadcasts.py" <<'PYTHON'
import logging
import os
import warnings

import torch
from lightning.pytorch import LightningModule, Trainer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
PROCESSES = int(os.environ["WORLD_SIZE"])
count = 0
broadcast = torch.distributed.broadcast


def counted(*args, **named):
    global count
    count += 1
    return broadcast(*args, **named)


class Mean(LightningModule):
    """The mean of w times the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch, index):
        return (self.w * batch).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def broadcasts(batches: int) -> int:
    global count
    count = 0
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", devices=PROCESSES, strategy="ddp", use_distributed_sampler=False, **QUIET
    )
    trainer.fit(Mean(), torch.utils.data.DataLoader([torch.ones(2)] * batches, batch_size=None))
    return count


torch.distributed.broadcast = counted
few, many = broadcasts(5), broadcasts(15)
if os.environ["RANK"] == "0":
    words = {1: "one process,  ", 2: "two processes,"}[PROCESSES]
    print(f"{words}  10 batches more : {many - few} broadcasts more", flush=True)
assert many - few == {1: 0, 2: 10}[PROCESSES], "one a batch in 2.6.6"
PYTHON
for processes in 1 2; do
    OMP_NUM_THREADS=1 "$folder/venv/bin/torchrun" --standalone --nproc-per-node "$processes" "$folder/broadcasts.py"
done
