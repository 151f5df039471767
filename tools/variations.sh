#!/bin/sh
# Run the tests as they would run on other processors: kernels of ours for narrower registers, oneMKL's, oneDNN's and
# PyTorch's own for older instruction sets, one thread and two. A result that holds by luck of one processor fails here.
#
#     sh tools/variations.sh                    # all tests under each variation: an hour and more on two cores
#     sh tools/variations.sh tests/nn tests/models
set -u
cd "$(dirname "$0")/.."
log=$(mktemp -d)
failed=0

vary() { # NAME=VALUE … , the tests
    name=$1
    shift
    if env MPLBACKEND=Agg OMP_NUM_THREADS=1 $name .venv/bin/pytest -n auto --hypothesis-seed=0 "$@" >"$log/output" 2>&1
    then verdict=green
    else
        verdict=RED
        failed=1
        grep -E '^(FAILED|ERROR)' "$log/output"
    fi
    printf '%-5s %-40s %s\n' "$verdict" "$name" "$(tail -n 1 "$log/output")"
}

for variation in \
    CELLWRIGHT_REGISTER_BYTES=32 CELLWRIGHT_REGISTER_BYTES=16 CELLWRIGHT_REGISTER_BYTES=8 \
    MKL_ENABLE_INSTRUCTIONS=AVX2 MKL_ENABLE_INSTRUCTIONS=SSE4_2 \
    ONEDNN_MAX_CPU_ISA=AVX2 ONEDNN_MAX_CPU_ISA=SSE41 \
    ATEN_CPU_CAPABILITY=avx2 ATEN_CPU_CAPABILITY=default \
    "CELLWRIGHT_REGISTER_BYTES=32 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2" \
    CELLWRIGHT_BFLOAT16_UNIT=float32 OMP_NUM_THREADS=1 OMP_NUM_THREADS=2
do vary "$variation" "$@"; done
rm -r "$log"
exit $failed
