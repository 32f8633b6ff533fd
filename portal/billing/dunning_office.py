"""Reminders at the finance desk: who is late, what comes next, pauses and decisions with their reasons."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import dunning, forms, ladder
from portal.billing import fapiao_forms as f
from portal.billing.access import visible_invoice
from portal.billing.dunning_list import standing
from portal.billing.dunning_models import DecisionState, DunningDecision, DunningNotice, HoldKind
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState
from portal.core import clock, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go

chasing = Blueprint("chasing", __name__, url_prefix="/office/money/reminders")


def told(invoice: Invoice) -> dict[str, Any]:
    """Return what a page says of an invoice's reminders: where it stands, what comes next, what holds it."""
    held = dunning.held_by(invoice) if invoice.state is InvoiceState.OPEN else None
    return {
        "climbs": invoice.ladder != ladder.NEVER,
        "next": dunning.next_step(invoice),
        "held": held,
        "hold": dunning.hold_of(invoice),
        "notices": dunning.notices_of(invoice),
        "names": {step.code: step.words for step in ladder.steps_of(invoice)},
    }


def _proposed() -> Select[DunningDecision]:
    return (
        select(DunningDecision)
        .join(DunningNotice, DunningNotice.id == DunningDecision.notice_id)
        .join(Invoice, Invoice.id == DunningNotice.invoice_id)
        .where(DunningDecision.state == DecisionState.PROPOSED, Invoice.state == InvoiceState.OPEN)
    )


def proposals() -> list[DunningDecision]:
    """Return what steps proposed and nobody has decided, while something is still owed; the oldest first."""
    return list(db.session.scalars(_proposed().order_by(DunningDecision.id)))


def count_proposals() -> Select[int]:
    """Select how many proposals wait for a decision."""
    return _proposed().with_only_columns(func.count(DunningDecision.id), maintain_column_froms=True)


@chasing.get("/")
@allow(May.READ_MONEY)
def late() -> str:
    """List the open invoices that are reminded, the latest first, with where each stands."""
    show, today = request.args.get("show", "late"), clock.today()
    statement = select(Invoice).where(Invoice.state == InvoiceState.OPEN)
    if show == "late":
        statement = statement.where(Invoice.due_on < today)
    names = [("late", _("Overdue")), ("all", _("All open invoices"))]
    chips = [
        {"label": words, "href": web.url_with(show=key, page=None), "active": show == key}
        for key, words in names
    ]
    page = page_of(statement.order_by(Invoice.due_on, Invoice.id))
    rows = standing(page.items)
    return render_template(
        "office/reminders.html", page=page, rows=rows, chips=chips, proposals=proposals(), block=ladder.PROPOSE_BLOCK,
        may_chase=me().staff_may(May.CHASE_DEBTORS), why=forms.Why(formdata=None),
    )  # fmt: skip


def _page(uid: str, *, hold: f.Hold | None = None, status: int = 200) -> Any:
    row = visible_invoice(uid)
    g.nav = "chasing.late"
    decisions = {
        one.notice_id: one
        for one in db.session.scalars(
            select(DunningDecision).join(DunningNotice).where(DunningNotice.invoice_id == row.id)
        )
    }
    return render_template(
        "office/reminder.html", invoice=row, owed=owed(row), decisions=decisions, **told(row),
        pause=hold or f.Hold(formdata=None).offer(), may_chase=me().staff_may(May.CHASE_DEBTORS),
        late=(clock.today() - row.due_on).days if row.due_on else 0, blocked=dunning.blocked(row.party),
    ), status  # fmt: skip


@chasing.get("/<uid>")
@allow(May.READ_MONEY)
def one(uid: str) -> Any:
    """Show the reminders of one invoice: every step, what holds it, what comes next."""
    return _page(uid)


@chasing.post("/<uid>/hold")
@allow(May.CHASE_DEBTORS)
def hold(uid: str) -> Any:
    """Pause the reminders of an invoice."""
    row, form = visible_invoice(uid), f.Hold().offer()
    if status := form.carry_out(
        lambda: dunning.hold(
            row, HoldKind(form.kind.data), by=me().person, reason=form.reason.data, until=form.until.data
        )
    ):
        return _page(uid, hold=form, status=status)
    return go("chasing.one", _("The reminders are paused."), uid=uid)


@chasing.post("/<uid>/resumption")
@allow(May.CHASE_DEBTORS)
def lift(uid: str) -> BaseResponse:
    """Let the reminders go on."""
    row = visible_invoice(uid)
    with transaction():
        dunning.lift(row, by=me().person)
    return go("chasing.one", _("The reminders go on from the next morning."), uid=uid)


@chasing.post("/proposals/<uid>")
@allow(May.CHASE_DEBTORS)
def decide(uid: str) -> BaseResponse:
    """Confirm what a step proposes, or decline it, with the reason."""
    row = db.session.scalars(select(DunningDecision).where(DunningDecision.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such proposal."))
    given = forms.Why()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        confirmed = request.form.get("good") == "yes"
        dunning.decide(row, confirmed=confirmed, by=me().person, reason=given.reason.data)
    return go("chasing.one", _("Confirmed.") if confirmed else _("Declined."), uid=row.notice.invoice.uid)
