#!/bin/sh
# torch 2.13.0, CPU: an LSTM trains on wrong numbers, without a word, where OpenMP gives fewer threads than PyTorch counts on.
#
# OpenMP may give a parallel region fewer threads than were asked for: OMP_THREAD_LIMIT, which clusters set for a job, and
# OMP_DYNAMIC are there for that. torch.nn.LSTM's forward pass in training is then wrong by as much as the outputs are
# large, and its gradients too, and no two runs agree. Without gradients it is right, and so is a GRU in training.
# torch.get_num_threads() says nothing of the limit.
# Seen (Linux x86-64; the largest difference to one thread, of the largest output), and expected here, non-zero exit otherwise:
#   OMP_THREAD_LIMIT  threads asked for   LSTM, no gradients   LSTM in training   GRU in training
#   not set           4                   < 1e-5               < 1e-5             < 1e-5
#   2                 4                   < 1e-5               > 0.05             < 1e-5
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/limited.py" <<'PYTHON'
import os

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(50, 4, 128)


def off(layer: nn.Module, train: bool) -> float:
    """How far four threads are from one, of the largest output."""
    outputs = []
    for threads in (1, 4):
        torch.set_num_threads(threads)
        with torch.set_grad_enabled(train):
            outputs.append(layer(x)[0].detach())
    return float((outputs[1] - outputs[0]).abs().max() / outputs[0].abs().max())


lstm, gru = nn.LSTM(128, 128), nn.GRU(128, 128)
found = off(lstm, False), off(lstm, True), off(gru, True)
limit = os.environ.get("OMP_THREAD_LIMIT")
print(f"OMP_THREAD_LIMIT {limit}: LSTM {found[0]:.1e}, in training {found[1]:.1e}, GRU in training {found[2]:.1e}")
assert found[0] < 1e-5 and found[2] < 1e-5, "the others were right in torch 2.13.0"
assert (found[1] > 0.05) == (limit is not None), "the LSTM in training was wrong under a limit, and there alone, in torch 2.13.0"
PYTHON
env -u OMP_THREAD_LIMIT OMP_NUM_THREADS=4 "$folder/venv/bin/python" "$folder/limited.py"
OMP_THREAD_LIMIT=2 OMP_NUM_THREADS=4 "$folder/venv/bin/python" "$folder/limited.py"
