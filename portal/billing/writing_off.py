"""What finance books by name: a write-off and its recovery, a rest as bank charges."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import attempts, ledger, settling
from portal.billing.issuing import locked, owed
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation
from portal.billing.note_models import WriteOff, WriteOffState
from portal.billing.parts import units_owed
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.money import Money
from portal.core.states import move

W = WriteOffState
NONE = Money(0)


def proposed(invoice: Invoice) -> WriteOff | None:
    """Return the proposal to write an invoice off that waits for a second person."""
    return db.session.scalars(
        select(WriteOff).where(WriteOff.invoice_id == invoice.id, WriteOff.state == W.PROPOSED)
    ).first()


def why_not(invoice: Invoice) -> object | None:
    """Return in words why an invoice cannot be written off; None if it can."""
    if invoice.state is not InvoiceState.OPEN:
        return _l("Only an invoice that is still to be paid can be written off.")
    if any(ledger.of_line(one.order_line, ledger.DEFERRED) for one in invoice.lines):
        return _l("Part of it is not earned yet: credit that part first.")
    return None


def propose_write_off(invoice: Invoice, *, by: Person, reason: str) -> WriteOff:
    """Propose to write off what nobody expects any more; a second person does it."""
    row = locked(invoice.id)
    if why := why_not(row):
        raise Refused(str(why))
    if proposed(row) is not None:
        raise Refused(_l("Somebody has proposed this already."))
    made = WriteOff(invoice=row, reason=reason, by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("invoice.write_off_proposed", row, by=by, org_id=row.party.org_id, reason=reason)
    return made


def _second(invoice: Invoice, by: Person) -> WriteOff:
    row = proposed(locked(invoice.id))
    if row is None:
        raise Missing(_l("Nobody proposes to write this invoice off."))
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person of finance confirms it."))
    return row


def write_off(invoice: Invoice, *, by: Person) -> None:
    """Stand for another's proposal: the rest is a bad debt."""
    row = _second(invoice, by)
    if why := why_not(row.invoice):
        raise Refused(str(why))
    move(row, W.DONE)
    row.second = by
    of, left = row.invoice, owed(row.invoice)
    move(of, InvoiceState.UNCOLLECTIBLE)
    swing = Money(ledger.of_invoice(of, ledger.REVALUATION))
    units = -units_owed(of) if of.printed else None
    ledger.post(
        "write_off", row.subject,
        [
            Line(ledger.BAD_DEBT, left + swing, of.party, of),
            Line(ledger.RECEIVABLE, -left, of.party, of, currency=of.currency, units=units),
            Line(ledger.REVALUATION, -swing, of.party, of),
        ],
        on=clock.today(),
    )  # fmt: skip
    attempts.lapse(of, NONE)
    audit.record("invoice.written_off", of, by=by, org_id=of.party.org_id, amount=left, reason=row.reason)


def decline_write_off(invoice: Invoice, *, by: Person) -> None:
    """Go on expecting the money."""
    row = _second(invoice, by)
    move(row, W.DECLINED)
    row.second = by
    audit.record("invoice.write_off_declined", row.invoice, by=by, org_id=row.invoice.party.org_id)


def recover(invoice: Invoice, *, by: Person) -> None:
    """Take a written-off invoice back into the books, since its money comes after all: the mirror of the write-off."""
    of = locked(invoice.id)
    row = db.session.scalars(
        select(WriteOff).where(WriteOff.invoice_id == of.id, WriteOff.state == W.DONE)
    ).first()
    if row is None:
        raise Refused(_l("This invoice is not written off."))
    move(row, W.RECOVERED)
    move(of, InvoiceState.OPEN)
    entry = ledger.find("write_off", row.subject)
    if entry is not None:
        ledger.mirror(entry, "recovery")
    audit.record("invoice.recovered", of, by=by, org_id=of.party.org_id)


def most_charges() -> Money:
    """Return up to which sum a rest is booked as bank charges."""
    return Money(int(catalogue.policy("charges.most")))


def book_charges(invoice: Invoice, *, by: Person) -> Money:
    """Book the rest of an invoice that arrived short as bank charges; its last receipt stands for it."""
    row = locked(invoice.id)
    there, left = settling.held(row), owed(row)
    if row.state is not InvoiceState.OPEN or not there:
        raise Refused(_l("Charges are booked once a transfer for this invoice has arrived."))
    if left > most_charges():
        raise Refused(
            _l("More than %(most)s is missing: that is no charge of a bank.", most=str(most_charges()))
        )
    units = units_owed(row) if row.printed else None
    receipt = there[0][0].receipt
    entry = Allocation(receipt=receipt, invoice=row, amount=left, day=clock.today(), taken=NONE, units=units)
    db.session.add(entry)
    db.session.flush()
    swing = Money(ledger.of_invoice(row, ledger.REVALUATION))
    ledger.post(
        "charges", entry.subject,
        [
            Line(ledger.FEES, left + swing, row.party, row),
            Line(ledger.RECEIVABLE, -left, row.party, row, currency=row.currency, units=units and -units),
            Line(ledger.REVALUATION, -swing, row.party, row),
        ],
        on=clock.today(),
    )  # fmt: skip
    audit.record("invoice.charges", row, by=by, org_id=row.party.org_id, amount=left)
    attempts.lapse(row, NONE)
    settling.settled(row)
    return left
