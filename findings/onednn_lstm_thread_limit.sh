#!/bin/sh
# torch 2.13.0, CPU: an LSTM is wrong, without a word, where OpenMP gives fewer threads than PyTorch counts on.
#
# OpenMP may give a parallel region fewer threads than were asked for: OMP_THREAD_LIMIT, which clusters set for a job, and
# OMP_DYNAMIC are there for that. torch.nn.LSTM of padded rows in float32 is then wrong by as much as its outputs are large
# wherever gradients are recorded: in training, and also of a frozen layer in eval(), but not within torch.no_grad(). A GRU is
# right. torch.get_num_threads() says nothing of the limit.
# Seen (Linux x86-64; the largest difference of four threads from one, of the largest output), and expected here, non-zero
# exit otherwise:
#   OMP_THREAD_LIMIT   LSTM in no_grad   LSTM in training   frozen LSTM in eval()   GRU in training
#   not set            < 1e-5            < 1e-5             < 1e-5                  < 1e-5
#   2                  < 1e-5            > 0.05             > 0.05                  < 1e-5
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


def off(layer: nn.Module, record: bool) -> float:
    """How far four threads are from one, of the largest output."""
    junk = [torch.full((size,), 7.0) for size in (1 << 14, 1 << 16, 1 << 18, 1 << 20)]  # what freed memory holds
    del junk
    outputs = []
    for threads in (4, 1):
        torch.set_num_threads(threads)
        with torch.set_grad_enabled(record):
            outputs.append(layer(x)[0].detach())
    return float((outputs[1] - outputs[0]).abs().max() / outputs[1].abs().max())


lstm, gru = nn.LSTM(128, 128), nn.GRU(128, 128)
frozen = nn.LSTM(128, 128).requires_grad_(False).eval()
right, wrong = {}, {}
right["LSTM in no_grad"], wrong["LSTM in training"] = off(lstm, False), off(lstm, True)
wrong["frozen LSTM in eval()"], right["GRU in training"] = off(frozen, True), off(gru, True)
limit = os.environ.get("OMP_THREAD_LIMIT")
print(f"OMP_THREAD_LIMIT {limit}:", *(f"{name} {each:.1e}" for name, each in (right | wrong).items()))
assert max(right.values()) < 1e-5, "these were right in torch 2.13.0"
for name, each in wrong.items():
    assert (each > 0.05) == (limit is not None), f"{name}: wrong under a limit, and there alone, in torch 2.13.0"
PYTHON
env -u OMP_THREAD_LIMIT OMP_NUM_THREADS=4 "$folder/venv/bin/python" "$folder/limited.py"
OMP_THREAD_LIMIT=2 OMP_NUM_THREADS=4 "$folder/venv/bin/python" "$folder/limited.py"
