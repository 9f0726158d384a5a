# Every command installs what it needs first (scripts/setup); a second run costs nothing.
# Another interpreter: make test PYTHON=python3.13. Arguments for pytest: make test ARGS='-k health -x'.

BIN := .venv/bin
PYTEST := python -m pytest -n 4 --dist loadgroup

.NOTPARALLEL:
.PHONY: help demo test check bench docs setup format pins audit test-lowest test-newest clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: ## run the example service on an embedded MongoDB; Ctrl-C ends it
	@exec ./scripts/demo $(ARGS)

test: setup ## run every test
	@./scripts/servers
	@$(BIN)/$(PYTEST) $(ARGS)

check: setup ## lint, formatting, types, layers: zero findings
	@$(BIN)/ruff check .
	@$(BIN)/black --check --quiet --diff .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## run the benchmarks and write benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks $(ARGS)

docs: setup ## build the documentation into site/
	@$(BIN)/zensical build --clean --strict

setup: ## make .venv ready
	@./scripts/setup

format: setup ## format the code and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/black --quiet .

pins: setup ## raise requirements/dev.txt to the newest versions that fit together
	@./scripts/pins

audit: setup ## look the pinned dependencies up in the vulnerability database
	@./scripts/audit

test-lowest: ## run the tests against the oldest supported dependencies
	@./scripts/setup lowest
	@./scripts/servers
	@.venv-lowest/bin/$(PYTEST) $(ARGS)

test-newest: ## run the tests against the newest dependencies
	@./scripts/setup newest
	@./scripts/servers
	@.venv-newest/bin/$(PYTEST) $(ARGS)

clean: ## remove what the commands above made
	rm -rf .venv .venv-lowest .venv-newest .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist site .coverage*
