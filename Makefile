# All commands for people. `make` without a target lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := .venv/bin
TRAIN  := .venv-train/bin
ANSIBLE := .venv-ansible/bin
PIP    := install --quiet --disable-pip-version-check

# Demo: the camera (0 for a webcam, clip.mp4, rtsp://...; the sample scene if empty).
SOURCE ?=
# Models: folder with the data sets, folder with the state of the training, folder for the models, and their name.
DATA    ?=
RUNS    ?= runs
OUT     ?= models_tflite
VERSION ?= $(shell date -u +%Y.%m.%d)
# Detector: weights to start from; 1 to train on hand labels of people only.
START            ?=
HAND_LABELS_ONLY ?=
# Devices: processor and roles for the wheelhouse; which machines to set up, and their inventory.
ARCH      ?= aarch64
EXTRAS    ?= edge
LIMIT     ?=
INVENTORY ?= ansible/inventory
# Appliance tests: how many machines run at a time.
MACHINES ?= 3
# Release: the private ssh key that signs it; the image with Python that the server's is built on.
KEY    ?=
BASE   ?=
# Chaos: number of devices, and hours of a simulated clock instead of ten minutes of this one.
DEVICES ?=
HOURS   ?=
# Languages of the page; its messages are in English.
LANGUAGES := de es fr
# Server: the name or address under which the devices reach it; the folder of an image that make image made.
HOST   ?=
IMAGE  ?=
# Passed on unchanged, e.g. make demo ARGS=--stay, make test ARGS="-k outbox".
ARGS   ?=

# Other runtimes that the models must run in; only tests/edge/inference/test_runtimes.py uses them.
RUNTIMES := build/runtimes
OTHERS   := emulator here-tflite aarch64-litert aarch64-tflite

.DEFAULT_GOAL := help
.PHONY: help setup setup-train check format test test-fast test-train appliance-test appliance-test-fast appliance-test-emulated runtimes test-runtimes demo bench soak fuzz chaos proven models need-data need-inventory server setup-ansible setup-release lint-ansible image-settings wheelhouse release image deploy fleet upgrade certificates revoke backup restore docs messages dashboards schema lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-23s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.installed ## Create .venv with everything except the training stack

setup-train: .venv-train/.installed ## Create .venv-train with the training stack (PyTorch; several GB)

check: setup ## Check style, format, types, import rules, dead code and undeclared packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry --no-ansi common edge cloud dashboards models_tflite

format: setup ## Format the code and sort its imports
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

test: setup ## Run the tests (ARGS="-k name" for some of them)
	$(BIN)/pytest --numprocesses auto --dist loadfile $(ARGS)

test-fast: setup ## Run the tests that need no broker, database, browser or systemd, and are not slow (a minute)
	$(BIN)/pytest --numprocesses auto -m 'not (mosquitto or influxdb or chromium or systemd or slow)' $(ARGS)

appliance-test appliance-test-fast: ARCH := x86_64
appliance-test appliance-test-fast: EXTRAS := edge cloud
APPLIANCE = $(BIN)/pytest --numprocesses $(MACHINES) $(ARGS)
appliance-test: setup-ansible setup-release wheelhouse ## Boot Debian with systemd, install Footlight and check that it counts (root; MACHINES=4 at a time)
	$(APPLIANCE) tests/appliance --ignore tests/appliance/test_arm64.py

appliance-test-fast: setup-ansible wheelhouse ## Of these: playbook, one box, doctor, sandbox (root; ten minutes)
	$(APPLIANCE) $(patsubst %,tests/appliance/test_%.py,playbook box doctor sandbox)

proven: setup ## Run the tests, and write into README.md on which real parts they passed (ARGS="-m influxdb" for some of them)
	$(BIN)/pytest --numprocesses auto --dist loadfile --junitxml build/proven.xml $(ARGS)
	$(BIN)/python docs/proven.py build/proven.xml

appliance-test-emulated: setup-ansible wheelhouse ## The same on an emulated arm64 machine, with arm64 wheels and kernel (root; takes long)
	$(BIN)/pytest tests/appliance/test_arm64.py $(ARGS)

runtimes: setup $(OTHERS:%=$(RUNTIMES)/%/.installed) ## Download what test-runtimes needs: tflite-runtime and an emulated aarch64

test-runtimes: runtimes ## Run the models in both runtimes, on this machine and on an emulated aarch64
	$(BIN)/pytest -rP tests/edge/inference/test_runtimes.py $(ARGS)

demo: setup ## Run the whole product on the sample scene (SOURCE=0, clip.mp4, rtsp://...; ARGS=--stay)
	$(BIN)/footlight-cloud demo $(if $(SOURCE),--source '$(SOURCE)') $(ARGS)

