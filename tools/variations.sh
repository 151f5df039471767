#!/bin/sh
# Run tests as they would run on other processors: kernels of ours for narrower registers, oneMKL's, oneDNN's and
# PyTorch's own for older instruction sets, two threads. A result that holds by luck of one processor fails here.
#
#     sh tools/variations.sh                       # the quick tests of the rooms that compute
#     sh tools/variations.sh tests                 # every test: as long as `make test`, twelve times
#     sh tools/variations.sh tests/nn -k lengths   # what pytest is given
#
# One thread is how `make test` runs, and no variation.
set -u
cd "$(dirname "$0")/.."

# Every room of tests stands here once; tests/tools/test_variations.py holds that. Those that compute layers, or hold
# what one computed against something; then files, words, texts, pages and servers, where other digits are no defect
# of their own.
computing="backends bench cells compiler evaluation inspect integrations longtext models nn onnx sklearn tasks training weights"
others="benchmarks cli data docs examples experiments helpers serve tools tuning"

if [ $# -eq 0 ]; then
    # shellcheck disable=SC2086
    set -- -m "not slow" $(printf 'tests/%s ' $computing)
    echo "left out: tests marked slow, most of which are more cases of a quick one; and these rooms, which compute no"
    echo "numbers of their own: $others. Nothing is left out by: sh tools/variations.sh tests"
fi
log=$(mktemp -d)
failed=0

vary() { # NAME=VALUE … , what pytest is given
    name=$1
    shift
    # shellcheck disable=SC2086
    if env MPLBACKEND=Agg OMP_NUM_THREADS=1 $name .venv/bin/pytest -n auto --dist worksteal --hypothesis-seed=0 "$@" \
        >"$log/output" 2>&1
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
    CELLWRIGHT_BFLOAT16_UNIT=float32 OMP_NUM_THREADS=2
do vary "$variation" "$@"; done
rm -r "$log"
exit $failed
