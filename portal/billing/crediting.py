"""Credit notes: what is taken back of an invoice, line by line with copied figures, and what that does to money and income."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import attempts, earning, ledger, months, note_shares, recognition, settling
from portal.billing.events import CreditNoteIssued, InvoiceReversed, InvoiceSettled
from portal.billing.issuing import allocated, credited, locked, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.note_entries import enter
from portal.billing.note_figures import Figures, wanted
from portal.billing.note_models import (
    CreditNote,
    CreditNoteLine,
    NoteKind,
    NoteState,
)
from portal.billing.numbers import take
from portal.core import audit, clock, outbox
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move

NONE = Money(0)
K = NoteKind
# What keeps an invoice from being voided, asked of whoever knows: a fapiao, say. Each answers for one invoice.
KEEPERS: list[Callable[[Invoice], bool]] = []


def draft_of(invoice: Invoice) -> CreditNote | None:
    """Return the credit note of an invoice that waits for a second person."""
    return db.session.scalars(
        select(CreditNote).where(CreditNote.invoice_id == invoice.id, CreditNote.state == NoteState.DRAFT)
    ).first()


def why_not(invoice: Invoice) -> object | None:
    """Return in words why no credit note can be proposed; None if one can."""
    if invoice.state not in {InvoiceState.OPEN, InvoiceState.PAID} or not invoice.gross:
        return _l("Only an issued invoice over a sum can be credited.")
    if invoice.reversed:
        return _l("All of this invoice was taken back already.")
    if draft_of(invoice) is not None:
        return _l("Somebody has proposed this already.")
    return None


def _draft(
    invoice: Invoice,
    kind: NoteKind,
    parts: Sequence[Figures],
    *,
    by: Person | str,
    reason: str,
    last_day: date | None,
) -> CreditNote:
    note = CreditNote(
        invoice=invoice, kind=kind, reason=reason, last_day=last_day,
        by=by if isinstance(by, Person) else None, proposed_by=by.name if isinstance(by, Person) else by,
        net=sum((one.net for one in parts), NONE), tax=sum((one.tax for one in parts), NONE),
        gross=sum((one.gross for one in parts), NONE),
        units=sum(int(one.printed["gross"]) for one in parts if one.printed) if invoice.printed else None,
    )  # fmt: skip
    db.session.add(note)
    for n, one in enumerate(parts, 1):
        db.session.add(
            CreditNoteLine(
                note=note, order_line=one.order_line, invoice_line=one.line, n=n, words=one.said,
                tax_words=one.tax_said, gross=one.gross, net=one.net, tax=one.tax, printed=one.printed,
            )
        )  # fmt: skip
    db.session.flush()
    db.session.refresh(note, ["lines"])
    return note


def propose_note(
    invoice: Invoice, kind: NoteKind, *, by: Person, reason: str, last_day: date | None = None,
    nets: Mapping[int, Money] | None = None,
) -> CreditNote:  # fmt: skip
    """Propose a credit note; a second person issues it with just these figures."""
    row = note_shares.lock(invoice)
    if why := why_not(row):
        raise Refused(str(why))
    note = _draft(
        row, kind, wanted(row, kind, last_day=last_day, nets=nets), by=by, reason=reason,
        last_day=last_day if kind is K.TERMINATION else None,
    )  # fmt: skip
    audit.record("note.proposed", note, by=by, org_id=row.party.org_id, amount=note.gross, reason=reason)
    return note


def _second(note: CreditNote, by: Person) -> CreditNote:
    note_shares.lock(note.invoice)
    row = db.session.get_one(CreditNote, note.id, populate_existing=True)
    if row.state is not NoteState.DRAFT:
        raise Missing(_l("Nobody proposes this credit note."))
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person of finance issues it."))
    return row


def decline_note(note: CreditNote, *, by: Person) -> None:
    """Leave the invoice as it is."""
    row = _second(note, by)
    move(row, NoteState.DECLINED)
    row.second = by
    audit.record("note.declined", row, by=by, org_id=row.invoice.party.org_id)


def issue_note(note: CreditNote, *, by: Person) -> CreditNote:
    """Stand for another's proposal: number, day, journal; the plan is cut, money beyond the invoice is credit again."""
    row = _second(note, by)
    row.second = by
    return _issue(row, by=by)


