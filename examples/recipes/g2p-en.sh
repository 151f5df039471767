#!/bin/sh
# English words to their pronunciations, of the CMU dictionary.
#
#     sh examples/recipes/g2p-en.sh runs/g2p-en 0        (the second is the seed)
#
# Stopped, it goes on with: cellwright fit g2p-en --out runs/g2p-en --resume
set -eu
exec cellwright fit g2p-en --task transduce --out "$1" --seed "$2" \
    --hidden-size 256 --dropout 0.2 --batch-tokens 2048 --learning-rate 3e-3 --lr-schedule cosine --max-epochs 14 --patience 14
