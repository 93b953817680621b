#!/bin/sh
# Records how long a decision takes and how that grows: runs the bench and keeps what it prints.
# Usage: eval/record/speed/decision.sh [YYYY-MM-DD]
#        PLANCACHE_BENCH_LARGEST=10000 eval/record/speed/decision.sh  (a quick look)
set -eu
cd "$(dirname "$0")/../../.."
folder="eval/record/speed/${1:-$(date +%F)}"
mkdir -p "$folder"
cargo bench --no-default-features --bench decision --no-run
{
    echo "commit  $(git rev-parse --short HEAD)"
    echo "cpu     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -1), $(nproc) cores; one is used"
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the start"
    echo
    cargo bench --no-default-features --bench decision -- --quiet 2>/dev/null | sed -n '/microseconds/,$p'
    echo
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the end"
} >"$folder/decision.txt"
cat "$folder/decision.txt"
