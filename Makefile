# Everything happens in a virtual environment of this folder's own.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
# Of tests one process more than there are cores, for many tests wait; each takes a gigabyte or two.
PARALLEL := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses 4 --dist worksteal

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
