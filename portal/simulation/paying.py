"""How invoices are paid: in time, in parts, twice, after the lapse, never; and what becomes of money that comes late."""

from __future__ import annotations

from datetime import date, timedelta

from portal.billing import issuing, queries, settling
from portal.billing.models import Invoice, InvoiceState
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money
from portal.members import late_money, renewal_queries
from portal.members.renewal_models import LateMoney, LateState, OfferState, RenewalOffer
from portal.simulation.cast import Firm
from portal.simulation.world import World

LATE, TWICE = "late", "twice"


def plan(world: World, firm: Firm, bill: Invoice) -> None:
    """Decide once, when an invoice comes, when its money will."""
    chance, how = firm.next("payment"), world.scenario.payments
    roll, delay, late = chance.random(), chance.randint(*how.days), chance.randint(*how.late_days)
    parted, gap, again = chance.random(), chance.randint(*how.part_days), chance.random()
    offer = _offer_of(bill)
    number = bill.id
    if roll < how.never:
        return
    if roll < how.never + how.late:
        day = _lapses(offer) + timedelta(days=late)
        world.soon(day, lambda: pay(world, firm, number, way=LATE))
        return
    day = _asked_on(offer) + timedelta(days=delay)
    if parted < how.in_parts:
        half = Money(bill.gross.minor // 2)
        world.soon(day, lambda: pay(world, firm, number, part=half))
        day += timedelta(days=max(gap, 1))
    world.soon(day, lambda: pay(world, firm, number))
    if again < how.twice:
        world.soon(day + timedelta(days=gap + 1), lambda: pay(world, firm, number, way=TWICE))


def _offer_of(bill: Invoice) -> RenewalOffer | None:
    """Return the renewal that an invoice asks for."""
    kind, _colon, number = bill.billed_subject.partition(":")
    return db.session.get(RenewalOffer, int(number)) if kind == RenewalOffer.__tablename__ else None


def _asked_on(offer: RenewalOffer | None) -> date:
    """Return from which day a payer counts: the ladder's day, so that a clock that was out changes no habits."""
    if offer is None:
        return clock.today()
    return renewal_queries.act_day(offer.term, "invoice")


def _lapses(offer: RenewalOffer | None) -> date:
    return clock.today() + timedelta(days=30) if offer is None else renewal_queries.lapse_day(offer)


def pay(world: World, firm: Firm, number: int, *, part: Money | None = None, way: str = "") -> None:
    """Pay what is owed of an invoice: from credit first, the rest by a transfer that names its reference."""

    def act() -> None:
        bill = db.session.get_one(Invoice, number)
        if bill.state is InvoiceState.OPEN and not bill.reversed:
            if not part and queries.credits_of(bill.party):
                settling.use_credit(bill, by=world.owner(firm))
            left = issuing.owed(bill)
            amount = min(part, left) if part else left
        else:
            amount = bill.gross if _pays_still(bill, way) else Money(0)
        if amount:
            _transfer(world, bill, amount)

    world.attempt(firm, "pay", act)


def _pays_still(bill: Invoice, way: str) -> bool:
    """Whether somebody pays an invoice that is paid already, or was taken back when its renewal lapsed."""
    if way == TWICE:
        return bill.state is InvoiceState.PAID and not bill.reversed
    offer = _offer_of(bill)
    return way == LATE and offer is not None and offer.state is OfferState.LAPSED


def _transfer(world: World, bill: Invoice, amount: Money) -> None:
    world.transfers += 1
    entry = settling.propose_receipt(
        bank_ref=f"SIM{world.transfers:08d}", amount=amount, received_on=clock.today(), payer=bill.buyer_name,
        text=f"会费 {bill.reference}", by=world.who("finance"),
    )  # fmt: skip
    settling.confirm_receipt(entry, by=world.who("finance2"))


def answer_late(world: World, firm: Firm, row: LateMoney) -> None:
    """Let a reviewer allow money that came very late, and the member say what its money is for, or stay silent."""
    chance, number = firm.next("late"), row.id
    days, roll = chance.randint(1, 20), chance.random()
    if row.state is LateState.REVIEW:
        world.after(days, lambda: _allow(world, firm, number, allowed=roll < 0.5))
    elif row.state is LateState.ASKED and roll < 0.8:
        how = LateState.CONTINUOUS if roll < 0.4 else LateState.FRESH
        world.after(days, lambda: _choose(world, firm, number, how))


def _allow(world: World, firm: Firm, number: int, *, allowed: bool) -> None:
    def act() -> None:
        row = db.session.get_one(LateMoney, number)
        verb = late_money.allow if allowed else late_money.refuse
        verb(row, by=world.who("reviewer"), reason="The member explained the delay.")

    world.attempt(firm, "answer late money", act)
    if allowed:
        world.after(3, lambda: _choose(world, firm, number, LateState.FRESH))


def _choose(world: World, firm: Firm, number: int, how: LateState) -> None:
    def act() -> None:
        late_money.choose(db.session.get_one(LateMoney, number), how, by=world.owner(firm))

    world.attempt(firm, "choose", act)
