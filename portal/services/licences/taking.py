"""What is sold takes effect: its money, or credit terms, writes the terms of the licence, each once per line of an order."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal.billing import issuing, recognition
from portal.billing.models import Invoice
from portal.billing.money_models import Allocation, Receipt
from portal.core import audit, clock, periods
from portal.core.db import db
from portal.core.states import move
from portal.members import credit_terms, terms
from portal.services.licences import contracts, deal_letters, documents, following, included, life, plans
from portal.services.licences.contracts import source, term_of
from portal.services.licences.kinds import TermKind
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import CHANGES, DealKind, DealState, LicenceQuote
from portal.services.licences.models.licence import Licence

YEAR = 12  # months
DAY = timedelta(days=1)
D, K = DealState, DealKind


def locked(quote_id: int) -> LicenceQuote:
    """Return a quote fresh from the database; its licence is locked before."""
    return db.session.scalars(
        select(LicenceQuote).where(LicenceQuote.id == quote_id).execution_options(populate_existing=True)
    ).one()


def money_day(invoice: Invoice) -> date:
    """Return the day of the money that settled an invoice: the bank's value date of its last part, today at the latest."""
    days = db.session.scalars(
        select(Receipt.received_on)
        .join(Allocation, Allocation.receipt_id == Receipt.id)
        .where(Allocation.invoice_id == invoice.id)
        .order_by(Allocation.id)
    )
    return min(max(days, default=clock.today()), clock.today())


def on_credit(licence: Licence) -> bool:
    """Whether finance lets the organisation pay after the start."""
    membership = terms.membership_of(licence.org)
    return membership is not None and credit_terms.in_force(membership) is not None


def covered(quote: LicenceQuote) -> bool:
    """Whether what was ordered is paid, costs nothing, or may be paid later."""
    if quote.invoice is None:
        return not quote.gross
    found = issuing.cover(quote.invoice)
    return found in {"settled", "waived"} or (found == "due" and on_credit(quote.licence))


def take_effect(quote: LicenceQuote, *, by: Any) -> bool:
    """Let what was ordered and is covered be so; False if it is already, or was given up. Told twice it does nothing more.

    Whoever settles holds the invoice's lock before the licence's: so does everybody else who takes both.
    """
    lock(quote.licence_id)
    fresh = locked(quote.id)
    if fresh.state is not D.ORDERED or not covered(fresh):
        return False
    if fresh.contract:
        _begin(fresh, by=by)
    else:
        _increase(fresh, by=by)
    done(fresh, by=by)
    following.look_again(fresh.licence)
    deal_letters.in_effect(fresh)
    return True


def done(quote: LicenceQuote, *, by: Any) -> None:
    """Note that what was sold is in effect."""
    move(quote, D.DONE)
    quote.done_at = clock.now()
    audit.record(
        "licence.deal_done", quote.licence, by=by, org_id=quote.licence.org_id, deal=quote.kind, nodes=quote.nodes,
        gross=quote.gross,
    )  # fmt: skip


def _begin(quote: LicenceQuote, *, by: Any) -> None:
    """Open a contract's year: a renewal paid in time from the old end, whatever came later from the day of the money."""
    day = clock.today() if quote.invoice is None else money_day(quote.invoice)
    if quote.kind is K.RENEWAL and quote.starts_on is not None and day < _late(quote):
        start, end = quote.starts_on, quote.ends_on
    else:
        last = contracts.last(quote.licence_id)
        reached = contracts.ends_with(last) if last is not None else None
        start = max(day, reached or day)
        end = periods.nth(start, YEAR, 1)
        quote.anchor, quote.k = start, 0
    assert end is not None
    quote.starts_on, quote.ends_on = start, end
    old = contracts.current(quote.licence_id, start - DAY)
    before = (old.paid if old is not None else 0) + included.nodes_now(quote.licence)
    for one in quote.lines:
        one.starts, one.ends = start, end
    db.session.flush()
    if quote.adds:
        _write(quote, TermKind.BASE, clock.start_of(start), by=by)
    if quote.kind is K.RENEWAL:
        _courtesy(quote, before, start, by=by)
        quote.licence.next_nodes = None


