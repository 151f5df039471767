#!/bin/sh
# Lightning 2.6.6: accumulate_grad_batches=N divides each batch by N, in an epoch's last step of fewer batches too.
#
# Of a loss that is a mean over the rows, one expects a step of N batches to be that of one larger batch of all their
# rows, as the guide to gradient accumulation says. It is the sum of the batches' means, each divided by N. So an
# epoch's last step has an N-th of the gradient for each batch that it has, be it one of four, and the rows of a short
# batch weigh more than those of a full one. The last step is known upstream (issue 19987).
# The loss of a row is w times the row, so that the gradient is the mean of the rows of a step.
# Seen, and expected here, non-zero exit otherwise:
#   5 batches of ones, N = 1                : gradients 1.0 1.0 1.0 1.0 1.0
#   5 batches of ones, N = 4                : gradients 1.0 0.25
#   3 rows of 1 and then 1 row of 5, N = 2  : gradient 3.0, the mean of the rows being 2.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 lightning==2.6.6
cat > "$folder/steps.py" <<'PYTHON'
import logging
import warnings

import torch
from lightning.pytorch import LightningModule, Trainer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Mean(LightningModule):
    """The mean of w times the rows; keeps the gradient of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.steps = torch.nn.Parameter(torch.zeros(())), []

    def training_step(self, batch, index):
        return (self.w * batch).mean()

    def on_before_optimizer_step(self, optimizer):
        self.steps.append(self.w.grad.item())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def gradients(batches: list[list[float]], together: int) -> list[float]:
    module = Mean()
    trainer = Trainer(max_epochs=1, accumulate_grad_batches=together, accelerator="cpu", **QUIET)
    trainer.fit(module, torch.utils.data.DataLoader([torch.tensor(each) for each in batches], batch_size=None))
    return module.steps


ones = [[1.0, 1.0]] * 5
alone, four = gradients(ones, 1), gradients(ones, 4)
print("5 batches of ones, N = 1                : gradients", *alone)
print("5 batches of ones, N = 4                : gradients", *four)
unequal = [[1.0, 1.0, 1.0], [5.0]]
rows = sum(unequal, [])
(both,) = gradients(unequal, 2)
print(f"3 rows of 1 and then 1 row of 5, N = 2  : gradient {both}, the mean of the rows being {sum(rows) / len(rows)}")
assert alone == [1.0] * 5 and four == [1.0, 0.25] and both == 3.0, "each batch's mean divided by N in 2.6.6"
PYTHON
"$folder/venv/bin/python" "$folder/steps.py"
