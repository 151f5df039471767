#!/bin/sh
# torch 2.13.0 and numpy 2.4.6: to the power of the number 0.5 is a square root, of an array of 0.5 it is C's pow.
#
# Neither documentation says so, and one expects an exponent to mean the same whether it is a number or an array that holds it.
# They differ where the base is negative zero or negative infinity: C's pow gives 0 and infinity, a square root -0 and nan. So a
# program that makes a constant a tensor, or folds a tensor into a constant, has other results there.
# Seen, and expected here, non-zero exit otherwise, of the bases -inf and -0.0:
#   torch.pow(x, 0.5)   nan -0.0     torch.pow(x, tensor of 0.5)   inf 0.0
#   numpy.power(x, 0.5) nan -0.0     numpy.power(x, array of 0.5)  inf 0.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$folder/halves.py" <<'PYTHON'
import numpy as np
import torch

BASES = [-float("inf"), -0.0]
x, halves = torch.tensor(BASES), torch.full((2,), 0.5)
with np.errstate(invalid="ignore"):
    found = {
        "torch.pow(x, 0.5)": torch.pow(x, 0.5).tolist(),
        "torch.pow(x, tensor of 0.5)": torch.pow(x, halves).tolist(),
        "numpy.power(x, 0.5)": np.power(x.numpy(), 0.5).tolist(),
        "numpy.power(x, array of 0.5)": np.power(x.numpy(), halves.numpy()).tolist(),
    }
for name, values in found.items():
    print(f"{name:30}", *values)
    expected = ["inf", "0.0"] if " of " in name else ["nan", "-0.0"]
    assert [str(value) for value in values] == expected, f"{name} was {expected} in torch 2.13.0 and numpy 2.4.6"
PYTHON
"$folder/venv/bin/python" "$folder/halves.py"
