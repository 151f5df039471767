#!/bin/sh
# The same with more units, against learning by heart: less than an hour on one core.
#
#     sh examples/recipes/lm-shakespeare-long.sh input.txt runs/shakespeare-long 0        (the last is the seed)
set -eu
exec cellwright fit "$1" --task lm --out "$2" --seed "$3" \
    --validation-share 0.1 --test-share 0 --min-frequency 1 \
    --hidden-size 512 --embedding-dim 128 --forget-bias 1 \
    --embedding-dropout 0.1 --output-dropout 0.4 --weight-drop 0.2 \
    --bptt 96 --batch-tokens 3072 --learning-rate 4e-3 --max-epochs 40 --patience 40
