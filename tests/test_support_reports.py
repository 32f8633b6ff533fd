"""The monthly report of paid support: made once, from the history as of the month's end, for those who follow the tickets."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.merge_models import Merge
from portal.accounts.merging import OrganisationsMerged
from portal.accounts.organisations import Organisation
from portal.billing.note_models import CreditNote, NoteKind, NoteState
from portal.core import clock, files
from portal.core.db import db, reading
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.services.support import answering, crediting, keeping, monthly
from portal.services.support.clocks import Severity
from portal.services.support.models import SupportTicket
from portal.services.support.monthly_models import SupportReport
from portal.services.support.people_models import SupportPerson
from tests import road
from tests import support_scene as s
from tests.people import browser
from tests.people import post as send
from tests.test_certificate_papers import run


@pytest.fixture
def house(app: Flask) -> Any:
    s.house(app)
    return app


def march(app: Flask) -> None:
    """Three tickets of March: answered in time, too late, and one solved only in April."""
    for day, wait in (("02", 60), ("10", 600)):
        with s.at(app, f"2026-03-{day}T10:00"):
            number = s.ask().id
        hours, minutes = divmod(wait, 60)
        with s.at(app, f"2026-03-{day}T{10 + hours}:{minutes:02}"):
            row = db.session.get_one(SupportTicket, number)
            answering.solve(row, by=s.person("an"), body="Use 2.2", cause="A bug")
    with s.at(app, "2026-03-30T10:00"):
        number = s.ask(severity=Severity.S3, title="A question").id
    with s.at(app, "2026-04-01T10:00"):
        answering.solve(
            db.session.get_one(SupportTicket, number), by=s.person("an"), body="Yes", cause="none"
        )


@pytest.mark.papers
def test_a_month_is_reported_once_as_it_stood_at_its_end(house: Flask, tmp_path: Path) -> None:
    march(house)
    with house.app_context(), clock.stopped_at(s.china("2026-04-03T08:00")):
        assert [monthly.report_support(), monthly.report_support()] == [
            2,
            0,
        ]  # February was empty, but paid for
    with clock.stopped_at(s.china("2026-04-03T08:01")):
        road.work(house)
    with house.app_context(), reading():
        row = db.session.query(SupportReport).order_by(SupportReport.month.desc()).first()
        assert row is not None
        said = monthly.body(row)
        assert {name: said[name] for name in ("received", "solved", "open", "kept", "judged")} == {
            "received": 3, "solved": 2, "open": 1, "kept": 1, "judged": 3,
        }  # fmt: skip
        assert [one["verdict"] for one in said["rows"]] == ["kept", "late", "late"]
        assert said["rows"][2]["state"]["en"] == "New ticket"
        assert row.file is not None
        (tmp_path / "report.pdf").write_bytes(files.read(row.file))
        paper = run("pdftotext", "-layout", str(tmp_path / "report.pdf"), "-")
        uid = row.uid
        mails = db.session.query(MailMessage).filter(MailMessage.title.contains("2026-03")).all()
        assert sorted(one.address for one in mails) == ["chen@galaxy.example", "tao@galaxy.example"]
    for words in ("GalaxyLtd", "2026-03", "技术支持月报", "1/3", "Aquestion"):
        assert words in "".join(paper.split())
    with clock.stopped_at(s.china("2026-04-03T09:00")):
        tao = browser(house, "tao@galaxy.example")
        assert f"/support/reports/{uid}" in tao.get("/support/reports").text
        assert tao.get(f"/support/reports/{uid}").mimetype == "application/pdf"
        assert browser(house, "rho@rival.example").get(f"/support/reports/{uid}").status_code == 404
        assert "No report yet" in browser(house, "rho@rival.example").get("/support/reports").text


def test_the_measure_of_a_month_is_a_file(house: Flask) -> None:
    march(house)
    with clock.stopped_at(s.china("2026-04-03T09:00")):
        an = browser(house, "an@house.example")
        found = an.get("/office/support/report/csv/file?month=2026-03")
        rows = list(csv.reader(io.StringIO(found.data.decode("utf-8-sig"))))
        assert [one[-2:] for one in rows[1:]] == [["60", "1"], ["600", "1"], ["2880", "0"]]
        assert an.get("/office/support/report/xlsx/file?month=2026-03").data[:2] == b"PK"
        assert browser(house, "tao@galaxy.example").get("/office/support/report/csv/file").status_code == 403


def test_tickets_lists_and_reports_of_two_companies_become_one(house: Flask) -> None:
    """A person on both lists stands once; a month that both had keeps both papers."""
    with s.at(house, "2026-03-02T10:00"):
        rho = s.person("rho")
        kept, gone = s.org(), s.org("Rival Ltd")
        s.ask("rho", severity=Severity.S3)
        for org in (kept, gone):
            db.session.add(SupportPerson(org=org, person=rho))
            db.session.add(SupportReport(org=org, month=clock.today().replace(day=1), level="gold"))
        db.session.add(SupportReport(org=gone, month=clock.today().replace(month=1, day=1), level="gold"))
        merged(kept, gone)
        assert {one.org_id for one in db.session.query(SupportTicket)} == {kept.id}
        assert db.session.query(SupportPerson).filter_by(org_id=kept.id, person_id=rho.id).count() == 1
        assert db.session.query(SupportReport).filter_by(org_id=kept.id).count() == 2


def merged(kept: Organisation, gone: Organisation) -> None:
    merge = Merge(duplicate=gone, kept=kept, reason="the same", by_name="An", second_name="Ao")
    db.session.add(merge)
    db.session.flush()
    keeping.on_merged(OrganisationsMerged(merge))
    db.session.flush()


@given(
    net=st.integers(0, 10**9), inside=st.integers(1, 31), days=st.integers(31, 366), missed=st.integers(0, 50),
    percent=st.integers(1, 100), most=st.integers(1, 100),
)  # fmt: skip
def test_a_credit_never_exceeds_its_share_of_the_month(
    net: int, inside: int, days: int, missed: int, percent: int, most: int
) -> None:
    """The rule by exact fractions, rounded half up as every sum of money here."""
    month = floor(Fraction(net * inside, days) + Fraction(1, 2))
    wanted = min(
        floor(Fraction(month * percent * missed, 100) + Fraction(1, 2)),
        floor(Fraction(month * most, 100) + Fraction(1, 2)),
    )
    found = crediting.amount(net, inside, days, missed, percent=percent, most=most)
    assert found == wanted <= net
    assert crediting.amount(net, inside, days, 0, percent=percent, most=most) == 0


def test_missed_promises_are_given_back_where_the_level_says_so_once_and_by_two(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    march(house)
    with house.app_context(), clock.stopped_at(s.china("2026-04-03T08:00")):
        monthly.report_support()
    with s.at(house, "2026-04-03T09:00"):
        row = db.session.query(SupportReport).order_by(SupportReport.month.desc()).first()
        assert row is not None
        assert crediting.owed(row) is None  # the levels of the catalogue give nothing back
        with pytest.raises(Refused, match="Nothing is to be given back"):
            crediting.propose(row, by=s.person("lei"))
    monkeypatch.setattr(crediting, "_rule", lambda _report: {"percent": 10, "most": 15})
    with clock.stopped_at(s.china("2026-04-03T09:00")):
        lei = browser(house, "lei@house.example")
        page = lei.get("/office/support/reports").text
        assert "2 promises missed" in page
        with house.app_context(), reading():
            uid = db.session.query(SupportReport).order_by(SupportReport.month.desc()).first().uid  # type: ignore[union-attr]
        assert (
            send(browser(house, "an@house.example"), f"/office/support/reports/{uid}/credit").status_code
            == 403
        )
        assert send(lei, f"/office/support/reports/{uid}/credit").status_code == 303
        assert "proposed already" in send(lei, f"/office/support/reports/{uid}/credit").text
    with house.app_context(), reading():
        note = db.session.query(CreditNote).one()
        # 100 000.00 with 6 % in it: net 94 339.62 over 365 days, 31 of them 8 012.41; two misses of 10 %, at most 15 %.
        assert (note.net, note.state, note.kind) == (
            Money(120186),
            NoteState.DRAFT,
            NoteKind.PRICE_ADJUSTMENT,
        )
