#!/bin/sh
# safetensors 0.8.0: the same tensors with the same metadata are not the same bytes.
#
# With two or more keys of metadata the header has them in another order from process to process, so that a digest of a file
# does not say whether two files hold the same. With one key, or with none, equal contents are equal bytes.
# Seen, and expected here, non-zero exit otherwise:
#   metadata of one key     : 1 digest in 20 processes
#   metadata of three keys  : several digests in 20 processes
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6
cat > "$folder/write.py" <<'PYTHON'
import hashlib
import sys

import numpy
from safetensors.numpy import save

metadata = dict.fromkeys(sys.argv[1:], "1")
print(hashlib.sha256(save({"a": numpy.zeros(1, numpy.float32)}, metadata)).hexdigest())
PYTHON
count() { # of digests that 20 processes find, of metadata with these keys
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        "$folder/venv/bin/python" "$folder/write.py" "$@"
    done | sort -u | wc -l
}
one=$(count x)
three=$(count x y z)
echo "metadata of one key     : $one digest in 20 processes"
echo "metadata of three keys  : $three digests in 20 processes"
[ "$one" -eq 1 ] && [ "$three" -gt 1 ]
