"""Reminders: steps once and in order for any pattern of runs, payments and holds; words on working days, one mail a payer."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts.may import StaffRole
from portal.billing import attempts, dunning, fapiao, issuing, ladder, settling
from portal.billing.catalogue import price_of
from portal.billing.checkout_models import Trouble
from portal.billing.dunning_list import standing
from portal.billing.dunning_models import DecisionState, DunningDecision, DunningNotice, HoldKind, NoticeState
from portal.billing.events import DunningStepReached
from portal.billing.fapiao_models import FapiaoKind
from portal.billing.issuing import Item
from portal.billing.ladder import Step
from portal.billing.models import Invoice
from portal.billing.verify import verify_books
from portal.core import chores, clock, events, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books
from tests.people import browser, make_person, post
from tests.test_races import run, soon

START = date(2026, 3, 2)  # a Monday; due on 2026-04-01, a Wednesday
DUE = date(2026, 4, 1)
N = NoticeState


def bill(app: Flask, subject: str = "test:1", how: str = ladder.STANDARD, day: date = START) -> str:
    with app.app_context(), clock.stopped_at(day), transaction():
        order = issuing.place_order(books.party(), subject, [Item(price_of("dues.silver"))])
        return issuing.issue_invoice(order, language="en", by="test", ladder=how).uid


def invoice(uid: str) -> Invoice:
    return db.session.scalars(select(Invoice).where(Invoice.uid == uid)).one()


def morning(app: Flask, day: date) -> None:
    """Run the chore on a day, and then the outbox of that day."""
    with app.app_context():
        chores.run("remind_debtors", as_of=day)
        with clock.stopped_at(day):
            outbox.drain()


def mails(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), reading():
        rows = db.session.scalars(
            select(MailMessage).where(MailMessage.key.startswith("dunning")).order_by(MailMessage.id)
        )
        return [(row.title, row.text) for row in rows]


def steps(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), reading():
        return [
            (row.step, row.state.value)
            for row in db.session.scalars(select(DunningNotice).order_by(DunningNotice.id))
        ]


@pytest.fixture
def house(app: Flask) -> Flask:
    """A company that pays, two of finance."""
    books.house(app)
    return app


def test_the_ladder_of_the_house_step_by_step(house: Flask) -> None:
    heard: list[tuple[str, str]] = []

    def listen(event: DunningStepReached) -> None:
        heard.append((event.step, event.action))

    events.on(DunningStepReached, listen)
    bill(house)
    for days in range(-20, 62):
        morning(house, DUE + timedelta(days=days))
    events._handlers[DunningStepReached].remove(listen)
    assert steps(house) == [
        ("notice", "sent"), ("due", "sent"), ("reminder", "sent"), ("changes", "sent"), ("service", "sent"), ("write_off", "quiet"),
    ]  # fmt: skip
    assert [action for _step, action in heard] == [
        "notify", "notify", "remind", "block_changes", "propose_block", "propose_write_off",
    ]  # fmt: skip
    said = mails(house)
    assert len(said) == 5
    assert "only a notice" in said[0][1]
    assert "overdue" in said[2][0]
    assert "upgrades" in said[3][1]
    assert "pause your service" in said[4][1]
    with house.app_context(), reading():
        assert dunning.blocked(books.party()) == {"changes"}
        assert [row.state for row in db.session.scalars(select(DunningDecision))] == [
            DecisionState.PROPOSED
        ] * 2
        assert verify_books()[1] == []


def test_missed_weeks_catch_up_with_the_latest_step_alone(house: Flask) -> None:
    bill(house)
    morning(house, DUE + timedelta(days=16))
    morning(house, DUE + timedelta(days=16))
    assert steps(house) == [
        ("notice", "skipped"),
        ("due", "skipped"),
        ("reminder", "skipped"),
        ("changes", "sent"),
    ]
    assert len(mails(house)) == 1
    with house.app_context(), reading():
        assert verify_books()[1] == []


def test_ladder_none_is_never_reminded(house: Flask) -> None:
    bill(house, how=ladder.NEVER)
    morning(house, DUE + timedelta(days=90))
    assert steps(house) == []
    with house.app_context(), reading():
        row = db.session.scalars(select(Invoice)).one()
        assert dunning.next_step(row) is None


def test_words_wait_for_the_next_working_day_and_read_the_balance_then(house: Flask) -> None:
    uid = bill(house, day=date(2026, 9, 1))  # due on Thursday 2026-10-01, the first of seven days off
    morning(house, date(2026, 10, 1))
    assert steps(house) == [("notice", "skipped"), ("due", "waiting")]
    with house.app_context(), clock.stopped_at(date(2026, 10, 7)):
        assert outbox.drain() == 0
    with house.app_context(), clock.stopped_at(date(2026, 10, 5)), transaction():
        books.transfer("B-1", Money(500_000), str(invoice(uid).reference))
    with house.app_context(), clock.stopped_at(date(2026, 10, 8)):
        outbox.drain()
    ((title, words),) = mails(house)
    assert "15,000.00" in title
    assert "15,000.00" in words
    with house.app_context(), reading():
        assert db.session.scalars(
            select(DunningNotice.balance).order_by(DunningNotice.id.desc())
        ).first() == Money(1_500_000)


def test_steps_that_a_holiday_piles_up_are_said_once(house: Flask) -> None:
    bill(house, day=date(2026, 8, 25))  # due on 2026-09-24; the reminder falls on 2026-10-01
    for day in range(24, 31):
        morning(house, date(2026, 9, day))
    before = len(mails(house))
    for day in range(1, 9):
        morning(house, date(2026, 10, day))
    assert len(mails(house)) == before + 1
    assert steps(house)[-1] == ("reminder", "sent")


def test_paid_while_the_words_waited_says_nothing(house: Flask) -> None:
    uid = bill(house, day=date(2026, 9, 1))
    morning(house, date(2026, 10, 1))
    with house.app_context(), clock.stopped_at(date(2026, 10, 2)), transaction():
        books.transfer("B-1", Money(2_000_000), str(invoice(uid).reference))
    with house.app_context(), clock.stopped_at(date(2026, 10, 8)):
        outbox.drain()
    assert mails(house) == []
    assert steps(house)[-1] == ("due", "dropped")


def test_several_invoices_of_one_payer_are_one_mail_one_list_one_sum(house: Flask) -> None:
    bill(house, "test:1")
    bill(house, "test:2")
    morning(house, DUE + timedelta(days=7))
    ((title, words),) = mails(house)
    assert "40,000.00" in title
    assert words.count("20,000.00") == 2
    assert "Together" in words


def test_holds_pause_and_a_promise_ends_after_its_day(house: Flask) -> None:
    uid = bill(house)
    with house.app_context(), clock.stopped_at(DUE), transaction():
        dunning.hold(
            invoice(uid),
            HoldKind.PROMISE,
            by=books.person("fang"),
            reason="phoned",
            until=DUE + timedelta(days=16),
        )
    for days in range(17):
        morning(house, DUE + timedelta(days=days))
    assert steps(house) == []
    morning(house, DUE + timedelta(days=17))
    assert steps(house)[-1] == ("changes", "waiting")  # a Saturday
    morning(house, DUE + timedelta(days=19))
    assert steps(house)[-1] == ("changes", "sent")


def test_a_dispute_holds_until_it_is_lifted_and_a_fapiao_until_it_is_issued(house: Flask) -> None:
    uid = bill(house)
    with house.app_context(), clock.stopped_at(DUE), transaction():
        dunning.hold(invoice(uid), HoldKind.DISPUTE, by=books.person("fang"), reason="wrong quantity")
    morning(house, DUE + timedelta(days=8))
    with house.app_context(), clock.stopped_at(DUE + timedelta(days=8)), transaction():
        dunning.lift(invoice(uid), by=books.person("feng"))
        party = books.party()
        party.tax_number = "91110108551385082Q"
        books.transfer("B-1", Money(500_000), str(invoice(uid).reference))
        asked = fapiao.request_fapiao(
            party, {invoice(uid).id: Money(500_000)}, kind=FapiaoKind.NORMAL, by=books.person("chen")
        )
    morning(house, DUE + timedelta(days=8))
    assert steps(house) == []
    with house.app_context(), clock.stopped_at(DUE + timedelta(days=8)), transaction():
        fapiao.record_issue(asked, fapiao.Issued("F-1", clock.today()), by=books.person("fang"))
    morning(house, DUE + timedelta(days=8))
    assert steps(house)[-1] == ("reminder", "sent")


def test_refusals_of_holds_and_decisions(house: Flask) -> None:
    uid = bill(house)
    fang = books.person
    with (
        pytest.raises(Refused, match="until when"),
        house.app_context(),
        clock.stopped_at(DUE),
        transaction(),
    ):
        dunning.hold(invoice(uid), HoldKind.PROMISE, by=fang("fang"), reason="x")
    with (
        pytest.raises(Refused, match="passed already"),
        house.app_context(),
        clock.stopped_at(DUE),
        transaction(),
    ):
        dunning.hold(invoice(uid), HoldKind.PROMISE, by=fang("fang"), reason="x", until=START)
    with pytest.raises(Refused, match="Nothing holds"), house.app_context(), transaction():
        dunning.lift(invoice(uid), by=fang("fang"))
    morning(house, DUE + timedelta(days=31))
    with house.app_context(), clock.stopped_at(DUE + timedelta(days=31)), transaction():
        row = db.session.scalars(select(DunningDecision)).one()
        dunning.decide(row, confirmed=True, by=fang("fang"), reason="agreed")
        assert dunning.blocked(books.party()) == {"changes", "service"}
    with pytest.raises(Refused), house.app_context(), transaction():
        dunning.decide(
            db.session.scalars(select(DunningDecision)).one(), confirmed=False, by=fang("feng"), reason="no"
        )
    with house.app_context(), clock.stopped_at(DUE + timedelta(days=32)), transaction():
        books.transfer("B-1", Money(2_000_000), str(invoice(uid).reference))
        assert dunning.blocked(books.party()) == set()


def test_a_person_is_not_told_on_the_day_of_issue_that_it_is_due(house: Flask) -> None:
    with house.app_context(), clock.stopped_at(START), transaction():
        party = issuing.party_of(make_person("solo@else.example", "Solo"))
        order = issuing.place_order(party, "solo:1", [Item(price_of("dues.individual"))])
        issuing.issue_invoice(order, language="en", by="test", ladder=ladder.STANDARD)
    morning(house, START)
    assert mails(house) == []
    morning(house, START + timedelta(days=7))
    assert steps(house) == [("reminder", "sent")]


def test_notices_stay_as_they_were_reached(house: Flask) -> None:
    bill(house)
    morning(house, DUE)
    for statement in ("UPDATE dunning_notice SET step = 'x'", "DELETE FROM dunning_notice"):
        with house.app_context(), pytest.raises(DatabaseError), transaction():
            db.session.execute(text(statement))


def test_working_days_follow_the_table(sqlite_app: Flask) -> None:
    with sqlite_app.app_context(), reading():
        assert ladder.is_working_day(date(2026, 10, 10))  # a Saturday that people make up for
        assert not ladder.is_working_day(date(2026, 10, 7))
        assert not ladder.is_working_day(date(2026, 10, 11))
        assert ladder.next_working_day(date(2026, 10, 1)) == date(2026, 10, 8)
        assert ladder.next_working_day(date(2027, 10, 1)) == date(2027, 10, 8)


LADDERS = st.lists(st.integers(-30, 90), min_size=1, max_size=8, unique=True).map(
    lambda days: tuple(Step(f"s{n}", n, day, "remind", {}) for n, day in enumerate(sorted(days)))
)
STORY = st.lists(
    st.tuples(st.integers(0, 25), st.sampled_from(["run", "run", "pay", "reopen", "hold", "lift"])),
    max_size=40,
)


@settings(max_examples=500, deadline=None)
@given(LADDERS, STORY, st.integers(0, 40))
def test_no_step_twice_or_out_of_order_for_any_pattern(
    rungs: tuple[Step, ...], story: list[tuple[int, str]], term: int
) -> None:
    """Whenever the chore runs, whatever is paid, reopened or held: each step once, in order, only the latest is said."""
    issued = date(2026, 1, 5)
    due, today, last = issued + timedelta(days=term), issued, -1
    owes = free = True
    seen: list[int] = []
    said: list[Step] = []
    for wait, what in story:
        today += timedelta(days=wait)
        owes = {"pay": False, "reopen": True}.get(what, owes)
        free = {"hold": False, "lift": True}.get(what, free)
        if what != "run" or not owes or not free:
            continue
        found = ladder.reached(rungs, due_on=due, issued_on=issued, last=last, today=today)
        again = ladder.reached(rungs, due_on=due, issued_on=issued, last=last, today=today)
        assert found == again
        if found is None:
            assert all(one.place <= last or one.day(due) > today for one in rungs)
            continue
        taken = [*found.skipped, *([found.step] if found.step else [])]
        seen += [one.place for one in taken]
        last = taken[-1].place
        if found.step:
            said.append(found.step)
            assert found.step.day(due) <= today
            assert found.step.day(due) > issued
            assert not any(one.place > found.step.place and one.day(due) <= today for one in rungs)
        assert ladder.reached(rungs, due_on=due, issued_on=issued, last=last, today=today) is None
    assert seen == sorted(set(seen))
    assert [one.place for one in said] == sorted({one.place for one in said})


REMINDER = """
import sys, time
from portal.app import create_app
from portal.core import chores, outbox
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    chores.run("remind_debtors")
    outbox.drain("race" + sys.argv[2])
