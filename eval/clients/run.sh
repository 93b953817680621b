#!/usr/bin/env bash
# Unmodified clients, installed from their registries, through the proxy: `make test-clients`.
# Everything it installs and writes is below target/clients.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${PLANCACHE_BIN:-${CARGO_TARGET_DIR:-target}/release}
work=target/clients
here=eval/clients
mkdir -p "$work"

if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
fi
if ! cmp -s "$here/requirements.txt" "$work/installed.txt"; then
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$work/installed.txt"
fi
node=${NODE-$(command -v npm >/dev/null && echo yes || true)}
if [ -n "$node" ]; then
    mkdir -p "$work/node"
    cp "$here/node/package.json" "$here/node/openai_sdk.mjs" "$work/node/"
    if [ ! -d "$work/node/node_modules/openai" ]; then
        npm install --silent --no-audit --no-fund --no-package-lock --prefix "$work/node"
    fi
fi

if [ "${RIG-yes}" = yes ]; then
    mkdir -p "$work/rig"
    cp -r "$here/rig/." "$work/rig/"
    CARGO_TARGET_DIR=$work/rig/target cargo build --quiet --manifest-path "$work/rig/Cargo.toml"
fi

pids=()
store=$(mktemp -d)
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$store"
}
trap stop EXIT

# Waits for the line that says where a server listens.
address() {
    for _ in $(seq 200); do
        if grep -qs 'listening on' "$1"; then sed -n 's/^listening on //p' "$1"; return; fi
        sleep 0.05
    done
    echo "nothing listens: $1" >&2
    exit 1
}

"$bin/plancache-fixture" >"$store/fixture.out" 2>"$work/fixture.log" &
pids+=($!)
PLANCACHE_TEST_UPSTREAM=$(address "$store/fixture.out")
{
    echo '[proxy]'
    echo 'answer_text = "It is done."'
    echo '[proxy.upstreams.fixture]'
    echo "base_url = \"$PLANCACHE_TEST_UPSTREAM\""
    echo '[policy]'
    echo 'filler = false'
    sed -n '/^\[effects\]/,$p' eval/data/retail/effects.toml | sed 's/^\[effects\]/[policy.effects]/'
} >"$store/plancache.toml"
"$bin/plancache" serve --config "$store/plancache.toml" --store "$store/plans" --listen 127.0.0.1:0 \
    >"$store/proxy.out" 2>"$work/proxy.log" &
pids+=($!)
PLANCACHE_TEST_PROXY=$(address "$store/proxy.out")
export PLANCACHE_TEST_UPSTREAM PLANCACHE_TEST_PROXY
# No client is to report anything to anyone.
export OTEL_SDK_DISABLED=true LANGSMITH_TRACING=false DO_NOT_TRACK=1 NO_PROXY=127.0.0.1

for client in ${CLIENTS-openai_sdk agents_sdk langchain_agent pydantic_agent smol_agent}; do
    "$work/venv/bin/python" "$here/python/$client.py"
done
if [ -n "$node" ]; then
    node "$work/node/openai_sdk.mjs"
else
    echo 'NOT CHECKED: node, which is not on this machine' >&2
fi
if [ "${RIG-yes}" = yes ]; then
    "$work/rig/target/debug/plancache-test-rig"
fi
