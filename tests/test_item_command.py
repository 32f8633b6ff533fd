"""`portal import items`, `import responses`, `report items`: exit statuses, one line for a refusal, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.may import StaffRole
from portal.certs.models.bank import Item, ItemState, ItemVersion
from portal.certs.models.marking import Response, Sitting
from portal.cli import cli, main
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from tests.exam_items import EVERY, ZH
from tests.nursery import Answer
from tests.people import make_person

Run = Callable[..., Answer]
SITTING = "candidate,I1,I2\nli,1,0\nchen,1,\nwang,0,1\n"


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run commands against the test's own database, as the shell sees them."""
    for place in ("items", "bank_items"):
        monkeypatch.setattr(f"portal.cli.{place}.prepared", lambda: app)

    def ask(*words: str | Path) -> Answer:
        with pytest.raises(SystemExit) as done:
            main(partial(cli, [str(word) for word in words]))
        out = capsys.readouterr()
        return Answer(int(done.value.code or 0), out.out, out.err)

    return ask


def counted(app: Flask, *tables: Any) -> list[int]:
    with app.app_context(), reading():
        return [db.session.scalar(select(func.count()).select_from(one)) or 0 for one in tables]


def refused(answer: Answer) -> str:
    """Return the one line of a refusal: nothing on standard output, status 1."""
    assert (answer.code, answer.said) == (1, "")
    assert len(answer.wrong.strip().splitlines()) == 1
    return answer.wrong


def test_items_come_in_as_drafts_and_the_same_file_again_changes_nothing(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    with app.app_context(), transaction():
        make_person("author@house.example", "Ou", staff=(StaffRole.AUTHOR,))
    file = tmp_path / "items.gift"
    file.write_text(EVERY, "utf-8")
    asked = ("import", "items", file, "--exam", "OPDEV", "--format", "json")
    dry = run(*asked, "--dry-run")
    assert (dry.code, json.loads(dry.said)["new"], "dry run" in dry.wrong) == (0, 9, True)
    assert counted(app, Item, ItemVersion) == [0, 0]
    first = run(*asked, "--by", "author@house.example")
    said = json.loads(first.said)
    assert (first.code, said["new"], said["changed"], said["same"]) == (0, 9, 0, 0)
    assert len(said["warnings"]) == 1
    assert json.loads(run(*asked).said) == {**said, "new": 0, "same": 9}
    assert counted(app, Item, ItemVersion) == [9, 9]
    file.write_text(EVERY.replace("Name the language", "Name this language"), "utf-8")
    words = run("import", "items", file, "--exam", "OPDEV")
    assert (words.code, words.said.splitlines()[0]) == (0, "new 0, changed 1, same 8")
    file.write_text(ZH, "utf-8")
    assert json.loads(run(*asked, "--language", "zh").said)["changed"] == 1
    with app.app_context(), reading():
        rows = db.session.scalars(select(ItemVersion).order_by(ItemVersion.id)).all()
        assert {row.state for row in rows} == {ItemState.DRAFT}
        assert [row.author is not None for row in rows] == [True] * 9 + [False] * 2
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "items.imported").order_by(AuditEntry.id)
        ).all()
        assert [one.detail for one in entries] == [
            {"new": 9, "changed": 0}, {"new": 0, "changed": 1}, {"new": 0, "changed": 1},
        ]  # fmt: skip


def test_a_file_of_items_that_cannot_be_taken_is_refused_whole_with_its_lines(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "bad.gift"
    asked = ("import", "items", file, "--exam", "OPDEV")
    file.write_text(EVERY + "\n::X1:: Match {=a -> b}\n\n::X2:: open {=a\n", "utf-8")
    said = refused(run(*asked, "--format", "json"))
    assert "bad.gift" in said
    assert "25" in said
    assert "27" in said
    file.write_bytes(b"::A:: a {=\xff}\n")
    assert "UTF-8" in refused(run(*asked))
    file.write_text("// only a comment\n", "utf-8")
    refused(run(*asked))
    file.write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    assert "5 MB" in refused(run(*asked))
    file.write_text(EVERY, "utf-8")
    assert "NOPE" in refused(run("import", "items", file, "--exam", "NOPE"))
    assert "nobody@house.example" in refused(run(*asked, "--by", "nobody@house.example"))
    assert run("import", "items", file).code == 2
    assert run("import", "items", tmp_path / "missing.gift", "--exam", "OPDEV").code == 2
    assert counted(app, Item, ItemVersion) == [0, 0]


def test_responses_come_in_once_and_are_reported(app: Flask, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "spring.csv"
    file.write_text(SITTING, "utf-8")
    asked = ("import", "responses", file, "--exam", "OPDEV", "--format", "json")
    dry = run(*asked, "--dry-run")
    assert (dry.code, json.loads(dry.said)["candidates"]) == (0, 3)
    assert counted(app, Sitting, Response) == [0, 0]
    assert json.loads(run(*asked).said) == json.loads(dry.said)
    again = run(*asked)
    assert (again.code, json.loads(again.said)["same"]) == (0, True)
    assert counted(app, Sitting, Response) == [1, 3]
    body = json.loads(run("report", "items", "--exam", "OPDEV", "--format", "json").said)
    assert (body["n"], body["k"], [one["omitted"] for one in body["items"]]) == (3, 2, [0, 1])
    assert [one["difficulty"] for one in body["items"]] == [0.66666667, 0.33333333]
    # The file changed under its name: refused, unless it is called something else.
    file.write_text(SITTING.replace("li,1,0", "li,1,1"), "utf-8")
    assert "other content" in refused(run(*asked))
    assert run(*asked, "--sitting", "spring, corrected").code == 0
    assert counted(app, Sitting, Response) == [2, 6]


def test_a_file_of_responses_that_cannot_be_taken_is_refused_whole_with_its_line(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    asked = ("import", "responses", file, "--exam", "OPDEV", "--format", "json")
    for text, why in (
        (SITTING + "zhao,2,0\n", "line 5: zhao: I1: '2'"), (SITTING + "\nli,1,1\n", "line 6: candidate: li stands on line 2"),
        (SITTING + "zhao,1\n", "line 5: 2 cells where the header has 3"), ("candidate,I1,I1\nli,1,1\n", "line 1: column 3: I1"),
        ("", "line 1: the header"), ("candidate,I1\n", "no candidates"),
    ):  # fmt: skip
        file.write_text(text, "utf-8")
        said = refused(run(*asked))
        assert "bad.csv" in said
        assert why in said
    file.write_bytes(b"candidate,I1\n\xff,1\n")
    assert "not UTF-8" in refused(run(*asked))
    assert counted(app, Sitting, Response) == [0, 0]
    assert "OPDEV" in refused(run("report", "items", "--exam", "OPDEV", "--format", "json"))
    assert run("report", "items").code == 2
