#!/bin/sh
# Slots and intent of requests by one model (ATIS): examples/recipes/slots.sh FOLDER RUN [SEED]
# FOLDER holds train.jsonl, valid.jsonl and test.jsonl with lines as
# {"tokens": ["fly", "to", "boston"], "tags": ["O", "O", "B-toloc.city_name"], "intent": "flight"}
exec cellwright fit "$1/train.jsonl" --task tag --also-classify intent \
    --validation "$1/valid.jsonl" --test "$1/test.jsonl" --out "$2" --seed "${3:-0}" \
    --schedule cosine --max-epochs 25 --patience 25 --batch-tokens 512 --learning-rate 4e-3
