# Everything here sets itself up: .venv is made and filled on first use.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

.PHONY: calibrate demo test test-engine second-opinion bench peers capacity-bench check format schemas lock clean help

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

NATIVE := hatch_build.py $(wildcard src/loadproof/streaming/native/*.c)

$(READY): requirements.lock pyproject.toml $(NATIVE)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"loadproof needs Python 3.11 to 3.13, and $(PYTHON) is {v[0]}.{v[1]}; say which to use: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## Load a simulated server at 1, 4, 16 and 64 users and judge it (3 minutes)
	@$(BIN)/loadproof run scenarios/demo.toml --server servers/simulator-demo.toml; code=$$?; \
	echo; echo "Exit code $$code. A pipeline would see: 0 all hold, 10 broken, 11 inconclusive, 12 invalid."; \
	test $$code -eq 10

test: $(READY) ## Unit and integration tests, format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal

test-engine: $(READY) ## The main job on a real vLLM (CPU, tiny model)
	$(BIN)/python tests/engine/prepare.py
	$(BIN)/pytest tests/engine

second-opinion: $(READY) ## Our figures beside vLLM's own and those of its bench, on a real vLLM
	$(BIN)/python tests/engine/prepare.py
	PYTHONPATH=tests $(BIN)/python -m engine.second_opinion

bench: $(READY) ## What measuring costs and how wrong it is, on a server with a known truth
	$(BIN)/python -m benchmarks

peers: $(READY) ## Install the other tools that bench is to show, each by itself (5 GB)
	$(BIN)/python -m benchmarks.peers

capacity-bench: $(READY) ## How often the search for the capacity is right, and what it costs
	$(BIN)/python -m benchmarks.capacity

calibrate: $(READY) ## How often verdicts err, on simulated runs whose truth is known (about half an hour on 2 cores)
	$(BIN)/python -m benchmarks.calibration

check: $(READY) ## Format, lint and types alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## Format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(READY) ## Write the JSON Schemas of scenarios and servers again
	$(BIN)/loadproof schemas schemas

lock: $(READY) ## Resolve the dependencies again, for all supported Pythons
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra dev --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock

clean: ## Remove what was set up (runs/ stays)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
