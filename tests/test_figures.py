"""The figures of members on pages and in files: every number opens rows that sum to it, right after any history."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Ownership
from portal.billing import months
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.members import history, terms
from portal.members.belonging import Ending, Membership, Reversal, Term, TermKind
from portal.members.standing import EndingCause
from portal.reports import ahead, retention, rows, tables
from tests.people import browser, make_org, make_person

NOW = date(2028, 1, 15)
K = 100_000  # fen in a thousand CNY


@pytest.fixture(autouse=True)
def in_2028() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


def member(name: str, *spans: tuple[str, date, date | None, int]) -> Membership:
    """Write an organisation with paid terms: tier, start, end, thousand CNY a year."""
    membership = Membership(org=make_org(name))
    db.session.add(membership)
    for tier, start, end, value in spans:
        term(membership, tier, start, end, value)
    db.session.flush()
    return membership


def term(
    membership: Membership,
    tier: str,
    start: date,
    end: date | None,
    value: int,
    kind: TermKind = TermKind.NEW,
) -> Term:
    if end is not None and value:
        value = value * (end.year - start.year) if (start.month, start.day) == (end.month, end.day) else value
    row = Term(
        membership=membership, kind=kind, tier=tier, category="", start=start, end=end, anchor=start, k=0,
        period_price=Money(value * K), charged=Money(value * K), cover="settled", by_name="test",
    )  # fmt: skip
    db.session.add(row)
    return row


def end(row: Term, on: date, cause: EndingCause) -> Ending:
    made = Ending(term=row, on=on, cause=cause, reason="test", by_name="test")
    db.session.add(made)
    db.session.flush()
    return made


def example() -> dict[str, Membership]:
    """Members A to G of the specification as rows: what they pay is in thousand CNY. Call inside a transaction."""
    y26, y27, y28, y29 = (date(year, 1, 1) for year in (2026, 2027, 2028, 2029))
    found = {
        "A": member("A", ("platinum", y26, y27, 400), ("platinum", y27, y29, 400)),
        "B": member("B"),
        "C": member("C"),
        "D": member("D"),
        "E": member("E", ("silver", y26, y29, 20)),
        "F": member("F", ("gold", y26, y27, 0), ("gold", y27, y29, 160)),
        "G": member("G", ("silver", date(2027, 5, 1), date(2028, 5, 1), 20)),
    }
    june = date(2027, 6, 1)
    end(term(found["B"], "gold", y26, y28, 160), june, EndingCause.TIER_CHANGE)
    term(found["B"], "platinum", june, date(2029, 6, 1), 400, TermKind.UPGRADE)
    end(term(found["C"], "gold", y26, y28, 160), date(2027, 4, 1), EndingCause.RESIGNED)
    term(found["D"], "silver", date(2026, 3, 1), date(2027, 3, 1), 20)
    term(found["D"], "silver", date(2027, 9, 1), date(2028, 9, 1), 20, TermKind.REINSTATEMENT)
    db.session.flush()
    terms.refresh(found.values())
    make_person("dai@house.example", "Dai", staff=(StaffRole.DIRECTOR,))
    make_person("lena@house.example", "Lena", staff=(StaffRole.LEGAL,))
    return found


def body(**more: Any) -> dict[str, Any]:
    return retention.body(retention.look(date(2027, 1, 1), date(2027, 12, 1), **more))


def test_the_worked_example_from_rows_of_the_database(app: Flask) -> None:
    with app.app_context(), transaction():
        example()
    with app.app_context(), reading():
        found = body()
    assert {name: found[name] for name in ("opening", "new", "returned", "departures", "closing", "kept", "upgrades")} == {
        "opening": 6, "new": 1, "returned": 1, "departures": 2, "closing": 6, "kept": 5, "upgrades": 1,
    }  # fmt: skip
    assert (found["value_opening"], found["value_kept"], found["value_closing"]) == (
        760 * K,
        600 * K,
        840 * K,
    )
    assert (found["grr"], found["nrr"], found["kept_share"]) == ("0.789474", "1.105263", "0.833333")
    assert (found["churn_logos_share"], found["churn_money_share"]) == ("0.333333", "0.236842")
    assert {tier: one["churn_logos"] for tier, one in found["by_tier"].items()} == {
        "Platinum": 0, "Gold": 1, "Silver": 1,
    }  # fmt: skip
    assert found["cohorts"] == [
        {"cohort": "2026", "size": 6, "points": [
            {"on": "2026-12-31", "members": 6, "share": "1.000000"}, {"on": "2027-12-31", "members": 5, "share": "0.833333"},
        ]},
        {"cohort": "2027", "size": 1, "points": [{"on": "2027-12-31", "members": 1, "share": "1.000000"}]},
    ]  # fmt: skip


def test_facts_recorded_later_change_today_and_not_what_was_known(app: Flask) -> None:
    with clock.stopped_at(date(2027, 6, 15)), app.app_context(), transaction():
        member("Late", ("gold", date(2027, 1, 1), date(2028, 1, 1), 160))
    with clock.stopped_at(date(2027, 9, 1)), app.app_context(), transaction():
        row = db.session.scalars(select(Term)).one()
        ending = end(row, date(2027, 8, 1), EndingCause.RESIGNED)
    with clock.stopped_at(date(2027, 11, 1)), app.app_context(), transaction():
        db.session.add(
            Reversal(
                membership=db.session.get_one(Membership, row.membership_id), undoes_kind="ending", undoes_id=ending.id,
                from_day=date(2027, 8, 1), reason="test", by_name="test",
            )
        )  # fmt: skip
    told = {}
    with app.app_context(), reading():
        for known in (date(2027, 6, 14), date(2027, 6, 15), date(2027, 9, 1), date(2027, 11, 1)):
            found = retention.body(
                retention.look(date(2027, 1, 1), date(2027, 10, 1), known=months.end_of(known))
            )
            told[known.month, known.day] = (found["new"], found["departures"], found["closing"])
    assert told == {(6, 14): (0, 0, 0), (6, 15): (1, 0, 1), (9, 1): (1, 1, 0), (11, 1): (1, 0, 1)}


def test_a_period_that_is_not_over_ends_with_the_day_known(app: Flask) -> None:
    with app.app_context(), transaction():
        example()
    with app.app_context(), reading():
        found = retention.body(retention.look(date(2028, 1, 1), date(2029, 12, 1)))
        none = retention.body(
            retention.look(date(2027, 1, 1), date(2027, 2, 1), known=months.end_of(date(2020, 1, 1)))
        )
    assert [found[name] for name in ("opening", "departures", "in_grace", "renewals_due", "closing")] == [
        6,
        0,
        0,
        0,
        6,
    ]
    assert (found["to"], none["to"], none["closing"]) == ("2029-12", "2027-02", 0)


def test_related_companies_count_once_when_asked(app: Flask) -> None:
    with app.app_context(), transaction():
        found = example()
        share: dict[str, Any] = {"share_bp": 6_000, "evidence": "register", "start": date(2026, 1, 1)}
        db.session.add(Ownership(owner=found["A"].org, owned=found["C"].org, **share))
        db.session.add(Ownership(owner=found["C"].org, owned=found["E"].org, **share))
        db.session.add(Ownership(owner=found["D"].org, owned=found["F"].org, **share | {"share_bp": 5_000}))
    with app.app_context(), reading():
        alone, grouped = body(), body(grouped=True)
    assert (alone["opening"], grouped["opening"], grouped["closing"]) == (6, 4, 5)
    assert (grouped["departures"], grouped["value_opening"], grouped["value_closing"]) == (
        1,
        760 * K,
        840 * K,
    )


def pages_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.text


def test_each_number_opens_rows_that_sum_to_it(app: Flask) -> None:
    with app.app_context(), transaction():
        example()
    dai = browser(app, "dai@house.example")
    page = pages_of(dai, "/office/figures/?from=2027-01&to=2027-12")
    links = {
        (unescape(href), re.sub(r"[^0-9.]", "", words))
        for href, words in re.findall(
            r'<a(?: class="money")? href="(/office/figures/rows[^"]+)">([^<]+)</a>', page
        )
        if re.search(r"[0-9]", words)
    }
    assert len(links) > 30
    for href, number in links:
        rows_page = pages_of(dai, href)
        names = re.findall(r'<th scope="row"><a href="/office/members/\w+">(\w)</a>', rows_page)
        total = re.findall(r'<span class="money">[^0-9]*([0-9,.]+)</span>', rows_page.split("<tfoot>")[-1])
        if "." in number:
            assert (
                number.replace(",", "") in [one.replace(",", "") for one in total] or "figure=paying" in href
            )
        else:
            assert len(names) == int(number), href
    for words in ("78.95 %", "110.53 %", "83.33 %", "33.33 %", "23.68 %"):
        assert words in page
    chinese = browser(app, "dai@house.example", language="zh_Hans_CN")
    assert "白金会员" in pages_of(chinese, "/office/figures/?from=2027-01&to=2027-12")


def test_the_same_tables_leave_as_csv_and_xlsx(app: Flask) -> None:
    with app.app_context(), transaction():
        example()
    dai = browser(app, "dai@house.example")
    for what in ("bridge", "churn", "retention", "cohorts"):
        path = f"/office/figures/{what}/%s/file?from=2027-01&to=2027-12"
        lines = list(csv.reader(io.StringIO(pages_of(dai, path % "csv").lstrip("\ufeff"))))
        book = load_workbook(io.BytesIO(dai.get(path % "xlsx").data)).worksheets[0]
        assert book.max_row == len(lines) > 2
    bridge = pages_of(dai, "/office/figures/bridge/csv/file?from=2027-01&to=2027-12").lstrip("\ufeff")
    assert bridge.splitlines()[-1] == "All,6,1,1,1,1,2,6"
    rows_of = pages_of(dai, "/office/figures/rows/csv/file?from=2027-01&to=2027-12&figure=departed")
    assert [line.split(",")[0] for line in rows_of.splitlines()[1:]] == ["C", "D"]
    assert dai.get("/office/figures/bridge/pdf/file").status_code == 404
    assert dai.get("/office/figures/nothing/csv/file").status_code == 404


def test_what_ends_soon_stands_at_the_step_it_has_reached(app: Flask) -> None:
    with app.app_context(), transaction():
        for days in (0, 1, 7, 8, 14, 30, 31, 60, 90, 91):
            member(f"In {days}", ("gold", date(2027, 1, 1), NOW + timedelta(days=days), 100))
        renewed = member("Renewed", ("gold", date(2027, 1, 1), NOW + timedelta(days=20), 1))
        term(renewed, "gold", NOW + timedelta(days=20), date(2029, 1, 1), 1, TermKind.RENEWAL)
        left = member("Left")
        end(
            term(left, "gold", date(2027, 1, 1), date(2029, 1, 1), 1),
            NOW + timedelta(days=9),
            EndingCause.RESIGNED,
        )
        rows = db.session.scalars(select(Membership)).all()
        terms.refresh(rows)
        make_person("dai@house.example", "Dai", staff=(StaffRole.DIRECTOR,))
    with app.app_context(), reading():
        found = ahead.look()
        assert {step.code: len(step.rows) for step in found.steps} == {
            "90": 1, "60": 2, "30": 1, "14": 2, "7": 2, "resigned": 1,
        }  # fmt: skip
        assert {standing.value: len(rows) for standing, rows in found.risks.items()} == {
            "at_risk": 0,
            "grace": 1,
        }
    dai = browser(app, "dai@house.example")
    assert pages_of(dai, "/office/figures/next?step=7").count('<th scope="row"><a') == 2
    assert "In 0" in pages_of(dai, "/office/figures/next?step=grace")
    assert len(pages_of(dai, "/office/figures/next/csv/file").splitlines()) == 10


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2027-13", 422), ("from=x", 422), ("to=9999-12", 422), ("from=2027-02&to=2027-01", 422), ("known=0001-01-01", 422),
        ("known=1900-01-01", 200), ("from=1900-01&to=2027-01", 422), ("groups=1", 200), ("", 200), ("known=yesterday", 422),
    ],
)  # fmt: skip
def test_odd_periods_are_answered_in_words(sqlite_app: Flask, query: str, status: int) -> None:
    with sqlite_app.app_context(), transaction():
        make_person("dai@house.example", "Dai", staff=(StaffRole.DIRECTOR,))
    dai = browser(sqlite_app, "dai@house.example")
    assert dai.get(f"/office/figures/?{query}").status_code == status
    assert dai.get(f"/office/figures/rows?figure=new&{query}").status_code == status


def test_only_who_works_with_figures_sees_them(sqlite_app: Flask) -> None:
    with sqlite_app.app_context(), transaction():
        example()
    assert browser(sqlite_app, "lena@house.example").get("/office/figures/").status_code == 403
    assert browser(sqlite_app, "dai@house.example").get("/office/figures/rows?figure=x").status_code == 404
    assert (
        browser(sqlite_app, "dai@house.example").get("/office/figures/rows?figure=cohort&year=1").status_code
        == 404
    )


def test_figures_of_many_members_take_a_handful_of_statements(sqlite_app: Flask) -> None:
    from tests.counting import counted

    rows_ = "".join(f"2024-01,join,o{n},Org {n},,Gold,\n" for n in range(400))
    with sqlite_app.app_context(), transaction():
        history.bring_in(f"month,event,org_id,name,from_tier,to_tier,joined\n{rows_}")
        make_person("dai@house.example", "Dai", staff=(StaffRole.DIRECTOR,))
    with sqlite_app.app_context(), reading():
        retention.look(date(2024, 1, 1), date(2024, 12, 1))  # warm: the catalogue
        with counted(sqlite_app) as seen:
            found = retention.look(date(2024, 1, 1), date(2024, 12, 1))
            assert tables.bridge(found).rows[-1][2][-1] == 400
            assert len(rows.lines(found, "new") or ()) == 400
    assert len(seen) <= 6
