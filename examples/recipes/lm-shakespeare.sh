#!/bin/sh
# Tiny Shakespeare by characters, in the split of nanoGPT (the last tenth is scored): a few minutes on two cores.
#
#     sh examples/recipes/lm-shakespeare.sh input.txt runs/shakespeare 0        (the last is the seed)
#
# input.txt is data/tinyshakespeare of github.com/karpathy/char-rnn.
set -eu
exec cellwright fit "$1" --task lm --out "$2" --seed "$3" \
    --validation-share 0.1 --test-share 0 --min-frequency 1 \
    --hidden-size 256 --embedding-dim 64 --forget-bias 1 \
    --learning-rate 6e-3 --weight-decay 0 --max-epochs 6
