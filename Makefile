# The project's own commands; `make` alone lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PINS   := pyproject.toml constraints.txt

# Stamps: made anew only when what is to be installed changes.
CORE := $(VENV)/.installed-core
TEST := $(VENV)/.installed-test
DEV  := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint audit docs bench bench-long picture clean

help:
	@echo "make demo     install the core; hand out, grade and report a sample assignment"
	@echo "make test     install what the tests need (PyTorch too) and run them"
	@echo "make check    make test, then ruff and mypy --strict"
	@echo "make audit    draw 10,000 variants of every topic and level and measure them; writes demo/audit.html"
	@echo "make docs     write docs/topics again, a page a topic"
	@echo "make bench    measure speed; writes docs/benchmarks.md"
	@echo "make bench-long  after it, measure classes of thousands, every function and trained models; writes those sections again"
	@echo "make picture  draw the README's picture again (needs chromium)"
	@echo "make clean    remove what the other commands made"

# Python 3.11, and the venv module with pip in it: say what is missing in one line.
$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || \
	  { echo "error: $(PYTHON) was not found. Install Python 3.11 or newer: sudo apt-get install python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $$($(PYTHON) -V) is too old: convgrader needs 3.11 or newer. Name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "error: $(PYTHON) cannot make virtual environments. Install that part: sudo apt-get install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(CORE): $(PINS) | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(TEST): $(PINS) | $(VENV)/bin/python
	$(PIP) --editable ".[test]"
	@touch $@ $(CORE)

$(DEV): $(PINS) | $(VENV)/bin/python
	$(PIP) --editable ".[dev]"
	@touch $@ $(TEST) $(CORE)

GRADE := $(BIN)/grader check examples/submissions --call-seconds 2 -o demo/report

# Some of the examples are wrong on purpose: `grader check` then exits with 1, which is what the demo shows.
demo: $(CORE)
	@rm -rf demo && mkdir demo
	$(BIN)/grader generate --topic padding --students examples/roster.csv --key-file demo/course.key --with-key -o demo/handout
	@echo
	@echo "$(GRADE)"
	@$(GRADE) || test $$? -eq 1

test: $(TEST)
	$(BIN)/python -m pytest -n 2 -q

check: $(DEV) lint test

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

audit: $(CORE)
	@mkdir -p demo
	$(BIN)/grader audit --draws 10000 -o demo/audit.html

docs: $(CORE)
	$(BIN)/grader topics --docs docs/topics

bench: $(TEST)
	$(BIN)/python -m benchmarks

bench-long: $(TEST)
	$(BIN)/python -m benchmarks.large --into docs/benchmarks.md 500 2000 cheap:5000
	$(BIN)/python -m benchmarks.functions --into docs/benchmarks.md
	$(BIN)/python -m benchmarks.trained --into docs/benchmarks.md

picture: demo
	$(BIN)/python docs/images/picture.py demo/report grace docs/images/report.png

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
