"""`portal report income` and `portal report revenue`: the pages and bases as files, and one line for a refusal."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from portal.cli import cli, main
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading
from tests.report_world import NOW, bring_in

PERIOD = ["--from", "2026-01", "--to", "2026-06", "--as-known", "2026-07-08"]


def test_pages_and_bases_leave_by_the_command_line(
    app: Flask, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    for place in ("income", "books"):
        monkeypatch.setattr(f"portal.cli.{place}.prepared", lambda: app)
    with app.app_context():
        bring_in("books-small.json")

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done, clock.stopped_at(NOW):
            main(partial(cli, ["report", *words]))
        out = capfdbinary.readouterr()
        return int(done.value.code or 0), out.out.decode("utf-8-sig"), out.err.decode()

    body = json.loads(run("revenue", *PERIOD, "--format", "json")[1])
    rows = {row[0]: row[-1] for row in csv.reader(io.StringIO(run("revenue", *PERIOD, "--format", "csv")[1]))}
    assert rows["recognised"] == f"{body['totals']['recognised'] / 100:.2f}"
    code, text, _wrong = run("income", "months", *PERIOD, "--language", "en", "--format", "csv")
    lines = list(csv.reader(io.StringIO(text)))
    assert (code, lines[-1][0], lines[-1][-1]) == (0, "In total", rows["recognised"])
    file = tmp_path / "m.xlsx"
    assert run("income", "overview", *PERIOD, "--format", "xlsx", "--output", str(file))[0] == 0
    assert load_workbook(file).sheetnames == ["期间发生", "期末余额", "明细", "说明"]
    assert run("revenue", *PERIOD, "--format", "xlsx", "--output", str(file))[0] == 0
    assert load_workbook(file)["revenue"]["A2"].value == "booked"
    assert json.loads(run("income", "rpo", *PERIOD, "--format", "json")[1])["as_known"] == "2026-07-08"
    text = run("income", "deferred", *PERIOD, "--language", "en")[1]
    assert "In total" in text
    assert "As known on\t2026-07-08\n" in text
    assert run("income", "months", *PERIOD, "--stream", "gold")[0] == 1
    assert run("income", "profit", *PERIOD)[0] == 2
    with app.app_context(), reading():
        taken = select(AuditEntry).where(AuditEntry.verb == "list.exported").order_by(AuditEntry.id)
        noted = [(one.actor, one.subject, one.detail["form"]) for one in db.session.scalars(taken)]
    assert noted == [
        ("command line", f"list:report-{name}", form)
        for name, form in (
            ("revenue", "json"), ("revenue", "csv"), ("months", "csv"), ("overview", "xlsx"), ("revenue", "xlsx"),
            ("rpo", "json"), ("deferred", "text"),
        )
    ]  # fmt: skip
