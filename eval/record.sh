#!/usr/bin/env bash
# Records the demo in every order and setting below eval/record/demo/<date>/. Arguments are passed
# on, such as --filler NAME.
set -euo pipefail
cd "$(dirname "$0")/.."
# The same flags as the Makefile's, so that nothing is compiled a second time.
cargo build --release --workspace --features keyword-extraction
"${CARGO_TARGET_DIR:-target}/release/plancache-eval" record --out "eval/record/demo/$(date +%F)" "$@"
