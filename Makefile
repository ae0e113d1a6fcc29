# make site   a fresh machine -> lab cluster -> everything installed -> the application's URL
# make test   lint, sanity, unit tests, molecule
# make acceptance   the tests that take too long for that
# make conformance  suites that others wrote, against what site.yml installs
# The other targets are the parts of these.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
COLLECTION := $(VENV)/collections/ansible_collections/selfhosted/serverless
TODO_REQUIREMENTS := roles/todo/files/app/requirements.txt
PYTHON ?= python3
INVENTORY ?= inventories/lab
# More arguments for ansible-playbook, e.g. ARGS="-e lab_address=127.0.0.3" for a second lab beside the first
ARGS ?=
# The parts of `make acceptance` or `make conformance`; empty: all
PARTS ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Ansible wants UTF-8, which it finds by itself unless LC_ALL forbids it
ifneq (,$(filter C POSIX,$(LC_ALL)))
export LC_ALL := C.UTF-8
endif

.PHONY: help setup setup-dev lab lab-stop lab-down status site check verify uninstall test acceptance conformance coverage lint units sanity molecule clean

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.setup ## Python environment and the collection's link

setup-dev: $(VENV)/.setup-dev ## the same with linters and test tools

$(VENV)/.setup: requirements.txt
	tools/venv $(PYTHON) $(VENV) requirements.txt
	mkdir -p $(dir $(COLLECTION))
	ln -sfn ../../../.. $(COLLECTION)
	touch $@

$(VENV)/.setup-dev: requirements-dev.txt $(TODO_REQUIREMENTS) $(VENV)/.setup
	tools/venv $(PYTHON) $(VENV) requirements-dev.txt
	tools/venv $(PYTHON) $(VENV) $(TODO_REQUIREMENTS)
	touch $@

lab: setup ## start the embedded cluster
	ansible-playbook playbooks/lab.yml $(ARGS)

lab-stop: setup ## stop the embedded cluster, keep its data
	ansible-playbook playbooks/lab.yml $(ARGS) -e lab_state=stopped

lab-down: setup ## stop the embedded cluster and remove its data
	ansible-playbook playbooks/lab.yml $(ARGS) -e lab_state=absent

status: setup ## what the embedded cluster runs
	ansible-playbook playbooks/lab.yml $(ARGS) -e lab_state=status

site: lab ## the lab, then everything on it
	ansible-playbook site.yml $(ARGS)

check: setup ## preflight of the site: nothing changes
	ansible-playbook -i $(INVENTORY) site.yml --check --diff $(ARGS)

verify: setup ## real requests to what site.yml installed: what holds, with figures
	ansible-playbook -i $(INVENTORY) playbooks/verify.yml $(ARGS)

uninstall: setup ## remove what site.yml installed
	ansible-playbook -i $(INVENTORY) playbooks/uninstall.yml $(ARGS)

test: setup-dev ## lint, sanity, unit tests, molecule
	$(BIN)/python tests/run.py

acceptance: setup-dev ## the long tests on a lab of their own: neighbours, plans, faults, kills, repair
	$(BIN)/python tests/acceptance.py $(PARTS)

conformance: lab ## upstream's suites on what site.yml installs in the lab: ingress, serving, eventing, eventing-secure, kubernetes
	ansible-playbook site.yml -e @tests/conformance/options.yml $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m conformance $(PARTS) -- $(ARGS)

coverage: setup-dev ## unit tests with branch coverage of the Python core: what is under 90 %, and the whole
	$(BIN)/python tests/branch_coverage.py

lint: setup-dev ## ruff, yamllint, ansible-lint
	$(BIN)/python tests/run.py lint

units: setup-dev ## unit tests
	$(BIN)/python tests/run.py build units

sanity: setup-dev ## ansible-test sanity
	$(BIN)/python tests/run.py sanity

molecule: setup-dev ## molecule scenarios
	$(BIN)/python tests/run.py molecule

clean: ## remove the Python environment
	rm -rf $(VENV)
