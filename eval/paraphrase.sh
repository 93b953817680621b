#!/usr/bin/env bash
# Has the 1.5B model say the sentences of eval/data/retail/paraphrase.toml in other words, and composes
# the retail tasks of what is kept. Writes eval/data/retail/{paraphrases,paraphrases_words,said}.jsonl
# and eval/record/paraphrase/<date>.json. MINUTES=30 is how long the model is asked; MINUTES=0 only
# composes again of what was said before.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${CARGO_TARGET_DIR:-target}/release"
model=qwen2.5-coder-1.5b-instruct-q4_k_m
data=eval/data/retail
minutes="${MINUTES:-30}"

if [ "$minutes" != 0 ]; then
    "$bin/plancache" models pull "$model"
    OMP_WAIT_POLICY=passive "$bin/plancache" models serve "$model" --listen 127.0.0.1:9125 >&2 &
    server=$!
    trap 'kill $server' EXIT
    for _ in $(seq 120); do
        curl -sf http://127.0.0.1:9125/v1/models >/dev/null && break
        sleep 0.5
    done
    python3 eval/peers/paraphrase.py "$data/paraphrase.toml" "http://127.0.0.1:9125/v1#$model" "$minutes" \
        "${SEED:-1}" >"$data/said.jsonl"
fi
mkdir -p eval/record/paraphrase
"$bin/plancache-eval" paraphrase --said "$data/said.jsonl" | tee "eval/record/paraphrase/$(date +%F).json"