"""
ASKER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.billing import fapiao
from portal.billing.fapiao_models import FapiaoKind
from portal.billing.models import Invoice
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.retry import patiently
def ask():
    with transaction():
        row = db.session.query(Invoice).one()
        who = db.session.query(Person).filter_by(email="chen@galaxy.example").one()
        fapiao.request_fapiao(row.party, {row.id: Money(1_200_000)}, kind=FapiaoKind.NORMAL, by=who)
with create_app().app_context():
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    try:
        patiently(ask)
        print("asked")
    except Refused:
        print("refused")
"""


@pytest.mark.race
def test_the_chore_run_four_times_at_once_reminds_once(house: Flask, tmp_path: Path) -> None:
    today = clock.today()
    with house.app_context():
        while not ladder.is_working_day(today):
            today -= timedelta(days=1)
    bill(house, "test:1", day=clock.today() - timedelta(days=40))
    bill(house, "test:2", day=clock.today() - timedelta(days=40))
    start = soon()
    run(house, tmp_path, REMINDER, *((start, str(n)) for n in range(4)))
    with house.app_context(), reading():
        notices = db.session.execute(
            select(DunningNotice.invoice_id, DunningNotice.step, func.count()).group_by(
                DunningNotice.invoice_id, DunningNotice.step
            )
        ).all()
        assert {count for _invoice, _step, count in notices} == {1}
        assert len(notices) == 6
        assert (
            len(db.session.scalars(select(MailMessage).where(MailMessage.key.startswith("dunning"))).all())
            <= 1
        )
        assert verify_books()[1] == []


