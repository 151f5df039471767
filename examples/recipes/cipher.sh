#!/bin/sh
# The shift cipher, ERPDRF to SECRET.
#
#     sh examples/recipes/cipher.sh runs/cipher 0        (the second is the seed)
set -eu
exec cellwright fit cipher --task transduce --out "$1" --seed "$2" \
    --hidden 64 --embedding 32 --dropout 0.1 --label-smoothing 0 --batch-tokens 512 \
    --learning-rate 1e-2 --schedule cosine --averaging 0.98 --max-epochs 15 --patience 15
