#!/bin/sh
# Slots and intent of requests by one model: ATIS in its own split.
#
#     sh examples/recipes/slots.sh folder runs/slots 0        (the last is the seed)
#
# The folder holds train.jsonl, valid.jsonl and test.jsonl with lines as
# {"tokens": ["fly", "to", "boston"], "tags": ["O", "O", "B-toloc.city_name"], "intent": "flight"}
set -eu
exec cellwright fit "$1/train.jsonl" --validation "$1/valid.jsonl" --test "$1/test.jsonl" \
    --task tag --also-classify intent --out "$2" --seed "$3" \
    --batch-tokens 512 --learning-rate 4e-3 --schedule cosine --max-epochs 25 --patience 25
