# All tasks of this repository, for development and CI. `make help` lists them.
# Each target installs what it needs; the scripts document what that is.

# Where rustup installs cargo; it is on the PATH only after the next login.
export PATH := $(PATH):$(HOME)/.cargo/bin
# Set explicitly, so that make 3.81 on macOS uses the PATH above too.
SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help run test lint fmt bench fuzz packages check-cross clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
	@echo
	@scripts/run --help

run: ## Build, start a server and a worker, stream one response, keep running until Ctrl-C
	@scripts/run

test: ## Install what the tests need, and run all tests
	@scripts/packages test
	e2e/setup
	@scripts/dashboard test
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --no-fail-fast
	@installers/test
	@git diff --exit-code -- ui/src/bindings ui/src/desktop/bindings || { echo "The generated TypeScript types were out of date: commit the files the tests wrote."; exit 1; }

lint: ## Check formatting, clippy, documentation, dependencies, private data, scripts
	@scripts/packages lint
	@scripts/lint

fmt: ## Format the Rust sources
	cargo fmt --all

bench: ## Compare the relay with nginx, and measure the tray app's footprint; takes several minutes
	@scripts/packages bench
	@scripts/dashboard
	cargo build --locked --release --bins -p llamapool-server -p llamapool-worker -p llamapool-desktop
	cargo run --locked --release -p llamapool-bench -- --json bench/results/last.json
	cargo bench --locked -p llamapool-bench --bench desktop

FUZZ_SECONDS ?= 60
fuzz: ## Fuzz every parser of untrusted input; needs nightly Rust and cargo-fuzz
	cd fuzz && for target in frame head control body settings mux; do \
	  mkdir -p corpus/$$target && cargo +nightly fuzz run $$target corpus/$$target seeds/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 || exit 1; \
	done

packages: ## Build Debian and RPM packages of server and worker, in target/packages
	@scripts/packages test
	@scripts/dashboard
	cargo build --locked --release --bins -p llamapool-server -p llamapool-worker
	@installers/linux/package

check-cross: ## Type-check the programs for Windows and macOS; takes minutes, downloads a compiler's source once
	@scripts/check-cross

clean: ## Remove all build output, and what the tests installed
	cargo clean
	rm -rf e2e/.cache e2e/node/node_modules bench/results node_modules ui/node_modules ui/dist
