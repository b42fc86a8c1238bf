# Fingerpost. Every target sets up what it needs (a virtual environment in .venv) and is quick when nothing changed.

VENV := .venv
BIN := $(VENV)/bin

# Where it is set, as in many containers, every process that a test starts would compile the hub anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak mutants controls docs picture pictures lock audit-deps sbom clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: ## a missing child, start to end, on this machine; ARGS=--once to finish by itself
	@scripts/setup demo
	@$(BIN)/python -m hub demo $(ARGS)

test: check ## everything that must hold: check, then all tests; ARGS are handed to pytest
	@scripts/tools
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: ## formatting, lint, types, and who may import whom
	@scripts/setup dev
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@scripts/quiet $(BIN)/lint-imports
	@scripts/quiet $(BIN)/bandit -q -r hub adapters contacts routing
	@echo "check: formatting, lint, types, imports and security rules are in order"

bench: ## how fast it is here, each figure beside what it is compared with; ARGS=fanout for one of them
	@scripts/setup dev
	@scripts/tools
	@scripts/setup peers || echo "bench: what others would use is not measured"
	@$(BIN)/python bench/run.py $(ARGS)

soak: ## what takes too long for make test; the results go to bench/results/
	@scripts/setup dev
	@scripts/tools
	@$(BIN)/python bench/run.py --soak $(ARGS)

mutants: ## change routing/ in every small way and see that a test notices; the list of what lives is kept
	@scripts/setup dev
	@scripts/setup mutants
	@nice -n 19 $(BIN)/python scripts/mutants $(ARGS)

controls: ## take each control of the threat model out of a copy of the code, and see that its tests fail there
	@scripts/setup dev
	@scripts/tools
	@$(BIN)/python -m scripts.threats --try $(ARGS)

docs: ## the documentation as a site, in site/
	@scripts/setup dev
	@scripts/quiet $(BIN)/mkdocs build --strict
	@echo "docs: open site/index.html"

picture: ## draw docs/demo.svg from a run of the demo
	@scripts/setup demo
	@$(BIN)/python scripts/picture.py docs/demo.svg

pictures: ## take the pictures of the pages in docs/pictures/ anew, in a real Chromium
	@scripts/setup dev
	@scripts/tools
	@PICTURES=1 $(BIN)/python -m pytest tests/browser -n 0

lock: ## pin every package with its digests in requirements/; ARGS=--upgrade for the newest that pyproject.toml allows
	@scripts/setup dev
	@scripts/setup supply
	@$(BIN)/python scripts/lock.py $(ARGS)

audit-deps: ## look up the packages of a hub for known vulnerabilities (asks the network)
	@scripts/setup dev
	@scripts/setup supply
	@$(BIN)/python scripts/audit_deps.py

sbom: ## what a hub is made of, as CycloneDX JSON, in build/sbom.json
	@scripts/setup dev
	@scripts/setup supply
	@$(BIN)/python scripts/sbom.py

clean: ## remove the virtual environment and everything that was built
	rm -rf $(VENV) site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
