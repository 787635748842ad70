PYTHON ?= python
ONLY ?=
# Processes share the files of tests, in their order; tests wait, so there are twice as many as
# processors. `make test WORKERS=0`: one process.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")
PARALLEL = -n $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: help check format lint types contracts man man-fresh docs docs-serve test test-all coverage screenshots golden golden-svg

help:  ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: lint types contracts man-fresh docs coverage  ## Run everything that CI runs

format:  ## Format the code and sort imports
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

lint:  ## Check style
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:  ## Check types
	$(PYTHON) -m mypy

contracts:  ## Check which rooms import which
	lint-imports

man:  ## Write the manual page anew
	$(PYTHON) -m codeexec.cli.man > man/codeexec-tui.1

man-fresh:
	$(PYTHON) -m codeexec.cli.man | cmp - man/codeexec-tui.1 || { echo "run: make man"; exit 1; }

docs:  ## Build the documentation into build/site, and check its links
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet

docs-serve:  ## Show the documentation while you write it
	$(PYTHON) -m mkdocs serve

test:  ## Run the daily tests
	$(PYTHON) -m pytest $(PARALLEL) -m "not slow and not docker"

test-all:  ## Run all tests
	$(PYTHON) -m pytest $(PARALLEL)

coverage:  ## Run all tests; print line coverage of all, and without tests/stories
	$(PYTHON) -m pytest $(PARALLEL) -p tests.support.line_coverage

golden:  ## Write the golden pictures of tests/golden anew (ONLY=NAME: those of one scene)
	GOLDEN=update $(PYTHON) -m pytest -q tests/golden -k "$(ONLY)"

golden-svg:  ## Draw the golden scenes as they are now into build/golden
	GOLDEN=svg $(PYTHON) -m pytest -q tests/golden -k "$(ONLY)"

screenshots:  ## Draw the screenshots anew
	$(PYTHON) screenshots/make.py
