#!/usr/bin/env bash
# How the filler decides between readings of a text in other words: between whole readings or slot by slot, where
# forms and neighbours of values leave few readings (fit 0.5) or nearly all of them (fit 20). Paraphrased retail
# tasks, one order, the catalogue's small model. Writes eval/record/natural/<date>/choice/.
#
#   eval/choice.sh                            the reported part
#   PART=tuning eval/choice.sh --split tuning    the part on which the way and its margins are chosen
#   MARGINS="0 0.1 0.3 1" ODDS="0 1 4 10" PART=tuning eval/choice.sh --split tuning
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release/plancache-eval"
out="eval/record/natural/$(date +%F)/choice${PART:+-$PART}"
policy="$(mktemp)"
trap 'rm -f "$policy"' EXIT
export OMP_WAIT_POLICY=passive

# decide NAME SETTING..
decide() {
    local name="$1"
    shift
    { echo "[natural]"; printf '%s\n' "$@"; } > "$policy"
    "$bin" run --benchmark retail_natural --systems plancache --seeds "${SEEDS:-1}" --policy "$policy" \
        --out "$out/$name" "${arguments[@]}"
    rm -f "$out/$name"/*.jsonl
}
arguments=("$@")
for fit in 0.5 20.0; do
    for odds in ${ODDS:-4.0}; do
        decide "fit-$fit-joint-$odds" "fit = $fit" 'choice = "joint"' "odds = $odds"
    done
    for margin in ${MARGINS:-0.1}; do
        decide "fit-$fit-single-$margin" "fit = $fit" 'choice = "single"' "slot_margin = $margin"
    done
done
