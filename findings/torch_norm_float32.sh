#!/bin/sh
# torch 2.13.0, CPU: norms of float32 tensors lose digits with their size, where sums of them do not.
#
# Tensor.sum adds pairwise, so that the root of a sum of ten million squares is right to 1e-6. torch.linalg.vector_norm of the
# same numbers is off by 1e-4 and more, of ten million equal numbers by more than 1e-3, and with it what measures by it:
# torch.nn.utils.get_total_norm and clip_grad_norm_, by which gradients are clipped.
# Seen (Linux x86-64, one thread; relative to float64), and expected here within the bounds, non-zero exit otherwise:
#   10,000,000 drawn numbers     root of the sum of squares < 1e-6   vector_norm > 5e-5   get_total_norm > 5e-5
#   10,000,000 equal numbers     root of the sum of squares < 1e-6   vector_norm > 1e-3   get_total_norm > 1e-3
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/norms.py" <<'PYTHON'
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
COUNT = 10_000_000


def off(found: torch.Tensor, numbers: torch.Tensor) -> float:
    exact = numbers.double().square().sum().sqrt()
    return float((found.double() - exact).abs() / exact)


for name, numbers, least in (
    ("drawn", torch.rand(COUNT), 5e-5),
    ("equal", torch.full((COUNT,), 0.1), 1e-3),
):
    by_sum = off(numbers.square().sum().sqrt(), numbers)
    norm = off(torch.linalg.vector_norm(numbers), numbers)
    total = off(torch.nn.utils.get_total_norm([numbers]), numbers)
    print(f"{COUNT:,} {name} numbers: root of the sum of squares {by_sum:.1e}, vector_norm {norm:.1e}, get_total_norm {total:.1e}")
    assert by_sum < 1e-6, "the sum was right to 1e-6 in torch 2.13.0"
    assert norm > least and total > least, f"norms were off by more than {least} in torch 2.13.0"
PYTHON
"$folder/venv/bin/python" "$folder/norms.py"
