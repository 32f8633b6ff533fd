"""Lists of members in and out: our own list changes nothing, the dry run is the run, undo restores the former dump."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.accounts.organisations import FormerName, Organisation
from portal.accounts.people import Person
from portal.core import files
from portal.core.db import Model, db, reading, transaction
from portal.core.errors import Refused
from portal.core.sheets import xlsx
from portal.members import history, importing, list_file, list_known, list_plan, list_words, names
from portal.members.belonging import Membership
from portal.members.list_checks import given as said_by
from portal.members.models import Pair
from portal.members.past_models import ImportState, MemberImport
from tests.counting import counted
from tests.people import browser, make_org, make_person, post, token
from tests.undone import lives, undone

CODE = "91110000600037341L"
OTHER = "91350203M0001QKT19"  # questionable: its last character does not fit
ASIDE = {"audit_entry", "audit_head", "member_import", "stored_file", "user_session"}


def table(*rows: dict[str, Any]) -> bytes:
    """Return rows as CSV."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, heads)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def sheet(*rows: list[Any]) -> bytes:
    """Return rows as a spreadsheet, each value as what it is."""
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(out)
    return out.getvalue()


def some_members() -> dict[str, str]:
    """Write a few organisations of every kind; return their ids by name. Call inside a transaction."""
    make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
    orion = make_org("Orion Chips Ltd")
    orion.legal_key, orion.homepage, orion.category = f"CN:{CODE}", "https://www.orion.example", "chip"
    orion.display_name_zh, orion.address, orion.about = "猎户座", "1 Road\nBeijing", '=HYPERLINK("x")'
    listed = Organisation(legal_name='\'=Tricky, "Inc"', unclaimed=True, country="DE", homepage="no address")
    plain = Organisation(legal_name="1E5", unclaimed=True, legal_name_en=" <clear> ", display_name_en="+1")
    db.session.add_all([listed, plain, Membership(org=orion, tier="gold"), Membership(org=listed, listed_tier="silver", tier="silver"), Membership(org=plain)])  # fmt: skip
    person = make_person("ada@home.example", "Ada")
    db.session.add(Organisation(legal_name="Ada", person=person, category="individual"))
    db.session.flush()
    for org in (orion, listed, plain):
        names.index(org)
    return {org.legal_name: org.uid for org in (orion, listed, plain)}


def planned(data: bytes) -> list[list_plan.Step]:
    return list_plan.plan(list_file.read(data, "list.csv"))


def shown(steps: list[list_plan.Step]) -> list[tuple[Any, ...]]:
    return [(step.n, step.kind, step.changes or (step.at, step.why, step.what)) for step in steps]


def rui() -> Person:
    return db.session.scalars(select(Person).where(Person.email == "rui@house.example")).one()


def taken(app: Flask, data: bytes, *, run: bool = True) -> str:
    """Take a list in and apply it; return its id."""
    with app.app_context():
        steps = planned(data)
        db.session.rollback()
        content = files.put(data, "text/csv")
        with transaction():
            row = importing.take_in(steps, content, name="list.csv", by=rui())
        if run:
            with transaction():
                importing.apply(row, importing.lines_of(row), by=rui())
        return row.uid


def kept(table_name: str, column: str) -> bool:
    """Whether a column is part of a dump: how often a row was written is not, nor is the number of a derived one."""
    return column != "version" and (table_name, column) != ("match_key", "id")


def dump() -> dict[str, list[Any]]:
    """Return every row of every table but what says who did what."""
    return {
        made.name: sorted(
            repr(tuple(row))
            for row in db.session.execute(select(*[c for c in made.columns if kept(made.name, c.name)]))
        )
        for made in Model.metadata.sorted_tables
        if made.name not in ASIDE
    }


