# What a person runs and what CI runs. `make demo` and `make test` need nothing but make, g++,
# python3 and a Rust toolchain; `setup` sees to the rest.

# One profile and one set of features for everything, so that llama.cpp is compiled once.
FLAGS := --release --workspace --features keyword-extraction
BIN := $(or $(CARGO_TARGET_DIR),target)/release/plancache
# Where `make smoke` leaves its results.
SMOKE := $(or $(CARGO_TARGET_DIR),target)/smoke
# Arguments of the demo, such as `make demo ARGS='--limit 50 --json'`.
ARGS ?=

# The model's threads sleep while they wait for each other; spinning ones are several times slower
# as soon as anything else runs.
export OMP_WAIT_POLICY ?= passive

.PHONY: help setup build model demo test test-clients smoke smoke-accept lint deny bench

help:
	@echo 'make demo    run the demo (ARGS=... for its arguments)'
	@echo 'make test    run all tests'
	@echo 'make test-clients  run unmodified agent frameworks through the proxy'
	@echo 'make smoke   run a part of every benchmark and compare it with eval/record/smoke'
	@echo 'make smoke-accept  make the last results of make smoke the baseline'
	@echo 'make lint    check format, lints, documentation, licences'
	@echo 'make bench   run the benchmarks'
	@echo 'make model   fetch the local model'
	@echo 'make setup   install what the build needs'

setup:
	@bash scripts/setup.sh

build: setup
	@cargo build $(FLAGS)

# Nothing of what comes before the demo may be on stdout: the demo can print JSON.
# Where python3 has no pip, setup has made a virtual environment.
model: build
	@if [ -x .venv/bin/python ]; then export PLANCACHE_PYTHON="$${PLANCACHE_PYTHON:-$(CURDIR)/.venv/bin/python}"; fi; \
	$(BIN) models pull >&2

demo: model
	@$(BIN) demo $(ARGS)

test: model
	cargo test $(FLAGS)

# Agent frameworks as they come from their registries, through the proxy.
test-clients: build
	bash eval/clients/run.sh

# The ratchet: a seeded part of every benchmark that is here, without models, against the committed
# results. A fall is either mended or accepted, by `make smoke-accept` and a commit that says why.
smoke: build
	@rm -rf $(SMOKE)
	$(BIN)-eval run --benchmark all --systems plancache_no_filler,random_template --seeds 1,2 --sample 100 --out $(SMOKE)
	$(BIN)-eval compare eval/record/smoke $(SMOKE) --ratchet

# The summaries alone: which task was wrong is in $(SMOKE)/*.jsonl.
smoke-accept:
	@mkdir -p eval/record/smoke
	@rm -f eval/record/smoke/*.json
	cp $(SMOKE)/*.json eval/record/smoke/

lint: setup deny
	cargo fmt --all --check
	cargo clippy $(FLAGS) --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc $(FLAGS) --no-deps

deny:
	@bash scripts/deny.sh

bench: model
	cargo bench $(filter-out --release,$(FLAGS))
