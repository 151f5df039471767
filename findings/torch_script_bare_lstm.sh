#!/bin/sh
# torch 2.13.0: torch.jit.script of a bare nn.LSTM or nn.GRU gives a module that cannot be called.
#
# Scripting raises nothing; the call raises AttributeError, for the scripted module has no forward. The same layer within a
# module of one's own scripts, runs, and gives what it gives without scripting.
# Seen, and expected here, non-zero exit otherwise:
#   LSTM alone           : AttributeError 'RecursiveScriptModule' object has no attribute 'forward'
#   LSTM within a module : runs, and equals the layer
#   GRU alone            : AttributeError 'RecursiveScriptModule' object has no attribute 'forward'
#   GRU within a module  : runs, and equals the layer
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$folder/bare.py" <<'PYTHON'
import warnings

import torch

warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.script


class Within(torch.nn.Module):
    def __init__(self, layer: torch.nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


torch.manual_seed(0)
x = torch.randn(5, 2, 8)
for layer in (torch.nn.LSTM(8, 16), torch.nn.GRU(8, 16)):
    name = type(layer).__name__
    scripted = torch.jit.script(layer)
    try:
        scripted(x)
        seen = "runs"
    except AttributeError as error:
        seen = f"AttributeError {error}"
    print(f"{name} alone".ljust(20), ":", seen)
    assert seen == "AttributeError 'RecursiveScriptModule' object has no attribute 'forward'"
    torch.testing.assert_close(torch.jit.script(Within(layer))(x), layer(x)[0])
    print(f"{name} within a module".ljust(20), ": runs, and equals the layer")
PYTHON
"$folder/venv/bin/python" "$folder/bare.py"
