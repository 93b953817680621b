#!/bin/sh
# Records how long a fill by the binder and a whole decision take, how the latter grows with the
# number of templates, and what memory they take: runs the bench and keeps what it prints.
# Usage: eval/record/speed/plan.sh [YYYY-MM-DD]
#        PLANCACHE_BENCH_LARGEST=1000000 eval/record/speed/plan.sh  (needs some 12 GB)
set -eu
cd "$(dirname "$0")/../../.."
folder="eval/record/speed/${1:-$(date +%F)}"
mkdir -p "$folder"
# The Makefile's features, so that nothing is compiled a second time.
cargo bench --workspace --features keyword-extraction --bench plan --no-run
{
    echo "commit  $(git rev-parse --short HEAD)"
    echo "cpu     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -1), $(nproc) cores; one is used"
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the start"
    echo
    cargo bench --workspace --features keyword-extraction --bench plan -- --quiet 2>/dev/null | sed -n '/fill by/,$p'
    echo
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the end"
} >"$folder/plan.txt"
cat "$folder/plan.txt"
