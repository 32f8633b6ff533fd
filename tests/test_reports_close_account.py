"""The public half-yearly account: from closed months alone, by two people, and nobody's payment can be worked out of it."""

from __future__ import annotations

import csv
import io
from datetime import date
from itertools import combinations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from portal.accounts.may import ContactRole, StaffRole
from portal.billing import closing, issuing, months, recognising, recognition
from portal.billing.issuing import Item
from portal.billing.models import Party
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.reports.closed import account_figures, half_years
from portal.reports.closed.half_years import Words
from portal.reports.closed.joining import FEWEST, Bucket, Cell, join
from portal.reports.closed.models import HalfYear
from tests import books, sale
from tests.people import browser, make_org, make_person, post

GROUPS = {
    "dues": "dues",
    "support": "service",
    "audit": "service",
    "seats": "service",
    "fairs": "eco",
    "sales": "eco",
}
BASES = ("recognised", "collected")
USES = Words(uses=[("人员", "People", 300_000), ("云资源", "Cloud", 1)], zh="说明", en="Words")

CELLS = st.lists(
    st.tuples(
        st.sampled_from(sorted(GROUPS)), st.integers(1, 7),
        st.integers(-50, 400), st.sampled_from([0, 0, 50, 300]),
    ),
    max_size=30,
    unique_by=lambda one: one[:2],
)  # fmt: skip


def cells_of(told: list[tuple[str, int, int, int]]) -> list[Cell]:
    return [Cell(stream, payer, dict(zip(BASES, amounts, strict=True))) for stream, payer, *amounts in told]


def who(cells: list[Cell], streams: set[str], basis: str) -> set[int]:
    return {one.payer for one in cells if one.stream in streams and one.amounts[basis]}


def nobody_shows(cells: list[Cell], shown: list[Bucket]) -> None:
    """Whatever lines are added up, taken from each other or from the total: of nobody, or of enough payers."""
    for size in range(1, len(shown) + 1):
        for some in combinations(shown, size):
            streams = {stream for one in some for stream in one.streams}
            for basis in BASES:
                assert not 0 < len(who(cells, streams, basis)) < FEWEST


@given(told=CELLS)
def test_no_cell_and_no_subtraction_tells_what_a_payer_paid(told: list[tuple[str, int, int, int]]) -> None:
    cells = cells_of(told)
    shown = join(cells, GROUPS, BASES)
    everybody = {basis: who(cells, set(GROUPS), basis) for basis in BASES}
    if shown is None:
        assert any(0 < len(payers) < FEWEST for payers in everybody.values())
        return
    assert sorted(stream for one in shown for stream in one.streams) == sorted(GROUPS)
    for basis in BASES:
        assert sum(one.sums[basis] for one in shown) == sum(one.amounts[basis] for one in cells)
    nobody_shows(cells, shown)


@given(first=CELLS, second=CELLS)
def test_two_editions_side_by_side_tell_no_more(
    first: list[tuple[str, int, int, int]], second: list[tuple[str, int, int, int]]
) -> None:
    before, after = cells_of(first), cells_of(second)
    shown = join(before, GROUPS, BASES)
    again = join(after, GROUPS, BASES, together=[one.streams for one in shown or ()])
    if shown is None or again is None:
        return
    nobody_shows(after, again)
    for one in shown:
        assert any(set(one.streams) <= set(other.streams) for other in again)


def test_a_small_stream_joins_its_group_first_and_then_the_next_smallest() -> None:
    def of(stream: str, payers: range, each: int) -> list[Cell]:
        return [Cell(stream, payer, dict.fromkeys(BASES, each)) for payer in payers]

    cells = [
        *of("dues", range(10, 20), 900), *of("support", range(1, 5), 500), *of("audit", range(1, 3), 100),
        *of("seats", range(3, 5), 100), *of("fairs", range(7, 8), 50),
    ]  # fmt: skip
    shown = join(cells, GROUPS, BASES)
    assert shown is not None
    # The two small services make four payers together; the fair has no small neighbour and joins the smallest line.
    assert [one.streams for one in shown] == [
        ("dues",),
        ("support",),
        ("audit", "seats", "fairs"),
        ("sales",),
    ]
    assert join(cells[-1:], GROUPS, BASES) is None


@pytest.fixture
def half(app: Flask) -> Flask:
    """Four companies pay dues and one an audit in January; all six months closed."""
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2027, 1, 5)), transaction():
            make_person("eva@house.example", "Eva", staff=(StaffRole.EXECUTIVE,))
            for n in range(4):
                owner = make_person(f"owner{n}@firm.example", "Owner")
                party = issuing.party_of(make_org(f"Firm {n} Ltd", (owner, ContactRole.OWNER)))
                _sell(party.id, f"dues:{n}", "dues", 365_000)
            _sell(party.id, "audit", "compliance", 730_000)
        for month in account_figures.six(2027, 1):
            with clock.stopped_at(months.following(month)):
                recognising.recognise()
                with transaction():
                    closing.propose_close(month, by=books.person("fang"))
                with transaction():
                    closing.close(month, by=books.person("feng"))
    return app


def _sell(party: int, subject: str, stream: str, gross: int) -> None:
    buyer = db.session.get_one(Party, party)
    item = Item(sale.price(gross, stream=stream, tax=sale.FREE))
    order = issuing.place_order(buyer, subject, [item])
    recognition.agree(order.lines[0], (date(2027, 1, 1), date(2028, 1, 1)))
    issuing.issue_invoice(order, language="en", by="test")


