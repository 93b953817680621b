#!/usr/bin/env bash
# Texts in other words than those learnt: retail as people write it (objects as literals, and all in
# words), the tasks that people wrote, nfl by wording. Writes eval/record/natural/<date>/. Needs the
# embedder; without the local model that writes.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release/plancache-eval"
out="eval/record/natural/$(date +%F)"
for benchmark in retail_natural retail_words nfl_wording nfl webarena; do
    "$bin" run --benchmark "$benchmark" --systems plancache_no_filler,plancache_natural --out "$out" "$@"
done
"$bin" run --benchmark retail_dev --split all --systems plancache_no_filler,plancache_natural --out "$out" "$@"
rm -f "$out"/*.jsonl
