"""Engagements (services.md §3): from quote to recognised income, deemed acceptance, refusals, pauses, changes, walls, the end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact
from portal.billing import ledger
from portal.billing.models import Invoice, OrderLine
from portal.billing.note_models import CreditNote
from portal.core import bounces, clock, files, outbox
from portal.core.db import db, reading
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.states import TABLES
from portal.members.belonging import AgreementState
from portal.services import verify
from portal.services.contracts import verbs as contracts
from portal.services.engagements import (
    chores,
    delivering,
    leading,
    terminating,
    working,
)
from portal.services.engagements.models import (
    Engagement,
    EngagementState,
    Health,
    Milestone,
    MilestoneState,
    Side,
)
from portal.services.engagements.work_models import NoteKind, Outcome, Severity
from portal.services.quotes import accepting, drafting, plan, sending
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import QuoteFor
from portal.services.quotes.plan import Plan
from tests import services_scene as s

E, M = EngagementState, MilestoneState
CONTENT = files.Content("1" * 64, 12, files.PDF)
GOOD = {"plan": "Signed", "tests": "412 of 412", "docs": "In the wiki", "speed": "1.2×"}


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def work() -> Engagement:
    return db.session.scalars(select(Engagement).order_by(Engagement.id)).one()


def stage(code: str) -> Milestone:
    return db.session.scalars(select(Milestone).where(Milestone.code == code)).one()


def line() -> OrderLine:
    return work().milestones[0].order_line


def standing(of: OrderLine) -> tuple[int, int, int]:
    """Return what of a line is earned, deferred and contract asset, in fen."""
    return (
        -ledger.of_line(of, ledger.income(of.stream)), -ledger.of_line(of, ledger.DEFERRED),
        ledger.of_line(of, ledger.CONTRACT_ASSET),
    )  # fmt: skip


def sign() -> None:
    """Let both sides sign the contract, by four people."""
    row = contracts.of_quote(work().quote)
    assert row is not None
    row.document = files.StoredFile(
        sha256="2" * 64, name="c.pdf", media_type=files.PDF, size=9, purpose="service_contract"
    )
    db.session.flush()
    contracts.send(row, by=s.person("ling"))
    contracts.sign_by_click(row, by=s.person("sig"), typed_name="Sig", sha256="2" * 64)
    with pytest.raises(Forbidden, match="had a part"):
        contracts.countersign(row, by=s.person("ling"))
    contracts.countersign(row, by=s.person("cora"))
    assert row.state is AgreementState.EXECUTED


def begun(**more: Any) -> Engagement:
    """Sell, sign, pay, name everybody and start; call inside a transaction."""
    s.accepted(s.sent(s.work(), **more))
    row = work()
    sign()
    leading.name_lead(row, s.person("lea"), by=s.person("mia"))
    leading.name_acceptors(row, s.person("tech"), s.person("own"), by=s.person("sig"))
    assert row.quote.invoice is not None
    s.paid(row.quote.invoice)
    leading.start(row, by=s.person("mia"))
    return row


def hand_in(code: str, *, by: str = "lea") -> None:
    """Begin if need be, add a file and hand in; call inside a transaction."""
    one = stage(code)
    if one.state is M.PLANNED:
        delivering.begin(one, by=s.person(by))
    delivering.hand_over(one, CONTENT, f"{code}.pdf", by=s.person(by))
    delivering.submit(one, GOOD, by=s.person(by))


def test_an_engagement_goes_from_quote_to_recognised_income(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.accepted()
        row = work()
        assert (row.state, row.number, [one.percent for one in row.milestones]) == (
            E.PLANNED,
            "P-2026-0001",
            [20, 40, 40],
        )
        assert len(leading.missing(row)) == 4
        with pytest.raises(Refused, match="can start once"):
            leading.start(row, by=s.person("mia"))
        with pytest.raises(Refused, match="while the project runs"):
            delivering.begin(stage("design"), by=s.person("lea"))
        sign()
        leading.name_lead(row, s.person("lea"), by=s.person("mia"))
        leading.name_acceptors(row, s.person("tech"), s.person("own"), by=s.person("sig"))
        assert len(leading.missing(row)) == 1
        assert row.quote.invoice is not None
        s.paid(row.quote.invoice)
        leading.start(row, by=s.person("mia"))
        assert (row.state, str(row.started_on)) == (E.RUNNING, "2026-03-02")
        assert standing(line()) == (0, 13_584_906, 0)
    with s.at(house, "2026-03-30T10:00"):
        one = stage("design")
        delivering.begin(one, by=s.person("lea"))
        with pytest.raises(Refused, match="at least one file"):
            delivering.submit(one, GOOD, by=s.person("lea"))
        delivering.hand_over(one, CONTENT, "plan.pdf", by=s.person("lea"))
        again = delivering.hand_over(one, CONTENT, "plan.pdf", by=s.person("lea"))
        assert again.version == 2
        with pytest.raises(Refused, match="evidence for each"):
            delivering.submit(one, {}, by=s.person("lea"))
        with pytest.raises(Forbidden, match="Only the team"):
            delivering.submit(one, GOOD, by=s.person("lars"))
        delivering.submit(one, GOOD, by=s.person("lea"))
        with pytest.raises(Forbidden, match="named to accept"):
            delivering.accept(one, by=s.person("sig"))
        delivering.accept(one, by=s.person("tech"))
        with pytest.raises(Refused, match="Nothing of this milestone"):
            delivering.accept(one, by=s.person("own"))
        assert standing(line()) == (9_056_604, 4_528_302, 0)
        working.log(one, by=s.person("lea"), day=date(2026, 3, 27), hundredths=150, words="Plan")
        with pytest.raises(Refused, match="no more than that"):
            working.log(one, by=s.person("lea"), day=date(2026, 3, 27), hundredths=1, words="Plan")
        assert working.used(one) == 150
    with s.at(house, "2026-06-01T10:00"):
        hand_in("port")
        delivering.accept(stage("port"), by=s.person("own"))
        assert standing(line()) == (27_169_812, 4_528_302, 0)
        hand_in("tuned")
        delivering.accept(stage("tuned"), by=s.person("tech"))
        assert standing(line()) == (45_283_020, 0, 0)
        row = work()
        assert (row.state, str(row.delivered_on)) == (E.DELIVERED, "2026-06-01")
        made = db.session.scalars(
            select(Invoice).where(Invoice.billed_subject.startswith("instalment")).order_by(Invoice.id)
        )
        assert [one.net.minor for one in made] == [13_584_906, 18_113_208, 13_584_906]
    with house.app_context(), clock.stopped_at(s.china("2026-08-30T10:00")):
        assert chores.deem_acceptance() == 0
    with house.app_context(), clock.stopped_at(s.china("2026-08-31T10:00")):
        assert [chores.deem_acceptance(), chores.deem_acceptance()] == [1, 0]
        outbox.drain()
    with house.app_context(), reading():
        assert work().state is E.CLOSED
        assert [verify.verify_quotes(), verify.verify_engagements()] == [(1, []), (1, [])]
        for code in ("design", "port", "tuned"):
            assert delivering.submissions(stage(code))[0].protocol is not None


def days(house: Flask, first: str, last: str) -> None:
    """Run the chore on each day, and let the mails go out."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        with house.app_context(), clock.stopped_at(s.china(f"{day}T08:35")):
            chores.deem_acceptance()
            outbox.drain()
        day += timedelta(days=1)


