# Everything happens in a virtual environment of this folder's own.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
# More processes than cores, for slow tests wait half of their time and others a tenth. Each takes
# one or two gigabytes of memory.
CORES := $(shell getconf _NPROCESSORS_ONLN)
PYTEST := $(VENV)/bin/pytest --dist worksteal --maxprocesses 5
# Without bytecode, every process would compile tuner and rewrite the tests' assertions again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fast check clean

run: $(VENV)/installed
	$(VENV)/bin/tuner run wine

test: $(VENV)/installed-dev
	$(PYTEST) -n $(shell expr $(CORES) + 2)

test-fast: $(VENV)/installed-dev
	$(PYTEST) -n $(shell expr $(CORES) + 1) -m "not slow"

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
