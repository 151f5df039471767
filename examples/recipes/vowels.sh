#!/bin/sh
# Which of nine speakers says two vowels: JapaneseVowels in its own split.
#
#     sh examples/recipes/vowels.sh runs/vowels 0        (the second is the seed)
set -eu
exec cellwright fit vowels --task series --out "$1" --seed "$2" \
    --noise 0.3 --batch-tokens 256 --max-epochs 60 --patience 60
