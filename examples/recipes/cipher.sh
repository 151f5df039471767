#!/bin/sh
# The shift cipher, ERPDRF to SECRET.
#
#     sh examples/recipes/cipher.sh runs/cipher 0        (the second is the seed)
set -eu
exec cellwright fit cipher --task transduce --out "$1" --seed "$2" \
    --hidden-size 128 --embedding-dim 32 --dropout 0.2 --label-smoothing 0 --batch-tokens 512 \
    --learning-rate 5e-3 --lr-schedule cosine --ema-decay 0.98 --max-epochs 30 --patience 30
