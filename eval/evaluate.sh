#!/usr/bin/env bash
# The suite offline: every benchmark that brings its data, recorded planner, all systems that need no
# endpoint, five orders; what changes without outcomes; what each part of learning is worth; the
# report. Writes eval/record/suite/<date>/ (each task's record is packed there: gunzip it before
# `plancache-eval report`), and the page to target/suite.html. SEEDS=1 runs one order.
set -euo pipefail
cd "$(dirname "$0")/.."
run="${CARGO_TARGET_DIR:-target}/release/plancache-eval"
seeds="${SEEDS:-1,2,3,4,5}"
out="eval/record/suite/$(date +%F)"
mkdir -p "$out"

began=$SECONDS
for benchmark in airline airline_unchanged blocksworld dbbench gsm8k nestful nestful_unique nfl nfl_wording retail sql \
    webarena; do
    "$run" run --benchmark "$benchmark" --seeds "$seeds" --out "$out"
done
# In other words: without the filler, which is asked in nearly every task of these.
for benchmark in retail_natural retail_words; do
    "$run" run --benchmark "$benchmark" --seeds "$seeds" --out "$out" \
        --systems planner_only,plancache_no_filler,plancache_natural
done
echo "all benchmarks: $((SECONDS - began)) s"
"$run" rank "$out" >"$out/rank.txt"
for benchmark in retail nfl airline webarena blocksworld; do
    "$run" run --benchmark "$benchmark" --seeds "$seeds" --feedback trace --systems plancache_no_filler \
        --out "$out/trace"
done
# The twenty tasks that people wrote, all of them.
"$run" run --benchmark retail_dev --seeds "$seeds" --split all --out "$out"
parts=plancache_natural,plancache_no_filler,plancache_without_merge,plancache_without_blocks,plancache_without_loops
# Parts that this version cannot switch off are left out.
for part in values programs natural; do
    if "$run" run --benchmark airline --sample 1 --seeds 1 --systems "plancache_without_$part" >/dev/null 2>&1; then
        parts="$parts,plancache_without_$part"
    fi
done
for benchmark in retail nfl sql dbbench retail_natural; do
    "$run" run --benchmark "$benchmark" --seeds "$seeds" --out "$out/ablation" --systems "$parts"
done
"$run" report "$out" --out "${CARGO_TARGET_DIR:-target}/suite.html" --markdown "$out/report.md"
find "$out" -name '*.jsonl' -exec gzip -9 -n -f {} +
