# Every target makes the virtual environment and installs the package first, where that is not done yet.
# PYTHON chooses the interpreter of a new environment, VENV its place: make test PYTHON=python3.12 VENV=/tmp/sigkd
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Workers share the cores: one thread each.
TEST_WORKERS ?= 2
DEMO_OUT ?= demo-output

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format docs bench clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make the virtual environment and install the package with its development tools.

# The stamp is as new as pyproject.toml: nothing is installed again until the dependencies change.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sigkd needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing sigkd and its dependencies into $(VENV): about two and a half minutes, mostly PyTorch ..."
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## Make up signatures and verify them, end to end, with tables.
	@$(BIN)/sigkd demo --out $(DEMO_OUT)

test: $(INSTALLED)  ## Run the tests.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(TEST_WORKERS) --dist loadfile --durations=20

lint: $(INSTALLED)  ## Check style, annotations and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)  ## Rewrite the code in the project's style, and the commands page from the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python docs/commands.py

docs: $(INSTALLED)  ## Build the documentation into site/; any warning is an error.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(INSTALLED)  ## Measure (benchmarks/README.md).
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) $(DEMO_OUT) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
