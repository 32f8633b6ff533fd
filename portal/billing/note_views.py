"""The desk's pages about credit notes and write-offs: propose with a preview, decide, one note, the list."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import crediting, note_figures, queries, recognition, writing_off
from portal.billing import forms as f
from portal.billing.access import visible_invoice
from portal.billing.models import Invoice
from portal.billing.note_models import CreditNote, NoteKind, NoteState
from portal.billing.office import invoice_page, money
from portal.core import audit, export, files, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import page_of
from portal.core.web import go


def asked_notes() -> Any:
    """Select the credit notes the address asks for, the newest first."""
    state = request.args.get("state", "")
    statement = select(CreditNote)
    if state in {one.value for one in NoteState}:
        statement = statement.where(CreditNote.state == NoteState(state))
    return statement.order_by(CreditNote.id.desc())


@money.get("/notes")
@allow(May.READ_MONEY)
def notes() -> str:
    """List the credit notes."""
    state, g.nav = request.args.get("state", ""), "money.notes"
    names = [("", _("All")), *((one.value, labels.label(one)) for one in NoteState)]
    chips = [
        {"label": words, "href": web.url_with(state=key or None, page=None), "active": state == key}
        for key, words in names
    ]
    return render_template("office/notes.html", page=page_of(asked_notes()), chips=chips)


@money.get("/notes/file")
@allow(May.READ_MONEY)
def notes_file() -> Response:
    """Hand out the credit notes as CSV."""
    heads = (
        _("Number"), _("Invoice"), _("For"), _("Issued"), _("Type of note"), _("Net"), _("Tax"), _("Sum"), _("State"),
    )  # fmt: skip

    def row(one: CreditNote) -> tuple[Any, ...]:
        return (
            one.number or "", one.invoice.number, one.invoice.buyer_name, one.issued_on or "", labels.label(one.kind),
            one.net, one.tax, one.gross, labels.label(one.state),
        )  # fmt: skip

    return export.csv_of("credit-notes", heads, asked_notes(), row, by=me().person)


def note_of(uid: str) -> CreditNote:
    """Return one credit note."""
    row = db.session.scalars(select(CreditNote).where(CreditNote.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such credit note."))
    return row


@money.get("/notes/<uid>")
@allow(May.READ_MONEY)
def note(uid: str) -> str:
    """Show one credit note: figures, state, what it booked, its story."""
    row, reader, g.nav = note_of(uid), me(), "money.notes"
    return render_template(
        "office/note.html", note=row, own=row.by_id == reader.person.id, journal=queries.journal_about(row.subject),
        may=reader.staff_may(May.CREDIT), history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


@money.get("/notes/<uid>/pdf")
@allow(May.READ_MONEY)
def note_pdf(uid: str) -> Response:
    """Hand out the credit note as PDF."""
    row = note_of(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


def _nets(invoice: Invoice) -> dict[int, Money]:
    found = {}
    for line in invoice.lines:
        text = request.values.get(f"net_{line.id}", "").strip()
        if text:
            try:
                found[line.id] = Money.parse(text)
            except ValueError:
                raise Refused(_("Please write the amount like 12,000.00."), status=422) from None
    return found


def _asked(invoice: Invoice, form: f.Note) -> tuple[NoteKind, date | None, dict[int, Money]]:
    with suppress(ValueError):
        return NoteKind(form.kind.data or ""), form.last_day.data, _nets(invoice)
    raise Refused(_("Please choose why the note is issued."), field="kind", status=422)


def _new_page(row: Invoice, form: f.Note, status: int = 200) -> Any:
    """Return the proposal with the figures that would be on the note; nothing is written."""
    g.nav, preview, problem = "money.invoices", [], ""
    try:
        kind, last_day, nets = _asked(row, form)
        preview = note_figures.wanted(row, kind, last_day=last_day, nets=nets)
    except Refused as refusal:
        problem = str(refusal)
    return render_template(
        "office/note_new.html", invoice=row, form=form, preview=preview, why_not=crediting.why_not(row),
        problem=problem if request.values.get("kind") else "", total=sum((one.gross for one in preview), Money(0)),
        left={line.id: Money(line.net.minor - recognition.credited_net(line)) for line in row.lines},
    ), status  # fmt: skip


@money.get("/invoices/<uid>/notes/new")
@allow(May.CREDIT)
def new_note(uid: str) -> Any:
    """Show what a credit note would say."""
    return _new_page(visible_invoice(uid), f.Note(request.args, meta={"csrf": True}))


@money.post("/invoices/<uid>/notes")
@allow(May.CREDIT)
def propose_note(uid: str) -> Any:
    """Propose a credit note, or only look at what it would say: the token stays out of the address."""
    row, form = visible_invoice(uid), f.Note()
    if "look" in request.form:
        return _new_page(row, form)
    if not form.validate_on_submit():
        return _new_page(row, form, 422)
    try:
        kind, last_day, nets = _asked(row, form)
        with transaction():
            made = crediting.propose_note(
                row, kind, by=me().person, reason=form.reason.data, last_day=last_day, nets=nets
            )
    except Refused as refusal:
        form.refused(refusal)
        return _new_page(visible_invoice(uid), form, refusal.status)
    return go("money.note", _("Proposed. A second person of finance issues it."), uid=made.uid)


@money.post("/notes/<uid>/issue")
@allow(May.CREDIT)
def issue_note(uid: str) -> BaseResponse:
    """Issue another's proposal."""
    row = note_of(uid)
    with transaction():
        crediting.issue_note(row, by=me().person)
    return go("money.note", _("Issued: its number is %(number)s.", number=row.number), uid=uid)


