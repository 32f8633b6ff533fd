"""How a credit note is booked: its entry, what it takes off which invoice, and what its lines earn from then on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flask_babel import lazy_gettext as _l

from portal.billing import earning, ledger, note_shares, recognition
from portal.billing.issuing import credited
from portal.billing.ledger import Line
from portal.billing.models import Invoice
from portal.billing.note_models import (
    Charged,
    CreditNote,
    CreditNoteLine,
    CreditNoteShare,
    NoteKind,
    NoteState,
)
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move

NONE = Money(0)
K = NoteKind


def enter(note: CreditNote, number: str, day: date, ends: Mapping[int, date | None] | None = None) -> None:
    """Number a note, book it and cut the plans; `ends` says that it is of a change, and when each line ends."""
    for line in note.lines:
        # the months before the note are booked as they were earned, whenever the chore ran
        recognition.catch_up(recognition.locked_line(line.order_line_id))
        _holds(line)
    shares = _shared(note)
    booked = {line.id: _book_line(note, line) for line in note.lines}
    sides = [side for _excess, parts in booked.values() for side in parts]
    sides += [_receivable(note, one.invoice, one.gross) for one in shares]
    move(note, NoteState.ISSUED)
    note.number, note.issued_on = number, day
    db.session.flush()
    ledger.post("credit_note", note.subject, sides, on=day)
    for line in note.lines:
        if ends is None:
            _cut_plan(note, line, day, booked[line.id][0])
        else:
            _change_plan(line, day, ends.get(line.order_line_id))
    for one in shares:
        one.invoice.reversed = credited(one.invoice) == one.invoice.gross


def _shared(note: CreditNote) -> list[CreditNoteShare]:
    try:
        return note_shares.share(note)
    except ValueError:
        raise Refused(
            _l("There is no invoice that this change could lower: finance changes it by hand.")
        ) from None


def _receivable(note: CreditNote, invoice: Invoice, gross: Money) -> Line:
    units = -note.units if note.units is not None and invoice is note.invoice else None
    return Line(ledger.RECEIVABLE, -gross, invoice.party, invoice, currency=invoice.currency, units=units)


def _holds(line: CreditNoteLine) -> None:
    """Refuse a line that takes more than is left of what it credits: it moved on since the proposal."""
    if line.net <= NONE:
        return
    of = _charge(line)
    (net, tax), (gone, gone_tax) = recognition.charged(of), recognition.taken_back(of)
    if gone + line.net.minor > net or gone_tax + line.tax.minor > tax:
        raise Refused(_l("At most what is left of the line can be credited."), status=422)


def _charge(line: CreditNoteLine) -> Charged:
    """Return what charged the line that a note credits: an invoice's line, or the charge on an earlier note."""
    return line.invoice_line or recognition.charges(line.order_line)[-1]


def _book_line(note: CreditNote, line: CreditNoteLine) -> tuple[int, list[Line]]:
    """Return what a line takes out of income, and its sides: deferred first, the excess from income; and its tax."""
    of, invoice = line.order_line, note.invoice
    back = (ledger.DEFERRED, ledger.income(of.stream))
    order = back if line.net >= NONE else (ledger.CONTRACT_ASSET, ledger.DEFERRED)
    sides = ledger.taken_first(of, line.net.minor, *order, party=invoice.party, invoice=invoice)
    sides.append(Line(ledger.VAT, line.tax, invoice.party, invoice, of))
    return sides[1].amount.minor, sides


def _change_plan(line: CreditNoteLine, day: date, since: date | None) -> None:
    """End the plan of what a change credits, and begin that of what it charges."""
    if line.net < NONE:
        recognition.plan(line.order_line)
        return
    earning.replace_line(line.order_line, line.subject, day=day, since=since)
    recognition.catch_up(line.order_line)


def _cut_plan(note: CreditNote, line: CreditNoteLine, day: date, excess: int) -> None:
    key, of = line.subject, _charge(line)
    if note.kind is K.TERMINATION and note.last_day is not None:
        earning.end_line(of, key, day=day, last_day=note.last_day, excess=excess)
    elif note.kind is K.PRICE_ADJUSTMENT:
        earning.lower_line(of, key, day=day, cut=line.net.minor, excess=excess)
    else:
        earning.cancel_line(of, key, day=day, excess=excess)
    recognition.catch_up(of.order_line)
