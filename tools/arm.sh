#!/bin/sh
# Run tests as on an Arm processor, in an emulator: Debian's Python for it and wheels for it in build/arm, no root needed.
#
#     sh tools/arm.sh tests/compiler/codegen/test_bfloat16_tile.py -k "bfmmla and not emulated"   # what pytest is given
#
# It needs qemu-aarch64 (Debian: apt-get install qemu-user), and downloads 250 MB once. An instruction takes some twenty
# times as long as here, so choose few tests; no time that is taken there means anything.
set -eu
cd "$(dirname "$0")/.."
command -v qemu-aarch64 >/dev/null || { echo "there is no qemu-aarch64: apt-get install qemu-user" >&2; exit 2; }
arm="$PWD/build/arm"
torch=2.9.1 # the last of PyPI's for Arm without CUDA

system() { # Debian's Python and what it needs, unpacked in $arm/root
    mkdir -p "$arm/lists/partial" "$arm/cache/archives/partial"
    : >"$arm/status"
    cat >"$arm/apt.conf" <<EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State::status "$arm/status";
Dir::State::lists "$arm/lists";
Dir::Cache "$arm/cache";
EOF
    APT_CONFIG="$arm/apt.conf" apt-get -q update
    APT_CONFIG="$arm/apt.conf" apt-get -q install -y --no-install-recommends --download-only python3.11 libgomp1 libstdc++6
    for package in "$arm"/cache/archives/*.deb; do dpkg-deb -x "$package" "$arm/root"; done
}

wheels() { # what the tests of kernels import, in $arm/wheels
    set --
    for platform in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do
        set -- "$@" --platform "${platform}_aarch64"
    done
    set -- "$@" --target "$arm/wheels" --python-version 3.11 --only-binary=:all: --no-compile
    set -- .venv/bin/python -m pip install -q "$@"
    # What torch needs is named here: pip would take what it needs on this processor, which is CUDA.
    "$@" numpy llvmlite pytest hypothesis filelock fsspec jinja2 networkx sympy typing_extensions
    PIP_CONSTRAINT=/dev/null "$@" --no-deps "torch==$torch"
}

[ -d "$arm/root" ] || system
[ -d "$arm/wheels/torch" ] || wheels
export PYTHONPATH="$PWD/src:$arm/wheels" CELLWRIGHT_CACHE="$arm/kernels" OMP_NUM_THREADS=1
exec qemu-aarch64 -cpu max -L "$arm/root" "$arm/root/usr/bin/python3.11" -m pytest -p no:cacheprovider "$@"
