"""The office pages of item analysis: figures and charts that agree with the file, in both languages, for those who may read items."""

from __future__ import annotations

import csv
import io
import random
from fractions import Fraction

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.may import STAFF, May, StaffRole
from portal.certs import item_charts, item_report, item_tables, sittings
from portal.certs.models.marking import Response, Sitting
from portal.certs.psychometrics import rounded
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from tests.people import browser, make_person

DESK = "/office/item-analysis/"


def responses(seed: int, n: int = 60, k: int = 12) -> str:
    dice = random.Random(seed)
    rows = []
    for one in range(n):
        able = dice.gauss(0, 1)
        marks = [
            "" if dice.random() < 0.03 else str(int(able + dice.gauss(0, 1) > (i - k / 2) / 3))
            for i in range(k)
        ]
        rows.append([f"c{one}", *marks])
    out = io.StringIO()
    csv.writer(out).writerows([["candidate", *(f"Q{n:02d}" for n in range(1, k + 1))], *rows])
    return out.getvalue()


@pytest.fixture
def desk(app: Flask) -> dict[str, str]:
    """Two sittings of one exam and a small one of another; who may read them; return the addresses by name."""
    with app.app_context(), transaction():
        for role in StaffRole:
            make_person(f"{role.value}@house.example", role.value, staff=(role,))
        make_person("guest@nowhere.example", "Guest")
        for seed, (exam, name) in enumerate(
            [("OPDEV", "2026 spring"), ("OPDEV", "2026 autumn"), ("PAST-1", "small.csv")]
        ):
            sittings.bring_in(
                responses(seed, n=60 if exam == "OPDEV" else 5), exam=exam, name=name, named=True
            )
    with app.app_context(), reading():
        return {one.name: f"{DESK}{one.uid}" for one in db.session.scalars(select(Sitting))}


def chief(app: Flask, language: str = "en") -> FlaskClient:
    return browser(app, "chief_examiner@house.example", language=language)


def test_a_sitting_shows_its_items_reliability_and_spread(app: Flask, desk: dict[str, str]) -> None:
    client = chief(app)
    listed = client.get(DESK).text
    assert listed.index("small.csv") < listed.index("2026 autumn") < listed.index("2026 spring")
    page = client.get(desk["2026 spring"]).text
    with app.app_context(), reading():
        found = item_report.look(sittings.found("OPDEV", "2026 spring"))
    for one in found.analysis.items:
        assert one.item in page
        assert item_tables.said(one.difficulty) in page
        assert item_tables.said(one.corrected_item_total) in page
    assert item_tables.said(found.analysis.alpha) in page
    assert "Small sample" not in page
    assert "Small sample" in client.get(desk["small.csv"]).text
    assert page.count('class="chart-bar"') == len({sum(m or 0 for m in row) for row in found.answers.marks})
    assert "2026 autumn" in page  # the other sitting of the exam
    chinese = chief(app, "zh_Hans_CN").get(desk["2026 spring"]).text
    assert "克龙巴赫 α 系数" in chinese
    assert "60 名考生" in chinese


def test_the_list_is_searched_and_leaves_as_a_file(app: Flask, desk: dict[str, str]) -> None:
    client = chief(app)
    found = client.get(DESK + "?q=past").text
    assert "small.csv" in found
    assert "2026 spring" not in found
    assert "No sitting matches" in client.get(DESK + "?q=nothing").text
    rows = list(csv.reader(io.StringIO(client.get(DESK + "file").text.removeprefix("\ufeff"))))
    assert [row[:4] for row in rows[1:]] == [
        ["PAST-1", "small.csv", "5", "12"], ["OPDEV", "2026 autumn", "60", "12"], ["OPDEV", "2026 spring", "60", "12"],
    ]  # fmt: skip


def test_items_are_sorted_by_any_column_and_undefined_ones_stand_last(
    app: Flask, desk: dict[str, str]
) -> None:
    client = chief(app)
    with app.app_context(), reading():
        made = item_report.look(sittings.found("OPDEV", "2026 spring")).analysis

    def order(sort: str) -> list[str]:
        page = client.get(f"{desk['2026 spring']}?sort={sort}").text
        return sorted((one.item for one in made.items), key=lambda item: page.index(f">{item}</a>"))

    by_difficulty = [one.item for one in sorted(made.items, key=lambda one: one.difficulty or 0)]
    assert order("difficulty") == by_difficulty
    assert order("-item") == [f"Q{n:02d}" for n in range(12, 0, -1)]
    assert order("nonsense") == [one.item for one in made.items]
    with app.app_context(), transaction():
        sittings.bring_in("candidate,A,B,C\nx,1,1,0\ny,1,0,1\nz,1,1,1\n", exam="E", name="e", named=True)
    with app.app_context(), reading():
        found = item_report.look(sittings.found("E"))
        for sort in ("discrimination", "-discrimination"):
            assert item_tables.sorted_items(found, sort)[-1][1].item == "A"


