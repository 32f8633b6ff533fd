"""Paying after the start: finance trusts a holder, or gives an unpaid term more time."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.accounts.people import Person
from portal.billing.models import Invoice, InvoiceState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.members import terms
from portal.members.belonging import Membership, Term
from portal.members.events import CreditTermsGiven
from portal.members.renewal_models import CreditTerms, PaymentExtension


def in_force(membership: Membership, *, on: date | None = None) -> CreditTerms | None:
    """Return the credit terms of a membership on a day."""
    day = on or clock.today()
    return db.session.scalars(
        select(CreditTerms).where(
            CreditTerms.membership_id == membership.id,
            CreditTerms.start <= day,
            or_(CreditTerms.end.is_(None), CreditTerms.end > day),
        )
    ).first()


def give(membership: Membership, *, by: Person, reason: str) -> CreditTerms:
    """Let a holder pay after the start, from today on: its next terms open when they are invoiced."""
    db.session.scalars(
        select(Membership).where(Membership.id == membership.id).with_for_update(of=Membership)
    ).one()
    if in_force(membership) is not None:
        raise Refused(_l("This member has credit terms already."))
    row = CreditTerms(membership=membership, start=clock.today(), reason=reason, by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("membership.credit_given", membership, by=by, org_id=membership.org_id, reason=reason)
    publish(CreditTermsGiven(membership))
    return row


def end(membership: Membership, *, by: Person) -> None:
    """End a holder's credit terms; terms that are open stay open."""
    row = in_force(membership)
    if row is None:
        raise Refused(_l("This member has no credit terms."))
    row.end, row.ended_by = clock.today(), by
    audit.record("membership.credit_ended", membership, by=by, org_id=membership.org_id)


def extend(term: Term, *, until: date, by: Person, reason: str) -> PaymentExtension:
    """Keep an unpaid term from suspension before a day."""
    if until <= clock.today():
        raise Refused(_l("This day has passed already."), field="until", status=422)
    row = PaymentExtension(term=term, until=until, reason=reason, by_name=by.name)
    db.session.add(row)
    db.session.flush()
    membership = term.membership
    audit.record(
        "membership.payment_extended", membership, by=by, org_id=membership.org_id, until=until, reason=reason
    )
    terms.refresh([membership])
    return row


def unpaid_term(membership: Membership) -> Term | None:
    """Return the running or coming term of a membership whose invoice is not paid."""
    return db.session.scalars(
        select(Term)
        .join(Invoice, Invoice.id == Term.invoice_id)
        .where(
            Term.membership_id == membership.id,
            Invoice.state == InvoiceState.OPEN,
            or_(Term.end.is_(None), Term.end > clock.today()),
        )
        .order_by(Term.start)
    ).first()
