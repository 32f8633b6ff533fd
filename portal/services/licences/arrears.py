"""Suspension for arrears: only after a person confirmed the step of the ladder, and lifted by the money itself."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing.models import Invoice
from portal.core import clock
from portal.core.db import db
from portal.services.licences import deal_letters, following, life
from portal.services.licences.kinds import HoldReason, TermKind
from portal.services.licences.models.deal import LicenceQuote, LicenceQuoteLine
from portal.services.licences.models.licence import Hold, Licence, LicenceState

LIVE = (LicenceState.ACTIVE, LicenceState.SUSPENDED)


def source(invoice: Invoice) -> str:
    """Return the source of the holds for an invoice."""
    return f"invoice:{invoice.uid}"


def concerned(invoice: Invoice) -> list[Licence]:
    """Return the licences an overdue invoice suspends: those it is for, else every one the payer pays for."""
    lines = [one.order_line_id for one in invoice.lines]
    mine = (
        select(LicenceQuote.licence_id)
        .join(LicenceQuoteLine, LicenceQuoteLine.quote_id == LicenceQuote.id)
        .where(LicenceQuoteLine.order_line_id.in_(lines))
    )
    own = select(Licence).where(Licence.id.in_(mine), Licence.state.in_(LIVE)).order_by(Licence.id)
    found = list(db.session.scalars(own))
    if found or invoice.party.org_id is None:
        return found
    rows = select(Licence).where(Licence.org_id == invoice.party.org_id, Licence.state.in_(LIVE))
    now = clock.now()
    return [
        one
        for one in db.session.scalars(rows.order_by(Licence.id))
        if following.in_force(one.id, TermKind.BASE, now)
    ]


def suspend(invoice: Invoice) -> None:
    """Open a hold on each licence concerned, after its days of notice."""
    words = (
        f"Invoice {invoice.number} is overdue.",
        f"发票 {invoice.number} 已逾期。",
    )
    for one in concerned(invoice):
        hold = life.suspend(
            one.id, HoldReason.PAYMENT, words=words, source=source(invoice), by="remind_debtors"
        )
        if hold is not None:
            deal_letters.suspended(hold)


def forget(invoice: Invoice) -> None:
    """Lift the holds of an invoice that is paid or was taken back."""
    held = select(Hold).where(Hold.source == source(invoice), Hold.lifted_at.is_(None)).order_by(Hold.id)
    for hold in db.session.scalars(held).all():
        life.lift(hold, by="payment")
