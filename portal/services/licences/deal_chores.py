"""What happens by date to what is sold of licences: unpaid orders and changes are given up, the next year is invoiced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, select

from portal.billing import issuing, recognition
from portal.billing.models import InvoiceState
from portal.billing.reversing import take_back
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.retry import patiently
from portal.core.states import move
from portal.services.licences import contracts, deal_letters, life, locking, plans, renewing, taking
from portal.services.licences.kinds import ClosedWhy, TermKind
from portal.services.licences.models.deal import DealKind, DealState, LicenceQuote

D, K = DealState, DealKind
BY = "licences"


def _each(rows: Select[int], one: Callable[[int], bool]) -> int:
    """Do something for each row, one transaction each; return for how many it was done."""
    with reading():
        numbers = list(db.session.scalars(rows))
    return sum(patiently(partial(one, number)) for number in numbers)


def cancel_pending_licences() -> int:
    """Give up orders and renewals nobody paid in time; a licence that never had a term is cancelled."""
    today, after = clock.today(), timedelta(days=plans.rule("cancel_after_days"))
    rows = select(LicenceQuote.id).where(
        LicenceQuote.state == D.ORDERED,
        ((LicenceQuote.kind == K.PURCHASE) & (LicenceQuote.pay_by <= today))
        | ((LicenceQuote.kind == K.RENEWAL) & (LicenceQuote.starts_on <= today - after)),
    )  # fmt: skip
    return _each(rows.order_by(LicenceQuote.id), partial(_give_up, reason=deal_letters.UNPAID))


def _give_up(number: int, *, reason: str) -> bool:
    with transaction():
        quote = db.session.get_one(LicenceQuote, number)
        if quote.invoice_id is not None and issuing.cover(issuing.locked(quote.invoice_id)) != "due":
            return False
        if taking.on_credit(quote.licence) or not taking.drop(quote, by=BY, reason=reason):
            return False
        if quote.invoice is not None:
            take_back(quote.invoice, by=BY, reason=reason)
        return True


def close_licence_changes() -> int:
    """Reverse increases that were not paid in time, lay aside quotes whose last day is over, close what was collected in vain."""
    today = clock.today()
    late = today - timedelta(days=plans.rule("late_money_days"))
    unpaid = select(LicenceQuote.id).where(
        LicenceQuote.state == D.ORDERED, LicenceQuote.kind == K.INCREASE, LicenceQuote.pay_by < late
    )
    old = select(LicenceQuote.id).where(LicenceQuote.state == D.OFFERED, LicenceQuote.expires_on < today)
    small = select(LicenceQuote.id).where(LicenceQuote.state == D.DONE, LicenceQuote.kind == K.COLLECTED)
    return (
        _each(unpaid.order_by(LicenceQuote.id), partial(_give_up, reason=deal_letters.UNPAID))
        + _each(old.order_by(LicenceQuote.id), _lay_aside)
        + _each(small.order_by(LicenceQuote.id), _close_unpaid)
    )


def _lay_aside(number: int) -> bool:
    with transaction():
        quote = db.session.get_one(LicenceQuote, number)
        locking.lock(quote.licence_id)
        fresh = taking.locked(number)
        if fresh.state is not D.OFFERED:
            return False
        move(fresh, D.EXPIRED)
        return True


def _close_unpaid(number: int) -> bool:
    """Close the terms of a small increase whose invoice is unpaid for long, after some days of courtesy."""
    with transaction():
        quote = db.session.get_one(LicenceQuote, number)
        if not _unpaid(quote):
            return False
        locking.lock(quote.licence_id)
        now, days, closed = clock.now(), plans.rule("courtesy_days"), False
        for one in taking.locked(number).lines:
            term = contracts.term_of(one.order_line) if one.order_line is not None else None
            if term is None or term.closed_at is not None or not one.adds or term.ends_at <= now:
                continue
            life.close_term(term, now, ClosedWhy.UNPAID, by=BY)
            end: Any = min(term.ends_at, now + timedelta(days=days))
            life.add_term(
                quote.licence_id,
                TermKind.COURTESY,
                one.adds,
                start=now,
                end=end,
                source=f"courtesy:{term.source}",
                by=BY,
            )
            closed = True
        if closed:
            deal_letters.unpaid(quote, days)
        return closed


def _unpaid(quote: LicenceQuote) -> bool:
    before = clock.today() - timedelta(days=plans.rule("small_unpaid_days"))
    bills = [
        one.invoice for line in quote.lines if line.order_line is not None for one in recognition.invoice_lines(line.order_line)
    ]  # fmt: skip
    return any(
        one.state is InvoiceState.OPEN and one.issued_on is not None and one.issued_on <= before and issuing.owed(one)
        for one in bills
    )  # fmt: skip


def offer_licence_renewals() -> int:
    """Invoice the next year of licences whose paid year ends soon; return how many."""
    with reading():
        numbers = renewing.due()
    return sum(patiently(partial(_offer, number)) for number in numbers)


def _offer(number: int) -> bool:
    with transaction():
        return renewing.offer(locking.lock(number), by=BY) is not None
