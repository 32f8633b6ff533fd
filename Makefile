# Two commands: `make run` serves the portal, `make test` runs every test. `make help` lists the rest.
PY := .venv/bin/python
.PHONY: help run test check lock

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/ready: requirements-dev.lock pyproject.toml
	python3 -m venv .venv || { echo "Type: apt-get install python3-venv   (the environment needs it)"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

test: .venv/ready ## every test
	$(PY) -m pytest

check: .venv/ready ## what a contributor runs before a commit: format, lint, types, tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	$(PY) -m pytest -q

lock: ## write both lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra postgres --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --extra redis --extra dev --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header -q -o requirements-dev.lock