def _issue(
    note: CreditNote, *, by: Person | str, ends: Mapping[int, date | None] | None = None
) -> CreditNote:
    number, day = take("CN")
    invoice = note.invoice
    enter(note, number, day, ends)
    audit.record(
        "note.issued", note, by=by, org_id=invoice.party.org_id, number=number, amount=note.gross,
        about=invoice.number,
    )  # fmt: skip
    _settle(note, by=by)
    outbox.queue("note_paper", f"note_paper:{note.uid}", {"uid": note.uid})
    publish(CreditNoteIssued(note))
    return note


def issue_change(
    invoice: Invoice, kind: NoteKind, parts: Sequence[Figures], *, by: Person | str, reason: str
) -> CreditNote:
    """Issue the note of a change its payer accepted: its figures were quoted, so nobody proposes them again.

    The lines it credits end with the change; what it charges begins to be earned.
    """
    row = locked(invoice.id)
    if why := why_not(row):
        raise Refused(str(why))
    note = _draft(row, kind, parts, by="quote", reason=reason, last_day=None)
    return _issue(note, by=by, ends={one.order_line.id: one.since for one in parts})


def issue_past(
    invoice: Invoice, kind: NoteKind, part: Figures, *, number: str, last_day: date | None
) -> CreditNote:
    """Write a credit note of imported books under its own number, on the clock's day; nobody is told."""
    note = _draft(invoice, kind, [part], by="import", reason=kind.value, last_day=last_day)
    enter(note, number, clock.today())
    _settle(note, by="import")
    return note


def _settle(note: CreditNote, *, by: Person | str) -> None:
    for one in sorted(note.shares, key=lambda share: share.invoice is not note.invoice):
        _settle_one(note, one.invoice, by)


def _settle_one(note: CreditNote, invoice: Invoice, by: Person | str) -> None:
    """Let the note settle an invoice; what is on it beyond that goes back to its payer's credit, newest first."""
    for allocation, there in settling.held(invoice):
        beyond = -owed(invoice)
        if beyond > NONE:
            settling.release(
                allocation, by=by, reason=str(note.number), part=min(beyond, there), kind="credited"
            )
    left = owed(invoice)
    attempts.lapse(invoice, left)
    if invoice.reversed:
        if invoice.state is InvoiceState.OPEN:
            move(invoice, InvoiceState.PAID)
        publish(InvoiceReversed(invoice))
    elif not left and invoice.state is InvoiceState.OPEN:
        move(invoice, InvoiceState.PAID)
        publish(InvoiceSettled(invoice))


def _voidable(invoice: Invoice) -> bool:
    """Whether nothing hangs on an invoice: no money, note, income or paper of the tax office, and its month is open."""
    earned = sum(
        ledger.of_line(one.order_line, ledger.income(one.order_line.stream)) for one in invoice.lines
    )
    entry = ledger.find("invoice", invoice.subject)
    shut = entry is not None and bool(
        {entry.posted_on.replace(day=1)} & months.shut_since(entry.posted_on.replace(day=1))
    )
    changed = any(one.net < NONE or recognition.credited_net(one) for one in invoice.lines)
    held = allocated(invoice) or credited(invoice) or changed
    return not (held or earned or shut or any(ask(invoice) for ask in KEEPERS))


def reverse_invoice(invoice: Invoice, *, by: Person | str, reason: str) -> CreditNote | None:
    """Take an invoice back: void with the mirror of its entry if nothing hangs on it, else by a credit note over what is left.

    Either keeps its number. The note is returned; money on the invoice becomes its payer's credit.
    """
    row = locked(invoice.id)
    for line in row.lines:
        recognition.catch_up(recognition.locked_line(line.order_line_id))
    if _voidable(row):
        _void(row, by=by, reason=reason)
        return None
    if row.state not in {InvoiceState.OPEN, InvoiceState.PAID} or row.reversed:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    waiting = draft_of(row)
    if waiting is not None:
        move(waiting, NoteState.DECLINED)
        db.session.flush()
    parts = wanted(row, K.CANCELLATION)
    return _issue(_draft(row, K.CANCELLATION, parts, by=by, reason=reason, last_day=None), by=by)


def _void(row: Invoice, *, by: Person | str, reason: str) -> None:
    move(row, InvoiceState.VOID)
    entry = ledger.find("invoice", row.subject)
    if entry is not None:
        ledger.mirror(entry, "void")
    for line in row.lines:
        earning.drop_line(line)
    audit.record("invoice.voided", row, by=by, org_id=row.party.org_id, number=row.number, reason=reason)
    attempts.lapse(row, NONE)
    publish(InvoiceReversed(row))
