#!/bin/sh
# Chinese reviews: a language model in both directions on the training texts, then a classifier that begins from it and
# thaws from the top.
#
#     sh examples/recipes/classify-pretrained.sh runs/reviews 0        (the second is the seed)
set -eu
exec cellwright fit reviews-zh --out "$1" --seed "$2" \
    --batch-tokens 2048 --pretrain own --pretrain-epochs 4 --unfreeze-epochs 1 --lr-schedule constant --max-epochs 6
