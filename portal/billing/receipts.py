"""The desk's pages about receipts: the list, one receipt, and what it pays."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import bank_clearing, converting, matching, queries, reversing, settling, words
from portal.billing import forms as f
from portal.billing.access import visible_invoice
from portal.billing.bank_models import BankLine
from portal.billing.checkout_models import CheckoutAttempt, PaymentAlert
from portal.billing.money_models import Allocation, Receipt, ReceiptEntry, Refund
from portal.billing.office import money
from portal.billing.provider_models import Dispute
from portal.billing.reversal_models import Reversal
from portal.core import audit, clock, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, page_of
from portal.core.web import go

SORTS = {"received": Receipt.received_on, "sum": Receipt.amount, "payer": Receipt.payer}


def _shown(show: str) -> Select[Receipt]:
    kinds = {
        "unidentified": lambda: queries.unidentified(),
        "credit": lambda: queries.unapplied().where(Receipt.party_id.is_not(None)),
        "twice": lambda: queries.paid_twice(),
    }
    return kinds[show]() if show in kinds else select(Receipt)


def _searched(statement: Select[Receipt], q: str) -> Select[Receipt]:
    # Not correlated: the file of the receipts joins the bank's lines itself.
    of_bank = select(BankLine.receipt_id).where(
        BankLine.receipt_id.is_not(None), BankLine.bank_ref.icontains(q, autoescape=True)
    )
    tests = [
        Receipt.payer.icontains(q, autoescape=True),
        Receipt.provider_ref.icontains(q, autoescape=True),
        Receipt.id.in_(of_bank.correlate(None)),
    ]
    with suppress(ValueError):  # what is no sum is still a name or a number
        tests.append(Receipt.amount == Money.parse(q))
    return statement.where(or_(*tests))


def asked_for(show: str) -> Select[Receipt]:
    """Select the receipts the reader asked for: filtered, searched, sorted."""
    statement = _shown(show)
    if q := asked("q"):
        statement = _searched(statement, q)
    sort = request.args.get("sort", "-received")
    column = SORTS.get(sort.removeprefix("-"), Receipt.received_on)
    order = column.desc() if sort.startswith("-") else column
    return statement.order_by(None).order_by(order, Receipt.id.desc())


@money.get("/receipts")
@allow(May.READ_MONEY)
def receipts() -> str:
    """List the money that came."""
    show = request.args.get("show", "")
    statement = asked_for(show)
    page = page_of(statement.add_columns(queries.credit_sql().label("credit")), rows=True)
    names = {
        "": _("All"),
        "unidentified": _("Unidentified"),
        "credit": _("With unused credit"),
        "twice": _("Paid twice"),
    }
    chips = [
        {"label": words, "href": web.url_with(show=key or None, page=None), "active": show == key}
        for key, words in names.items()
    ]  # fmt: skip
    return render_template("office/receipts.html", page=page, chips=chips)


def receipt_of(uid: str) -> Receipt:
    """Return one receipt."""
    row = db.session.scalars(select(Receipt).where(Receipt.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such receipt."))
    return row


def _of(model: Any, row: Receipt) -> list[Any]:
    return list(db.session.scalars(select(model).where(model.receipt_id == row.id).order_by(model.id)))


def receipt_page(row: Receipt, *, ask: f.AskRefund, status: int = 200) -> Any:
    """Return the page of a receipt: facts, what it pays, credit left, refunds, journal, story."""
    g.nav = "money.receipts"
    ask.amount.label.text = _("Amount (%(currency)s)", currency=row.currency)
    reader, allocations, refunds = me(), _of(Allocation, row), _of(Refund, row)
    entry, line = next(iter(_of(ReceiptEntry, row)), None), next(iter(_of(BankLine, row)), None)
    subjects = [row.subject, *(one.subject for one in (*refunds, entry, line) if one is not None)]
    q = request.args.get("q", "")
    credit = settling.credit_of(row)
    may_match = reader.staff_may(May.RECORD_RECEIPTS)
    return render_template(
        "office/receipt.html",
        receipt=row, reference=queries.references([row.id])[row.id], entry=entry, line=line, allocations=allocations, held={one.id for one, _left in reversing.standing(allocations)}, refunds=refunds, credit=credit,
        attempts=_of(CheckoutAttempt, row), reversals=_of(Reversal, row), disputes=_of(Dispute, row), dispute_reason=words.dispute_reason,
        unused=settling.unused(row), converts=credit and may_match and converting.payable(row),
        twice=row.id in set(db.session.scalars(queries.paid_twice().with_only_columns(Receipt.id))),
        candidates=matching.candidates(row, q) if credit and may_match else [],
        journal=queries.journal_of(receipt=row),
        history=db.session.scalars(audit.of_subject(*subjects)).all(),
        ask=ask, why=f.Why(), may_match=may_match, may_refund=reader.staff_may(May.REFUND),
    ), status  # fmt: skip


def refund_form(row: Receipt) -> f.AskRefund:
    """Return the form of a refund, filled with all of the credit and what is known of the payee."""
    party = row.party
    return f.AskRefund(
        data={
            "amount": f"{settling.unused(row).decimal:,.{settling.unused(row).exponent}f}",
            "payee": (party.title if party else "") or row.payer,
            "payee_bank": party.bank if party else "",
            "payee_account": party.bank_account if party else "",
        }
    )


@money.get("/receipts/<uid>")
@allow(May.READ_MONEY)
def receipt(uid: str) -> Any:
    """Show one receipt."""
    row = receipt_of(uid)
    return receipt_page(row, ask=refund_form(row))


@money.post("/receipts/<uid>/allocations")
@allow(May.RECORD_RECEIPTS)
def allocate(uid: str) -> BaseResponse:
    """Put the receipt's credit on an invoice."""
    row, invoice = receipt_of(uid), visible_invoice(request.form.get("invoice", ""))
    with transaction():
        part = settling.put_on(row, invoice, by=me().person)
        if not part:
            raise Refused(_("Nothing is left to pay on this invoice, or nothing is left of this receipt."))
        bank_clearing.clear_after(row, by=me().person)
    return go("money.receipt", _("Put on invoice %(number)s.", number=invoice.number), uid=uid)


