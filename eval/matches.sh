#!/usr/bin/env bash
# Compares hit decisions and records them below eval/record/matches/<date>/. GPTCache is installed
# from its package into target/gptcache. Arguments are passed on, such as --qqp FILE.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
# The same flags as the Makefile's, so that nothing is compiled a second time.
cargo build --release --workspace --features keyword-extraction
[ -x "$target/gptcache/bin/python" ] || python3 -m venv "$target/gptcache"
"$target/gptcache/bin/python" -m pip install --quiet --requirement eval/peers/requirements.txt
"$target/release/plancache-eval" match --python "$target/gptcache/bin/python" \
    --out "eval/record/matches/$(date +%F)" "$@"