def _late(quote: LicenceQuote) -> date:
    """Return the first day on which money for a renewal comes too late to go on from the old end."""
    assert quote.starts_on is not None
    return quote.starts_on + timedelta(days=plans.read(quote.licence.sold).grace_days)


def _courtesy(quote: LicenceQuote, before: int, start: date, *, by: Any) -> None:
    """Lend the difference for a while after a decrease, so that nodes are taken out in peace."""
    less = before - quote.paid - included.nodes_now(quote.licence)
    if less > 0:
        begin = clock.start_of(start)
        life.add_term(
            quote.licence_id, TermKind.COURTESY, less, start=begin, end=begin + timedelta(days=plans.rule("courtesy_days")),
            source=f"courtesy:{quote.uid}", by=by,
        )  # fmt: skip


def _increase(quote: LicenceQuote, *, by: Any) -> None:
    _write(quote, TermKind.INCREASE, clock.now(), by=by)


def _write(quote: LicenceQuote, kind: TermKind, start: datetime, *, by: Any) -> None:
    """Write the term of each year of a quote and agree on its line; a term's source is the line, so none comes twice.

    In a year that runs nodes are added at once, in one that was paid ahead from its first day.
    """
    today = clock.today()
    runs = {one.end for one in contracts.contracts(quote.licence_id, today) if one.start <= today}
    for one in quote.lines:
        if not one.adds or one.starts is None or one.ends is None:
            continue
        line = one.order_line
        begin = start if one.ends in runs else max(start, clock.start_of(one.starts))
        life.add_term(
            quote.licence_id, kind, one.adds, start=begin, end=clock.start_of(one.ends), by=by,
            source=source(line) if line is not None else f"deal:{quote.uid}",
        )  # fmt: skip
        if line is not None and line.agreed_on is None:
            recognition.agree(line, (one.starts, one.ends))


def take_collected(quote: LicenceQuote, *, by: Any) -> None:
    """Let a small increase be used at once; it is invoiced with others on the next month's first day."""
    lock(quote.licence_id)
    assert quote.pay_by is not None
    documents.collect(quote, quote.pay_by)
    _increase(quote, by=by)
    done(quote, by=by)
    deal_letters.in_effect(quote)


def give_again(quote: LicenceQuote, *, by: Any) -> None:
    """Give back the nodes of a small increase that was closed unpaid, once its money came after all."""
    lock(quote.licence_id)
    fresh = locked(quote.id)
    if fresh.kind not in CHANGES or fresh.state is not D.DONE:
        return
    for one in fresh.lines:
        line, now = one.order_line, clock.now()
        term = term_of(line) if line is not None else None
        if line is None or term is None or term.closed_at is None or one.ends is None or not one.adds:
            continue
        if now < clock.start_of(one.ends):
            life.add_term(
                fresh.licence_id, TermKind.INCREASE, one.adds, start=now, end=clock.start_of(one.ends),
                source=f"{source(line)}:again", by=by,
            )  # fmt: skip


def end(quote: LicenceQuote, row: Licence, *, by: Any, reason: str) -> None:
    """Write down that an offer, an order or a change of a licence is dropped."""
    move(quote, D.DROPPED)
    audit.record(
        "licence.deal_dropped",
        row,
        by=by,
        org_id=row.org_id,
        kind=quote.kind,
        nodes=quote.nodes,
        reason=reason,
    )


def drop(quote: LicenceQuote, *, by: Any, reason: str) -> bool:
    """Give up what was offered or ordered; a licence that never had a term is cancelled with it. False if it is over."""
    row = lock(quote.licence_id)
    fresh = locked(quote.id)
    if fresh.state not in (D.OFFERED, D.ORDERED):
        return False
    end(fresh, row, by=by, reason=reason)
    if fresh.kind is K.PURCHASE and row.state == "pending":
        life.cancel(row.id, by=by)
    db.session.flush()
    deal_letters.dropped(fresh, reason)
    return True
