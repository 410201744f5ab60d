# `make run` and `make test` need nothing but this clone on a Debian machine; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check fmt sqlx docs walk cuda-toolkit cuda-check

# Models are shared by all clones of one user.
export DOCENT__MODELS__DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/docent/models
# Puts a new enough cargo first in PATH, installing what is missing.
SETUP = environment=$$(scripts/setup) && export "$$environment"

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## build, fetch the starter models, serve on http://127.0.0.1:8080
	@$(SETUP) && cargo build --release --locked --bin docent && \
	docent="$${CARGO_TARGET_DIR:-target}/release/docent" && \
	"$$docent" models pull starter && exec "$$docent" serve

test: ## everything that is tested, from nothing to green
	@$(SETUP) && cargo test --locked --workspace --no-run && \
	"$${CARGO_TARGET_DIR:-target}/debug/docent" models pull starter qwen2.5-coder-0.5b-instruct && \
	REQUIRE_SERVICES=1 cargo test --locked --workspace

check: ## format, lints, stored queries, documentation: what CI asks before the tests
	@$(SETUP) && cargo fmt --all --check && \
	cargo clippy --locked --workspace --all-targets -- -D warnings && \
	scripts/sqlx-refresh --check && \
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

fmt: ## format everything
	@$(SETUP) && cargo fmt --all

sqlx: ## renew .sqlx after a change of a query or a migration
	@$(SETUP) && scripts/sqlx-refresh

cuda-toolkit: ## CUDA from packages, for `--features cuda` where no toolkit is; prints what to export
	@scripts/cuda-toolkit $(DIRECTORY)

cuda-check: ## types and lints of the CUDA code, with no toolkit; with one, also our kernels
	@scripts/cuda-check

docs: ## the code's documentation, in target/doc
	@$(SETUP) && cargo doc --workspace --no-deps --document-private-items

walk: ## the README's walk in a real Chromium: FILES="a.pdf b.md" QUESTION="…"
	@scripts/walk $(FILES) -- "$(QUESTION)"
