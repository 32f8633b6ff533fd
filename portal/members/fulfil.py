"""From approval to belonging: agreement and invoice, and the term that opens when both are done."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing import issuing
from portal.billing.events import InvoiceSettled
from portal.core import audit, clock, outbox
from portal.core.db import db
from portal.core.states import move
from portal.members import agreements, credit_terms, joining, letters, review, signing_letters, terms
from portal.members.belonging import Agreement, AgreementState
from portal.members.events import (
    AgreementExecuted,
    ApplicationApproved,
    CreditTermsGiven,
    MembershipJoined,
)
from portal.members.models import Application, ApplicationState, Kind
from portal.members.renewal_rules import MONTHS


def on_approved(event: ApplicationApproved) -> None:
    """Draft the agreement and issue the invoice of an approved application."""
    application = event.application
    if application.kind is Kind.TIER_CHANGE:
        return  # it has an agreement and a membership: its figures are confirmed first
    membership = terms.found_membership(application.org)
    membership.founding = membership.founding or application.founding
    agreement = agreements.draft(application)
    joining.invoice(application, by="approval")
    terms.refresh([membership])
    letters.approved(application, agreement)
    fulfil(application)


def on_executed(event: AgreementExecuted) -> None:
    """See whether the signature was the last thing missing."""
    fulfil(event.agreement.application)


def on_settled(event: InvoiceSettled) -> None:
    """See whether the money was the last thing missing."""
    subject = event.invoice.billed_subject
    if subject.startswith("application:"):
        found = db.session.get(Application, int(subject.split(":")[1]))
        if found is not None and not fulfil(found) and (row := terms.membership_of(found.org)) is not None:
            terms.refresh([row])  # a term that began on credit is paid for from now on


def on_credit_given(event: CreditTermsGiven) -> None:
    """Open the term of an approved application that waited for nothing but its money."""
    waits = select(Application).where(
        Application.org_id == event.membership.org_id, Application.state == ApplicationState.APPROVED
    )
    for row in db.session.scalars(waits).all():
        fulfil(row)


def fulfil(application: Application) -> bool:
    """Open the term once the agreement is executed and the money covered; whatever came last calls this."""
    if application.invoice_id is None:
        return False
    # Invoice before application: whoever settles holds the invoice already, and two orders would deadlock.
    invoice = issuing.locked(application.invoice_id)
    row = review.locked(application.id)
    if row.state is not ApplicationState.APPROVED:
        return False
    executed = db.session.scalars(
        select(Agreement).where(
            Agreement.application_id == row.id, Agreement.state == AgreementState.EXECUTED
        )
    ).first()
    cover = issuing.cover(invoice)
    trusted = cover == "due" and credit_terms.in_force(terms.found_membership(row.org)) is not None
    paid = trusted or cover in {"settled", "waived"}
    if executed is None or not paid or terms.expelled(row.org):
        return False
    period = joining.period_from(row.tier, joining.first_day())
    if joining.outrun(row, invoice, period.start):
        joining.invoice_anew(row, invoice)
        return False
    move(row, ApplicationState.COMPLETED)
    row.closed_on = clock.today()
    db.session.flush()
    line = invoice.lines[0]
    term = terms.open_term(
        terms.found_membership(row.org), kind=joining.kind_of_term(row), tier=row.tier, start=period.start,
        months=MONTHS, price=joining.whole_price(row, invoice), charged=line.gross,
        cover="waiver" if cover == "waived" else "invoice", invoice=invoice, by="fulfilment", anchor=period.anchor,
        k=period.k,
    )  # fmt: skip
    if term.end is not None:
        issuing.agree(invoice.order, term.start, term.end)
    audit.record("application.completed", row, by="fulfilment", org_id=row.org_id)
    return True


def on_joined(event: MembershipJoined) -> None:
    """Welcome the member and make its certificate."""
    membership = event.membership
    outbox.queue(
        "membership_certificate", f"membership_certificate:{membership.uid}", {"uid": membership.uid}
    )
    signing_letters.welcome(membership)
