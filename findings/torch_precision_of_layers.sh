#!/bin/sh
# torch 2.13.0 (CPU): torch.set_float32_matmul_precision does not reach oneDNN's LSTM, and may not be read after a newer switch.
#
# set_float32_matmul_precision("medium") sets what matrix products and convolutions go by, on the CPU
# torch.backends.mkldnn.matmul.fp32_precision, and leaves torch.backends.mkldnn.rnn.fp32_precision as it was: "none".
# The newer switch over all, torch.backends.fp32_precision, reaches both; after it get_float32_matmul_precision raises.
# Seen, and expected here, non-zero exit otherwise:
#   after set_float32_matmul_precision("medium") : matmul bf16, rnn none
#   after torch.backends.fp32_precision = "bf16" : matmul bf16, rnn bf16
#   get_float32_matmul_precision() then          : RuntimeError
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/older.py" <<'PYTHON'
import torch

torch.set_float32_matmul_precision("medium")
of = torch.backends.mkldnn
print(f'after set_float32_matmul_precision("medium") : matmul {of.matmul.fp32_precision}, rnn {of.rnn.fp32_precision}')
assert (of.matmul.fp32_precision, of.rnn.fp32_precision) == ("bf16", "none")
PYTHON
cat > "$folder/newer.py" <<'PYTHON'
import torch

torch.backends.fp32_precision = "bf16"
of = torch.backends.mkldnn
print(f'after torch.backends.fp32_precision = "bf16" : matmul {of.matmul.fp32_precision}, rnn {of.rnn.fp32_precision}')
assert (of.matmul.fp32_precision, of.rnn.fp32_precision) == ("bf16", "bf16")
try:
    torch.get_float32_matmul_precision()
    raised = "nothing"
except RuntimeError:
    raised = "RuntimeError"
print(f"get_float32_matmul_precision() then          : {raised}")
assert raised == "RuntimeError"
PYTHON
"$folder/venv/bin/python" "$folder/older.py"
"$folder/venv/bin/python" "$folder/newer.py"
