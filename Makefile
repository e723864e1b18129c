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
.PHONY: help install demo test test-oldest fuzz soak lint format docs bench clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

test-oldest:  ## Run the tests with the oldest libraries that pyproject.toml allows (VENV-oldest).
	@$(PYTHON) tests/oldest.py pyproject.toml > oldest.txt
	@test -x $(VENV)-oldest/bin/python || $(PYTHON) -m venv $(VENV)-oldest
	@$(VENV)-oldest/bin/python -m pip install --quiet --constraint oldest.txt --editable '.[dev]'
	OMP_NUM_THREADS=1 $(VENV)-oldest/bin/python -m pytest -q -n $(TEST_WORKERS) --dist loadfile

fuzz: $(INSTALLED)  ## Disturb 10,000 images and 2,000 files of every other kind that is read (hours).
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run

soak: $(INSTALLED)  ## Enrol, verify and forget for 15 minutes in four threads: memory stays flat.
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/soak.py

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
	rm -rf $(VENV) $(VENV)-oldest oldest.txt $(DEMO_OUT) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
