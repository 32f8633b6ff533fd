# Two commands: `make run` serves the portal, `make test` runs every test. `make help` lists the rest.
PY := .venv/bin/python
.PHONY: help run test check proofs lock gallery system-run system-test

system-run system-test: system-%:
	@sh tools/system $*

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/ready: requirements-dev.lock pyproject.toml
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: system-run .venv/ready ## the portal on http://127.0.0.1:8000; a second run keeps everything
	@.venv/bin/portal fonts build
	@.venv/bin/portal serve --demo

test: system-test .venv/ready ## every test, on SQLite and on PostgreSQL
	@$(PY) -m tools.stripe_servers
	@$(PY) -m tools.badge_checkers
	$(PY) -m pytest -n $$(($$(nproc) + 1)) --dist worksteal

check: .venv/ready ## what a contributor runs before a commit: format, lint, types, tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	@$(PY) -m tools.stripe_servers
	@$(PY) -m tools.badge_checkers
	$(PY) -m pytest -q -n auto --dist worksteal

proofs: system-test .venv/ready ## the histories of money, memberships, exams and licences with all their examples on both databases, hours
	PROOFS=1 $(PY) -m pytest -n auto --dist worksteal tests/test_books.py tests/test_any_order.py tests/test_money_once.py tests/test_reversals.py tests/test_report_proofs.py tests/test_bank_import.py tests/test_subscriptions.py tests/test_races.py tests/test_changes.py tests/test_fapiao_rows.py tests/test_doors.py tests/test_hostile.py
	PROOFS=1 $(PY) -m pytest -n auto --dist worksteal tests/test_whole_lives.py tests/test_member_histories.py tests/test_history.py tests/test_renewals_any_days.py tests/test_tier_changes.py tests/test_benefits.py tests/test_member_lists.py
	PROOFS=1 $(PY) -m pytest -n auto --dist worksteal tests/test_seats.py tests/test_seat_races.py tests/test_award_races.py tests/test_sitting_orders.py tests/test_sitting_races.py tests/test_decision_races.py tests/test_certificate_story.py tests/test_death.py
	PROOFS=1 $(PY) -m pytest -n auto --dist worksteal tests/test_licence_races.py tests/test_licence_kills.py tests/test_licence_storm.py tests/test_licence_histories.py tests/test_licence_strangers.py tests/test_licence_chores.py
	AXE_EVERYTHING=1 $(PY) -m pytest tests/test_axe.py

gallery: system-test .venv/ready ## a picture of every page in both languages into gallery/
	$(PY) -m tools.gallery gallery

lock: ## write both lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra postgres --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --extra redis --extra dev --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header -q -o requirements-dev.lock