def exported(app: Flask, form: str) -> bytes:
    answer = browser(app, "rui@house.example").get(f"/office/members/export/{form}/file")
    assert answer.status_code == 200
    return bytes(answer.data)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_our_own_list_comes_back_to_no_change(app: Flask, form: str) -> None:
    with app.app_context(), transaction():
        some_members()
        history.bring_in(
            "month,event,org_id,name,from_tier,to_tier,joined\n2024-01,join,a,-A&B,,Premier ISV,\n"
        )
    data = exported(app, form)
    with app.app_context(), reading():
        steps = planned(data)
        assert list_plan.counts(steps) == {"create": 0, "change": 0, "same": 4, "conflict": 0, "refused": 0}
        assert shown(steps)[0][1:] == ("same", ("", "", ""))
    # Without the ids the registration alone finds those that have one; names alone never do, and
    # what is new to us is judged: one of them has no web address that anybody could open.
    heads, *rows = list(csv.reader(io.StringIO(exported(app, "csv").decode("utf-8-sig"))))
    bare = table(*(dict(zip(heads, row, strict=True)) | {"id": ""} for row in rows))
    with app.app_context(), reading():
        assert [step.kind for step in planned(bare)] == ["same", "refused", "conflict", "conflict"]


def test_no_cell_of_ours_is_a_formula(app: Flask) -> None:
    with app.app_context(), transaction():
        some_members()
    for row in load_workbook(io.BytesIO(exported(app, "xlsx"))).worksheets[0].iter_rows():
        assert all(cell.data_type in ("s", "n") for cell in row)
        assert not any(str(cell.value or "").startswith(("=", "+", "-", "@")) for cell in row)
    text = exported(app, "csv").decode("utf-8-sig")
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for row in csv.reader(io.StringIO(text)) for cell in row
    )


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=20).map(list_file.tidy))
def test_any_text_reads_back_as_it_was(text: str) -> None:
    line = list_file.Line(2, {"about": list_file.cells([text])[0]})
    assert said_by(line).get("about", "") == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=3, max_size=3))
def test_any_text_reads_back_through_both_kinds_of_file(values: list[str]) -> None:
    cells = [f"x{list_file.tidy(values[0])}", *map(list_file.tidy, values[1:])]
    out = list_file.cells(cells)
    heads = ["legal_name", "address", "about"]
    for data in (table(dict(zip(heads, out, strict=True))), xlsx("list", heads, [out])):
        grid = list_file._sheet(data) if data[:2] == b"PK" else list_file._csv(data)
        rows = [cells for _n, cells in grid]
        line = list_file.Line(2, dict(zip(heads, rows[1], strict=False)))
        assert [said_by(line).get(head, "") for head in heads] == cells


def test_each_row_says_what_it_would_do(app: Flask) -> None:
    with app.app_context(), transaction():
        ids = some_members()
    data = table(
        {"id": ids["Orion Chips Ltd"], "display_name_zh": "猎户座芯片", "address": "<clear>", "homepage": ""},
        {"registration": CODE, "legal_name": "Orion Chips Ltd"},
        {"id": ids["1E5"], "registration": OTHER, "country": "中国", "category": "芯片厂商"},
        {"id": "0" * 32, "legal_name": "Nobody"},
        {"legal_name": "Ｏｒｉｏｎ　CHIPS limited"},
        {"legal_name": "Somebody else", "homepage": "https://orion.example/about"},
        {"legal_name": "Vega", "tier": "白银", "registration": "HRB 1", "country": "Germany"},
        {"legal_name": "vega GmbH"},
        {"legal_name": ""},
        {"legal_name": "", "about": "of nobody"},
        {"legal_name": "Lyra", "registration": "91110000600037314L"},
        {"legal_name": "Lyra", "homepage": "lyra"},
        {"legal_name": "Lyra", "category": "circus"},
        {"legal_name": "Lyra", "category": "individual"},
        {"legal_name": "Lyra", "tier": "Diamond"},
        {"legal_name": "名" * 201},
        {"legal_name": "Two\nlines"},
        {"id": ids["1E5"], "legal_name": "<clear>"},
        {"id": "<clear>", "legal_name": "Lyra"},
    )
    with app.app_context(), reading():
        steps = planned(data)
        told = [(step.kind, step.changes or (step.at, step.why, step.what)) for step in steps]
    assert told == [
        ("change", {"display_name_zh": ["猎户座", "猎户座芯片"], "address": ["1 Road\nBeijing", ""]}),
        ("conflict", ("", "twice", "2")),
        ("change", {"registration": ["", f"CN:{OTHER}"], "category": ["", "chip"]}),
        ("refused", ("id", "unknown_id", "0" * 32)),
        ("conflict", ("", "name_alone", "Orion Chips Ltd")),
        ("conflict", ("", "domain_alone", "Orion Chips Ltd")),
        ("create", {"legal_name": ["", "Vega"], "country": ["", "DE"], "registration": ["", "DE:REG:HRB1"], "tier": ["", "silver"]}),
        ("conflict", ("", "twice", "8")),
        ("refused", ("legal_name", "missing", "")),
        ("refused", ("registration", "no_uscc", "91110000600037314L")),
        ("refused", ("homepage", "no_address", "lyra")),
        ("refused", ("category", "not_listed", "circus")),
        ("refused", ("category", "not_listed", "individual")),
        ("refused", ("tier", "not_listed", "Diamond")),
        ("refused", ("legal_name", "too_long", "200")),
        ("refused", ("legal_name", "one_line", "")),
        ("conflict", ("", "twice", "4")),
        ("refused", ("id", "not_cleared", "")),
    ]  # fmt: skip
    counts = list_plan.counts(steps)
    assert sum(counts.values()) == len(steps) == 18
    for step in steps:
        with app.test_request_context():
            assert bool(list_words.why(step.body())) == bool(step.why)


