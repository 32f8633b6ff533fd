"""`portal import statement`: exit statuses, JSON, dry run, and the same file twice."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import KEY
from tests.nursery import Answer, command
from tests.statements import Told, camt


def run(app: Flask, home: Path, *words: str) -> Answer:
    url = app.extensions["settings"].database_url
    env = {**os.environ, "PORTAL_HOME": str(home), "PORTAL_DATABASE_URL": url, "PORTAL_SECRET_KEY": KEY}
    return command(home, env, "import", "statement", *words)


@pytest.mark.slow
def test_a_statement_is_taken_in_from_the_command_line(sqlite_app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "s.xml"
    file.write_bytes(camt([Told(500, date(2026, 9, 1)), Told(-200, date(2026, 9, 2))], 100))
    ask = (str(file), "--account", "basic", "--format", "json")
    dry = run(sqlite_app, tmp_path, *ask, "--dry-run")
    assert dry.code == 0
    assert json.loads(dry.said)["new"] == 2
    first, again = run(sqlite_app, tmp_path, *ask), run(sqlite_app, tmp_path, *ask)
    assert json.loads(first.said) == {
        "account": "basic", "form": "camt", "lines": 2, "new": 2, "known": 0, "opening": 100, "closing": 400,
        "matched": 0, "suggested": 0, "hints": 0, "unidentified": 1, "out": 1,
    }  # fmt: skip
    assert json.loads(again.said)["new"] == 0
    file.write_bytes(file.read_bytes()[:-20])
    refused = run(sqlite_app, tmp_path, *ask)
    assert (refused.code, refused.said, len(refused.wrong.strip().splitlines())) == (1, "", 1)
    assert run(sqlite_app, tmp_path, str(file)).code == 2
    assert run(sqlite_app, tmp_path, *ask, "--closing", "abc").code == 2