@pytest.mark.race
def test_two_requests_for_the_same_money_never_exceed_it(house: Flask, tmp_path: Path) -> None:
    with house.app_context(), transaction():
        books.party().tax_number = "91110108551385082Q"
        row = books.bill()
        books.transfer("B-1", Money(2_000_000), str(row.reference))
    start = soon()
    said = run(house, tmp_path, ASKER, *((start,) for _n in range(4)))
    assert sorted(word.strip() for word in said) == ["asked", "refused", "refused", "refused"]
    with house.app_context(), reading():
        assert verify_books()[1] == []


def test_the_pages_of_finance_and_the_sentence_for_the_payer(house: Flask) -> None:
    today = clock.today()
    uid = bill(house, day=today - timedelta(days=62))  # 32 days late
    with house.app_context():
        chores.run("remind_debtors")
    fang, chen = browser(house, "fang@house.example"), browser(house, "chen@galaxy.example")
    page = fang.get("/office/money/reminders/").text
    assert "Block the service?" in page
    assert "Proposal to write off" in page
    assert "we write to you again on" in chen.get(f"/invoices/{uid}").text
    assert "Proposal to write off" in fang.get(f"/office/money/invoices/{uid}").text
    one = f"/office/money/reminders/{uid}"
    with house.app_context(), reading():
        decision = db.session.scalars(select(DunningDecision.uid)).one()
    assert (
        post(fang, f"/office/money/reminders/proposals/{decision}", reason="", good="yes").status_code == 422
    )
    assert (
        post(
            fang, f"/office/money/reminders/proposals/{decision}", reason="long late", good="yes"
        ).status_code
        == 303
    )
    assert "blocked until it is paid" in fang.get(one).text
    bad = post(fang, f"{one}/hold", kind="promise", reason="phoned", until="")
    assert bad.status_code == 422
    assert "phoned" in bad.text
    until = str(today + timedelta(days=5))
    assert post(fang, f"{one}/hold", kind="promise", reason="phoned", until=until).status_code == 303
    assert "The payer promised to pay." in fang.get("/office/money/reminders/").text
    assert "we write to you again" not in chen.get(f"/invoices/{uid}").text
    assert post(fang, f"{one}/resumption").status_code == 303
    assert post(fang, f"{one}/resumption").status_code == 409
    assert fang.get("/office/money/reminders/?show=all").status_code == 200
    assert chen.get(one).status_code == 403


