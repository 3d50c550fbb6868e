PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FLEET ?= data/fleet
PYTHONS ?= 3.11 3.12 3.13 3.14

SECONDS ?= 60
BENCHMARK ?=

.PHONY: report test benchmark lab check-all fuzz test-oldest test-pythons docs clean

report: $(READY)  ## explain the fleet in data/fleet: writes build/report.html
	@mkdir -p build
	@$(BIN)/certtrust report $(FLEET) -o build/report.html || test $$? -eq 1

test: $(READY)  ## lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy & types=$$!; $(BIN)/pytest -n 2 --dist worksteal -q; tests=$$?; wait $$types && exit $$tests

check-all: $(READY)  ## the slow and exhaustive tests too
	CERTTRUST_EXAMPLES=1 $(BIN)/pytest -q -m "exhaustive or not exhaustive"

fuzz: $(READY)  ## mutated input for every reader, SECONDS each; findings in build/fuzz
	$(BIN)/python -m tests.fuzz all $(SECONDS)

test-oldest:  ## the tests with the oldest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) .ci/oldest.py > .venv-oldest/constraints.txt
	.venv-oldest/bin/pip install --quiet --upgrade pip
	.venv-oldest/bin/pip install --quiet --constraint .venv-oldest/constraints.txt --editable '.[excel,monitoring,scale]' --group dev
	.venv-oldest/bin/pytest -n 2 --dist worksteal -q

test-pythons:  ## the tests on each supported Python that this machine has
	@for version in $(PYTHONS); do \
		python=$$(bash .ci/python.sh $$version) || { echo "no Python $$version here"; continue; }; \
		echo "Python $$version: $$python" && $$python -m venv .venv-$$version && \
		.venv-$$version/bin/pip install --quiet --upgrade pip && \
		.venv-$$version/bin/pip install --quiet --editable '.[notebook,excel,monitoring,scale]' --group dev && \
		.venv-$$version/bin/pytest -n 2 -q || exit 1; \
	done

benchmark: $(READY)  ## all benchmarks, small: build/benchmarks.json and a chart
	$(BIN)/pip install --quiet --group benchmark
	$(BIN)/python benchmarks/everything.py $(BENCHMARK)

docs: $(READY)  ## the reference, into build/docs
	$(BIN)/pip install --quiet --group docs
	$(BIN)/python .ci/docs.py build/docs

lab: $(READY)  ## JupyterLab on the notebooks; its root is here, so that their links to data/ hold
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) \
		--ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks

clean:
	rm -rf $(VENV) .venv-* build

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --no-compile --editable '.[notebook,excel,monitoring,scale]' --group dev
	@# pip would compile thousands of files one after the other; templates among them are no Python
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@
