"""I5: whatever events come, how often, in which order, with crashes anywhere and payers returning, the end is the same."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import stripe
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from portal.billing import online, sending
from portal.billing import refunds as refunding
from portal.billing.checkout_models import CheckoutAttempt, GatewayEvent, PaymentAlert
from portal.billing.models import Invoice
from portal.billing.money_models import Allocation, JournalEntry, Receipt, Refund
from portal.billing.provider_models import Dispute, Payout
from portal.billing.reversal_models import Reversal
from portal.billing.verify import verify_books
from portal.core import outbox
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.core.money import Money
from portal.core.outbox import OutboxItem
from tests import books
from tests.kept import Start
from tests.stripe_double import Direct, Double
from tests.stripe_scene import begun, behind, deliver
from tests.undone import half, lives

SILVER = 2_000_000
# A failing storm names its seed; making it smaller takes longer than looking at it.
ONCE = (Phase.explicit, Phase.generate)


class Crash(BaseException):
    """The process dies here."""


def _paid(double: Double, session: str) -> None:
    double.pay(session)


def _later(double: Double, session: str) -> None:
    double.pay(session, later=True)
    double.arrive(session)


def _fails(double: Double, session: str) -> None:
    double.pay(session, later=True)
    double.fail(session)


def _expires(double: Double, session: str) -> None:
    double.decline(session)
    double.expire(session)


def _lost(double: Double, session: str) -> None:
    double.pay(session)
    double.decide(double.dispute("pi_" + session[-6:], SILVER), "lost")


def _won(double: Double, session: str) -> None:
    double.pay(session)
    double.decide(double.dispute("pi_" + session[-6:], 700_000, "warning_needs_response"), "needs_response")
    double.decide(list(double.disputes)[-1], "won")


def _refunded_elsewhere(double: Double, session: str) -> None:
    double.pay(session, kind="alipay")
    double.send_back("pi_" + session[-6:], 300_000)


def _misfit(double: Double, session: str) -> None:
    double.sessions[session]["amount_total"] = 1_900_000
    double.pay(session)


STORIES: dict[str, Callable[[Double, str], None]] = {
    "paid": _paid, "later": _later, "fails": _fails, "expires": _expires, "lost": _lost, "won": _won,
    "elsewhere": _refunded_elsewhere, "misfit": _misfit,
}  # fmt: skip
# A story of more than one of our own steps: paid twice, and sent back by the provider.
BACK, PAYOUT = "back", "payout"


@dataclass
class World:
    """A prepared database, what the provider told by story, and the way back to the start."""

    app: Flask
    double: Double
    direct: Direct
    restore: Callable[[], None]
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    ends: dict[frozenset[str], Any] = field(default_factory=dict)


def prepare(world: World) -> None:
    """Begin one payment per story, let the provider live through all of it; we have heard nothing yet."""
    double = world.double
    for name, story in STORIES.items():
        _number, session = begun(name)
        before = len(double.told)
        story(double, session)
        world.told[name], world.sessions[name] = double.told[before:], session
    number, session = begun(BACK)
    world.sessions[BACK] = session
    double.pay(session)
    paid = double.told[-1]
    with transaction():
        books.transfer("B-1", Money(SILVER), str(db.session.get_one(Invoice, number).reference))
    online.settle(session)
    outbox.drain()  # papers and their mails are made: whether an invoice is announced depends on whether it is paid
    with transaction():
        receipt = db.session.query(Receipt).filter_by(provider_ref="pi_" + session[-6:]).one()
        row = refunding.request_refund(receipt, Money(500_000), by=books.person("fang"), reason="twice")
        refunding.approve_refund(row, by=books.person("feng"))
        uid = row.uid
    before = len(double.told)
    # The provider has done it and we died before the answer.
    double.answers.clear()
    world.direct.after = 1
    with pytest.raises(Exception, match="cut"):
        sending.settle_refund(uid)
    world.told[BACK] = [paid, *double.told[before:]]
    double.pay_out()
    world.told[PAYOUT] = [double.told[-1]]


@contextmanager
def crashing(dice: random.Random, odds: float) -> Iterator[None]:
    """Let the process die before or after a commit now and then."""
    real = db.session.commit

    def commit() -> None:
        fate = dice.random()
        if fate < odds / 2:
            raise Crash
        real()
        if fate < odds:
            raise Crash

    with mock.patch.object(db.session, "commit", side_effect=commit):
        yield


def rise() -> None:
    """Start again after a death: leases run out, and what waited for its next try is due."""
    db.session.rollback()
    with transaction():
        db.session.execute(
            update(OutboxItem).where(OutboxItem.done_at.is_(None)).values(lease_until=None, run_after=OutboxItem.created_at)
        )  # fmt: skip


def step(world: World, what: Any, dice: random.Random) -> None:
    """One thing happens: an event comes, a worker works, a payer returns, a wire breaks."""
    if isinstance(what, dict):
        deliver(what)
    elif what == "work":
        item = outbox.claim("worker")
        if item is not None:
            outbox.work(item)
    elif what == "cut":
        world.direct.before, world.direct.after = dice.choice([(1, 0), (0, 1)])
    else:
        online.settle(world.sessions[what])


def live(world: World, things: list[Any], dice: random.Random, *, odds: float) -> None:
    """Let everything happen; who dies rises, and the provider delivers again what was not answered."""
    with crashing(dice, odds):
        for what in things:
            for _again in range(20):
                try:
                    step(world, what, dice)
                except Crash:
                    with mock.patch.object(db.session, "commit", wraps=db.session().commit):
                        rise()
                except stripe.APIConnectionError:
                    db.session.rollback()
                else:
                    break
    world.direct.before = world.direct.after = 0
    while waiting():
        rise()
        outbox.drain()


def waiting() -> bool:
    """Whether any work is not done."""
    with reading():
        return (
            db.session.scalar(select(OutboxItem.id).where(OutboxItem.done_at.is_(None)).limit(1)) is not None
        )


def dump() -> Any:
    """Return what is so, without the instants and the numbers of rows that depend on the order of things."""
    with reading():
        money = db.session.scalars
        numbers = {row.id: row.number for row in money(select(Invoice))}
        refs = {row.id: row.provider_ref for row in money(select(Receipt))}
        return {
            "invoices": sorted((row.number, row.state) for row in money(select(Invoice))),
            "attempts": sorted(
                (row.uid, row.state, row.why, refs.get(row.receipt_id or 0, "")) for row in money(select(CheckoutAttempt))
            ),
            "receipts": sorted((row.provider_ref, row.way, row.amount.minor, row.party_id) for row in money(select(Receipt))),
            "allocations": sorted((refs[row.receipt_id], numbers[row.invoice_id], row.amount.minor) for row in money(select(Allocation))),
            "refunds": sorted((row.uid, row.state, row.outcome_ref, row.failure) for row in money(select(Refund))),
            "disputes": sorted((row.dispute_id, row.state, row.status, row.amount.minor) for row in money(select(Dispute))),
            "reversals": sorted((row.key, row.amount.minor, refs[row.receipt_id]) for row in money(select(Reversal))),
            "payouts": sorted(
                (row.payout_id, row.state, row.amount.minor, row.fee.minor,
                 tuple(sorted((line.txn_id, line.net.minor, refs.get(line.receipt_id or 0, "")) for line in row.lines)))
                for row in money(select(Payout))
            ),
            "alerts": sorted((row.key, row.trouble, row.detail, refs.get(row.receipt_id or 0, "")) for row in money(select(PaymentAlert))),
            "journal": sorted(
                (row.kind, tuple(sorted((line.account, line.amount.minor, numbers.get(line.invoice_id or 0, ""), refs.get(line.receipt_id or 0, "")) for line in row.lines)))
                for row in money(select(JournalEntry))
            ),
            "mail": sorted((row.address, row.title, row.text) for row in money(select(MailMessage))),
            "events": sorted((row.event_id, row.worked_at is not None, row.error) for row in money(select(GatewayEvent))),
            "audit": sorted(Counter(money(select(AuditEntry.verb)).all()).items()),
            "open": sorted(row.key for row in money(select(OutboxItem)) if row.done_at is None),
        }  # fmt: skip


def in_order(world: World, stories: frozenset[str]) -> Any:
    """Return the end of everything told once, in order."""
    if stories not in world.ends:
        world.restore()
        live(
            world,
            [event for name in world.told if name in stories for event in world.told[name]],
            random.Random(0),
            odds=0,
        )
        world.ends[stories] = dump()
        with reading():
            assert verify_books()[1] == []
    return world.ends[stories]


def restorer(app: Flask) -> Callable[[], None]:
    """Return what puts the database back to where it is now."""
    url = app.extensions["settings"].database_url
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        db.session.remove()
        db.engine.dispose()
        shutil.copy(file, file.with_suffix(".start"))

        def back() -> None:
            db.session.remove()
            db.engine.dispose()
            for rest in ("-wal", "-shm"):
                Path(f"{file}{rest}").unlink(missing_ok=True)
            shutil.copy(file.with_suffix(".start"), file)

        return back
    start = Start(url)

    def laid_back() -> None:
        db.session.remove()
        start.back()

    return laid_back


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """Everything has happened at the provider, and nothing of it has been told."""
    books.house(app)
    double = Double()
    with behind(app, double) as direct, app.app_context():
        made = World(app, double, direct, lambda: None)
        prepare(made)
        made.restore = restorer(app)
        yield made


def storm(world: World, stories: frozenset[str], seed: int, extra: int) -> None:
    """All events of some stories at least once, many of them often, shuffled, with crashes and returning payers."""
    dice = random.Random(seed)
    wanted = in_order(world, stories)
    world.restore()
    events = [event for name in stories for event in world.told[name]]
    things: list[Any] = events + [dice.choice(events) for _ in range(extra)]
    pages = [name for name in stories if name in world.sessions]
    things += [dice.choice(["work", "cut", *pages]) for _ in range(len(events))]
    dice.shuffle(things)
    live(world, things, dice, odds=0.03)
    assert dump() == wanted


ALL = frozenset([*STORIES, BACK, PAYOUT])


def test_a_few_stories_in_any_order(world: World) -> None:
    @settings(
        max_examples=half(world.app) if os.environ.get("PROOFS") else lives(world.app, one_in=4),
        deadline=None,
        phases=ONCE,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(sorted(ALL)), st.sampled_from(sorted(ALL)), st.integers(0, 2**32), st.integers(0, 6)
    )
    def run(one: str, two: str, seed: int, extra: int) -> None:
        storm(world, frozenset({one, two}), seed, extra)

    run()


@pytest.mark.slow
def test_two_hundred_events_in_any_order(world: World) -> None:
    told = sum(len(events) for events in world.told.values())

    @settings(
        max_examples=lives(world.app, one_in=17),
        deadline=None,
        phases=ONCE,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32))
    def run(seed: int) -> None:
        storm(world, ALL, seed, 200 - told)

    run()