def test_an_auditor_reads_and_changes_nothing(house: Flask) -> None:
    uid = bill(house, day=clock.today() - timedelta(days=40))
    with house.app_context(), transaction():
        make_person("audit@house.example", staff=(StaffRole.AUDITOR,))
    audit = browser(house, "audit@house.example")
    assert audit.get(f"/office/money/reminders/{uid}").status_code == 200
    assert post(audit, f"/office/money/reminders/{uid}/hold", kind="other", reason="x").status_code == 403


def test_money_that_went_away_goes_on_where_it_stood(house: Flask) -> None:
    uid = bill(house)
    morning(house, DUE + timedelta(days=7))
    with house.app_context(), clock.stopped_at(DUE + timedelta(days=8)), transaction():
        books.transfer("B-1", Money(2_000_000), str(invoice(uid).reference))
    morning(house, DUE + timedelta(days=16))
    with house.app_context(), clock.stopped_at(DUE + timedelta(days=17)), transaction():
        from portal.billing.money_models import Allocation

        settling.release(db.session.scalars(select(Allocation)).one(), by="test", reason="returned")
    morning(house, DUE + timedelta(days=20))
    assert [step for step, _state in steps(house)] == ["notice", "due", "reminder", "changes"]


def test_the_list_says_what_each_page_says_in_as_many_statements_as_for_one(house: Flask) -> None:
    today = clock.today()
    uids = [bill(house, f"test:{n}", day=today - timedelta(days=35 + n)) for n in range(6)]
    with house.app_context():
        chores.run("remind_debtors")
    with house.app_context(), transaction():
        books.party().tax_number = "91110108551385082Q"
        fang = books.person("fang")
        dunning.hold(invoice(uids[1]), HoldKind.DISPUTE, by=fang, reason="x")
        dunning.hold(invoice(uids[2]), HoldKind.PROMISE, by=fang, reason="x", until=today + timedelta(days=3))
        row = invoice(uids[3])
        books.transfer("B-3", Money(500_000), str(row.reference))
        fapiao.request_fapiao(
            row.party, {row.id: Money(100)}, kind=FapiaoKind.NORMAL, by=books.person("chen")
        )
        attempts.alert("dispute:x", Trouble.DISPUTE, "x", invoice=invoice(uids[4]))
    with house.test_request_context("/"), reading():
        rows = [invoice(uid) for uid in uids]
        for row, said in zip(rows, standing(rows), strict=True):
            assert said["owed"] == issuing.owed(row)
            assert said["held"] == dunning.held_by(row)
            assert said["next"] == dunning.next_step(row)
            assert said["notices"] == dunning.notices_of(row)
        assert len({str(one["held"]) for one in standing(rows)}) == 5
        seen: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        counts = []
        for some in (rows[:1], rows):
            seen.clear()
            standing(some)
            counts.append(len(seen))
        event.remove(db.engine, "before_cursor_execute", note)
        assert counts[0] == counts[1] <= 6