bench: setup ## Measure frames per second and CPU seconds per frame for each stage, compared with three other systems
	$(BIN)/python -m benchmarks.pipeline $(if $(DATA),--data '$(DATA)') $(ARGS)

soak: setup ## Simulate a week of the service in ten minutes; check memory, counts and lost windows (ARGS=--json)
	$(BIN)/python -m benchmarks.soak $(ARGS)

fuzz: setup ## Feed ten million wrong messages and files to what reads from outside (ARGS="--inputs 100000 --keep")
	$(BIN)/python -m tests.fuzz $(ARGS)

chaos: setup ## Let everything fail at once for ten minutes; nothing may be lost or counted twice (root; DEVICES=1000 HOURS=24, ARGS="--seed 7 --json")
	$(BIN)/python -m tests.chaos $(if $(DEVICES),--devices '$(DEVICES)') $(if $(HOURS),--hours '$(HOURS)') $(ARGS)

models: BY_HAND = $(if $(HAND_LABELS_ONLY),--hand-labels-only)
models: need-data setup-train ## Train, export, calibrate and measure the models (DATA=folder HAND_LABELS_ONLY=1; continues after an interruption)
	$(TRAIN)/python -m models_tflite.training.check --data '$(DATA)'
	$(TRAIN)/python -m models_tflite.training.detector.train --data '$(DATA)' --run $(RUNS)/detector-teacher --teacher --batch 160 $(BY_HAND) $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.detector.train --data '$(DATA)' --run $(RUNS)/detector --learn-from $(RUNS)/detector-teacher/detector.pt \
		$(if $(START),--start-from '$(START)') $(BY_HAND) $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.detector.quantised --data '$(DATA)' --run $(RUNS)/detector-int8 --start-from $(RUNS)/detector/detector.pt \
		--learn-from $(RUNS)/detector-teacher/detector.pt $(BY_HAND) $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.landmarks --data '$(DATA)' --run $(RUNS)/landmarks $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.attributes people --data '$(DATA)' --run $(RUNS)/people-teachers --teachers $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.attributes people --data '$(DATA)' --run $(RUNS)/people \
		--learn-from $(RUNS)/people-teachers/people.pt $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.attributes expression --data '$(DATA)' --run $(RUNS)/expression-teachers --teachers $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.attributes expression --data '$(DATA)' --run $(RUNS)/expression \
		--learn-from $(RUNS)/expression-teachers/expression.pt $(SMOKE)
	$(TRAIN)/python -m models_tflite.training.export --data '$(DATA)' --runs $(RUNS) --version '$(VERSION)' --out '$(OUT)'
	$(TRAIN)/python -m models_tflite.evaluation.calibrate --data '$(DATA)' --version '$(VERSION)' --models '$(OUT)'
	$(TRAIN)/python -m models_tflite.evaluation.report --data '$(DATA)' --runs $(RUNS) --models '$(OUT)'

test-train: setup-train ## Run the trainings on drawn faces, each step shortened, and use the results (minutes)
	$(TRAIN)/python -m tests.models_tflite.training

need-data:
	@test -d '$(DATA)' || { echo 'make $(MAKECMDGOALS) needs DATA=folder with the data sets' >&2; exit 2; }

server: ## Start the server of a chain in containers on this machine (HOST=name or address for the devices; IMAGE=folder of a released one; needs docker)
	@test -n '$(HOST)' || { echo 'make server needs HOST=the name or address under which devices reach it' >&2; exit 2; }
	cloud/compose/secrets.sh init $(HOST)
	@test -s $(IMAGES) || { cloud/compose/pin.sh >$(IMAGES).new && mv $(IMAGES).new $(IMAGES); }
	$(SERVER) up --detach --wait influxdb
	cloud/compose/secrets.sh tokens
	$(if $(IMAGE),docker load --quiet --input '$(IMAGE)/image/footlight.tar')
	$(SERVER) up --detach $(if $(IMAGE),--no-build,--build) --wait

setup-release: .venv-release/.installed ## Create .venv-release, with the tool that lists what is in a release

setup-ansible: .venv-ansible/.installed ## Create .venv-ansible, which sets up other machines

lint-ansible: setup-ansible ## Lint the playbooks and roles
	cd ansible && PATH="$(CURDIR)/$(ANSIBLE):$$PATH" ansible-lint

image-settings: setup-ansible ## Write the settings for freshly flashed cards: name, user, key, Wi-Fi (LIMIT=store-12)
	$(PLAY) ansible/image.yml $(ARGS)
	@echo 'They are in build/image-settings, a folder for each device; docs/install.md tells where they go.'

wheelhouse: setup ## Download all packages that a device installs (ARCH=x86_64, EXTRAS="edge cloud")
	$(BIN)/python ansible/wheelhouse.py gather --arch $(ARCH) $(EXTRAS:%=--extra %) dist/wheelhouse/$(ARCH)

