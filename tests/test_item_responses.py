"""Responses of past sittings by file: what is read, what is refused, what stays, and the report that programs read."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from portal.certs import item_report, sittings
from portal.certs.models.marking import Frozen, Response, Sitting
from portal.certs.psychometrics import analyse, plain
from portal.certs.responses import parse
from portal.cli import cli
from portal.core import audit, catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing, Refused

SMALL = "candidate,I1,I2,I3,I4\n" + "".join(
    f"c{n},{','.join(row)}\n" for n, row in enumerate(["1110", "1111", "1100", "0100", "0000", "0100"])
)


def take(app: Flask, content: str, **more: Any) -> sittings.Outcome:
    asked = {"exam": "OPDEV", "name": "spring", "named": True, **more}
    with app.app_context(), transaction():
        return sittings.bring_in(content, **asked)


# ---- The file


def test_a_file_is_read_as_people_save_it() -> None:
    plain_ = parse("candidate,A,B\nli,1,0\nchen,,1\n")
    assert (plain_.items, plain_.candidates, plain_.marks) == (
        ("A", "B"),
        ("li", "chen"),
        ((1, 0), (None, 1)),
    )
    for same in (
        "\ufeffcandidate,A,B\r\nli,1,0\r\nchen,,1\r\n", "Candidate, A ,B\n\nli, 1,0\n,,\nchen, ,1", '"candidate","A","B"\n"li","1","0"\n"chen","","1"\n',
    ):  # fmt: skip
        assert parse(same) == plain_


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "line 1: the header must be"), ("name,A\nli,1\n", "line 1: the header must be"),
        ("candidate\nli\n", "names no item"), ("candidate,A\n", "no candidates"),
        ("candidate,A,A\nli,1,1\n", "column 3: A stands there twice"), ("candidate,A,\nli,1,1\n", "column 3: the item has no name"),
        ("candidate,A\nli,2\n", "line 2: li: A: '2' is neither"), ("candidate,A\nli,1.0\n", "neither 0 nor 1"),
        ("candidate,A\nli,yes\n", "neither"), ("candidate,A\nli,1,0\n", "line 2: 3 cells where the header has 2"),
        ("candidate,A\nli,1\n\nli,0\n", "line 4: candidate: li stands on line 2 already"),
        ("candidate,A,B\n,1,0\n", "line 2: candidate: is missing"), ("candidate,A\nl\x00i,1\n", "line 2"),
        ('candidate,A\n"li,1\n', "not CSV"), ("candidate," + "x" * 121 + "\nli,1\n", "too long"),
        ("candidate,A\n" + "y" * 121 + ",1\n", "too long"), ("candidate,A\u200b\nli,1\n", "cannot be shown"),
        ("candidate," + ",".join(f"i{n}" for n in range(1001)) + "\n", "more than 1000 items"),
    ],
)  # fmt: skip
def test_a_refusal_says_which_line_which_field_and_why(content: str, why: str) -> None:
    with pytest.raises(Refused, match=r"line|file") as refused:
        parse(content)
    assert why in str(refused.value)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='candidte,01"\n\r A\ufeff\x00é', max_size=80))
def test_no_text_at_all_is_an_error(content: str) -> None:
    try:
        parse(content)
    except Refused as refused:
        assert str(refused)  # noqa: PT017 - either it is read, or refused in words


cells = st.sampled_from(["0", "1", ""])
grids = st.tuples(st.integers(1, 6), st.integers(1, 5)).flatmap(
    lambda shape: st.lists(
        st.lists(cells, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


@settings(max_examples=200, deadline=None)
@given(grids, st.randoms())
def test_the_same_content_has_one_digest_in_any_order_and_one_changed_cell_another(
    grid: list[list[str]], dice: random.Random
) -> None:
    def written(rows: list[int], columns: list[int], table: list[list[str]]) -> str:
        out = io.StringIO()
        csv.writer(out).writerows(
            [
                ["candidate", *(f"i{n}" for n in columns)],
                *([f"c{r}", *(table[r][n] for n in columns)] for r in rows),
            ]
        )
        return out.getvalue()

    rows, columns = list(range(len(grid))), list(range(len(grid[0])))
    before = parse(written(rows, columns, grid)).digest()
    turned, across = rows[:], columns[:]
    dice.shuffle(turned)
    dice.shuffle(across)
    assert parse(written(turned, across, grid)).digest() == before
    other = [row[:] for row in grid]
    at = dice.choice(rows), dice.choice(columns)
    other[at[0]][at[1]] = dice.choice([one for one in ("0", "1", "") if one != grid[at[0]][at[1]]])
    assert parse(written(rows, columns, other)).digest() != before


# ---- Taken in


def count(app: Flask) -> list[int | None]:
    with app.app_context(), reading():
        return [
            db.session.scalar(select(func.count()).select_from(one))
            for one in (Sitting, Response, audit.AuditEntry)
        ]


def test_a_sitting_comes_in_once_and_keeps_no_candidate(app: Flask) -> None:
    first = take(app, SMALL)
    assert (first.sitting, first.candidates, first.items, first.same) == ("spring", 6, 4, False)
    before = count(app)
    turned = SMALL.splitlines()
    for again in (SMALL, "\n".join([turned[0], *turned[:0:-1]])):
        outcome = take(app, again)
        assert (outcome.sitting, outcome.candidates, outcome.same) == ("spring", 0, True)
    assert (
        take(app, SMALL, name="other.csv", named=False).sitting == "spring"
    )  # the same file under another name
    assert count(app) == before
    with pytest.raises(Refused, match="other content"):
        take(app, SMALL.replace("c0,1", "c0,0"))
    assert count(app) == before
    assert not take(app, SMALL, name="autumn").same  # somebody says that it is another one
    assert not take(app, SMALL, exam="PAST-1").same
    with app.app_context(), reading():
        rows = db.session.scalars(select(Response).order_by(Response.id)).all()
        assert len({row.key for row in rows}) == len(rows) == 18
        assert [row.marks for row in rows[:2]] == [[1, 1, 1, 0], [1, 1, 1, 1]]
        assert {len(row.key) for row in rows} == {32}
        assert audit.verify()[1] == []


def test_an_exam_that_is_no_level_is_called_imported(app: Flask) -> None:
    assert any("no level" in note for note in take(app, SMALL, exam="PAST-1").notes)
    with app.app_context(), transaction():
        catalogue.put("level", "KNOWN", {"code": "KNOWN"}, clock.today())
    assert take(app, SMALL, exam="KNOWN").notes == []


@pytest.mark.parametrize(
    "more", [{"exam": " "}, {"exam": "x" * 41}, {"name": ""}, {"name": "n" * 201}, {"exam": "a\x00b"}]
)
def test_a_name_that_cannot_stand_is_refused(app: Flask, more: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"exam|sitting"):
        take(app, SMALL, **more)
    assert count(app)[:2] == [0, 0]


def test_what_is_on_record_never_changes(app: Flask) -> None:
    take(app, SMALL)
    for verb in (
        "UPDATE response SET marks = '[1]'",
        "DELETE FROM response",
        "UPDATE sitting SET candidates = 9",
        "DELETE FROM sitting",
    ):
        with app.app_context(), pytest.raises(DatabaseError), transaction():
            db.session.execute(text(verb))
    with app.app_context(), pytest.raises(Frozen), transaction():
        db.session.scalars(select(Response)).all()[0].marks = [0, 0, 0, 0]
        db.session.flush()
    with app.app_context(), pytest.raises(Frozen), transaction():
        db.session.delete(db.session.scalars(select(Sitting)).one())
        db.session.flush()


def test_a_sitting_is_found_by_its_name_with_or_without_ending_else_the_latest(app: Flask) -> None:
    take(app, SMALL, name="a.csv")
    take(app, SMALL.replace("c0,1", "c0,0"), name="a")
    take(app, SMALL.replace("c0,1", "c0,"), name="last.csv")
    with app.app_context(), reading():
        assert [sittings.found("OPDEV", name).name for name in ("a.csv", "a", "last", "last.csv", None)] == [
            "a.csv", "a", "last.csv", "last.csv", "last.csv",
        ]  # fmt: skip
        for exam, name in (("OPDEV", "b"), ("ADAPT", None), ("opdev", None), ("OPDEV", "")):
            with pytest.raises(Missing):
                sittings.found(exam, name)


# ---- Reported


def test_the_report_of_a_file_is_that_of_its_marks(app: Flask) -> None:
    dice = random.Random(4)
    rows = [[dice.choices([0, 1, None], [4, 5, 1])[0] for _i in range(12)] for _n in range(620)]
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            ["candidate", *(f"i{n}" for n in range(12))],
            *([f"c{n}", *("" if m is None else m for m in row)] for n, row in enumerate(rows)),
        ]
    )
    take(app, out.getvalue())
    with app.app_context(), reading():
        body = item_report.body(item_report.look(sittings.found("OPDEV")))
    made = analyse([f"i{n}" for n in range(12)], rows)
    assert (body["n"], body["k"], body["alpha"], body["kr20"]) == (
        620,
        12,
        plain(made.alpha),
        plain(made.kr20),
    )
    assert [one["omitted"] for one in body["items"]] == [
        sum(row[i] is None for row in rows) for i in range(12)
    ]
    assert [one["corrected_item_total"] for one in body["items"]] == [
        plain(one.corrected_item_total) for one in made.items
    ]
    assert body["flags"] == ["low_alpha"]


def test_decimals_options_and_languages_of_a_sitting_are_read_back(app: Flask) -> None:
    """What a delivered exam will write: marks of half a point, options chosen, the language of each candidate."""
    halves: list[list[int | str | None]] = [[1, "2.5"], [1, "1.25"], [0, 0], [None, "0.5"]]
    with app.app_context(), transaction():
        sitting = Sitting(
            exam="ARCH", name="live", imported=False, items=[{"code": "q1", "most": 1}, {"code": "q2", "most": "2.5"}],
            candidates=4, sha256="0" * 64, by_name="x",
        )  # fmt: skip
        db.session.add(sitting)
        for n, pair in enumerate(halves):
            chosen = [[["A"], ["B"], ["C"], []][n], ["x"]]
            db.session.add(
                Response(sitting=sitting, marks=pair, chosen=chosen, language="zh" if n < 2 else "en")
            )
    with app.app_context(), reading():
        found = item_report.look(sittings.found("ARCH"))
        body = item_report.body(found)
        assert (body["kr20"], body["mean"]) == (None, 1.5625)
        assert [one["difficulty"] for one in body["items"]] == [0.5, 0.425]
        assert [one["flags"][-1:] for one in body["items"]] == [["language_gap"], ["language_gap"]]
        assert [(one.figures.option, one.figures.chosen) for one in item_report.options_of(found, 0)] == [
            ("A", 1), ("B", 1), ("C", 1), (None, 1),
        ]  # fmt: skip


def test_limits_are_policy_of_the_catalogue(app: Flask) -> None:
    take(app, SMALL)
    with app.app_context(), transaction():
        catalogue.put("policy", "analysis.sample", {"code": "analysis.sample", "value": 5}, clock.today())
        catalogue.put("policy", "analysis.hard", {"code": "analysis.hard", "value": "0.3"}, clock.today())
    with app.app_context(), reading():
        body = item_report.body(item_report.look(sittings.found("OPDEV")))
    assert body["flags"] == []
    assert [one["flags"] for one in body["items"]] == [[], [], [], ["too_hard"]]


# ---- The command line


def test_the_commands_import_and_report(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.cli.items.prepared", lambda: app)
    file = tmp_path / "spring 2026.csv"
    file.write_text(SMALL, "utf-8")
    run = CliRunner()

    def said(*words: str) -> Any:
        found = run.invoke(cli, [*words, "--format", "json"], catch_exceptions=False)
        assert found.exit_code == 0
        return json.loads(found.stdout)

    asked = ("import", "responses", str(file), "--exam", "E-1")
    dry = said(*asked, "--dry-run")
    assert (dry["sitting"], dry["candidates"], dry["items"], dry["same"]) == ("spring 2026.csv", 6, 4, False)
    with pytest.raises(Missing):
        run.invoke(cli, ["report", "items", "--exam", "E-1"], catch_exceptions=False)
    assert said(*asked) == dry
    assert "not bookable" in dry["notes"][0]
    assert said(*asked)["same"] is True
    body = said("report", "items", "--exam", "E-1", "--sitting", "spring 2026")
    assert list(body) == ["exam", "sitting", "n", "k", "items", "kr20", "alpha", "mean", "sd", "sem", "flags"]
    assert (body["exam"], body["sitting"], body["n"], body["k"]) == ("E-1", "spring 2026.csv", 6, 4)
    assert [body[key] for key in ("kr20", "alpha", "mean", "sd", "sem", "flags")] == [
        0.77948718, 0.77948718, 1.83333333, 1.47196014, 0.69121471, ["small_sample"],
    ]  # fmt: skip
    assert body["items"][3] == {
        "item": "I4", "difficulty": 0.16666667, "corrected_item_total": 0.53935989, "alpha_if_deleted": 0.75, "omitted": 0,
        "flags": ["too_hard"],
    }  # fmt: skip
    words = run.invoke(cli, ["report", "items", "--exam", "E-1"], catch_exceptions=False).stdout
    assert "kr20\t0.77948718" in words
    assert "I2\t0.83333333" in words
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"candidate,A\n\xff,1\n")
    with pytest.raises(Refused, match="not UTF-8"):
        run.invoke(cli, ["import", "responses", str(bad), "--exam", "E-1"], catch_exceptions=False)
    bad.write_text("candidate,A\nli,3\n", "utf-8")
    with pytest.raises(Refused, match=r"bad\.csv: line 2: li: A"):
        run.invoke(cli, ["import", "responses", str(bad), "--exam", "E-1"], catch_exceptions=False)
    assert run.invoke(cli, ["import", "responses", str(file)]).exit_code == 2
