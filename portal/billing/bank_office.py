"""The reconciliation page: lines of the bank on the left, what the chosen one may be on the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import bank_clearing, bank_queries, bank_refunds
from portal.billing.access import visible_invoice
from portal.billing.bank_ladder import Verdict
from portal.billing.bank_models import BankLine, LineState, OutsideMove, OutsideReason
from portal.billing.models import Party
from portal.billing.money_models import Allocation, Refund
from portal.billing.office import money
from portal.core import audit, catalogue, export, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import clean
from portal.core.paging import Page, asked, page_of
from portal.core.web import go

SIZES = (50, 100, 200)
KEPT = ("account", "show", "find", "page")


def line_of(uid: str) -> BankLine:
    """Return one line of a bank statement."""
    row = db.session.scalars(select(BankLine).where(BankLine.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such line."))
    return row


def account_asked() -> str:
    """Return the account the reader looks at: the one asked for, else the first."""
    known = catalogue.entries("bank_account")
    code = asked("account")
    return code if code in known else next(iter(known), "")


def _chips(account: str, show: str) -> list[dict[str, Any]]:
    counts = bank_queries.counts(account)
    names = {
        "": _("To clear"),
        "suggested": labels.label(LineState.SUGGESTED),
        "new": labels.label(LineState.NEW),
        "matched": labels.label(LineState.MATCHED),
        "outside": labels.label(LineState.OUTSIDE),
        "all": _("All"),
    }
    return [
        {
            "label": words, "count": counts[key], "active": show == key,
            "href": web.url_with(show=key or None, page=None, line=None, q=None, done=None),
        }
        for key, words in names.items()
    ]  # fmt: skip


def _chosen(page: Page) -> BankLine | None:
    uid = asked("line")
    if uid:
        return line_of(uid)
    found: BankLine | None = page.items[0] if page.items else None
    return found


def _around(page: Page, line: BankLine | None) -> tuple[str, str]:
    """Return the lines before and after the chosen one in the list."""
    uids = [one.uid for one in page.items]
    if line is None or line.uid not in uids:
        return "", uids[0] if uids else ""
    at = uids.index(line.uid)
    return (uids[at - 1] if at else ""), (uids[at + 1] if at + 1 < len(uids) else "")


def detail(line: BankLine, *, may_match: bool) -> dict[str, Any]:
    """Return all the right side shows of a line."""
    q, opened = asked("q"), line.state in bank_queries.OPEN
    verdict = bank_queries.verdict_of(line) if opened and line.receipt is not None else Verdict(5)
    paid = select(Allocation).where(Allocation.receipt_id == line.receipt_id).order_by(Allocation.id)
    return {
        "q": q,
        "opened": opened and may_match,
        "verdict": verdict,
        "offers": bank_queries.offers(line, verdict, q) if opened else [],
        "payers": bank_queries.parties(line, verdict, q) if opened and line.receipt is not None else [],
        "refunds": bank_refunds.waiting(line) if opened and line.receipt is None else [],
        "payout": bank_refunds.payout_of(line) if opened and line.receipt is not None else "",
        "reasons": list(OutsideReason),
        "last_reason": bank_queries.last_reason(line) if opened else None,
        "outside": bank_queries.outside_of(line),
        "paid": db.session.scalars(paid).all() if line.receipt_id else [],
        "history": db.session.scalars(audit.of_subject(line.subject)).all(),
    }


@money.get("/bank")
@allow(May.READ_MONEY)
def bank() -> str:
    """Show the lines of a bank account, and what the chosen one may be."""
    account, show, find = account_asked(), asked("show"), asked("find")
    page = page_of(bank_queries.lines(account, show, find), sizes=SIZES)
    line, may_match = _chosen(page), me().staff_may(May.RECORD_RECEIPTS)
    before, after = _around(page, line)
    done = asked("done")
    return render_template(
        "office/bank.html",
        accounts=catalogue.entries("bank_account"), account=account, show=show, find=find, page=page, line=line,
        before=before, after=after, done=line_of(done) if done else None, chips=_chips(account, show),
        progress=bank_queries.progress(account), proof=bank_queries.proof(), may_match=may_match,
        detail=detail(line, may_match=may_match) if line is not None else None,
        listed=bool(asked("line")),
    )  # fmt: skip


def _back(words: str, *, tone: str = "good", **more: str) -> BaseResponse:
    """Return to the page as it was, at a line."""
    kept = {key: request.form.get(f"at_{key}", "")[:200] for key in KEPT}
    values = {key: value for key, value in {**kept, **more}.items() if value}
    return go("money.bank", words, tone=tone, **values)


def _clear(uid: str, act: Callable[[BankLine], object], words: str) -> BaseResponse:
    """Do one act of clearing and go on to the next line; a refusal stays at this one and loses nothing."""
    row = line_of(uid)
    try:
        with transaction():
            act(row)
    except Refused as refusal:
        return _back(str(refusal), tone="bad", line=uid)
    return _back(words, line=request.form.get("at_next", "")[:32], done=uid)


@money.post("/bank/lines/<uid>/match")
@allow(May.RECORD_RECEIPTS)
def bank_match(uid: str) -> BaseResponse:
    """Put a line's money on the chosen invoices."""
    invoices = [visible_invoice(one) for one in request.form.getlist("invoice")[:50]]
    by = me().person
    return _clear(uid, lambda row: bank_clearing.match(row, invoices, by=by), _("Matched."))