release: setup setup-release ## Make a release in dist/release: wheelhouse, list of components, changes, signature (KEY=private ssh key)
	$(BIN)/python ansible/release.py --arch $(ARCH) $(EXTRAS:%=--extra %) --sbom .venv-release/bin/cyclonedx-py \
		$(if $(KEY),--key '$(KEY)') dist/release

image: setup setup-release ## Make the server's container image in dist/release (BASE=IMAGE@sha256:DIGEST, KEY=private ssh key; root, buildah)
	@test -n '$(BASE)' || { echo 'make image needs BASE=IMAGE@sha256:DIGEST; docs/release.md tells how to get it' >&2; exit 2; }
	$(BIN)/python ansible/container.py --base '$(BASE)' --sbom .venv-release/bin/cyclonedx-py $(if $(KEY),--key '$(KEY)') dist/release

deploy: need-inventory setup-ansible ## Set up the machines in the inventory (LIMIT=store-12, INVENTORY=folder, ARGS=--check)
	$(PLAY) ansible/site.yml $(ARGS)

fleet: need-inventory setup-ansible ## Show the state of every device in one table (LIMIT=store-12)
	$(PLAY) ansible/fleet.yml $(ARGS)

upgrade: need-inventory setup-ansible ## Upgrade devices to the wheelhouse's version, in stages; roll back where it fails (LIMIT=, ARGS=)
	$(PLAY) ansible/upgrade.yml $(ARGS)

certificates: need-inventory setup-ansible ## Renew certificates that expire soon, one machine after another (LIMIT=store-12)
	$(PLAY) ansible/certificates.yml $(ARGS)

revoke: need-inventory setup-ansible ## Revoke a device's certificate, so that the broker refuses it (DEVICE=store-12/door)
	@test -n '$(DEVICE)' || { echo 'make revoke needs DEVICE=SITE/DEVICE, such as store-12/door' >&2; exit 2; }
	$(PLAY) ansible/revoke.yml --extra-vars 'device=$(DEVICE)' $(ARGS)

backup: need-inventory setup-ansible ## Make an archive of each server and bring it here, to backups/ beside the inventory
	$(PLAY) ansible/backup.yml $(ARGS)

restore: need-inventory setup-ansible ## Bring an archive back to a server (LIMIT=HOST ARCHIVE=FILE)
	@test -n '$(ARCHIVE)' || { echo 'make restore needs ARCHIVE=FILE, as make backup has brought it' >&2; exit 2; }
	$(PLAY) ansible/restore.yml --extra-vars 'backup_archive=$(abspath $(ARCHIVE))' $(ARGS)

docs: setup ## Generate docs/wire.md, storage.md, api.md, ansible.md and scale.md from the code
	$(BIN)/python docs/messages.py
	$(BIN)/python docs/storage.py
	$(BIN)/python docs/rules.py
	$(BIN)/python docs/api.py
	$(BIN)/python docs/roles.py
	$(BIN)/python docs/scale.py

messages: setup ## Collect the messages of the page in its catalogues; then translate what is new in them
	@mkdir --parents build
	$(BIN)/pybabel --quiet extract --mapping pyproject.toml --add-location file --sort-by-file --output build/messages.pot .
	@for language in $(LANGUAGES); do $(BIN)/pybabel --quiet update --input-file build/messages.pot --ignore-pot-creation-date \
		--output-file cloud/web/catalogue/$$language.po --locale $$language --no-fuzzy-matching --ignore-obsolete --width 110; done

dashboards: setup ## Generate Grafana's dashboards and alert rules from dashboards/*.py
	$(BIN)/python -m dashboards.build

schema: ## Generate the schema that the dashboards are checked against (needs Node.js)
	cd dashboards/schema && npm install --no-package-lock --no-audit --no-fund && npm run schema

lock: setup ## Generate requirements-*.txt from pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' \
	| $(COMPILE) --generate-hashes --extra edge --extra cloud --output-file requirements-dev.txt pyproject.toml -
	sed -i 's/-r -$$/dev group/' requirements-dev.txt
	echo 'setuptools>=77' | $(COMPILE) --generate-hashes --no-annotate --extra cloud --constraint requirements-dev.txt \
		--output-file requirements-server.txt pyproject.toml -
	echo 'numpy<2' | $(COMPILE) --generate-hashes --extra edge --extra cloud --output-file requirements-bookworm.txt pyproject.toml -
	sed -i 's/-r -$$/numpy<2/' requirements-bookworm.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["ansible"], sep="\n")' \
	| $(COMPILE) --generate-hashes --no-annotate --output-file requirements-ansible.txt -
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["release"], sep="\n")' \
	| $(COMPILE) --generate-hashes --no-annotate --output-file requirements-release.txt -
	$(COMPILE) --no-annotate --extra edge --extra train --output-file requirements-train.txt pyproject.toml
	sed -i -E '1i # Versions only: which file is torch for a CPU differs between package indexes, and so does its hash.' requirements-train.txt
	sed -i -E 's/^([a-z0-9-]+==[0-9.]+)\+[a-z0-9]+/\1/' requirements-train.txt

