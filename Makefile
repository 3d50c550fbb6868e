PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FLEET ?= data/fleet

.PHONY: report test lab check-all clean

report: $(READY)  ## explain the fleet in data/fleet: writes build/report.html
	@mkdir -p build
	@$(BIN)/certtrust report $(FLEET) -o build/report.html || test $$? -eq 1

test: $(READY)  ## lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 -q

check-all: $(READY)  ## the slow and exhaustive tests too
	$(BIN)/pytest -q -m "exhaustive or not exhaustive"

lab: $(READY)  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

clean:
	rm -rf $(VENV) build

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[notebook]' --group dev
	@touch $@
