#!/bin/sh
# flax 0.12.8 (linen): a Bidirectional made inside a compact method has another layout of its parameters than one alone.
#
# Alone, the cells lie in forward_rnn and backward_rnn. Made inside a compact method, they belong to the module around, as
# LSTMCell_0 and LSTMCell_1, side by side with what else that module makes; nothing tells the directions but the order.
# The numbers are the same: the one layout's parameters, put into the other's, give the same outputs.
# Seen, and expected here, non-zero exit otherwise:
#   alone            : backward_rnn/cell forward_rnn/cell
#   within a module  : LSTMCell_0 LSTMCell_1
#   outputs          : equal
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check flax==0.12.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cat > "$folder/layouts.py" <<'PYTHON'
import jax
import numpy as np
from flax import linen


def bidirectional() -> linen.Bidirectional:
    return linen.Bidirectional(linen.RNN(linen.LSTMCell(4)), linen.RNN(linen.LSTMCell(4)))


class Around(linen.Module):
    @linen.compact
    def __call__(self, x):
        return bidirectional()(x)


x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
alone, around = bidirectional(), Around()
of_alone = alone.init(jax.random.key(0), x)["params"]
of_around = around.init(jax.random.key(0), x)["params"]
layouts = [f"{name}/{part}" for name, inner in sorted(of_alone.items()) for part in inner], sorted(of_around)
print("alone            :", *layouts[0])
print("within a module  :", *layouts[1])
assert layouts == (["backward_rnn/cell", "forward_rnn/cell"], ["LSTMCell_0", "LSTMCell_1"])
moved = {"LSTMCell_0": of_alone["forward_rnn"]["cell"], "LSTMCell_1": of_alone["backward_rnn"]["cell"]}
one, other = alone.apply({"params": of_alone}, x), around.apply({"params": moved}, x)
np.testing.assert_allclose(one, other, atol=1e-6)
print("outputs          : equal")
PYTHON
"$folder/venv/bin/python" "$folder/layouts.py"