def test_tiers_and_registrations_of_others_are_no_business_of_a_list(app: Flask) -> None:
    with app.app_context(), transaction():
        ids = some_members()
    tricky, orion = ids['\'=Tricky, "Inc"'], ids["Orion Chips Ltd"]
    with app.app_context(), reading():
        assert shown(planned(table({"id": orion, "tier": "Silver"}))) == [
            (2, "conflict", ("tier", "tier_by_verb", "gold"))
        ]
        assert shown(planned(table({"id": tricky, "tier": "Gold"}))) == [
            (2, "change", {"tier": ["silver", "gold"]})
        ]
        assert shown(planned(table({"id": tricky, "registration": CODE, "country": "CN"})))[0][1:] == (
            "conflict", ("registration", "two_organisations", "Orion Chips Ltd"),
        )  # fmt: skip
        assert shown(planned(table({"id": orion, "registration": OTHER})))[0][2] == (
            "registration", "other_entity", f"CN:{CODE}",
        )  # fmt: skip


def test_a_code_that_arrives_as_a_number_is_refused_and_a_name_of_digits_is_not(app: Flask) -> None:
    grid = sheet(["legal_name", "registration"], [360, None], ["A", 911100006000373411], ["B", 1.5], [1.5, None], ["=1+1", None], [date(2026, 1, 1), None])  # fmt: skip
    with app.app_context(), reading():
        assert [(step.kind, step.at, step.why) for step in planned(grid)] == [
            ("create", "", ""), ("refused", "registration", "number"), ("refused", "registration", "number"),
            ("refused", "legal_name", "number"), ("refused", "legal_name", "formula"), ("refused", "legal_name", "number"),
        ]  # fmt: skip
        assert planned(grid)[0].name == "360"
        mangled = table({"legal_name": "A", "registration": "9.1111E+17"})
        assert [(step.kind, step.why) for step in planned(mangled)] == [("refused", "number")]


