# Every target builds .venv by itself: a machine needs Python 3.11 or later, make, and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
ARGS ?=
WORKERS ?= 2
TORCH ?= torch==2.13.0
TORCH_OPTIONS ?=

.PHONY: help run test fuzz check format bench corpus screenshots torch clean
.DEFAULT_GOAL := help

help:  ## say what the targets do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run  ## open the lab; ARGS="run xor" or any other arguments of the command
	@$(BIN)/backprop-tui $(ARGS)

test: $(VENV)/.dev  ## run the tests; ARGS="-k checkpoint" narrows them
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

fuzz: $(VENV)/.dev  ## send 100,000 random keys, pastes, mouse events and sizes; ARGS="--seed 2"
	$(BIN)/python -m tests.tui.fuzz $(ARGS)

check: $(VENV)/.dev  ## formatting, lint, strict types, import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## format, and mend what lint can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.dev torch  ## measure against PyTorch, scikit-learn and bare NumPy; ARGS="steps" for one part
	@$(PIP) install --editable '.[bench]' || echo "no scikit-learn: its row is left out"
	@$(BIN)/python -m benchmarks $(ARGS)

corpus: $(VENV)/.dev  ## review the corpus of hand-written scripts; ARGS="--every 10" takes a tenth of it
	$(BIN)/python -m tests.review --jobs $(WORKERS) $(ARGS)

screenshots: $(VENV)/.dev  ## draw docs/screenshots anew, by the app itself
	$(BIN)/python scripts/screenshots.py

# PyTorch's plain wheels for Linux bring gigabytes of CUDA with them: TORCH_OPTIONS can name
# an index of lighter ones. Without PyTorch the tests and benchmarks that compare with it are left out.
torch: $(VENV)/.dev
	@$(BIN)/python -c 'import torch' 2>/dev/null \
		|| $(PIP) install --retries 1 $(TORCH_OPTIONS) '$(TORCH)' \
		|| echo "no PyTorch: what compares with it is left out"

clean:  ## remove .venv, caches and built packages
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find core tui tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is not Python 3.11 or later; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml
	@echo "installing backprop-tui into $(VENV)" >&2
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml
	@echo "installing backprop-tui and the development tools into $(VENV)" >&2
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.run