@money.post("/notes/<uid>/refusal")
@allow(May.CREDIT)
def decline_note(uid: str) -> BaseResponse:
    """Leave the invoice as it is."""
    row = note_of(uid)
    with transaction():
        crediting.decline_note(row, by=me().person)
    return go("money.note", _("The invoice stays as it is."), uid=uid)


@money.post("/invoices/<uid>/write-off")
@allow(May.CREDIT)
def propose_write_off(uid: str) -> Any:
    """Propose to write the rest off."""
    row, given = visible_invoice(uid), f.Why()
    if not given.validate_on_submit():
        return invoice_page(uid, given, 422)
    with transaction():
        writing_off.propose_write_off(row, by=me().person, reason=given.reason.data)
    return go("money.invoice", _("Proposed. A second person of finance confirms it."), uid=uid)


@money.post("/invoices/<uid>/write-off/confirmation")
@allow(May.CREDIT)
def confirm_write_off(uid: str) -> BaseResponse:
    """Write another's proposal off."""
    row = visible_invoice(uid)
    with transaction():
        writing_off.write_off(row, by=me().person)
    return go("money.invoice", _("Written off."), uid=uid)


@money.post("/invoices/<uid>/write-off/refusal")
@allow(May.CREDIT)
def decline_write_off(uid: str) -> BaseResponse:
    """Go on expecting the money."""
    row = visible_invoice(uid)
    with transaction():
        writing_off.decline_write_off(row, by=me().person)
    return go("money.invoice", _("The invoice stays as it is."), uid=uid)


@money.post("/invoices/<uid>/recovery")
@allow(May.CREDIT)
def recover(uid: str) -> BaseResponse:
    """Take a written-off invoice back into the books."""
    row = visible_invoice(uid)
    with transaction():
        writing_off.recover(row, by=me().person)
    return go("money.invoice", _("It is to be paid again."), uid=uid)


@money.post("/invoices/<uid>/charges")
@allow(May.RECORD_RECEIPTS)
def book_charges(uid: str) -> BaseResponse:
    """Book the small rest of a transfer as the bank's charges."""
    row = visible_invoice(uid)
    with transaction():
        writing_off.book_charges(row, by=me().person)
    return go("money.invoice", _("The rest is booked as bank charges."), uid=uid)