@pytest.mark.papers
def test_drafted_proposed_released_by_two_and_corrected_by_a_new_edition(half: Flask) -> None:
    with half.app_context(), clock.stopped_at(date(2027, 7, 20)):
        uid = _by_verbs()
    _in_public(half)
    with clock.stopped_at(date(2027, 9, 2)):
        _corrected_in_the_office(half)
    with half.app_context(), clock.stopped_at(date(2027, 9, 3)):
        _reopened(uid)


def _changed(uid: str) -> HalfYear:
    row = half_years.locked(uid)
    assert row is not None
    return row


def _by_verbs() -> str:
    fang, eva = books.person("fang"), books.person("eva")
    with reading():
        assert half_years.owed(clock.today()) == (2027, 1)
    with transaction():
        row = half_years.draft(2027, 1, by=fang)
        uid, said = row.uid, row.figures
        # Half a year of 4 × 3,650 and of 7,300: 181 days of 365; the audit has one payer and stands with dues.
        assert said["totals"] == {"recognised": 4 * 181_000 + 362_000, "collected": 0}
        assert [one["recognised"] for one in said["lines"] if "compliance" in one["streams"]] == [1_086_000]
    for refused in (
        lambda: half_years.draft(2027, 1, by=eva),  # one at a time
        lambda: half_years.draft(2026, 2, by=eva),  # not closed
        lambda: half_years.draft(2027, 3, by=eva),
        lambda: half_years.propose(_changed(uid), by=fang),  # no use of funds yet
        lambda: half_years.release(_changed(uid), by=eva),  # nobody proposed it
    ):
        with pytest.raises(Refused), transaction():
            refused()
    with transaction():
        half_years.save(_changed(uid), USES, by=fang)
        half_years.propose(_changed(uid), by=fang)
    with pytest.raises(Forbidden), transaction():
        half_years.release(_changed(uid), by=fang)
    with transaction():
        half_years.release(_changed(uid), by=eva)
    for statement in ("UPDATE half_year_account SET words_en = 'x'", "DELETE FROM half_year_account"):
        with pytest.raises(Exception, match="on record"), transaction():
            db.session.execute(text(statement))
    with reading():
        assert half_years.owed(clock.today()) is None
    return uid


def _in_public(half: Flask) -> None:
    nobody, path = half.test_client(), "/public-account/2027-1"
    page = nobody.get(path).text
    assert "10,860.00" in page
    assert "3,620.00" not in page
    assert "人员" in page
    told = nobody.get(f"{path}/csv/file").data.decode("utf-8-sig")
    assert [row[2] for row in csv.reader(io.StringIO(told)) if row[2]][-1] == "10860.00"
    paper = nobody.get(f"{path}/pdf/file").data
    assert paper.startswith(b"%PDF")
    assert nobody.get(f"{path}/pdf/file").data == paper
    assert nobody.get("/public-account/").text.count("/public-account/2027-1") == 1
    for missing in ("/public-account/2027-2", f"{path}?edition=2", f"{path}/x/file"):
        assert nobody.get(missing).status_code == 404


def _corrected_in_the_office(half: Flask) -> None:
    fang, eva = browser(half, "fang@house.example"), browser(half, "eva@house.example")
    desk = "/office/reports/public-account/"
    assert fang.get(desk).status_code == 200
    assert post(fang, desk, year="x", half="1").status_code == 422
    made = post(fang, desk, year="2027", half="1").location
    wrong = post(fang, made, use_zh_0="人员", use_en_0="", use_amount_0="1")
    assert wrong.status_code == 422
    assert 'value="人员"' in wrong.text
    uses = {"use_zh_0": "人员", "use_en_0": "People", "use_amount_0": "3,001.00", "words_en": "Ours"}
    assert post(fang, made, **uses).status_code == 303
    assert "3,001.00" in fang.get(made).text
    assert post(fang, f"{made}/proposal").status_code == 422  # what it corrects is not said
    assert post(fang, made, **uses, reason_zh="更正", reason_en="A typing error").status_code == 303
    assert post(fang, f"{made}/proposal").status_code == 303
    assert "Release the public account of 2027/1" in eva.get("/office/").text
    assert post(fang, f"{made}/release").status_code == 403
    assert post(eva, f"{made}/nonsense").status_code == 404
    assert post(eva, f"{made}/return").status_code == 303
    assert post(fang, f"{made}/proposal").status_code == 303
    assert post(eva, f"{made}/release").status_code == 303
    nobody = half.test_client()
    assert "更正" in nobody.get("/public-account/2027-1").text
    assert "3,000.01" in nobody.get("/public-account/2027-1?edition=1").text


def _reopened(first: str) -> None:
    """A month that opens again lets no account be drafted or released; what is released stays."""
    june, fang, eva = date(2027, 6, 1), books.person("fang"), books.person("eva")
    with transaction():
        uid = half_years.draft(2027, 1, by=fang).uid
        words = Words(USES.uses, "", "", "更正", "Corrected")
        half_years.save(_changed(uid), words, by=fang)
        half_years.propose(_changed(uid), by=fang)
        closing.propose_reopen(june, by=fang, reason="x")
    with transaction():
        closing.reopen(june, by=books.person("feng"))
    with pytest.raises(Refused), transaction():
        half_years.release(_changed(uid), by=eva)
    with reading():
        assert [row.uid for row in half_years.released(2027, 1)][-1] == first