def test_silence_is_acceptance_after_ten_working_days_and_two_reminders(house: Flask) -> None:
    with s.at(house, "2026-02-02T10:00"):
        begun()
    with s.at(house, "2026-03-02T15:00"):
        hand_in("design")
    days(house, "2026-03-03", "2026-03-16")
    with house.app_context(), reading():
        asked = select(func.count()).where(MailMessage.title.contains("waits for you"))
        assert (db.session.scalar(asked), stage("design").state) == (4, M.SUBMITTED)
    days(house, "2026-03-17", "2026-03-18")
    with house.app_context(), reading():
        one = stage("design")
        assert (one.state, str(one.accepted_on)) == (M.DEEMED, "2026-03-16")
        assert delivering.submissions(one)[0].outcome is Outcome.DEEMED
        assert standing(line()) == (9_056_604, 4_528_302, 0)
        assert verify.verify_engagements() == (1, [])


def test_a_no_on_the_last_day_counts_and_a_bounce_stops_it(house: Flask) -> None:
    with s.at(house, "2026-02-02T10:00"):
        begun()
    with s.at(house, "2026-03-02T15:00"):
        hand_in("design")
    days(house, "2026-03-09", "2026-03-12")
    with s.at(house, "2026-03-16T23:50"):
        one = stage("design")
        with pytest.raises(Refused, match="at least one criterion"):
            delivering.reject(one, {"plan": " "}, by=s.person("tech"))
        delivering.reject(one, {"plan": "Two chapters are missing"}, by=s.person("tech"))
        assert one.state is M.RETURNED
        assert standing(line()) == (0, 13_584_906, 0)
    days(house, "2026-03-17", "2026-03-17")
    with s.at(house, "2026-03-18T15:00"):
        hand_in("design")
        sent = db.session.scalars(
            select(MailMessage)
            .where(MailMessage.key.startswith("submission:"))
            .order_by(MailMessage.id.desc())
        ).first()
        assert sent is not None
        for _ in range(2):  # the report of a mail that came back may come twice
            bounces.note(sent.key)
        assert delivering.waiting(stage("design")).bounced_at is not None
    days(house, "2026-03-25", "2026-04-10")
    with s.at(house, "2026-04-13T10:00"):
        assert stage("design").state is M.SUBMITTED
        delivering.reject(stage("design"), {"plan": "Still missing"}, by=s.person("own"))
        told = (
            select(MailMessage.address)
            .where(MailMessage.title.startswith("Given back"))
            .order_by(MailMessage.id)
        )
        assert list(db.session.scalars(told)) == [
            "lea@house.example", "lea@house.example", "mia@house.example", "max@house.example",
        ]  # fmt: skip


