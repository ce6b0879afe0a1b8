# `make` lists the targets. Only Python >= 3.11 and make are needed to start.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PORT ?= 8000
DATA_DIR ?= $(CURDIR)/data
export DATA_DIR

# The first Python on this machine that is new enough.
SYSTEM_PYTHON = $(shell for name in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$name && break; done)
BIN := .venv/bin
PYTHON := $(BIN)/python

.PHONY: help env

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: ## Create .venv from the hash-locked requirements (instant when nothing changed)
	@python="$(SYSTEM_PYTHON)"; \
	if [ -z "$$python" ]; then echo "No Python >= 3.11 found. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; fi; \
	"$$python" locks/make_environment.py
