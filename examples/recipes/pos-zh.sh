#!/bin/sh
# Parts of speech of Chinese words: the People's Daily of January 1998, 44 tags.
#
#     sh examples/recipes/pos-zh.sh runs/pos 0        (the second is the seed)
set -eu
exec cellwright fit pos-zh --task tag --out "$1" --seed "$2" \
    --batch-tokens 2048 --lr-schedule cosine --hidden-size 192 --max-epochs 12 --patience 3