def test_without_the_clause_nothing_is_deemed(house: Flask) -> None:
    with s.at(house, "2026-02-02T10:00"):
        begun(deemed=False)
    with s.at(house, "2026-03-02T15:00"):
        hand_in("design")
    days(house, "2026-03-09", "2026-03-20")
    with house.app_context(), reading():
        assert stage("design").state is M.SUBMITTED


def test_a_pause_moves_the_days_by_what_was_lost(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = begun()
        leading.pause(row, by=s.person("sig"), reason="The boards are late", side=Side.CUSTOMER)
        with pytest.raises(Refused, match="while the project runs"):
            delivering.begin(stage("design"), by=s.person("lea"))
        leading.report(row, Health.AMBER, by=s.person("lea"), words="We wait for boards")
    with s.at(house, "2026-03-09T10:00"):
        assert leading.resume(work(), by=s.person("lea")) == 5
        one = stage("design")
        assert (str(one.promised_on), str(one.planned_on)) == ("2026-04-01", "2026-04-09")
        assert (work().state, work().paused_on) == (E.RUNNING, None)


def test_a_change_adds_a_line_and_touches_nothing_that_is_accepted(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = begun()
        hand_in("design")
        delivering.accept(stage("design"), by=s.person("tech"))
        change = drafting.draft(
            s.party(),
            [s.work(12_000_000)],
            by=s.person("lea"),
            title=s.TITLE,
            kind=QuoteFor.CHANGE,
            about=row.subject,
        )
        sending.send(change, by=s.person("lea"))
        s.accepted(change, by="own")
        db.session.refresh(row, ["milestones"])
        assert [(one.n, one.state) for one in row.milestones][:2] == [(1, M.ACCEPTED), (2, M.PLANNED)]
        assert (len(row.milestones), len(terminating.lines_of(row))) == (6, 2)
        assert standing(row.milestones[0].order_line) == (9_056_604, 4_528_302, 0)
        assert verify.verify_engagements() == (1, [])
        note = working.note(row, NoteKind.CHANGE, "One more chip, free", by=s.person("lea"))
        working.settle(note, "Agreed", by=s.person("tech"))
        with pytest.raises(Refused, match="severity, an owner"):
            working.note(row, NoteKind.FINDING, "Weak password", by=s.person("lea"))
        working.note(
            row, NoteKind.FINDING, "Weak password", by=s.person("lea"), severity=Severity.HIGH, owner="Tech",
            due_on=date(2026, 4, 1),
        )  # fmt: skip
        assert [one.kind for one in working.notes(row)] == [NoteKind.FINDING, NoteKind.CHANGE]


def test_an_audit_is_earned_at_its_report(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        s.accepted(
            s.sent(
                Ask("compliance", sum_=20_000_000, plan=Plan(s.three_steps().stages, s.three_steps().dues))
            )
        )
        row = work()
        sign()
        leading.name_lead(row, s.person("lea"), by=s.person("mia"))
        leading.name_acceptors(row, s.person("tech"), None, by=s.person("own"))
        assert row.quote.invoice is not None
        s.paid(row.quote.invoice)
        leading.start(row, by=s.person("mia"))
        for code in ("design", "port"):
            hand_in(code)
            delivering.accept(stage(code), by=s.person("tech"))
        assert standing(line())[0] == 0
        hand_in("tuned")
        delivering.accept(stage("tuned"), by=s.person("tech"))
        assert standing(line())[0] == 18_867_924


def test_a_wall_needs_the_consent_of_both_sides(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        rival = s.org("Spruce Software")
        rival.category = "chip"
        db.session.add(
            Contact(person=s.person("lars"), org=rival, role=ContactRole.TECHNICAL, start=date(2025, 1, 1))
        )
        row = begun()
        member = leading.add(row, s.person("lars"), by=s.person("mia"))
        assert (member.wall, leading.inside(row, s.person("lars"))) == ("Spruce Software", False)
        with pytest.raises(Forbidden, match="lets himself in"):
            leading.consent(member, Side.OURS, by=s.person("lars"))
        leading.consent(member, Side.OURS, by=s.person("mia"))
        assert not leading.inside(row, s.person("lars"))
        leading.consent(member, Side.CUSTOMER, by=s.person("own"))
        assert leading.inside(row, s.person("lars"))
        leading.remove(member, by=s.person("mia"))
        assert not leading.inside(row, s.person("lars"))
        with pytest.raises(Refused, match="another lead"):
            leading.remove(leading.team(row)[0], by=s.person("mia"))
        with pytest.raises(Refused, match="act for your organisation"):
            leading.name_acceptors(row, s.person("sam"), None, by=s.person("own"))


def test_an_end_by_two_gives_back_what_was_paid_ahead(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = begun()
        hand_in("design")
        delivering.accept(stage("design"), by=s.person("tech"))
        terminating.propose(row, by=s.person("sig"), reason="The chip was given up")
        with pytest.raises(Forbidden, match="proposed this yourself"):
            terminating.confirm(row, by=s.person("sig"))
        terminating.confirm(row, by=s.person("fang"))
        assert (row.state, standing(line())) == (E.TERMINATED, (9_056_604, 0, 0))
        note = db.session.scalars(select(CreditNote)).one()
        assert (note.net.minor, note.gross.minor) == (4_528_302, 4_800_000)
        assert verify.verify_engagements() == (1, [])
        with pytest.raises(Refused, match="while the project runs"):
            delivering.begin(stage("port"), by=s.person("lea"))


def test_a_retention_falls_due_on_its_day_and_credit_needs_no_money(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        body = {
            "stages": [{"code": "all", "title": {"en": "All", "zh": "全部"}, "percent": 100, "criteria": []}],
            "dues": [{"percent": 95, "rule": "milestone", "stage": "all"}, {"percent": 5, "rule": "date", "on": "2027-03-02"}],
        }  # fmt: skip
        row = s.sent(
            Ask("adaptation.chip", sum_=10_000_000, plan=plan.read(body)), on_credit=True, note="Known to us"
        )
        sending.approve(row, by=s.person("fang"))
        s.accepted(row, by="own")
        assert row.invoice is None
        assert leading.covered(work())
        assert accepting.due_now(row) == []


def test_every_state_is_reachable() -> None:
    for kind in (EngagementState, MilestoneState):
        seen, todo = set(), [next(iter(kind))]
        while todo:
            state = todo.pop()
            seen.add(state)
            todo += [one for one in TABLES[kind][state] if one not in seen]
        assert seen == set(kind)
