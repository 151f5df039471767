#!/bin/sh
# Opacus 1.6.0: ModuleValidator finds nothing to mend in torch.nn.RNN, which then cannot be trained.
#
# nn.LSTM and nn.GRU are not supported as they are: validate says so, and fix puts DPLSTM and DPGRU in their places.
# There is a DPRNN as well, so one expects the same of nn.RNN. validate finds no fault in it, fix leaves it as it is,
# make_private takes it, and the first step of training raises. With a DPRNN, put there by hand, it trains.
# Seen, and expected here, non-zero exit otherwise:
#   LSTM : 1 fault, fix makes DPLSTM, then trained
#   GRU  : 1 fault, fix makes DPGRU, then trained
#   RNN  : 0 faults, fix makes RNN, then RuntimeError
#   DPRNN: 0 faults, fix makes DPRNN, then trained
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 opacus==1.6.0
cat > "$folder/private.py" <<'PYTHON'
import warnings

import torch
from opacus import PrivacyEngine
from opacus.layers import DPRNN
from opacus.validators import ModuleValidator

warnings.filterwarnings("ignore")


class Last(torch.nn.Module):
    """A number from a layer's last output."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, torch.nn.Linear(5, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def trained(module: torch.nn.Module) -> str:
    """What comes of one private step of four sequences."""
    data = torch.utils.data.TensorDataset(torch.randn(4, 6, 3), torch.randn(4, 1))
    private, optimizer, batches = PrivacyEngine().make_private(
        module=module,
        optimizer=torch.optim.SGD(module.parameters(), lr=0.1),
        data_loader=torch.utils.data.DataLoader(data, batch_size=4),
        noise_multiplier=1.0,
        max_grad_norm=1.0,
        poisson_sampling=False,
    )
    before = module.layer.weight_hh_l0.detach().clone()
    for x, y in batches:
        try:
            torch.nn.functional.mse_loss(private(x), y).backward()
        except RuntimeError:
            return "RuntimeError"
        optimizer.step()
    return "unchanged" if torch.equal(module.layer.weight_hh_l0, before) else "trained"


EXPECTED = {
    torch.nn.LSTM: "1 fault, fix makes DPLSTM, then trained",
    torch.nn.GRU: "1 fault, fix makes DPGRU, then trained",
    torch.nn.RNN: "0 faults, fix makes RNN, then RuntimeError",
    DPRNN: "0 faults, fix makes DPRNN, then trained",
}
torch.manual_seed(0)
for kind, expected in EXPECTED.items():
    module = Last(kind(3, 5, batch_first=True))
    faults = len(ModuleValidator.validate(module))
    fixed = ModuleValidator.fix(module)
    assert not ModuleValidator.validate(fixed, strict=True), "nothing is found after fix in 1.6.0"
    count = f"{faults} fault" + ("" if faults == 1 else "s")
    found = f"{count}, fix makes {type(fixed.layer).__name__}, then {trained(fixed)}"
    print(f"{kind.__name__:<5}: {found}")
    assert found == expected, f"{expected} in 1.6.0"
PYTHON
"$folder/venv/bin/python" "$folder/private.py"
