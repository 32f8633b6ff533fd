"""Which invoices a credit note lowers: its own, and older ones where a change gives back more than its own holds."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing import recognition
from portal.billing.issuing import credited, locked
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, OrderLine
from portal.billing.note_models import CreditNote, CreditNoteLine, CreditNoteShare, NoteState
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money

LIVE = (InvoiceState.OPEN, InvoiceState.PAID)


def home_of(line: OrderLine) -> Invoice | None:
    """Return the invoice on which an order line was charged, or that of the note which charged it."""
    found = recognition.charges(line)
    if not found:
        return None
    return found[-1].invoice if isinstance(found[-1], InvoiceLine) else found[-1].note.invoice


def _before(invoice: Invoice) -> list[Invoice]:
    """Return the invoices whose lines an invoice, or the notes on it, took back: what a change replaced."""
    noted = (
        select(CreditNoteLine)
        .join(CreditNote)
        .where(CreditNote.invoice_id == invoice.id, CreditNote.state == NoteState.ISSUED)
    )
    lines = [one.order_line for one in invoice.lines if one.net.minor < 0]
    lines += [one.order_line for one in db.session.scalars(noted) if one.net.minor > 0]
    return [home for line in lines if (home := home_of(line)) is not None]


def lineage(*own: Invoice) -> list[Invoice]:
    """Return invoices with all that led to them change by change, newest first."""
    found: dict[int, Invoice] = {}
    waiting = list(own)
    while waiting:
        one = waiting.pop()
        if one.id not in found:
            found[one.id] = one
            waiting += _before(one)
    return [found[number] for number in sorted(found, reverse=True)]


def lock(invoice: Invoice) -> Invoice:
    """Lock an invoice and all that led to it, in one order for everybody; return it fresh."""
    for number in sorted(one.id for one in lineage(invoice)):
        locked(number)
    return invoice


def room(invoice: Invoice) -> int:
    """Return the fen that can still be taken off an invoice."""
    return (invoice.gross - credited(invoice)).minor if invoice.state in LIVE else 0


def _wanted(note: CreditNote) -> dict[int, int]:
    """Return what the lines of a note take off the invoice that charged each; a charge goes where its credit went."""
    found: dict[int, int] = {}
    at = note.invoice
    for line in note.lines:
        if line.net.minor >= 0:
            home = line.invoice_line.invoice if line.invoice_line is not None else home_of(line.order_line)
            at = home or at
        found[at.id] = found.get(at.id, 0) + line.gross.minor
    return found


def divided(total: int, wanted: dict[int, int], rooms: dict[int, int]) -> dict[int, int]:
    """Divide what a note takes off: by the homes of its lines as far as they hold it, the rest in the order of `rooms`."""
    found = {number: max(0, min(wanted.get(number, 0), most)) for number, most in rooms.items()}
    rest = total - sum(found.values())
    for number, most in rooms.items():
        step = min(rest, most - found[number]) if rest > 0 else max(rest, -found[number])
        found[number] += step
        rest -= step
    if rest:
        raise ValueError("more is credited than the invoices hold")
    return {number: part for number, part in found.items() if part}


def share(note: CreditNote) -> list[CreditNoteShare]:
    """Write down what a note takes off which invoice; ValueError if they do not hold it all."""
    own = note.invoice
    if own.currency != LEDGER_CURRENCY:
        parts = {own.id: note.gross.minor}
    else:
        homes = [db.session.get_one(Invoice, number) for number in _wanted(note)]
        for number in sorted(one.id for one in lineage(own, *homes)):
            locked(number)
        rooms = {one.id: room(one) for one in [own, *lineage(own, *homes)]}
        parts = divided(note.gross.minor, _wanted(note), rooms)
    bills = [(db.session.get_one(Invoice, number), Money(part)) for number, part in parts.items()]
    rows = [CreditNoteShare(note=note, invoice=bill, gross=part) for bill, part in bills]
    db.session.add_all(rows)
    db.session.flush()
    db.session.refresh(note, ["shares"])
    return rows
