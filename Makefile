# Everything that is done with this repository, here and in continuous integration. `make help` lists it.
# Each target installs what it needs; the scripts say what that is.

# Where rustup puts cargo: on a new machine it is on the PATH of the next login only.
export PATH := $(PATH):$(HOME)/.cargo/bin
# Named, so that make 3.81 of macOS looks for programs on the PATH above too.
SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help run test lint fmt bench fuzz packages check-cross clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16
	@echo
	@scripts/run --help

run: ## Build, start a server and a worker here, stream one answer, keep running until Ctrl-C
	@scripts/run

test: ## Install what the tests need, and run all of them
	@scripts/packages test
	e2e/setup
	@scripts/dashboard test
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --no-fail-fast
	@installers/test
	@git diff --exit-code -- ui/src/bindings ui/src/desktop/bindings || { echo "The types of the windows were not current: commit what the tests wrote."; exit 1; }

lint: ## Check formats, clippy, documentation, dependencies, private traces, scripts
	@scripts/packages lint
	@scripts/lint

fmt: ## Format the Rust sources
	cargo fmt --all

bench: ## Measure the relay against nginx in ratios of one run, and what the tray app costs; takes some minutes
	@scripts/packages bench
	@scripts/dashboard
	cargo build --locked --release --bins -p llamapool-server -p llamapool-worker -p llamapool-desktop
	cargo run --locked --release -p llamapool-bench -- --json bench/results/last.json
	cargo bench --locked -p llamapool-bench --bench desktop

FUZZ_SECONDS ?= 60
fuzz: ## Throw rubbish at everything that parses what strangers send; needs nightly Rust and cargo-fuzz
	cd fuzz && for target in frame head control body settings mux; do \
	  mkdir -p corpus/$$target && cargo +nightly fuzz run $$target corpus/$$target seeds/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 || exit 1; \
	done

packages: ## Build the Debian and rpm packages of server and worker, into target/packages
	@scripts/packages test
	@scripts/dashboard
	cargo build --locked --release --bins -p llamapool-server -p llamapool-worker
	@installers/linux/package

check-cross: ## Type-check the programs for Windows and macOS; fetches what that needs once, and takes minutes
	@scripts/check-cross

clean: ## Remove what was built, and what the tests installed
	cargo clean
	rm -rf e2e/.cache e2e/node/node_modules bench/results node_modules ui/node_modules ui/dist