BAD = {
    "nothing": (b"", "no rows below its header"),
    "only a header": (b"id,legal_name\n", "no rows below its header"),
    "an unknown column": (b"legal_name,shoe size\nA,42\n", "The column shoe size is not known"),
    "a column twice": ("legal_name,法定名称\nA,B\n".encode(), "legal_name stands twice"),
    "no key": (b"homepage\nhttps://a.example\n", "needs a column id, registration or legal_name"),
    "more cells": (b"legal_name\nA,B\n", "Row 2 has more cells"),
    "broken quotes": (b'legal_name\n"A"b\n', "is not CSV"),
    "utf-16": ("legal_name\nA".encode("utf-16"), "neither UTF-8 nor GB18030"),
    "no sheet": (b"PK\x03\x04rest", "no XLSX sheet that can be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_words(sqlite_app: Flask, name: str) -> None:
    data, words = BAD[name]
    with sqlite_app.test_request_context("/"), pytest.raises(Refused) as told:
        list_file.read(data, "list")
    assert words in str(told.value)


def test_columns_by_their_names_blank_rows_and_other_encodings_are_read(app: Flask) -> None:
    text = "\r\n法定名称；Website\r\n".replace("；", ";") + ";\r\n名字公司;https://mingzi.example\r\n\r\n"
    with app.app_context(), reading():
        for encoding in ("utf-8", "utf-8-sig", "gb18030"):
            steps = planned(text.encode(encoding))
            assert [(step.n, step.kind, step.changes) for step in steps] == [
                (4, "create", {"legal_name": ["", "名字公司"], "homepage": ["", "https://mingzi.example"]})
            ]


def changing(ids: dict[str, str]) -> bytes:
    return table(
        {"id": ids["Orion Chips Ltd"], "legal_name": "Orion Institute", "address": "<clear>", "homepage": ""},
        {"id": ids["1E5"], "registration": OTHER, "about": "数"},
        {"id": ids['\'=Tricky, "Inc"'], "tier": "gold"},
        {
            "legal_name": "Vega",
            "tier": "Silver",
            "category": "chip",
            "registration": "HRB 1",
            "country": "DE",
        },
        {"legal_name": "Altair"},
    )


def test_the_run_does_what_the_dry_run_said_and_undo_restores_the_former_dump(app: Flask) -> None:
    with app.app_context(), transaction():
        ids = some_members()
    with app.app_context(), reading():
        before = dump()
    uid = taken(app, changing(ids), run=False)
    with app.app_context(), reading():
        assert dump() == before  # looking writes nothing
        row = db.session.scalars(select(MemberImport).where(MemberImport.uid == uid)).one()
        said = {(step["org"] or step["name"]): step["changes"] for step in row.plan}
        assert row.counts == {"create": 2, "change": 3, "same": 0, "conflict": 0, "refused": 0}
    with app.app_context(), transaction():
        row = db.session.scalars(select(MemberImport).where(MemberImport.uid == uid)).one()
        importing.apply(row, importing.lines_of(row), by=rui())
    with app.app_context(), reading():
        after = dump()
        for org, membership, has_terms in db.session.execute(list_known.statement()).all():
            values = list_known.matched(org, membership, has_terms).values
            for field, (_old, new) in (said.get(org.uid) or said.get(org.legal_name) or {}).items():
                assert values[field] == new
        former = db.session.scalars(select(FormerName)).one()
        assert former.name == "Orion Chips Ltd"
        verdict = select(Organisation.registration_verdict).where(Organisation.uid == ids["1E5"])
        assert db.session.scalar(verdict) == "questionable"
        # The same list once more has nothing left to do, but what it made is found by its registration alone.
        assert [step.kind for step in planned(changing(ids))] == ["same", "same", "same", "same", "conflict"]
    assert after != before
    with app.app_context(), transaction():
        row = db.session.scalars(select(MemberImport).where(MemberImport.uid == uid)).one()
        importing.undo(row, by=rui())
        assert row.state is ImportState.UNDONE
    with app.app_context(), reading():
        assert dump() == before


def touch_name(ids: dict[str, str]) -> None:
    org = db.session.scalars(select(Organisation).where(Organisation.uid == ids["1E5"])).one()
    org.about = "touched"


def touch_new(_ids: dict[str, str]) -> None:
    org = db.session.scalars(select(Organisation).where(Organisation.legal_name == "Altair")).one()
    db.session.add(FormerName(org=org, name="Atair", until=date(2026, 1, 1)))


def claim_new(_ids: dict[str, str]) -> None:
    org = db.session.scalars(select(Organisation).where(Organisation.legal_name == "Vega")).one()
    org.unclaimed = False


def remove_new(_ids: dict[str, str]) -> None:
    org = db.session.scalars(select(Organisation).where(Organisation.legal_name == "Altair")).one()
    importing._remove(org)


@pytest.mark.parametrize("touch", [touch_name, touch_new, claim_new, remove_new])
def test_what_was_touched_since_is_not_undone_in_part(app: Flask, touch: Any) -> None:
    with app.app_context(), transaction():
        ids = some_members()
    uid = taken(app, changing(ids))
    with app.app_context(), transaction():
        touch(ids)
    with app.app_context(), reading():
        before = dump()
    with (
        app.app_context(),
        force_locale("en"),
        pytest.raises(Refused, match="was touched after the list was applied"),
        transaction(),
    ):
        importing.undo(
            db.session.scalars(select(MemberImport).where(MemberImport.uid == uid)).one(), by=rui()
        )
    with app.app_context(), reading():
        assert dump() == before


def test_a_list_is_applied_whole_or_not_at_all_and_only_as_it_was_shown(app: Flask) -> None:
    with app.app_context(), transaction():
        ids = some_members()
    stuck = taken(app, changing(ids) + b",,,,,,\n0,Nobody,,,,,\n", run=False)
    good = taken(app, changing(ids), run=False)
    with app.app_context(), reading():
        before = dump()
    with (
        app.app_context(),
        force_locale("en"),
        pytest.raises(Refused, match="whole or not at all"),
        transaction(),
    ):
        row = db.session.scalars(select(MemberImport).where(MemberImport.uid == stuck)).one()
        importing.apply(row, importing.lines_of(row), by=rui())
    with app.app_context(), reading():
        assert dump() == before
    with app.app_context(), transaction():
        touch_name(ids)
    with (
        app.app_context(),
        force_locale("en"),
        pytest.raises(Refused, match="Something has changed since"),
        transaction(),
    ):
        row = db.session.scalars(select(MemberImport).where(MemberImport.uid == good)).one()
        importing.apply(row, importing.lines_of(row), by=rui())


def test_a_list_that_looks_like_somebody_is_answered_and_then_kept(app: Flask) -> None:
    """A pair that a reviewer answered says that somebody looked: the list is no longer undone."""
    with app.app_context(), transaction():
        ids = some_members()
    uid = taken(app, table({"id": ids["1E5"], "display_name_en": "Orion Chips"}))
    with app.app_context(), transaction():
        pair = db.session.scalars(select(Pair)).one()
        assert pair.hits == "name"
        from portal.members.models import PairAnswer

        pair.answer = PairAnswer.DIFFERENT
    with app.app_context(), force_locale("en"), pytest.raises(Refused, match="was touched"), transaction():
        importing.undo(
            db.session.scalars(select(MemberImport).where(MemberImport.uid == uid)).one(), by=rui()
        )


FIELD_CELLS = {
    "legal_name": ["", "Alpha", "Beta GmbH", "ＡＬＰＨＡ"], "display_name_zh": ["", "甲", "<clear>"], "country": ["", "DE", "中国"],
    "category": ["", "chip", "circus", "<clear>"], "homepage": ["", "https://a.example", "x"], "about": ["", "=1", "<clear>"],
}  # fmt: skip
cells = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in FIELD_CELLS.items()})


