# `make` lists the targets. Only Python >= 3.11 and make are needed to start.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PORT ?= 8000
EXAMPLES ?= 2000
MINUTES ?= 90

# The first Python on this machine that is new enough.
SYSTEM_PYTHON = $(shell for name in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$name && break; done)
BIN := .venv/bin
PYTHON := $(BIN)/python
CODE := $(wildcard benchmarks labeling locks manage.py reviewapp routing tests)
TEMPLATES = find labeling reviewapp routing -path '*/templates/*' -name '*.html'
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
	--no-header $(UPGRADE)

# Only what people read on pages; tests and tools stay English.
NOT_TRANSLATED = benchmarks data docker docs locks node_modules static tests
CATALOGUE = reviewapp/locale/de/LC_MESSAGES/django

.PHONY: help env demo test test-sqlite test-postgres test-fast fuzz lint types format translations bench audit lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: ## Create .venv from the hash-locked requirements (instant when nothing changed)
	@python="$(SYSTEM_PYTHON)"; \
	if [ -z "$$python" ]; then \
		echo "No Python >= 3.11 found. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; \
	fi; \
	"$$python" locks/make_environment.py

# Always the embedded installation, so that demo people never end up in a real database.
demo: export DATABASE_URL =
demo: export REDIS_URL =
demo: env ## Load the demo project and start everything on PORT (data stays in ./data, or DATA_DIR)
	@$(PYTHON) manage.py migrate --verbosity 0
	@$(PYTHON) manage.py demo
	@exec $(PYTHON) manage.py up --port $(PORT)

test: env lint types ## Everything: lint, types, contracts, SQLite, browser, PostgreSQL and Redis
	$(PYTHON) -m tests.services prepare
	@echo "SQLite and PostgreSQL at once: each shows what it did when it is done, in about ten minutes."
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going test-sqlite test-postgres
	@# Alone, because people's patience with a page is part of what it tests.
	TEST_ENGINE=sqlite $(PYTHON) -m pytest -m browser

test-sqlite: env
	TEST_ENGINE=sqlite $(PYTHON) -m pytest -m "not browser"

test-postgres: env
	TEST_ENGINE=postgres $(PYTHON) -m pytest

test-fast: env ## Tests on SQLite only, without a browser and without any service
	TEST_ENGINE=sqlite $(PYTHON) -m pytest -m "not browser"

fuzz: env ## schemathesis, all checks, EXAMPLES (2000) per operation of the API, at most MINUTES (90)
	$(PYTHON) -m tests.fuzz --examples $(EXAMPLES) --max-time $(MINUTES)

lint: env ## Style, formatting, templates and import contracts
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	@$(TEMPLATES) -exec $(BIN)/djade --target-version 5.2 --check {} +
	$(BIN)/lint-imports --no-logo

types: env ## Types: strict for services, statistics and policy
	@# The Django plugin loads the settings, which make a secret key in DATA_DIR.
	DATA_DIR=.mypy_cache/data $(BIN)/mypy $(CODE)

format: env ## Rewrite code and templates in the project's style
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)
	@$(TEMPLATES) -exec $(BIN)/djade --target-version 5.2 {} +

translations: env ## Renew the German catalogue from the code, and compile it (needs GNU gettext)
	@command -v msgfmt >/dev/null || { echo "No gettext found. On Debian or Ubuntu: apt-get install gettext" >&2; exit 1; }
	$(PYTHON) manage.py makemessages --verbosity 0 --locale de --no-location --no-obsolete --no-wrap \
		$(addprefix --ignore ,$(NOT_TRANSLATED))
	@# A date would make every run a difference.
	sed -i '/^"POT-Creation-Date/d' $(CATALOGUE).po
	msgfmt --check --statistics --output-file $(CATALOGUE).mo $(CATALOGUE).po

bench: env ## Run the benchmarks
	$(PYTHON) -m benchmarks

audit: env ## Look for known vulnerabilities in what is installed to run (asks the network)
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement locks/run.lock

lock: env ## Renew the locks from pyproject.toml; newer versions with UPGRADE=--upgrade
	$(COMPILE) locks/uv.in -o locks/uv.txt
	$(COMPILE) pyproject.toml -o locks/run.lock
	$(COMPILE) pyproject.toml --group dev -c locks/run.lock -o locks/test.lock
	$(COMPILE) --no-deps --python-version 3.11 locks/services.in -o locks/services.lock

clean: ## Remove the environment and all caches (never ./data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis reports
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
