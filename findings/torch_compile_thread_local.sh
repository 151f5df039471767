#!/bin/sh
# torch 2.13.0: torch.compile does not notice a change of a threading.local whose attribute is the class's.
#
# A compiled function that reads an attribute of a threading.local subclass is traced anew when the attribute changes, if
# __init__ set it. Where the class holds the first value, it is read once, when the function is traced, and a value that is set
# on the instance later is not seen: the program goes on with the old one. A plain object is guarded in both forms.
# Seen, and expected here, non-zero exit otherwise:
#   plain object, value of the class  : 1 then 2
#   thread-local, value of __init__   : 1 then 2
#   thread-local, value of the class  : 1 then 1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/read.py" <<'PYTHON'
import threading

import torch


class Plain:
    value = 1


class Made(threading.local):
    def __init__(self):
        self.value = 1


class OfClass(threading.local):
    value = 1


def read(holder):
    @torch.compile(backend="eager")
    def scaled(x):
        return x * holder.value

    before = int(scaled(torch.ones(())))
    holder.value = 2
    return before, int(scaled(torch.ones(())))


found = {}
for name, holder in (
    ("plain object, value of the class", Plain()),
    ("thread-local, value of __init__", Made()),
    ("thread-local, value of the class", OfClass()),
):
    found[name] = read(holder)
    print(f"{name:<34}: {found[name][0]} then {found[name][1]}")
assert list(found.values()) == [(1, 2), (1, 2), (1, 1)], found
PYTHON
"$folder/venv/bin/python" "$folder/read.py"
