"""How an application ends before its time: it expires and is reopened, or is closed unfulfilled."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.reversing import take_back
from portal.core import audit, clock
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move
from portal.members import agreements, ending_letters, eyes, review, terms, tier_changes
from portal.members.belonging import AgreementState
from portal.members.events import ApplicationClosed
from portal.members.models import Application, ApplicationState, Kind

S, G = ApplicationState, AgreementState
UNSIGNED = (G.DRAFTED, G.SENT, G.MEMBER_SIGNED)


def expire(application: Application, *, by: Person | str) -> None:
    """End the wait for answers that did not come; a reviewer may reopen once."""
    row = review.locked(application.id)
    move(row, S.EXPIRED)
    row.closed_on = clock.today()
    audit.record("application.expired", row, by=by, org_id=row.org_id)
    ending_letters.expired(row)


def reopen(application: Application, *, by: Person) -> None:
    """Give an expired application its time to answer again, once."""
    row = review.locked(application.id)
    review.refuse_conflict(by, row)
    if row.reopened_at is not None:
        raise Refused(_l("This application was reopened once already; the applicant may begin a new one."))
    review.refuse_second(row)
    move(row, S.INFO_REQUESTED)
    row.reopened_at = row.asked_at = clock.now()
    row.closed_on = None
    audit.record("application.reopened", row, by=by, org_id=row.org_id)
    ending_letters.reopened(row)


def propose_close(application: Application, *, by: Person, reason: str) -> None:
    """Propose to close an approved application; a director confirms."""
    row = review.locked(application.id)
    review.refuse_conflict(by, row)
    if row.state is not S.APPROVED:
        raise Refused(_l("Only an approved application that is not fulfilled can be closed."))
    if row.close_proposed_by_id is not None:
        raise Refused(_l("Closing is proposed already."))
    row.close_proposed_by, row.close_reason = by, reason
    audit.record("application.close_proposed", row, by=by, org_id=row.org_id, reason=reason)
    ending_letters.close_proposed(row)


def keep_open(application: Application, *, by: Person) -> None:
    """Turn a proposal to close down; the application stays approved."""
    row = review.locked(application.id)
    if row.close_proposed_by_id is None:
        raise Refused(_l("Nobody proposed to close this application."))
    row.close_proposed_by, row.close_reason = None, ""
    audit.record("application.close_declined", row, by=by, org_id=row.org_id)


def confirm_close(application: Application, *, by: Person) -> None:
    """Close an approved application that somebody else proposed to close."""
    if application.close_proposed_by_id is None:
        raise Refused(_l("Nobody proposed to close this application."))
    review.refuse_conflict(by, application)
    eyes.refuse("closer", by, application)
    close(application, by=by, reason=application.close_reason)


def close(application: Application, *, by: Person | str, reason: str) -> Money:
    """Close an approved application: invoice reversed, agreement ended; return what became credit."""
    # Invoice before application, as in `fulfil`: two orders would deadlock.
    invoice = issuing.locked(application.invoice_id) if application.invoice_id else None
    row = review.locked(application.id)
    if row.kind is Kind.TIER_CHANGE:
        return tier_changes.drop(row, by=by, reason=reason)
    move(row, S.CLOSED)
    row.closed_on = clock.today()
    row.close_reason = reason
    freed = take_back(invoice, by=by, reason=reason) if invoice is not None else Money(0)
    agreement = agreements.of_application(row)
    if agreement is not None and agreement.state in UNSIGNED:
        agreements.void(agreement, by=by, reason=reason, tell=False)
    elif agreement is not None and agreement.state is G.EXECUTED:
        move(agreement, G.TERMINATED)
        audit.record("agreement.terminated", agreement, by=by, org_id=row.org_id)
    audit.record("application.closed", row, by=by, org_id=row.org_id, reason=reason, freed=freed)
    membership = terms.membership_of(row.org)
    if membership is not None:
        terms.refresh([membership])
    publish(ApplicationClosed(row))
    ending_letters.closed(row, freed)
    return freed


def close_own(application: Application, *, by: Person) -> None:
    """Close one's own approved application, as a signatory who will not go on."""
    if application.state is not S.APPROVED:
        raise Refused(_l("Only an approved application that is not fulfilled can be closed."))
    close(application, by=by, reason="closed by the applicant")
