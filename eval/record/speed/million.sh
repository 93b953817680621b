#!/bin/sh
# Records a million templates: the index alone (some 4 GB, minutes), and whole decisions of an engine
# that holds them (some 14 GB, more minutes).
# Of the latter: microseconds of a decision, served of 2000 tasks, what the engine takes in memory.
# Usage: eval/record/speed/million.sh index|decision [YYYY-MM-DD]
set -eu
cd "$(dirname "$0")/../../.."
folder="eval/record/speed/${2:-$(date +%F)}"
mkdir -p "$folder"
bench() {
    # The Makefile's features, so that nothing is compiled a second time.
    cargo bench --workspace --features keyword-extraction --bench "$@" 2>/dev/null
}
{
    echo "commit  $(git rev-parse --short HEAD)"
    echo "cpu     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -1), $(nproc) cores; one is used"
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the start"
    echo
    case "$1" in
    index) PLANCACHE_BENCH_LARGEST=1000000 bench decision -- --quiet | sed -n '/microseconds/,$p' ;;
    decision) PLANCACHE_BENCH_ONE="Varied 1000000" bench plan | grep '^{' ;;
    esac
    echo
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the end"
} >"$folder/million-$1.txt"
cat "$folder/million-$1.txt"
