# Everything here can be run again at any time: what is done already is left alone.
PYTHON ?= python3
ARGS ?=
# Most of a test run is waiting; three runners, each with servers of its own, keep two cores busy.
RUNNERS ?= 3
RUNS ?= 1000
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
LOG := $(VENV)/setup.log
AIMOCK := @copilotkit/aimock
AIMOCK_VERSION := 1.43.0
OPENAI_NODE_VERSION := 7.55.0
CACHES := .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist

.DEFAULT_GOAL := help
.PHONY: help setup up test aimock openai-node money webhooks-node lint types bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Install the pinned packages and the servers (about two minutes the first time)
	@echo "==> Servers: MongoDB, RabbitMQ, SeaweedFS"
	@$(BIN)/python -m deploy.local.setup

up: setup ## Start the whole stack with a demo account; ARGS="--port 8001 --scale worker=2 --fresh"
	@exec $(BIN)/hatchery up $(ARGS)

test: setup ## Run all tests on real servers; ARGS="-k webhook"
	@$(BIN)/python -m pytest -n $(RUNNERS) --dist loadfile --no-loadscope-reorder $(ARGS)

aimock: $(INSTALLED) ## Test the provider adapters on an independent mock; needs Node 20 and npm
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
	    --prefix "$$folder" $(AIMOCK)@$(AIMOCK_VERSION) && \
	  HATCHERY_TEST_AIMOCK="$$folder/node_modules/$(AIMOCK)" \
	    $(BIN)/python -m pytest tests/contract/aimock $(ARGS)

openai-node: setup ## Test the OpenAI-style dialect with the Node client; needs Node 20 and npm
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
	    --prefix "$$folder" openai@$(OPENAI_NODE_VERSION) && \
	  HATCHERY_TEST_OPENAI_NODE="$$folder/node_modules/openai" \
	    $(BIN)/python -m pytest tests/contract/openai_node $(ARGS)

money: setup ## Shake the ledger with random acts and crashes, for about ten minutes; RUNS=1000
	@HATCHERY_MONEY_RUNS=$(RUNS) $(BIN)/python -m pytest tests/chaos/money $(ARGS)

webhooks-node: setup ## Verify webhooks with the Standard Webhooks package for Node; needs Node 20 and npm
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  cp tests/contract/webhooks/package.json tests/contract/webhooks/package-lock.json "$$folder" && \
	  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix "$$folder" && \
	  HATCHERY_TEST_WEBHOOKS_NODE="$$folder/node_modules" \
	    $(BIN)/python -m pytest tests/contract/webhooks $(ARGS)

lint: $(INSTALLED) ## Check style, formatting, import contracts and YAML
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	git ls-files -z '*.yaml' '*.yml' | xargs -0 --no-run-if-empty $(BIN)/yamllint --strict

types: $(INSTALLED) ## Check the types
	$(BIN)/mypy

bench: setup ## Measure the pipeline; ARGS="--tasks 500"
	@$(BIN)/hatchery bench pipeline $(ARGS)

clean: ## Remove the environment, downloads, caches and the local stack's data
	rm -rf $(VENV) .cache .hatchery $(CACHES) *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or later is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "==> Python environment in $(VENV) (a few seconds)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) cannot make environments; on Debian and Ubuntu install python3-venv" >&2; \
	  rm -rf $(VENV); exit 1; }

$(INSTALLED): requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "==> Pinned packages (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-dev.lock > $(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@echo "==> Hatchery itself (a few seconds)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e . \
	  > $(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@touch $@
