#!/usr/bin/env bash
# Hits against wrong plans where a plan is a query in other words, with the wording alone and with a
# second derivation by each local model that is here: the small one without examples (it copies them),
# the larger one with three. Writes eval/record/programs/<date>/. What the models said is kept in target/,
# so that a second run asks nothing again.
#
#   eval/sql_curve.sh                                    sql, the reported part, one order
#   SEEDS=1,2,3,4,5 eval/sql_curve.sh                    five orders: hours on two cores
#   SEEDS=1,2,3,4,5 MODELS=0.5b PART=five eval/sql_curve.sh --only "1 run, 0 shown" --least 0,0.7
#                                                        five orders of the small model's best way: a quarter of an hour
#   PART=tuning eval/sql_curve.sh --split tuning         the part on which the ways are chosen
#   BENCHMARK=dbbench eval/sql_curve.sh
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
out="eval/record/programs/$(date +%F)"
of="${BENCHMARK:-sql}"
export OMP_WAIT_POLICY=passive

# curve NAME MODEL [ARGUMENT]..
curve() {
    local name="$1" model="$2"
    shift 2
    "$target/release/plancache-eval" programs --benchmark "$of" --seeds "${SEEDS:-1}" --filler "$model" \
        --replies "$target/replies-$model.jsonl" --out "$out/$of-$name${PART:+-$PART}" "$@"
}
for size in ${MODELS:-0.5b 1.5b}; do
    case "$size" in
        0.5b) curve 0.5b qwen2.5-coder-0.5b-instruct-q4_k_m "$@" ;;
        1.5b) curve 1.5b qwen2.5-coder-1.5b-instruct-q4_k_m --examples 3 --only "3 shown, " --least 0,0.7 "$@" ;;
    esac
done
