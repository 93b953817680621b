#!/usr/bin/env bash
# Hits against wrong plans where a plan is a query in other words, with the wording alone and with a
# second derivation by each local model that is here. Writes eval/record/programs/<date>/. What the
# models said is kept beside it, so that a second run asks nothing again.
#
#   eval/sql_curve.sh                      sql, the reported part, five orders
#   eval/sql_curve.sh --split tuning       the part on which the least nearness is chosen
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release/plancache-eval"
out="eval/record/programs/$(date +%F)"
export OMP_WAIT_POLICY=passive
mkdir -p "$out"
for model in qwen2.5-coder-0.5b-instruct-q4_k_m qwen2.5-coder-1.5b-instruct-q4_k_m; do
    "$bin" programs --benchmark "${BENCHMARK:-sql}" --filler "$model" --replies "$out/replies-$model.jsonl" \
        --out "$out/${BENCHMARK:-sql}-$model${PART:+-$PART}" "$@"
done
