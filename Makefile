# Everything a person does here, by name. A bare `make` prints the list.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := .venv/bin
TRAIN  := .venv-train/bin
PIP    := install --quiet --disable-pip-version-check

# Demo: what to watch (0 for a webcam, clip.mp4, rtsp://...; the sample scene where empty).
SOURCE ?=
# Models: the folder with the data sets, where the trainings go on from, and the name of what comes out.
DATA    ?=
RUNS    ?= runs
VERSION ?= $(shell date -u +%Y.%m.%d)
# Passed on as they are, e.g. make demo ARGS=--stay, make test ARGS="-k outbox".
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-train check format test demo bench models need-data docs lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.installed ## Make .venv with everything but the training stack

setup-train: .venv-train/.installed ## Make .venv-train with the training stack (PyTorch; several GB)

check: setup ## Lint, format, types, directions of import
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Format the code and sort its imports
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

test: setup ## Run the tests (ARGS="-k name" for some of them)
	$(BIN)/pytest $(ARGS)

demo: setup ## The whole product on the sample scene (SOURCE=0, clip.mp4, rtsp://...; ARGS=--stay)
	$(BIN)/footlight-cloud demo $(if $(SOURCE),--source '$(SOURCE)') $(ARGS)

bench: setup ## Frames per second and CPU seconds per frame, stage by stage, beside two peers
	$(BIN)/python -m tests.bench $(if $(DATA),--yunet '$(DATA)/teacher/yunet_n_320_320.onnx') $(ARGS)

models: need-data setup-train ## Train, export, calibrate and measure the models (DATA=folder of the data sets)
	$(TRAIN)/python -m models_tflite.train_detector --data '$(DATA)' --run $(RUNS)/detector
	$(TRAIN)/python -m models_tflite.train_attributes --data '$(DATA)' --run $(RUNS)/attributes
	$(TRAIN)/python -m models_tflite.export --data '$(DATA)' --version $(VERSION) \
		--detector $(RUNS)/detector/detector.pt --attributes $(RUNS)/attributes/attributes.pt
	$(TRAIN)/python -m models_tflite.calibrate --data '$(DATA)' --version $(VERSION)
	$(TRAIN)/python -m models_tflite.report --data '$(DATA)'

need-data:
	@test -d '$(DATA)' || { echo 'make models needs DATA=folder with the data sets' >&2; exit 2; }

docs: setup ## Write the pages and schemas of the wire anew from edge/wire.py
	$(BIN)/python docs/generate.py

lock: setup ## Write requirements-*.txt anew from pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' \
	| $(COMPILE) --generate-hashes --extra edge --extra cloud --output-file requirements-dev.txt pyproject.toml -
	sed -i 's/-r -$$/dev group/' requirements-dev.txt
	$(COMPILE) --no-annotate --extra edge --extra train --output-file requirements-train.txt pyproject.toml
	sed -i -E '1i # Versions only: which file is torch for a CPU differs between package indexes, and so does its hash.' requirements-train.txt
	sed -i -E 's/^([a-z0-9-]+==[0-9.]+)\+[a-z0-9]+/\1/' requirements-train.txt

clean: ## Remove the environments and whatever can be made again
	rm -rf .venv .venv-train build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The locks name no package index, no path and no host, so that they hold wherever pip gets its packages.
COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --upgrade --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.venv/.installed: requirements-dev.txt pyproject.toml
	$(call need-python)
	$(call venv,.venv)
	@echo 'Installing the locked packages into .venv (a minute or two) ...'
	@$(BIN)/pip $(PIP) --require-hashes -r requirements-dev.txt
	@PYTHONWARNINGS=ignore $(BIN)/pip $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-train/.installed: requirements-train.txt pyproject.toml
	$(call need-python)
	$(call venv,.venv-train)
	@echo 'Installing the training stack into .venv-train (some minutes) ...'
	@$(TRAIN)/pip $(PIP) -r requirements-train.txt
	@PYTHONWARNINGS=ignore $(TRAIN)/pip $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

define need-python
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || { \
	echo 'Footlight needs Python 3.11 to 3.13, and $(or $(PYTHON),python3) is none: make PYTHON=/path/to/python3.11' >&2; exit 2; }
endef

define venv
	@$(PYTHON) -m venv $(1) >/dev/null || { \
	echo 'No virtual environment could be made: apt-get install python3-venv' >&2; exit 2; }
endef
