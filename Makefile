PYTHON ?= python

.PHONY: check lint types contracts test test-all screenshots

check: lint types contracts test-all

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

contracts:
	lint-imports

# What a developer runs all day.
test:
	$(PYTHON) -m pytest -m "not slow and not docker"

test-all:
	$(PYTHON) -m pytest

screenshots:
	$(PYTHON) screenshots/make.py
