#!/usr/bin/env bash
# Tasks of which a part is not known: as a miss, and with the planner asked for that part only (policy.uncovered).
# Five orders, no model but the recorded planner. Writes eval/record/parts/<date>/.
#
#   eval/parts.sh                                   the reported part
#   PART=tuning LEAST="2 3 5 8" eval/parts.sh --split tuning    the part on which min_evidence_part is chosen
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release/plancache-eval"
out="eval/record/parts/$(date +%F)${PART:+/$PART}"
policy="$(mktemp)"
trap 'rm -f "$policy"' EXIT
arguments=("$@")

# ask NAME SETTING..
ask() {
    local name="$1"
    shift
    printf '%s\n' "$@" > "$policy"
    local names=()
    for benchmark in ${BENCHMARKS:-retail retail_unknown retail_dev nfl webarena airline blocksworld gsm8k nestful_unique}; do
        names+=(--benchmark "$benchmark")
    done
    "$bin" run "${names[@]}" --systems plancache_no_filler --seeds "${SEEDS:-1,2,3,4,5}" --policy "$policy" \
        --out "$out/$name" "${arguments[@]}"
    rm -f "$out/$name"/*.jsonl
}
ask miss 'uncovered = "miss"'
for least in ${LEAST:-5 2}; do
    ask "planner-$least" 'uncovered = "planner"' "min_evidence_part = $least"
done
