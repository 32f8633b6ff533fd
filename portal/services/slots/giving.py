"""What happens to a slot: asked for, offered in the order of the rule, taken or passed, used, released; capacity as data."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, workdays
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.core.words import day
from portal.services.slots import letters, queueing
from portal.services.slots.kinds import SlotState, WorkKind
from portal.services.slots.models import SlotQuarter, SlotRequest

S = SlotState
MOST_SLOTS = 500


def set_capacity(start: date, *, slots: int, person_days: int, by: Person) -> SlotQuarter:
    """Say how many slots a quarter has, and the person-days behind them; never fewer than are given."""
    if start.day != 1 or start.month % 3 != 1:
        raise Refused(_l("A quarter begins in January, April, July or October."), field="quarter", status=422)
    if not 0 <= slots <= MOST_SLOTS or not 0 <= person_days <= 100_000:
        raise Refused(_l("This is no number of slots."), field="slots", status=422)
    row = db.session.scalars(select(SlotQuarter).where(SlotQuarter.start == start)).first()
    if row is None:
        row = SlotQuarter(start=start, slots=slots, person_days=person_days)
        db.session.add(row)
        db.session.flush()
    row = queueing.locked(row)
    given = len(queueing.given_in(row))
    if slots < given:
        raise Refused(_l("%(count)s slots are given already.", count=given), field="slots", status=422)
    row.slots, row.person_days = slots, person_days
    audit.record("slots.capacity", row, by=by, quarter=row.code, slots=slots, person_days=person_days)
    return row


def ask(org: Organisation, *, kind: WorkKind, wish: str, by: Person) -> SlotRequest:
    """Ask for a slot; one request of a kind waits at a time, and its day counts from now on."""
    open_now = select(SlotRequest.id).where(
        SlotRequest.org_id == org.id, SlotRequest.kind == kind,
        SlotRequest.state.in_([S.WAITING, S.OFFERED, S.BOOKED]),
    )  # fmt: skip
    if db.session.scalar(open_now.limit(1)) is not None:
        raise Refused(_l("A request of this kind is under way already."), field="kind", status=422)
    row = SlotRequest(org=org, kind=kind, wish=wish.strip()[:500], by=by, asked_on=clock.today())
    db.session.add(row)
    db.session.flush()
    audit.record("slot.asked", row, by=by, org_id=org.id, kind=kind, wish=row.wish)
    return row


def locked(request: SlotRequest) -> SlotRequest:
    """Return a request under the lock of its quarter, fresh from the database."""
    if request.quarter is not None:
        queueing.locked(request.quarter)
    return db.session.get_one(SlotRequest, request.id, populate_existing=True)


def offer(quarter: SlotQuarter, *, by: Person | str) -> list[SlotRequest]:
    """Offer what a quarter has left, in the order of the rule; each has some working days to take it."""
    row = queueing.locked(quarter)
    today, days = clock.today(), int(catalogue.policy("slots.answer_days"))
    if row.end <= today:
        raise Refused(_l("This quarter is over."))
    found, until = [], workdays.after(today, days)
    for request, placed in queueing.line(row):
        if not placed.now:
            break
        move(request, S.OFFERED)
        request.quarter, request.why = row, placed.why.value
        request.offered_on, request.answer_by = today, until
        db.session.flush()
        audit.record(
            "slot.offered", request, by=by, org_id=request.org_id, quarter=row.code, slot_why=placed.why,
            until=request.answer_by,
        )  # fmt: skip
        letters.offered(request)
        found.append(request)
    return found


def take(request: SlotRequest, *, by: Person) -> None:
    """Book the slot that is offered; it begins with the quarter, or today if that has begun."""
    row = locked(request)
    if row.state is S.OFFERED and row.answer_by is not None and clock.today() > row.answer_by:
        raise Refused(_l("The offer ended with %(day)s.", day=day(row.answer_by)))
    move(row, S.BOOKED)
    assert row.quarter is not None
    row.starts_on, row.answer_by = max(row.quarter.start, clock.today()), None
    audit.record(
        "slot.booked", row, by=by, org_id=row.org_id, quarter=row.quarter.code, starts_on=row.starts_on
    )


def pass_by(request: SlotRequest, *, by: Person | str, silent: bool = False) -> bool:
    """Let an offer pass, by a word or by silence: the first time the place is kept; False if silence is not over yet."""
    row = locked(request)
    if silent and (row.state is not S.OFFERED or row.answer_by is None or clock.today() <= row.answer_by):
        return False
    move(row, S.PASSED)
    row.passes, row.passed = row.passes + 1, row.quarter
    code = row.quarter.code if row.quarter is not None else ""
    row.quarter, row.answer_by, row.offered_on = None, None, None
    kept = row.passes == 1
    if kept:
        move(row, S.WAITING)
    db.session.flush()
    audit.record("slot.passed", row, by=by, org_id=row.org_id, quarter=code, silent=silent, kept=kept)
    letters.passed(row, kept=kept)
    return True


def withdraw(request: SlotRequest, *, by: Person) -> None:
    """Take a request back."""
    row = locked(request)
    move(row, S.WITHDRAWN)
    audit.record("slot.withdrawn", row, by=by, org_id=row.org_id)


def use(request: SlotRequest, *, by: Person | str) -> None:
    """Say that the work of a booked slot has begun: its engagement runs."""
    row = locked(request)
    move(row, S.USED)
    row.starts_on = clock.today()
    audit.record("slot.used", row, by=by, org_id=row.org_id)


def last_release(request: SlotRequest) -> date | None:
    """Return the last day on which the customer himself can release a booked slot: so many working days before it begins."""
    if request.state is not S.BOOKED or request.starts_on is None:
        return None
    days, found = int(catalogue.policy("slots.release_days")), request.starts_on
    while workdays.after(found, days) > request.starts_on:
        found = date.fromordinal(found.toordinal() - 1)
    return found


def release(request: SlotRequest, *, by: Person, reason: str, manager: bool = False) -> None:
    """Give a booked slot back, so that the next in line has it; near its beginning only a manager does it."""
    row = locked(request)
    last = last_release(row)
    if not manager and last is not None and clock.today() > last:
        raise Refused(_l("It begins too soon: please ask the manager of services to release it."))
    move(row, S.RELEASED)
    row.reason = reason.strip()[:300]
    audit.record("slot.released", row, by=by, org_id=row.org_id, reason=row.reason)
    letters.released(row)


def of_org(org: Organisation) -> list[SlotRequest]:
    """Return the requests of an organisation, the newest first."""
    rows = select(SlotRequest).where(SlotRequest.org_id == org.id)
    return list(db.session.scalars(rows.order_by(SlotRequest.id.desc())))
