"""Diversity, what-if, targets, forecast, recurring income, contradictions and the screen of today, as pages over real books."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from fractions import Fraction
from html import unescape

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal.accounts.may import StaffRole
from portal.core import catalogue, clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.reports.board import reading as board
from portal.reports.goals import counts, page_conflicts, page_forecast, page_targets, targets
from portal.reports.goals.forecast import BANDS
from portal.reports.goals.models import TargetProposal
from portal.reports.income import behind, pages, payers
from portal.reports.income.figure import Figure, Report, Table
from portal.reports.measures import digits
from portal.reports.recurring import running
from portal.reports.recurring.arr import Run
from portal.reports.recurring.running import Planned
from portal.reports.revenue import revenue
from portal.reports.spread import page_diversity, whatif, windows
from portal.reports.spread.judging import Verdict
from portal.reports.spread.supposing import Change
from tests.counting import counted
from tests.people import browser, make_person, post
from tests.report_world import NOW, bring_in, question

WHO = {
    "fang": StaffRole.FINANCE, "eva": StaffRole.EXECUTIVE, "bo": StaffRole.BOARD, "lena": StaffRole.LEGAL,
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_july() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


def world(app: Flask, name: str = "books-wide.json") -> None:
    with app.app_context():
        bring_in(name, renamed={letter: f"Payer {letter}{letter} Ltd" for letter in "ABCDEFGHKLMNOPQ"})
        with transaction():
            for key, role in WHO.items():
                make_person(f"{key}@house.example", key.title(), staff=(role,))


@contextmanager
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context(), force_locale("en"):
        yield


def cells(table: Table, label: str, note: str = "") -> list[object]:
    """Return the cells of a row; figures as their fen."""
    row = next(one for one in table.lines if str(one.label) == label and note in one.note)
    return [cell.amount if isinstance(cell, Figure) else cell for cell in row.cells]


def table(report: Report, key: str) -> Table:
    return next(one for one in report.tables if one.key == key)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).replace("\u00a0", " ")


# ---- Diversity


@pytest.mark.parametrize("name", ["books-small.json", "books-wide.json"])
def test_verdicts_are_those_of_the_report_in_json(app: Flask, name: str) -> None:
    world(app, name)
    with english(app), reading():
        said = question()
        body = revenue(said.start, said.last_day, said.known)
        sources = windows.Sources(said, by_payer=True)
        window = sources.window("period")
        for basis, code in (("recognised", "recognised"), ("net_invoiced", "invoiced")):
            for level in ("streams", "groups"):
                one, told = sources.judged(window, basis, level), body[f"diversity_{code}_{level}"]
                found = one.body()
                assert {
                    key: found[key] for key in ("n", "total", "top", "top_share", "hhi", "effective_number")
                } == {key: told[key] for key in ("n", "total", "top", "top_share", "hhi", "effective_number")}
                assert (one.verdict is Verdict.BREACH) == told["limit_breached"]
                assert (one.found.headroom, one.found.others) == (told["headroom_top"], told["others_needed"])
        together = sources.judged(window, "recognised", "payers")
        assert together.plain == body["totals"]["recognised"]


def test_windows_end_with_the_period_and_short_ones_are_indicative(app: Flask) -> None:
    world(app)
    with english(app), reading():
        found = windows.windows(question(**{"from": "2026-05", "to": "2026-06"}), 90)
        assert [(one.code, one.start, one.end, one.indicative) for one in found] == [
            ("fiscal_year", date(2026, 1, 1), date(2026, 7, 1), False),
            ("trailing", date(2025, 7, 1), date(2026, 7, 1), False),
            ("period", date(2026, 5, 1), date(2026, 7, 1), True),
        ]
        report = page_diversity.build(question(**{"from": "2026-06", "to": "2026-06"}))
        assert any("indicative" in line.note for line in table(report, "windows").lines)
        empty = page_diversity.build(question(**{"from": "2024-01", "to": "2024-02"}))
        assert empty.banners[0].tone == "mute"
        assert "no data" in cells(table(empty, "benchmarks"), "Ours")


def test_a_window_opens_its_own_rows_whatever_the_page_is_of(app: Flask) -> None:
    world(app)
    with english(app), reading():
        said = question(**{"from": "2026-06", "to": "2026-06"})
        for figure in page_diversity.build(said).figures():
            assert sum(row.amount for row in behind.rows_of(said, figure)) == figure.amount, figure
        assert behind.rows_of(said, Figure.of("in_recognised", 0, start="2026-13", end="nothing")) == []


def test_the_board_sees_no_payer_anywhere(app: Flask) -> None:
    world(app)
    with app.app_context(), reading():
        names = [one.name for one in payers.named(range(1, 60)).values()]
    assert names
    bo, eva = browser(app, "bo@house.example"), browser(app, "eva@house.example")
    seen = ""
    for page in [
        *(one.key for one in pages.every() if one.tab),
        "today",
        "what-if",
        "targets/setting",
        "counts/conversion",
    ]:
        answer = bo.get(f"/office/reports/{page.replace('overview', '')}")
        if answer.status_code != 403:
            seen += text(answer.text)
    seen += text(bo.get("/office/").text)
    assert [name for name in names if name in seen] == []
    assert any(
        name in text(eva.get("/office/reports/diversity?from=2026-01&to=2026-06").text) for name in names
    )
    assert bo.get("/office/reports/payers").status_code == 403
    assert "Payer" not in bo.get("/office/reports/what-if").text
    assert browser(app, "lena@house.example").get("/office/reports/today").status_code == 403


# ---- What if


def test_headroom_spent_to_the_last_fen_touches_and_one_less_is_safe(app: Flask) -> None:
    world(app)
    fang = browser(app, "fang@house.example")
    with english(app), reading():
        sources = windows.Sources(question(), by_payer=True)
        window = sources.window("fiscal_year")
        before = sources.judged(window, "booked", "streams")
        assert before.found.top is not None
        exact = (before.limits.ceiling * before.total - before.most) / (1 - before.limits.ceiling)
        least = -(-exact.numerator // exact.denominator)
        for fen, verdict in ((least, Verdict.BREACH), (least - 1, Verdict.WATCH)):
            change = Change(before.found.top, fen, date(2026, 6, 30))
            _before, after = whatif.compared(sources, window, [change], "booked", "streams")
            assert after.verdict is verdict
    page = fang.get(
        "/office/reports/what-if?from=2026-01&to=2026-06&amount1=240%2C000&stream1=support&signed1=2026-06-15&months1=12"
    )
    assert page.status_code == 200
    said = text(page.text)
    # 240,000 signed in the middle of June: booked whole, sixteen days of it recognised, nothing collected yet.
    assert "240,000.00" in said
    assert "10,520.55" in said
    assert re.search(r"Collected, net [\d,.]+ 0\.00", said)


def test_what_cannot_be_read_is_told_of_and_nothing_typed_is_lost_or_kept(app: Flask) -> None:
    world(app)
    fang = browser(app, "fang@house.example")
    with app.app_context(), reading():
        before = db.session.scalar(select(func.count()).select_from(AuditEntry))
    page = fang.get(
        "/office/reports/what-if?amount1=two+million&amount2=5&stream2=nothing&amount3=7&months3=999&amount4=1&signed4=soon&payer4=x"
    )
    assert page.status_code == 422
    for words in (
        "Row 1: Please give the amount",
        "Row 2: There is no such stream",
        "Row 3: Please give a term",
        "Row 4: Please give the day",
    ):
        assert words in text(page.text)
    assert 'value="two million"' in page.text
    assert fang.get("/office/reports/what-if?amount1=5&payer1=nobody").status_code == 422
    assert fang.get("/office/reports/what-if?window=nothing").status_code == 200
    with app.app_context(), reading():
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == before


# ---- Targets


def test_two_people_set_a_target_and_reports_of_before_keep_the_old_one(app: Flask) -> None:
    world(app, "books-small.json")
    fang, eva, bo = (browser(app, f"{who}@house.example") for who in ("fang", "eva", "bo"))
    path, form = "/office/reports/targets/setting", {
        "measure": "organisations", "scope": "total", "year": "2026", "amount": "60", "basis": "recognised", "profile": "",
        "valid_from": "2026-07-08", "reason": "More founders than planned",
    }  # fmt: skip
    assert bo.get(path).status_code == 200
    assert post(bo, path, **form).status_code == 403
    assert post(fang, path, **form).status_code == 303
    again = post(fang, path, **form)
    assert again.status_code == 409
    assert "waits already" in again.text
    assert "More founders than planned" in text(eva.get("/office/").text)
    with app.app_context(), reading():
        uid = db.session.scalars(select(TargetProposal.uid)).one()
    assert post(fang, f"{path}/{uid}/approval").status_code == 403
    assert post(eva, f"{path}/{uid}/approval").status_code == 303
    assert post(eva, f"{path}/{uid}/approval").status_code == 409
    with english(app), reading():
        assert next(one.amount for one in targets.in_force(2026, NOW) if one.measure == "organisations") == 60
        before = NOW - timedelta(days=1)
        assert (
            next(one.amount for one in targets.in_force(2026, before) if one.measure == "organisations") == 50
        )
        verbs = db.session.scalars(
            select(AuditEntry.verb).where(AuditEntry.verb.startswith("target.")).order_by(AuditEntry.id)
        )
        assert list(verbs) == ["target.proposed", "target.set"]
    page = text(eva.get(path).text)
    assert "Target set" in page
    assert "Fang / Eva" in page


def test_a_target_that_makes_no_sense_is_refused_and_declining_says_why(app: Flask) -> None:
    world(app, "books-small.json")
    fang, eva = browser(app, "fang@house.example"), browser(app, "eva@house.example")
    path, good = "/office/reports/targets/setting", {
        "measure": "income", "scope": "group:dues", "year": "2027", "amount": "7,000,000", "basis": "booked",
        "profile": "", "valid_from": "2026-07-08", "reason": "Next year",
    }  # fmt: skip
    for wrong, words in (
        ({"amount": "many"}, "Please give a number"),
        ({"amount": "0"}, "above nothing"),
        ({"year": "2025"}, "this year or one of the next ten"),
        ({"valid_from": "2026-07-07"}, "cannot begin in the past"),
        ({"profile": "1, 2, 3"}, "sum to 10,000"),
        ({"profile": "a b"}, "sum to 10,000"),
        ({"measure": "first_answers", "amount": "101"}, "above nothing"),
    ):
        answer = post(fang, path, **{**good, **wrong})
        assert answer.status_code == 422, wrong
        assert words in text(answer.text)
        assert "Next year" in answer.text
    profile = " ".join(["833"] * 8 + ["834"] * 4)
    assert post(fang, path, **{**good, "profile": profile}).status_code == 303
    with app.app_context(), reading():
        uid = db.session.scalars(select(TargetProposal.uid)).one()
    assert post(eva, f"{path}/{uid}/refusal", reason="").status_code == 422
    assert post(eva, f"{path}/{uid}/refusal", reason="Too early").status_code == 303
    assert post(eva, f"{path}/{uid}/approval").status_code == 409
    assert post(eva, f"{path}/{'0' * 32}/approval").status_code == 404
    assert "Too early" in fang.get(path).text
    with english(app), reading():
        assert not any(one.scope == "group:dues" for one in targets.in_force(2027, NOW))


def test_the_database_too_wants_two_people(app: Flask) -> None:
    world(app, "books-small.json")
    with app.app_context(), pytest.raises(IntegrityError), transaction():
        by = make_person("solo@house.example", "Solo", staff=(StaffRole.FINANCE,))
        row = TargetProposal(
            measure="organisations",
            scope="count",
            year=2026,
            amount=5,
            basis="",
            profile=[],
            reason="x",
            valid_from=NOW,
            by=by,
        )
        row.second, row.decided_at = by, clock.now()
        db.session.add(row)
        db.session.flush()


def test_targets_read_their_basis_and_their_books(app: Flask) -> None:
    world(app, "books-small.json")
    with english(app), reading():
        said = question()
        report = page_targets.build(said)
        told = revenue(said.start, said.last_day, said.known)["targets"]
        for group, name in (("dues", "Dues"), ("service", "Services"), ("ecosystem", "Ecosystem")):
            row = cells(table(report, "income"), name)
            assert row[0] == told[group]["actual"]
            assert row[5] == f"{Money(told[group]['needed_per_month']).decimal:,.2f}"
            assert row[3] == digits(Fraction(told[group]["pace"]), 4)
        assert report.banners[0].tone == "bad"
        none = page_targets.build(question(**{"from": "2030-01", "to": "2030-02"}))
        assert none.empty is not None


# ---- Forecast


@pytest.mark.parametrize("name", ["books-small.json", "books-wide.json"])
def test_bands_of_the_year_come_to_the_total_and_to_the_report_in_json(app: Flask, name: str) -> None:
    world(app, name)
    with english(app), reading():
        said = question(known="2026-06-30")
        found, (percent, own, due) = page_forecast.gathered(said)
        body = revenue(date(2026, 1, 1), said.last_day, said.known)["forecast_fy2026"]
        assert found.sum("recognised") == body["recognised"]
        assert found.sum("scheduled") == body["scheduled"]
        assert found.total == sum(found.sum(band) for band in BANDS)
        assert (percent, own, due) == (80, False, 0)
        assert all(found.year == one.month.year for one in found.items)
        for figure in page_forecast.build(said).figures():
            assert sum(row.amount for row in behind.rows_of(said, figure)) == figure.amount, figure


def test_a_year_that_is_over_has_nothing_ahead(app: Flask) -> None:
    world(app)
    with english(app), reading():
        found, _odds = page_forecast.gathered(question(**{"from": "2025-01", "to": "2025-12"}))
        assert {one.band for one in found.items} <= {"recognised"}


# ---- Recurring income

WHOLE = Run(1, 1, "support", date(2026, 1, 1), date(2027, 1, 1), 36_500)


def part(starts: date, amount: int, cut: date | None = None, *, lower: bool = False) -> Planned:
    return Planned(starts, date(2027, 1, 1), amount, cut, lower)


def test_a_line_runs_as_its_plan_and_its_notes_say() -> None:
    start, july = WHOLE.start, date(2026, 7, 1)
    assert running.follow(WHOLE, (), None) == [WHOLE]
    assert running.follow(WHOLE, [part(start, 36_500)], None) == [WHOLE]
    (ended,) = running.follow(WHOLE, [part(start, 36_500, july)], date(2026, 5, 31))
    assert ended.last == date(2026, 5, 31)
    (cut,) = running.follow(WHOLE, [part(start, 36_500, july)], None)
    assert cut.last == date(2026, 6, 30)
    dear, cheap = running.follow(WHOLE, [part(start, 36_500, july), part(july, 9_200, lower=True)], None)
    assert (dear.last, dear.yearly) == (date(2026, 6, 30), 36_500)
    assert (cheap.start, cheap.yearly) == (july, 18_250)
    # An invoice that is void: it never ran.
    assert running.follow(WHOLE, [part(start, 36_500, start)], None) == []


def test_recurring_income_of_past_books_opens_its_lines(app: Flask) -> None:
    world(app)
    eva = browser(app, "eva@house.example")
    with english(app), reading():
        assert any(one.net > 0 for one in running.runs(NOW))
        assert [one for one in running.runs(date(2025, 1, 1)) if one.net] == []
    page = text(eva.get("/office/reports/recurring?from=2026-02&to=2026-06").text)
    assert "What moved it?" in page
    assert "no income" in page
    assert "Nothing recurring yet" in text(eva.get("/office/reports/recurring?from=2026-08&to=2026-09").text)


# ---- Contradictions


@pytest.mark.parametrize("language", ["en", "zh_Hans_CN"])
def test_seven_contradictions_with_their_parameters(app: Flask, language: str) -> None:
    world(app, "books-small.json")
    page = text(
        browser(app, "bo@house.example", language=language).get("/office/reports/contradictions").text
    )
    for sum_ in (
        "4,600,000.00",
        "5,000,000.00",
        "280,000.00",
        "3,440,000.00",
        "9,000,000.00",
        "20,000,000.00",
        "5,660,377.36",
    ):
        assert sum_ in page
    for said in ("70.1 %", "55.6 %", "82.6 %", "0.432099", "1,000,000.00"):
        assert said in page
    with english(app), reading():
        report = page_conflicts.build(question())
        assert len(report.tables[0].lines) == 7
        assert all(line.cells[1] for line in report.tables[0].lines)
        assert page_conflicts.build(question(known="2025-12-31")).empty is not None


# ---- The screen of today, and counts


def test_the_screen_of_today_takes_ten_statements_and_says_what_the_pages_say(app: Flask) -> None:
    world(app)
    for who in ("eva", "bo"):
        client = browser(app, f"{who}@house.example")
        client.get("/office/reports/today")
        with counted(app) as seen:
            page = client.get("/office/reports/today")
        assert page.status_code == 200
        assert len(seen) <= 10, seen
    with english(app), reading():
        found, said = board.look(NOW), question(**{"from": "2026-01", "to": "2026-07"})
        sources = windows.Sources(said, by_payer=False)
        streams = sources.by(sources.window("fiscal_year"), "recognised", "streams")
        assert {code: fen for code, fen in found.income.items() if fen} == {
            code: fen for code, fen in streams.items() if fen
        }
        assert sum(row.amount for row in behind.rows_of(said, Figure.of("ar", 0))) == found.owed
        assert found.members == counts.organisations(NOW).number
        assert found.certified == counts.people(NOW).number
    home = text(browser(app, "eva@house.example").get("/office/").text)
    assert "The foundation in ten seconds" in home
    assert "What waits for you" in home
    assert "ten seconds" not in text(browser(app, "lena@house.example").get("/office/").text)


def test_counts_open_their_rows(app: Flask) -> None:
    world(app)
    eva, bo = browser(app, "eva@house.example"), browser(app, "bo@house.example")
    for code in ("organisations", "universities", "certified", "first_answers", "conversion", "at_risk"):
        for client in (eva, bo):
            assert client.get(f"/office/reports/counts/{code}").status_code == 200
    assert eva.get("/office/reports/counts/nothing").status_code == 404
    assert eva.get("/office/reports/counts/certified?day=soon").status_code == 422
    assert eva.get("/office/reports/counts/certified?day=2026-07-09").status_code == 422
    with english(app), reading():
        paying = counts.conversion(NOW)
        assert paying.whole is not None
        assert len(paying.rows) == paying.number <= paying.whole


def test_months_of_cost_are_those_that_finance_stated(app: Flask) -> None:
    world(app)
    with app.app_context(), transaction():
        for n in range(1, 7):
            catalogue.take("cost", {"code": f"2026-{n:02d}", "amount": 100_000 * n}, date(2026, n, 28))
    with english(app), reading():
        found = counts.cover(NOW)
        assert (found.stated, sum(cost for _month, cost in found.costs)) == (True, 2_100_000)
        assert found.months == Fraction(found.cash * 6, 2_100_000)
        booked = counts.cover(date(2026, 6, 27))
        assert not booked.stated
