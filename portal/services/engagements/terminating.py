"""An engagement ended before its time, by two: accepted parts stand, what was paid ahead goes back by credit note."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.billing import crediting, ledger, recognition
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.note_models import NoteKind
from portal.core import audit, clock
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import may_move, move
from portal.services.engagements.events import EngagementEnded
from portal.services.engagements.models import Engagement, EngagementState
from portal.services.engagements.opening import locked

E = EngagementState


def propose(engagement: Engagement, *, by: Person, reason: str) -> None:
    """Propose to end an engagement, as the customer's signatory or our manager; finance decides."""
    row = locked(engagement.id)
    if not may_move(row, E.TERMINATED):
        raise Refused(_l("This project is over."))
    if row.ending_by is not None:
        raise Refused(_l("Its end is proposed already."))
    row.ending_by, row.end_reason = by, reason
    audit.record("engagement.ending_proposed", row, by=by, org_id=row.org_id, reason=reason)


def decline(engagement: Engagement, *, by: Person, reason: str) -> None:
    """Say no to a proposed end: the work goes on."""
    row = locked(engagement.id)
    if row.ending_by is None or row.state is E.TERMINATED:
        raise Refused(_l("Nobody proposes to end this project."))
    row.ending_by, row.end_reason = None, ""
    audit.record("engagement.ending_declined", row, by=by, org_id=row.org_id, reason=reason)


def lines_of(row: Engagement) -> list[OrderLine]:
    """Return the order lines that an engagement works on, each once."""
    return list({one.order_line_id: one.order_line for one in row.milestones}.values())


def owed_to_us(row: Engagement) -> int:
    """Return what was accepted ahead of its invoice, in fen."""
    return sum(ledger.of_line(line, ledger.CONTRACT_ASSET) for line in lines_of(row))


def confirm(engagement: Engagement, *, by: Person) -> None:
    """End an engagement as the second person, of finance: what is invoiced and not accepted is credited.

    Work accepted ahead of its invoice has to be invoiced first: nothing accepted is given away.
    """
    row = locked(engagement.id)
    if row.ending_by is None:
        raise Refused(_l("Nobody proposes to end this project."))
    if row.ending_by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person confirms it."))
    if owed_to_us(row) > 0:
        raise Refused(_l("Accepted work is not invoiced yet: please invoice the parts it is for first."))
    move(row, E.TERMINATED)
    row.paused_on, row.ended_on = None, clock.today()
    for invoice in _invoices(row):
        _credit(row, invoice, by)
    audit.record("engagement.terminated", row, by=by, org_id=row.org_id, reason=row.end_reason)
    publish(EngagementEnded(row))


def _invoices(row: Engagement) -> list[Invoice]:
    """Return the invoices of an engagement's lines on which something is not earned, the newest first."""
    found = {
        one.invoice_id: one.invoice
        for line in lines_of(row)
        for one in recognition.invoice_lines(line)
        if one.invoice.state is not InvoiceState.VOID and not one.invoice.reversed
    }
    return [found[key] for key in sorted(found, reverse=True)]


def _credit(row: Engagement, invoice: Invoice, by: Person) -> None:
    deferred = -sum(ledger.of_line(line, ledger.DEFERRED) for line in lines_of(row))
    if deferred <= 0 or row.ending_by is None:
        return
    note = crediting.propose_note(
        invoice, NoteKind.TERMINATION, by=row.ending_by, reason=row.end_reason, last_day=clock.today()
    )
    crediting.issue_note(note, by=by)
