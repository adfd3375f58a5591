SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

STACK ?= dev

# Tests that run at once. More than a machine has cores, because many wait for processes they have started.
TESTS_AT_ONCE ?= 3

# Any Python from 3.11 on starts the bootstrap; everything after that runs in the environment that it makes.
PYTHON3 := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BOOTSTRAP = $(or $(PYTHON3),$(error Python 3.11 or newer is needed and not on PATH)) -m tools.bootstrap
PYTHON = $(shell $(BOOTSTRAP) python)

.PHONY: help setup environment rehearse rehearse-destroy preview images verify test lint format schema bench clean

help: ## this list
	@echo 'make TARGET [STACK=$(STACK)]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## find or build what the others need, into your cache folder: packages, Pulumi CLI, Kubernetes
	@$(BOOTSTRAP) all

environment:
	@$(BOOTSTRAP) venv

rehearse: setup ## `pulumi up` of STACK on a control plane of its own, on this machine
	@$(PYTHON) -m rehearsal up --stack $(STACK)

rehearse-destroy: setup ## take that rehearsal down, and prove that nothing is left
	@$(PYTHON) -m rehearsal destroy --stack $(STACK)

preview: setup ## what `make rehearse` would change
	@$(PYTHON) -m rehearsal preview --stack $(STACK)

images: environment ## every image and chart that STACK needs, for a registry of your own (FORMAT=json)
	@$(PYTHON) -m commands.images --stack $(STACK) --format $(or $(FORMAT),text)

verify: environment ## W&B's own checks against STACK as it runs, or URL=https://...; WANDB_API_KEY is your key, CA=file.pem trusts
	@$(PYTHON) -m commands.verify --stack $(STACK) $(if $(URL),--url $(URL)) $(if $(CA),--ca $(CA)) $(if $(MINUTES),--minutes $(MINUTES))

test: setup lint ## lint, then every test, the cheapest first
	@$(PYTHON) -m pytest --numprocesses $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder

lint: environment ## style, format and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ty check --python $(PYTHON)

format: environment ## put the code into its format
	@$(PYTHON) -m ruff check --fix-only .
	@$(PYTHON) -m ruff format .

schema: environment ## write the JSON Schema of stack files and the configuration reference, from the settings
	@$(PYTHON) -m settings --write

bench: setup ## measure what is claimed about speed, as ratios
	@$(PYTHON) -m bench

clean: ## remove what the tools left in this folder; rehearsals and your cache folder stay
	@rm -rf .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -not -path './.rehearsal/*' -prune -exec rm -rf {} +