def test_any_list_sums_up_runs_as_said_and_can_be_undone(app: Flask) -> None:
    with app.app_context(), transaction():
        known = ["", *some_members().values()]

    @settings(
        max_examples=lives(app, one_in=4),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(st.tuples(cells, st.sampled_from(known)), min_size=1, max_size=5))
    def any_list(rows: list[tuple[dict[str, str], str]]) -> None:
        data = table(*({"id": uid, **row} for row, uid in rows))
        if not any(any(row.values()) or uid for row, uid in rows):
            return
        with undone(app):
            before = dump()
            steps = planned(data)
            lines = list_file.read(data, "x")
            assert sum(list_plan.counts(steps).values()) == len(lines)
            db.session.rollback()
            with transaction():
                content = files.Content("0" * 64, 1, "text/csv")
                row = importing.take_in(steps, content, name="x", by=rui())
            counts = list_plan.counts(steps)
            if counts["conflict"] or counts["refused"]:
                with pytest.raises(Refused), transaction():
                    importing.apply(row, lines, by=rui())
            else:
                with transaction():
                    importing.apply(row, lines, by=rui())
                again = list_plan.counts(planned(data))
                assert again["change"] == again["create"] == again["refused"] == 0
                with transaction():
                    importing.undo(row, by=rui())
            assert dump() == before

    with app.app_context():
        any_list()