clean: ## Remove the environments and all generated files
	rm -rf .venv .venv-ansible .venv-release .venv-train build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

need-inventory:
	@test -e '$(INVENTORY)' || { \
	echo '$(INVENTORY) is missing: cp --recursive ansible/inventory.example ansible/inventory, then edit it' >&2; exit 2; }

# Digests of the images, pinned when the server was first started. Delete the file to get newer images.
IMAGES = cloud/compose/secrets/images.yaml
SERVER = docker compose --file cloud/compose.yaml --file $(IMAGES)

PLAY = ANSIBLE_CONFIG=ansible/ansible.cfg $(ANSIBLE)/ansible-playbook --inventory '$(INVENTORY)' $(if $(LIMIT),--limit '$(LIMIT)')

# The lock files name no package index, path or host, so that they work with any package index.
COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --upgrade --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.venv/.installed: requirements-dev.txt pyproject.toml
	$(call need-python)
	$(call venv,.venv)
	@echo 'Installing the locked packages into .venv (a minute or two) ...'
	@$(BIN)/pip $(PIP) --require-hashes -r requirements-dev.txt
	@PYTHONWARNINGS=ignore $(BIN)/pip $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-ansible/.installed: requirements-ansible.txt
	$(call need-python)
	$(call venv,.venv-ansible)
	@echo 'Installing Ansible into .venv-ansible (a minute or two) ...'
	@$(ANSIBLE)/pip $(PIP) --require-hashes -r requirements-ansible.txt
	@touch $@

.venv-release/.installed: requirements-release.txt
	$(call need-python)
	$(call venv,.venv-release)
	@echo 'Installing the tool that lists components into .venv-release ...'
	@.venv-release/bin/pip $(PIP) --require-hashes -r requirements-release.txt
	@touch $@

.venv-train/.installed: requirements-train.txt pyproject.toml
	$(call need-python)
	$(call venv,.venv-train)
	@echo 'Installing the training stack into .venv-train (some minutes) ...'
	@$(TRAIN)/pip $(PIP) -r requirements-train.txt
	@PYTHONWARNINGS=ignore $(TRAIN)/pip $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Packages for the emulator's Python, and so for a Pi: Debian 12 has Python 3.11 and glibc 2.36.
FOR_PI = --only-binary=:all: --implementation cp --python-version 3.11 --platform manylinux2014_aarch64 \
	$(shell seq --format '--platform manylinux_2_%g_aarch64' 17 36)
extra  = $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["$(1)"], sep="\n")'

$(RUNTIMES)/emulator/.installed: tests/support/emulator.sh
	@tests/support/emulator.sh $(@D)
	@touch $@

$(RUNTIMES)/here-tflite/.installed: pyproject.toml | .venv/.installed
	@echo 'Installing tflite-runtime for this machine ...'
	@rm -rf $(@D)
	@python3.11 -m venv $(@D) || { echo 'tflite-runtime needs Python 3.11: apt-get install python3.11-venv' >&2; exit 2; }
	@$(call extra,edge-legacy) | $(@D)/bin/pip $(PIP) -r /dev/stdin
	@touch $@

$(RUNTIMES)/aarch64-litert/.installed: pyproject.toml requirements-dev.txt | .venv/.installed
	@echo 'Fetching ai-edge-litert for aarch64 ...'
	@rm -rf $(@D)
	@$(call extra,edge) | $(BIN)/pip $(PIP) $(FOR_PI) --target $(@D) --constraint requirements-dev.txt -r /dev/stdin
	@touch $@

$(RUNTIMES)/aarch64-tflite/.installed: pyproject.toml $(RUNTIMES)/here-tflite/.installed
	@echo 'Fetching tflite-runtime for aarch64 ...'
	@rm -rf $(@D)
	@$(call extra,edge-legacy) | $(RUNTIMES)/here-tflite/bin/pip $(PIP) $(FOR_PI) --target $(@D) -r /dev/stdin
	@touch $@

define need-python
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || { \
	echo 'Footlight needs Python 3.11 to 3.13, but $(or $(PYTHON),python3) is not: set another, as in make setup PYTHON=/path/to/python3.11' >&2; exit 2; }
endef

define venv
	@$(PYTHON) -m venv $(1) >/dev/null || { \
	echo 'Cannot create a virtual environment: apt-get install python3-venv' >&2; exit 2; }
endef
