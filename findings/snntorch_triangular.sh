#!/bin/sh
# snnTorch 1.0.0: the gradient of surrogate.triangular is no triangle, and is negative from 0 on.
#
# By its name one expects a triangle around the threshold, as surrogate.atan beside it has a hill there. Computed is the
# constant +threshold below 0 and -threshold from 0 on, however far from it, as the equation in its docstring says too: what
# would raise the potential of a unit that spikes counts as making it spike less.
# Seen, and expected here, non-zero exit otherwise:
#   v                            : -2.0 -0.1 0.0 0.1 2.0
#   triangular(threshold=1) at v : 1.0 1.0 -1.0 -1.0 -1.0
#   triangular(threshold=3) at v : 3.0 3.0 -3.0 -3.0 -3.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps snntorch==1.0.0
cat > "$folder/triangle.py" <<'PYTHON'
import torch
from snntorch import surrogate

POTENTIALS = [-2.0, -0.1, 0.0, 0.1, 2.0]


def gradient(spike) -> list[float]:
    v = torch.tensor(POTENTIALS, requires_grad=True)
    return torch.autograd.grad(spike(v).sum(), v)[0].tolist()


print("v                            :", *POTENTIALS)
for threshold in (1, 3):
    found = gradient(surrogate.triangular(threshold=threshold))
    print(f"triangular(threshold={threshold}) at v :", *found)
    assert found == [threshold, threshold, -threshold, -threshold, -threshold], "constants of both signs in 1.0.0"
far_below, below, at, above, far_above = gradient(surrogate.atan())
assert 0 < far_below < below < at > above > far_above > 0, "surrogate.atan had its hill at 0 in 1.0.0"
PYTHON
"$folder/venv/bin/python" "$folder/triangle.py"
