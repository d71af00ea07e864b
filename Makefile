# Every command works on a machine with git, make and Python 3.11 (with venv) only.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: .venv/runtime .env  ## Serve on http://127.0.0.1:8000 (make run PORT=8123)
	@$(if $(PORT),PORT=$(PORT)) $(BIN)/python manage.py serve --prepare

quick: .venv/development  ## What starts no server and no browser, on SQLite: the inner loop
	@$(BIN)/python -m tests.run --quick

test: .venv/development  ## The whole suite; what the machine lacks is skipped with its reason
	@$(BIN)/python -m tests.run

test-all: .venv/development  ## All of it on the engine of the environment; nothing may be skipped
	@$(BIN)/python -m tests.run --all $(OPTIONS)

bench: .venv/development  ## Benchmarks, each as a ratio against its floor
	@$(BIN)/python -m tests.bench

lint: .venv/development  ## Format, lint, types, templates, migrations, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	DEBUG=1 $(BIN)/mypy
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/lint-imports

format: .venv/development  ## Rewrite files as the linters want them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')

messages: .venv/development  ## Collect and compile translations
	$(BIN)/python -m tests.support.catalogues

screenshots: .venv/development  ## Take the README's screenshots from the running app
	@$(BIN)/python -m tests.support.screenshots

# For the first 3.11, which needs a package that later ones do not.
PIN := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11
MADE := pinned with hashes. Made by `make requirements` from pyproject.toml.

requirements: .venv/development  ## Pin what pyproject.toml asks for, with hashes
	$(BIN)/pip install --quiet uv
	$(PIN) --upgrade pyproject.toml -o requirements.txt
	$(PIN) --upgrade --group dev pyproject.toml -c requirements.txt -o requirements-dev.txt
	@sed -i '1i # Runtime, $(MADE)' requirements.txt
	@sed -i '1i # Runtime and development, $(MADE)' requirements-dev.txt

.env:
	@printf 'DEBUG=1\nSECRET_KEY=%s\n' "$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))')" > .env

.venv/bin/python:
	@$(PYTHON) -m venv .venv

.venv/runtime: .venv/bin/python requirements.txt
	@[ -e .venv/development ] || $(BIN)/pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch .venv/runtime

.venv/development: .venv/bin/python requirements-dev.txt
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch .venv/development

.PHONY: help run quick test test-all bench lint format messages screenshots requirements
