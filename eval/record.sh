#!/usr/bin/env bash
# Records the demo in every order and setting below eval/record/demo/<date>/. Arguments are passed
# on, such as --filler NAME.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo run --release --workspace --features keyword-extraction --bin plancache-eval -- \
    record --out "eval/record/demo/$(date +%F)" "$@"
