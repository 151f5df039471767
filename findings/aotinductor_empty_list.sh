#!/bin/sh
# torch 2.13.0: a program packaged by AOTInductor hands an empty list of tensors to a custom operator as None.
#
# torch.library.custom_op takes the list for granted (its schema says Tensor[]); the same exported program runs with an
# empty list when it is not packaged. An operator whose schema says Tensor[]? is given None as well, and runs.
# Needs Python 3.10 or later and a C++ compiler. Seen (CPU, Linux x86-64), and expected here, non-zero exit otherwise:
#   exported Tensor[]  : ok
#   packaged Tensor[]  : Expected a value of type 'List[Tensor]' for argument 'more' but instead found type 'NoneType'.
#   packaged Tensor[]? : ok, and more is None
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
cd "$folder"
cat > program.py <<'PYTHON'
import torch
from torch import Tensor

given = []


def implementation(x: Tensor, more: list[Tensor]) -> Tensor:
    given.append(more)
    return sum(more or [], x.clone())


def packaged(name: str, schema: str) -> tuple:
    operator = torch.library.custom_op(f"finding::{name}", implementation, mutates_args=(), schema=schema)
    operator.register_fake(lambda x, more: torch.empty_like(x))

    class Program(torch.nn.Module):
        def forward(self, x):
            return operator(x, [])

    program = torch.export.export(Program(), (torch.ones(3),))
    return program.module(), torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program))


exported, package = packaged("of_a_list", "(Tensor x, Tensor[] more) -> Tensor")
assert torch.equal(exported(torch.ones(3)), torch.ones(3)) and given[-1] == []
print("exported Tensor[]  : ok")
try:
    package(torch.ones(3))
    raise SystemExit("packaged Tensor[]  : ok; it was refused in torch 2.13.0")
except RuntimeError as error:
    wanted = "Expected a value of type 'List[Tensor]' for argument 'more' but instead found type 'NoneType'."
    assert wanted in str(error), error
    print("packaged Tensor[]  :", wanted)
_, package = packaged("of_a_list_or_none", "(Tensor x, Tensor[]? more) -> Tensor")
assert torch.equal(package(torch.ones(3)), torch.ones(3)) and given[-1] is None
print("packaged Tensor[]? : ok, and more is None")
PYTHON
"$folder/venv/bin/python" program.py
