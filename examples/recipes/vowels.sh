#!/bin/sh
# Which of nine speakers says two vowels: JapaneseVowels in its own split. Half a minute on one core.
#
#     sh examples/recipes/vowels.sh runs/vowels 0        (the second is the seed)
set -eu
exec cellwright fit vowels --task series --out "$1" --seed "$2" --hidden 64 --noise 0.3 --schedule cosine --patience 100
