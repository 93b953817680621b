#!/usr/bin/env bash
# Licences, sources and banned crates of the dependencies always; known vulnerabilities where
# their database can be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo-deny >/dev/null; then
    echo 'deny: cargo-deny is missing; run `cargo install cargo-deny --locked`' >&2
    exit 1
fi
cargo deny --all-features check bans licenses sources
if cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --all-features check advisories
else
    echo 'deny: NOT CHECKED: advisories; their database cannot be fetched from here' >&2
fi
