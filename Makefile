PYTHON ?= python

.PHONY: check lint types contracts man man-fresh test test-all screenshots

check: lint types contracts man-fresh test-all

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

contracts:
	lint-imports

man:
	$(PYTHON) -m codeexec.cli.man > man/codeexec-tui.1

man-fresh:
	$(PYTHON) -m codeexec.cli.man | cmp - man/codeexec-tui.1 || { echo "run: make man"; exit 1; }

# What a developer runs all day.
test:
	$(PYTHON) -m pytest -m "not slow and not docker"

test-all:
	$(PYTHON) -m pytest

screenshots:
	$(PYTHON) screenshots/make.py
