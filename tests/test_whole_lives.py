"""Whole lives: verbs, money, changes of tier and every night's chores together, with outages and nights that came three times."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.billing import issuing
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.verify import verify_books
from portal.core import chores, clock, outbox
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.members import benefit_verify, late_money, reports, tier_changes
from portal.members.belonging import Grant, Membership, Term
from portal.members.renewal_models import LateMoney, LateState, RenewalOffer, RenewalReminder
from portal.members.standing import Standing
from portal.members.terms import standing
from portal.members.tier_models import TierQuote
from portal.members.verify import verify_deeds
from tests import membership as m
from tests import tiers
from tests.lives import START, VERBS, Verb, histories, holds_always, row
from tests.undone import lives, undone

NIGHT = (
    "announce_standings", "expire_tier_quotes", "serve_benefit_queues", "publish_wall", "renew_subscriptions",
    "charge_renewals", "remind_debtors", "send_reminders", "announce_benefit_expiry", "ask_contact_confirmation",
)  # fmt: skip
TIERS = ("silver", "gold", "platinum")


def _pay(number: int) -> None:
    """Let money arrive for an open invoice: all of it, half of it, or all of it without its number."""
    found = select(Invoice).where(Invoice.state == InvoiceState.OPEN, Invoice.buyer_name == "Galaxy Ltd")
    bills = db.session.scalars(found.order_by(Invoice.id)).all()
    if bills:
        one = bills[number % len(bills)]
        owed = issuing.owed(one)
        amount = Money(max(owed.minor // 2, 1)) if number % 3 == 0 else owed
        many = db.session.query(Receipt).count()
        m.pay(row().org, amount, ref=f"M-{many}", invoice=None if number % 5 == 0 else one)


def _change(number: int) -> None:
    """Ask for another tier, have it approved, and confirm what was shown."""
    quote = tiers.approved(TIERS[number % 3], row())
    if number % 4:
        tier_changes.change_tier(quote, by=tiers.chen())


def _choose(number: int) -> None:
    """Say how late money is to be used."""
    late = late_money.waiting(row())
    if late is not None and late.state is LateState.ASKED:
        late_money.choose(late, (LateState.CONTINUOUS, LateState.FRESH)[number % 2], by="owner")


EVERYTHING = (*VERBS, _pay, _pay, _pay, _change, _choose)
# How often the chores run before each verb, in turn: never, once, three times.
RUNS = st.lists(st.sampled_from([0, 1, 1, 3]), min_size=1, max_size=6)


def night(times: int) -> None:
    """Let a night's chores run so many times, and whatever they put off."""
    for _ in range(times):
        for name in NIGHT:
            chores.run(name, as_of=clock.today())
    if times:
        outbox.drain()


def live(history: list[tuple[Verb, int, int]], runs: list[int]) -> int:
    """Live through a history; return how many verbs were not refused."""
    done, day = 0, START
    for n, (verb, number, later) in enumerate(history):
        day += timedelta(days=later)
        with clock.stopped_at(day):
            night(runs[n % len(runs)])
            try:
                with transaction():
                    verb(number)
                done += 1
            except Refused:
                pass
            outbox.drain()
    with clock.stopped_at(day):
        night(max(runs[-1], 1))
        with transaction():
            holds_always(len(history))
        sound()
    return done


def sound() -> None:
    """Assert that books, memberships, benefits and changes hold together, and that nobody was told a thing twice."""
    found = (verify_books(), reports.verify_memberships(), verify_deeds(), benefit_verify.verify_claims())
    assert [wrong for _count, wrong in found if wrong] == []
    told = Counter(
        tuple(one)
        for one in db.session.execute(
            select(RenewalReminder.term_id, RenewalReminder.step, RenewalReminder.channel)
        )
    )
    assert set(told.values()) <= {1}
    mails = Counter(db.session.scalars(select(MailMessage.key)))
    assert set(mails.values()) <= {1}


def facts() -> dict[str, Any]:
    """Return what must be the same however often the chores of a night ran."""
    own = row()
    rows = db.session.execute
    return {
        "terms": rows(
            select(Term.kind, Term.tier, Term.start, Term.end, Term.charged).order_by(Term.id)
        ).all(),
        "standing": [str(standing(own, on=clock.today() + timedelta(days=n))) for n in range(-400, 500, 9)],
        "bills": rows(select(Invoice.number, Invoice.gross, Invoice.state).order_by(Invoice.id)).all(),
        "offers": rows(
            select(RenewalOffer.start, RenewalOffer.tier, RenewalOffer.state).order_by(RenewalOffer.id)
        ).all(),
        "quotes": rows(select(TierQuote.number, TierQuote.net, TierQuote.state).order_by(TierQuote.id)).all(),
        "late": rows(select(LateMoney.value_on, LateMoney.state).order_by(LateMoney.id)).all(),
        "grants": rows(
            select(Grant.benefit, Grant.quantity, Grant.start, Grant.end).order_by(Grant.id)
        ).all(),
        "told": rows(
            select(
                RenewalReminder.step, RenewalReminder.channel, RenewalReminder.state, RenewalReminder.on
            ).order_by(RenewalReminder.id)
        ).all(),
        "mails": sorted(map(tuple, rows(select(MailMessage.title, MailMessage.address)))),
    }


def test_any_life_is_sound_and_nights_that_come_three_times_change_nothing(app: Flask) -> None:
    m.house(app)
    with m.inside(app), clock.stopped_at(START), transaction():
        m.member(m.company("Galaxy Ltd", "chen@galaxy.example"), start=START)
    done: list[int] = []
    seen: set[Standing] = set()

    @settings(
        max_examples=lives(app, one_in=30), deadline=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(histories(EVERYTHING, shortest=4, longest=9), RUNS)
    def run(history: list[tuple[Verb, int, int]], runs: list[int]) -> None:
        with undone(app):
            done.append(live(history, runs))
            seen.update(db.session.scalars(select(Membership.standing)))
            once = facts()
        with undone(app):
            live(history, [3 if times else 0 for times in runs])
            assert facts() == once

    with m.inside(app):
        run()
    assert sum(done) > len(done)  # most lives have something in them
    assert seen
    if len(done) >= 20:  # few lives may all end in the same standing
        assert len(seen) > 1
