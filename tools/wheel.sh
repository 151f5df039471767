#!/bin/sh
# Build the wheel and the source archive, install the wheel alone in an empty environment, and use it there.
#
#     sh tools/wheel.sh            # into dist/
set -eu
cd "$(dirname "$0")/.."
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python=${PYTHON:-python3}

"$python" -m venv "$room/build"
"$room/build/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt build
rm -rf dist
"$room/build/bin/python" -m build --outdir dist . >"$room/log" 2>&1 || { cat "$room/log"; exit 1; }
ls dist

# No option -e, no path to the source: what the wheel lacks is missing here.
"$python" -m venv "$room/empty"
"$room/empty/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
cd "$room"
empty/bin/python - <<'SMOKE'
import torch
import cellwright

theirs, layer = torch.nn.LSTM(5, 7), cellwright.LSTM(5, 7)
layer.load_state_dict(theirs.state_dict())
x = torch.randn(4, 3, 5)
with cellwright.use_backend("compiled"):
    found = layer(x)[0]
assert (found - theirs(x)[0]).abs().max() < 1e-6, "the kernels' numbers are not torch.nn's"
print(f"cellwright {cellwright.__version__}: the wheel's kernels give torch.nn's numbers, on torch {torch.__version__}")
SMOKE