@money.post("/bank/lines/<uid>/keep")
@allow(May.RECORD_RECEIPTS)
def bank_keep(uid: str) -> BaseResponse:
    """Keep a line's money as a payer's credit."""
    party = db.session.scalars(select(Party).where(Party.uid == request.form.get("party", ""))).first()
    if party is None:
        raise Missing(_("There is no such payer."))
    by = me().person
    return _clear(uid, lambda row: bank_clearing.keep(row, party, by=by), _("Kept as credit of its payer."))


@money.post("/bank/lines/<uid>/refund")
@allow(May.RECORD_RECEIPTS)
def bank_refund(uid: str) -> BaseResponse:
    """Say that money out is a refund."""
    refund = db.session.scalars(select(Refund).where(Refund.uid == request.form.get("refund", ""))).first()
    if refund is None:
        raise Missing(_("There is no such refund."))
    by = me().person

    def act(row: BankLine) -> None:
        bank_refunds.match_refund(bank_clearing.open_out(row), refund, by=by)

    return _clear(uid, act, _("Matched."))


@money.post("/bank/lines/<uid>/outside")
@allow(May.RECORD_RECEIPTS)
def bank_outside(uid: str) -> BaseResponse:
    """Set a line outside the portal, with a reason."""
    by, given = me().person, request.form.get("reason", "")
    note = str(clean(request.form.get("note", "")))[:300]

    def act(row: BankLine) -> None:
        if given not in list(OutsideReason):
            raise Refused(_("Please choose a reason."), status=422)
        if given == OutsideReason.OTHER and not note:
            raise Refused(_("Please say what it is."), status=422)
        payout = bank_refunds.payout_of(row) if given == OutsideReason.PAYOUT else ""
        if given == OutsideReason.PAYOUT and not payout:
            raise Refused(_("No payout of this sum is booked within a week of this day."))
        made = OutsideMove(
            line=row, amount=row.amount, reason=OutsideReason(given), note=note, by_name=by.name[:120], payout=payout
        )  # fmt: skip
        bank_clearing.set_outside(row, made, by=by)

    return _clear(uid, act, _("Set outside."))


@money.post("/bank/lines/<uid>/undo")
@allow(May.RECORD_RECEIPTS)
def bank_undo(uid: str) -> BaseResponse:
    """Take a clearing back."""
    row, by = line_of(uid), me().person
    try:
        with transaction():
            bank_clearing.undo(row, by=by)
    except Refused as refusal:
        return _back(str(refusal), tone="bad", line=uid)
    return _back(_("Undone: the line waits again."), line=uid)


@money.get("/bank/lines/file")
@allow(May.READ_MONEY)
def bank_lines_file() -> Response:
    """Hand out the lines shown as CSV."""
    heads = [_("Booked on"), _("Payer"), _("Account number"), _("Text of the transfer"), _("Bank reference"), _("Amount"), _("State")]  # fmt: skip

    def cells(row: BankLine) -> list[Any]:
        return [row.booked_on, row.payer, row.payer_account, row.text, row.bank_ref, row.amount, labels.label(row.state)]  # fmt: skip

    statement = bank_queries.lines(account_asked(), asked("show"), asked("find"))
    return export.csv_of("bank-lines", heads, statement, cells, by=me().person)