def test_staff_take_look_apply_and_undo_on_the_page(app: Flask) -> None:
    with app.app_context(), transaction():
        ids = some_members()
        make_person("lena@house.example", "Lena", staff=(StaffRole.LEGAL,))
    rui_at, lena = browser(app, "rui@house.example"), browser(app, "lena@house.example")

    def send(data: bytes, who: Any = rui_at, name: str = "C:\\lists\\list.csv") -> Any:
        fields = {"csrf_token": token(who), "file": (io.BytesIO(data), name)}
        return who.post("/office/members/imports", data=fields, content_type="multipart/form-data")

    assert send(changing(ids), lena).status_code == 403
    assert "Please choose a file." in post(rui_at, "/office/members/imports").text
    assert "shoe" in send(b"shoe\n1\n").text
    answer = send(changing(ids))
    assert answer.status_code == 303
    where = answer.headers["Location"]
    page = rui_at.get(where).text
    assert "2 new, 3 changed, 0 same, 0 in conflict, 0 refused." in page
    assert "Orion Institute" in page
    assert "Apply the list" not in lena.get(where).text
    assert post(lena, f"{where}/application").status_code == 403
    assert post(rui_at, f"{where}/application").status_code == 303
    page = rui_at.get(f"{where}?kind=create").text
    assert "Undo the list" in page
    assert "Altair" in page
    assert "Orion Institute" not in page
    assert post(rui_at, f"{where}/application").status_code == 303  # a second tab
    assert "moved on meanwhile" in rui_at.get(where).text
    assert post(rui_at, f"{where}/undo").status_code == 303
    assert "Undone" in rui_at.get(where).text
    second = send(table({"id": ids["1E5"], "about": "x"}, {"id": "none", "about": "<b>y</b>"})).headers[
        "Location"
    ]
    page = rui_at.get(second).text
    assert "1 row cannot be taken" in page
    assert "Apply the list" not in page
    assert post(rui_at, f"{second}/drop").status_code == 303
    assert rui_at.get(f"{second}/file").data.startswith(b"id,about")
    names_of_lists = rui_at.get("/office/members/imports").text
    assert names_of_lists.count("list.csv") == 2
    assert "lists\\list.csv" not in names_of_lists


def test_a_plan_that_grew_old_is_worked_out_again_on_the_page(app: Flask) -> None:
    with app.app_context(), transaction():
        ids = some_members()
    uid = taken(app, table({"id": ids["1E5"], "about": "new"}), run=False)
    with app.app_context(), transaction():
        touch_name(ids)
    client = browser(app, "rui@house.example")
    answer = post(client, f"/office/members/imports/{uid}/application")
    page = client.get(answer.headers["Location"]).text
    assert "Something has changed since" in page
    assert "touched" in page
    assert post(client, f"/office/members/imports/{uid}/application").status_code == 303
    with app.app_context(), reading():
        about = select(Organisation.about).where(Organisation.uid == ids["1E5"])
        assert db.session.scalar(about) == "new"


def test_a_long_list_takes_few_statements(sqlite_app: Flask) -> None:
    with sqlite_app.app_context(), transaction():
        some_members()
    rows = [{"legal_name": f"Number {n}", "homepage": f"https://n{n}.example"} for n in range(2_000)]
    data = table(*rows)
    with sqlite_app.app_context(), reading(), counted(sqlite_app) as seen:
        assert list_plan.counts(planned(data))["create"] == 2_000
    assert len(seen) < 40