def test_a_cut_shows_who_reaches_it_and_who_stands_near(app: Flask, desk: dict[str, str]) -> None:
    client = chief(app)
    with app.app_context(), reading():
        found = item_report.look(sittings.found("OPDEV", "2026 spring"))
    totals, sem = [int(one) for one in found.analysis.totals], float(found.analysis.sem or 0)
    page = client.get(desk["2026 spring"] + "?cut=50").text
    passed = sum(total >= 6 for total in totals)
    near = sum(abs(total - 6) <= sem for total in totals)
    assert f"At 6.00 points {passed} of 60 candidates reach the cut" in page
    assert f"{near} lie within one standard error" in page
    assert 'class="chart-cut"' in page
    assert 'class="chart-band"' in page
    provisional = sum(
        total >= Fraction(65 * 12, 100) for total in totals
    )  # of the catalogue, until a panel sat
    assert (
        f"At 7.80 points {provisional} of 60 candidates reach the cut" in client.get(desk["2026 spring"]).text
    )
    assert 'class="chart-cut"' not in client.get(desk["small.csv"]).text  # no level, so no cut either
    for text in ("5０%25", "62.5", "0", "100"):
        assert client.get(f"{desk['2026 spring']}?cut={text}").status_code == 200
    for text in ("101", "-1", "half", "1e99", "NaN", "1,5"):
        assert client.get(f"{desk['2026 spring']}?cut={text}").status_code == 422


def test_an_item_shows_its_options_and_its_past(app: Flask, desk: dict[str, str]) -> None:
    client = chief(app)
    page = client.get(desk["2026 spring"] + "/items/6").text
    assert "Answered right" in page
    assert page.count("<polyline") >= 2
    assert desk["2026 autumn"] + "/items/6" in page
    assert "small.csv" not in page
    for number in ("0", "13", "999999999999999999999"):
        assert client.get(f"{desk['2026 spring']}/items/{number}").status_code == 404
    with app.app_context(), transaction():
        sitting = Sitting(
            exam="LIVE",
            name="live",
            imported=False,
            items=[{"code": "q", "most": 1}],
            candidates=2,
            sha256="",
            by_name="x",
        )
        db.session.add_all(
            [
                sitting,
                Response(sitting=sitting, marks=[1], chosen=[["<b>"]]),
                Response(sitting=sitting, marks=[None], chosen=[[]]),
            ]
        )
        db.session.flush()
        uid = sitting.uid
    page = client.get(f"{DESK}{uid}/items/1").text
    assert "&lt;b&gt;" in page
    assert "There is nothing to draw" in page
    assert "Omitted" in page


def test_files_hold_true_figures(app: Flask, desk: dict[str, str]) -> None:
    client = chief(app)
    with app.app_context(), reading():
        made = item_report.look(sittings.found("OPDEV", "2026 spring")).analysis
    rows = list(
        csv.reader(
            io.StringIO(client.get(desk["2026 spring"] + "/items/csv/file").text.removeprefix("\ufeff"))
        )
    )
    assert [row[0] for row in rows[1:]] == [one.item for one in made.items]
    assert [float(row[2]) for row in rows[1:]] == pytest.approx(
        [float(one.corrected_item_total or 0) for one in made.items], abs=1e-8
    )
    sheet = openpyxl.load_workbook(
        io.BytesIO(client.get(desk["2026 spring"] + "/items/xlsx/file").data)
    ).active
    assert sheet is not None
    assert [sheet.cell(n, 2).value for n in range(2, 14)] == pytest.approx(
        [float(one.difficulty or 0) for one in made.items], abs=1e-8
    )
    totals = list(csv.reader(io.StringIO(client.get(desk["2026 spring"] + "/totals/csv/file").text)))
    assert sum(int(row[1]) for row in totals[1:]) == 60
    assert "KR-20" in client.get(desk["small.csv"] + "/figures/csv/file").text
    for path in ("/items/pdf/file", "/nothing/csv/file"):
        assert client.get(desk["small.csv"] + path).status_code == 404
    with app.app_context(), reading():
        assert [one.detail["list"] for one in db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "list.exported").order_by(AuditEntry.id))] == [
            "items", "items", "totals", "figures",
        ]  # fmt: skip


def test_whoever_may_read_items_may_and_nobody_else(app: Flask, desk: dict[str, str]) -> None:
    paths = [
        DESK,
        DESK + "file",
        desk["small.csv"],
        desk["small.csv"] + "/items/1",
        desk["small.csv"] + "/items/csv/file",
    ]
    for role in StaffRole:
        client = browser(app, f"{role.value}@house.example")
        for path in paths:
            assert client.get(path).status_code == (200 if May.READ_ITEMS in STAFF[role] else 403), (
                role,
                path,
            )
    guest = browser(app, "guest@nowhere.example")
    assert {guest.get(path).status_code for path in paths} == {403}
    assert {app.test_client().get(path).status_code for path in paths} == {303}
    assert chief(app).get(f"{DESK}{'0' * 32}").status_code == 404


def test_bars_hold_everybody_and_stay_in_the_picture() -> None:
    for most in (Fraction(1), Fraction(4), Fraction(25), Fraction(60), Fraction(51, 2), Fraction(400)):
        totals = [most * n / 37 for n in range(38)]
        made = item_charts.distribution(totals, most, cut=most / 2, sem=rounded(most / 10))
        assert sum(bar.count for bar in made.bars) == 38
        assert len(made.bars) <= item_charts.MOST_BARS + 1
        assert all(
            bar.x >= 0 and bar.x + bar.width <= item_charts.WIDTH and bar.width > 0 for bar in made.bars
        )
        assert made.band is not None
        assert made.cut is not None
        assert made.band[0] <= made.cut <= made.band[1]
        assert [x for x, _words in made.xs] == sorted(x for x, _words in made.xs)
    assert item_charts.distribution([], Fraction(3)).bars[0].share == 0
    assert item_charts.curves([]) is None
