#!/usr/bin/env bash
# Records what the proxy adds to a miss, against the same planner called directly in the same run, and
# how long a hit takes. LITELLM=<path of its command> puts that gateway beside it.
# Usage: eval/record/speed/proxy.sh [YYYY-MM-DD]
set -euo pipefail
cd "$(dirname "$0")/../../.."
bin=${CARGO_TARGET_DIR:-target}/release
folder="eval/record/speed/${1:-$(date +%F)}"
mkdir -p "$folder"
work=$(mktemp -d)
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT

address() {
    for _ in $(seq 400); do
        if grep -qs 'listening on' "$1"; then sed -n 's/^listening on //p' "$1"; return; fi
        sleep 0.05
    done
    echo "nothing listens: $1" >&2
    exit 1
}

"$bin/plancache-fixture" >"$work/fixture.out" &
pids+=($!)
upstream=$(address "$work/fixture.out")
printf 'policy.filler = false\n[proxy.upstreams.fixture]\nbase_url = "%s"\n' "$upstream" >"$work/plancache.toml"
PLANCACHE_LOG=warn "$bin/plancache" serve --config "$work/plancache.toml" --store "$work/plans" \
    --listen 127.0.0.1:0 >"$work/proxy.out" 2>"$work/proxy.log" &
pids+=($!)
targets=(--target "direct=$upstream" --target "plancache=$(address "$work/proxy.out")")
# Started when its turn comes: it takes a core for a while.
other() {
    cat >"$work/litellm.yaml" <<YAML
model_list:
  - model_name: fixed
    litellm_params: {model: openai/fixed, api_base: "$upstream", api_key: unused}
YAML
    "$LITELLM" --config "$work/litellm.yaml" --host 127.0.0.1 --port 4999 >"$work/litellm.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 600); do
        if curl -sf http://127.0.0.1:4999/health/liveliness >/dev/null; then break; fi
        sleep 0.1
    done
}

{
    echo "commit  $(git rev-parse --short HEAD)"
    echo "cpu     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -1), $(nproc) cores, shared by all"
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the start"
    for stream in '' --stream; do
        echo
        "$bin/proxy-speed" miss "${targets[@]}" --rate 500 $stream
    done
    for rate in 1000 2000 3000 4000 5000 6000; do
        echo
        "$bin/proxy-speed" miss "${targets[@]}" --rate "$rate" --seconds 3 --rounds 2
    done
    echo
    "$bin/proxy-speed" hit
    if [ -n "${LITELLM:-}" ]; then
        other
        for rate in 50 100; do
            echo
            "$bin/proxy-speed" miss "${targets[@]}" --target litellm=http://127.0.0.1:4999/v1 --rate "$rate" --rounds 2
        done
    fi
    echo
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg) at the end"
} >"$folder/proxy.txt"
cat "$folder/proxy.txt"
