#!/bin/sh
# Vigenère's cipher, each message behind its key of three symbols: KEY:BI-AIQ to SECRET, with keys never seen.
# By LSTMs with layer normalisation: without, some seeds still err after as many epochs (docs/results.md).
#
#     sh examples/recipes/vigenere.sh runs/vigenere 0        (the second is the seed)
set -eu
exec cellwright fit vigenere --task transduce --out "$1" --seed "$2" \
    --cell layer-norm-lstm --hidden-size 128 --embedding-dim 64 --attention additive --dropout 0 --label-smoothing 0 \
    --batch-tokens 512 --learning-rate 3e-3 --lr-schedule cosine --max-epochs 20 --patience 20
