#!/bin/sh
# Parts of speech of Chinese words (People's Daily, 44 tags): examples/recipes/pos-zh.sh RUN [SEED]
exec cellwright fit pos-zh --task tag --out "$1" --seed "${2:-0}" --schedule cosine --max-epochs 4
