#!/bin/sh
# English words to their pronunciations: sh examples/recipes/g2p-en.sh runs/g2p-en
# Stopped, it goes on with: cellwright fit g2p-en --out runs/g2p-en --resume
exec cellwright fit g2p-en --task transduce --out "${1:-runs/g2p-en}" \
    --hidden 192 --dropout 0.2 --learning-rate 3e-3 --schedule cosine --max-epochs 10 --patience 10
