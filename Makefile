# Everything happens in a virtual environment of this folder's own.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
# Two processes more than there are cores: about half of the time tests wait for other processes.
# Each takes one or two gigabytes.
PARALLEL := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2) --maxprocesses 5 --dist worksteal

.PHONY: run test test-fast check clean

run: $(VENV)/installed
	$(VENV)/bin/tuner run wine

test: $(VENV)/installed-dev
	$(VENV)/bin/pytest $(PARALLEL)

test-fast: $(VENV)/installed-dev
	$(VENV)/bin/pytest $(PARALLEL) -m "not slow"

check: $(VENV)/installed-dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
