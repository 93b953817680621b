#!/usr/bin/env bash
# Runs benchmarks with live planners: local models behind `plancache models serve`. The 1.5B model
# plans, the 0.5B model is the small planner, names intents and writes templates.
#
#   eval/live.sh tabmwp --data FOLDER      the data that is not in the repository, see eval/README
#   eval/live.sh sql
#
# Writes eval/record/live/<date>/. Takes about a quarter of an hour a benchmark on two processors.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release"
big=qwen2.5-coder-1.5b-instruct-q4_k_m
small=qwen2.5-coder-0.5b-instruct-q4_k_m
benchmark="$1"
shift

# Spinning threads of two models on the same processors slow each other down.
export OMP_WAIT_POLICY=passive
"$bin/plancache" models serve "$big" --listen 127.0.0.1:9115 >&2 &
planner=$!
"$bin/plancache" models serve "$small" --listen 127.0.0.1:9105 >&2 &
helper=$!
trap 'kill $planner $helper' EXIT
for port in 9115 9105; do
    for _ in $(seq 120); do
        curl -sf "http://127.0.0.1:$port/v1/models" >/dev/null && break
        sleep 0.5
    done
done

"$bin/plancache-eval" run --benchmark "$benchmark" --seeds 1 --sample "${SAMPLE:-40}" --jobs 1 \
    --systems planner_only,small_only,apc,plancache_no_filler,small_on_hits \
    --planner "http://127.0.0.1:9115/v1#$big" --small "http://127.0.0.1:9105/v1#$small" \
    --out "eval/record/live/$(date +%F)" "$@"
