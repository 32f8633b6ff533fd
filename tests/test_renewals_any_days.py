"""Chores run 0, 1 or 3 times a day over any outage give the same facts; each step comes once, none after payment."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.billing.verify import verify_books
from portal.core import chores, clock
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.members import late_money, renewing, reports
from portal.members.belonging import Membership
from portal.members.renewal_models import (
    LateMoney,
    LateState,
    OfferState,
    RenewalOffer,
    RenewalReminder,
    StepState,
)
from portal.members.renewal_queries import last_term
from tests import renewals as r
from tests.undone import lives, undone

T = r.NEW_YEAR
FIRST, LAST = -95, 75
# When somebody asks early, when the money has its value date and when it is booked, and how it is chosen to go on.
EVENTS = st.fixed_dictionaries(
    {
        "asked": st.none() | st.integers(-90, -61),
        "value": st.none() | st.integers(-85, 70),
        "booked_after": st.integers(0, 4),
        "part": st.sampled_from([1, 1, 1, 2]),
        "choice": st.sampled_from([LateState.CONTINUOUS, LateState.FRESH, None]),
    }
)
# On which days the chores run at all, and how often then.
RUNS = st.dictionaries(st.integers(FIRST, LAST), st.sampled_from([1, 1, 3]), max_size=14)
CHORES = ("announce_standings", "charge_renewals", "send_reminders")
MARKS = (-90, -60, -30, -14, -7, 0, 7, 21, 30, 60)


def day(n: int) -> date:
    """Return a day counted from the end of the term."""
    return T + timedelta(days=n)


def live(events: dict[str, Any], runs: dict[int, int]) -> dict[str, Any]:
    """Live through the days with these events, the chores running so many times on some; return the facts."""
    with clock.stopped_at(date(2026, 1, 1)), transaction():
        r.member("Nova", tier="silver")
    booked = None if events["value"] is None else events["value"] + events["booked_after"]
    happens = {n for n in (events["asked"], booked) if n is not None}
    for n in sorted(happens | set(runs) | {LAST}):  # at the end every outage is over
        with clock.stopped_at(day(n)):
            _happen(n, events, booked)
        for name in CHORES * (runs.get(n, 0) or (n == LAST)):
            chores.run(name, as_of=day(n))
    return facts(r.only("Nova"))


def _happen(n: int, events: dict[str, Any], booked: int | None) -> None:
    row = r.only("Nova")
    term = last_term(row)
    if n == events["asked"] and term is not None:
        with transaction():
            renewing.invoice(renewing.offer(term, by="owner"), by="owner")
    if n == booked:
        with transaction():
            _pay(row, events)
    late = late_money.waiting(row)
    if late is not None and events["choice"] is not None and late.state is LateState.ASKED:
        with transaction():
            late_money.choose(late, events["choice"], by="owner")


def _pay(row: Membership, events: dict[str, Any]) -> None:
    """Let money arrive: with the reference if there is an invoice, else from a payer whom the bank knows."""
    made = [one for one in r.offers_of(row) if one.invoice is not None]
    text = str(made[-1].invoice.reference) if made and made[-1].invoice is not None else "dues"
    r.transfer("B-1", Money(r.SILVER.minor // events["part"]), text, value=day(events["value"]))


def facts(row: Membership) -> dict[str, Any]:
    """Return what must not depend on when the chores ran: terms, standing of each day, what the money became."""
    late = db.session.scalars(select(LateMoney).where(LateMoney.membership_id == row.id)).all()
    return {
        "terms": r.terms_of(row),
        "standing": [str(r.standing(row, day(n))) for n in range(FIRST, LAST)],
        "copy": row.standing,
        "open": [
            (one.start, one.end, one.amount) for one in r.offers_of(row) if one.state is OfferState.OPEN
        ],
        "late": [(one.value_on, str(one.state)) for one in late if one.value_on >= day(30)],
    }  # fmt: skip


def well_told(row: Membership) -> None:
    """Assert that each step stands in the ledger once, in its order, and that none was sent once the term went on."""
    rows = db.session.scalars(
        select(RenewalReminder)
        .join(RenewalOffer, RenewalOffer.term_id == RenewalReminder.term_id)
        .where(RenewalOffer.membership_id == row.id, RenewalReminder.channel == "mail")
        .order_by(RenewalReminder.id)
        .distinct()
    ).all()
    assert len({one.step for one in rows}) == len(rows)
    assert all(one.on >= one.due_on for one in rows)
    sent = [one for one in rows if one.state is StepState.SENT]
    assert [one.due_on for one in sent] == sorted(one.due_on for one in sent)


def test_any_outage_and_any_number_of_runs_give_the_same_facts(app: Flask) -> None:
    """Only that the invoice was issued before its payer quotes it is given: money without it has no owner."""
    with app.app_context(), clock.stopped_at(date(2026, 1, 1)), transaction():
        r.staff()

    @given(EVENTS, RUNS)
    @settings(
        max_examples=lives(app, one_in=25), deadline=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def same(events: dict[str, Any], runs: dict[int, int]) -> None:
        if events["value"] is not None and events["asked"] is None:
            events, runs = {**events, "value": max(events["value"], -55)}, {**runs, -60: 1}
        booked = (events["value"] or 0) + events["booked_after"]
        every = dict.fromkeys((*MARKS, booked, booked + 1, booked + 30, booked + 31), 1)
        with app.app_context():
            with undone(app):
                steady = live(events, {n: 1 for n in every if n < LAST})
                well_told(r.only("Nova"))
            with undone(app):
                assert live(events, runs) == steady
                well_told(r.only("Nova"))
                with clock.stopped_at(day(LAST)):
                    assert verify_books()[1] == []
                    assert reports.verify_memberships()[1] == []

    same()
