# Ogniwo: `make demo` runs the main job, `make test` passes the tests; both set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
# Compiled modules are kept whatever the shell says: else each of the many processes that the tests start compiles
# Django and the product anew, which takes longer than what it was started for.
export PYTHONDONTWRITEBYTECODE :=
ON_POSTGRESQL := $(addprefix tests/integration/,web/test_access_table.py web/test_console_period.py \
	web/test_pages_that_grow.py test_ledger_in_workspace.py test_records_shared.py)

.PHONY: help demo demo-stop demo-shots test test-postgresql check bench fuzz simulate lock charts clean setup setup-dev system-demo system-test

help: ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## set up, run the whole job on the sample cooperative into ./demo, and serve it on loopback
	$(BIN)/ogniwo -w demo demo --replace --serve

demo-stop: ## end what `make demo` serves
	$(BIN)/ogniwo -w demo demo --stop

demo-shots: setup-dev ## photograph every screen of the running demo into build/shots, and those of the documents
	$(BIN)/python tools/demo_shots.py demo

test: setup-dev ## set up (system packages too, where allowed), then pass all tests (DATABASE=postgresql for its records)
	OGNIWO_TEST_DATABASE=$(or $(DATABASE),sqlite) $(BIN)/python -m pytest -n auto --dist loadgroup $(PYTEST_ARGS)

test-postgresql: setup-dev ## the tests that lean most on the records, with the records in PostgreSQL
	OGNIWO_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n auto --dist loadgroup $(ON_POSTGRESQL) $(PYTEST_ARGS)

check: setup-dev ## lint, types, import contracts, scope lint, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/scope_lint.py
	$(BIN)/python -m pytest -q -p no:randomly tests/docs

bench: setup-dev ## measure speed against yardsticks in the same run (SCALE=small|full)
	$(BIN)/python -m bench --scale $(or $(SCALE),full)

fuzz: setup-dev ## search for inputs that break the ledger (SECONDS_EACH=600), keeping what widens the search in build/fuzz
	@for target in decoder machine; do mkdir -p build/fuzz/$$target && $(BIN)/python tests/fuzz/fuzz.py $$target \
		-max_total_time=$(or $(SECONDS_EACH),600) -max_len=20000 -artifact_prefix=build/fuzz/ build/fuzz/$$target \
		tests/fuzz/corpus/$$target || exit 1; done

simulate: setup-dev ## live many simulated worlds of failing disks and networks (SEEDS=10000), for every night
	$(BIN)/python tests/simulation/simulate.py $(or $(SEEDS),10000)

lock: setup-dev ## write the lock files anew (hashes, no addresses)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group build -o requirements/runtime.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group dev -o requirements/dev.txt

setup: $(VENV)/.runtime charts ## the virtual environment with the product
setup-dev: $(VENV)/.dev charts ## the same with the tools of development

charts: $(VENV)/.runtime ## build the console's charts from npm; without them the console draws plain ones
	@tools/system_packages.sh node; $(BIN)/python hatch_build.py || \
		echo "The interactive charts were not built (the lines above say why); the console works without them." >&2

system-demo:
	@PYTHON="$(PYTHON)" tools/system_packages.sh python

system-test:
	@PYTHON="$(PYTHON)" tools/system_packages.sh python test

$(VENV)/bin/pip: | system-demo
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install -q --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/pip system-test
	$(BIN)/pip install -q --require-hashes -r requirements/dev.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

clean: ## remove what the commands made
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
