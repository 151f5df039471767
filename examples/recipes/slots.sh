#!/bin/sh
# Slots and intent of requests by one model: ATIS in its own split.
#
#     sh examples/recipes/slots.sh folder runs/slots 0        (the last is the seed)
#
# The folder holds train.jsonl, valid.jsonl and test.jsonl with lines as
# {"tokens": ["fly", "to", "boston"], "tags": ["O", "O", "B-toloc.city_name"], "intent": "flight"}
# as data/atis of github.com/MiuLab/SlotGated-SLU has them in three files: seq.in, seq.out and label.
set -eu
exec cellwright fit "$1/train.jsonl" --validation "$1/valid.jsonl" --test "$1/test.jsonl" \
    --task tag --sentence-label intent --out "$2" --seed "$3" \
    --batch-tokens 512 --learning-rate 4e-3 --lr-schedule cosine --max-epochs 25 --patience 25
