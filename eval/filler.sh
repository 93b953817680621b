#!/usr/bin/env bash
# Judges the local model on single arguments and records it below eval/record/filler/<date>/.
# Arguments are passed on, such as --filler NAME.
set -euo pipefail
cd "$(dirname "$0")/.."
# The same flags as the Makefile's, so that nothing is compiled a second time.
cargo build --release --workspace --features keyword-extraction
"${CARGO_TARGET_DIR:-target}/release/plancache-eval" filler --out "eval/record/filler/$(date +%F)" "$@"
