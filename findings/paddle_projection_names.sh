#!/bin/sh
# paddlepaddle 3.3.1 (CPU): with proj_size, names of paddle.nn.LSTM's parameters stand for other parameters.
#
# Its state_dict names each parameter twice: by its cell, 0.cell.weight_ih, and in torch's manner, weight_ih_l0. The latter are
# given out by fours in the order of the parameters, of which there are five a direction with a projection, so that from the
# second layer on they are shifted. Without a projection the two agree.
# Seen, of LSTM(3, 4, num_layers=2), and expected here, non-zero exit otherwise:
#   proj_size 0 : each name of torch's manner is its cell's
#   proj_size 2 : weight_ih_l1 is 0.cell.weight_ho, of shape (4, 2)
#   proj_size 2 : weight_hh_l1 is 1.cell.weight_ih, of shape (16, 2)
#   proj_size 2 : bias_ih_l1 is 1.cell.weight_hh, of shape (16, 2)
#   proj_size 2 : bias_hh_l1 is 1.cell.bias_ih, of shape (16,)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check paddlepaddle==3.3.1 numpy==2.4.6
cat > "$folder/names.py" <<'PYTHON'
import paddle

SHIFTED = {
    "weight_ih_l1": "0.cell.weight_ho",
    "weight_hh_l1": "1.cell.weight_ih",
    "bias_ih_l1": "1.cell.weight_hh",
    "bias_hh_l1": "1.cell.bias_ih",
}


def others(**options) -> dict[str, str]:
    """The names in torch's manner that stand for another parameter than their cell's, and for which."""
    state = paddle.nn.LSTM(3, 4, num_layers=2, **options).state_dict()
    by_cell = {id(parameter): name for name, parameter in state.items() if ".cell." in name}
    found = {}
    for name, parameter in state.items():
        kind, _, layer = name.rpartition("_l")
        if ".cell." not in name and by_cell[id(parameter)] != f"{layer}.cell.{kind}":
            found[name] = by_cell[id(parameter)]
            print(f"proj_size 2 : {name} is {found[name]}, of shape {tuple(parameter.shape)}")
    return found


assert others() == {}, "without a projection all names were right in paddlepaddle 3.3.1"
print("proj_size 0 : each name of torch's manner is its cell's")
assert others(proj_size=2) == SHIFTED, "these four were shifted in paddlepaddle 3.3.1"
PYTHON
"$folder/venv/bin/python" -W ignore::UserWarning "$folder/names.py"
