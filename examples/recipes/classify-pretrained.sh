#!/bin/sh
# Chinese reviews: a language model in both directions on the training texts, then a classifier that begins from it and
# thaws from the top.
#
#     sh examples/recipes/classify-pretrained.sh runs/reviews
set -eu
cellwright fit reviews-zh --task lm --directions both --out "$1-lm" \
    --hidden 128 --embedding 128 --learning-rate 4e-3 --max-epochs 4
exec cellwright fit reviews-zh --out "$1" --encoder "$1-lm" --thaw-epochs 1