@money.post("/receipts/<uid>/allocations/<int:number>/release")
@allow(May.RECORD_RECEIPTS)
def release(uid: str, number: int) -> BaseResponse:
    """Take money off an invoice again; it is credit of its payer."""
    row, given = receipt_of(uid), f.Why()
    found = next((one for one in _of(Allocation, row) if one.id == number and one.amount.minor > 0), None)
    if found is None:
        raise Missing(_("There is no such receipt."))
    left = {one.id: part for one, part in reversing.held_from(row)}
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        settling.release(found, by=me().person, reason=given.reason.data, part=left.get(number))
    return go("money.receipt", _("Taken off the invoice: it is credit again."), uid=uid)


def _alert(uid: str) -> PaymentAlert:
    row = db.session.scalars(select(PaymentAlert).where(PaymentAlert.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such alert."))
    return row


@money.get("/alerts/<uid>")
@allow(May.READ_MONEY)
def alert(uid: str) -> str:
    """Show what is wrong with a payment, and where to look."""
    row, g.nav = _alert(uid), "money.desk"
    return render_template(
        "office/alert.html",
        alert=row,
        said=words.trouble(row.detail),
        why=f.Why(),
        may_close=me().staff_may(May.RECORD_RECEIPTS),
    )


@money.post("/alerts/<uid>/closing")
@allow(May.RECORD_RECEIPTS)
def close_alert(uid: str) -> BaseResponse:
    """Close an alert with a note of what was done."""
    row, given, reader = _alert(uid), f.Why(), me()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    if row.closed_at is not None:
        raise Refused(_("This is closed already."))
    with transaction():
        row.closed_at, row.closed_by, row.note = clock.now(), reader.person, given.reason.data
        audit.record("payment.alert_closed", row, by=reader.person, note=given.reason.data)
    return go("money.desk", _("Closed."))
