#!/bin/sh
# torchrecurrent 0.2.5: LEMCell drives its output by the memory before the step, not by the one just made.
#
# The paper that its docstring cites (Rusch et al. 2022, "Long expressive memory for sequence modeling", equation 3) has
# y_n made of z_n, the memory of the same step: so one expects a first step from zeros to depend on the weights weight_ch
# that multiply z. Computed is z_{n-1}: with a state of zeros weight_ch changes nothing, and weights trained elsewhere by
# the paper's equation give other outputs.
# Seen, and expected here, non-zero exit otherwise:
#   largest change of h by weight_ch, first step : 0.0
#   h of the equation with the old memory        : differs by less than 1e-6
#   h of the equation with the new memory        : differs by more than 1e-2
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps torchrecurrent==0.2.5
cat > "$folder/lem.py" <<'PYTHON'
import torch
import torchrecurrent

torch.manual_seed(0)
cell, x = torchrecurrent.LEMCell(3, 4), torch.randn(1, 3)
zeros = torch.zeros(1, 4)
with torch.no_grad():
    for parameter in cell.parameters():
        parameter.normal_()
    h, memory = cell(x, (zeros, zeros))
    kept = cell.weight_ch.clone()
    cell.weight_ch.zero_()
    change = (cell(x, (zeros, zeros))[0] - h).abs().max().item()
    cell.weight_ch.copy_(kept)
    b, _, _, candidate = (x @ cell.weight_ih.T + cell.bias_ih).chunk(4, 1)
    share = cell.dt * torch.sigmoid(b + cell.bias_hh[:4])

    def output(of_memory):
        return share * torch.tanh(candidate + of_memory @ cell.weight_ch.T + cell.bias_ch)

    old, new = ((output(each) - h).abs().max().item() for each in (zeros, memory))
print("largest change of h by weight_ch, first step :", change)
print("h of the equation with the old memory        : differs by", "less than 1e-6" if old < 1e-6 else f"{old:.2g}")
print("h of the equation with the new memory        : differs by", "more than 1e-2" if new > 1e-2 else f"{new:.2g}")
assert change == 0.0 and old < 1e-6 and new > 1e-2, "the memory before the step in 0.2.5"
PYTHON
"$folder/venv/bin/python" "$folder/lem.py"
