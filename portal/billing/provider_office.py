"""The desk's pages about the payment provider: its events, attempts to pay, disputes and payouts."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import gateway, inbox, words
from portal.billing.checkout_models import CheckoutAttempt, GatewayEvent
from portal.billing.models import Invoice
from portal.billing.office import money
from portal.billing.payouts import COSTS, PAYMENTS
from portal.billing.provider_models import Dispute, Payout, PayoutLine
from portal.core import audit, chores, export, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.outbox import OutboxItem
from portal.core.paging import asked, page_of
from portal.core.web import go

UNWORKED = GatewayEvent.worked_at.is_(None)
TROUBLED = GatewayEvent.error != ""


def _shown(show: str, q: str) -> Select[Any]:
    """Select the rows of one of the four lists, searched."""
    rows: Any
    if show == "attempts":
        rows = select(CheckoutAttempt).join(Invoice).order_by(CheckoutAttempt.id.desc())
        tests = [
            Invoice.number.icontains(q, autoescape=True),
            CheckoutAttempt.session_id.icontains(q, autoescape=True),
        ]
    elif show == "disputes":
        rows = select(Dispute).order_by(Dispute.id.desc())
        tests = [
            Dispute.dispute_id.icontains(q, autoescape=True),
            Dispute.reason.icontains(q, autoescape=True),
        ]
    elif show == "payouts":
        rows = select(Payout).order_by(Payout.id.desc())
        tests = [Payout.payout_id.icontains(q, autoescape=True)]
    else:
        rows = select(GatewayEvent).order_by(GatewayEvent.id.desc())
        tests = [
            GatewayEvent.event_id.icontains(q, autoescape=True),
            GatewayEvent.kind.icontains(q, autoescape=True),
        ]
        if show == "trouble":
            rows = rows.where(UNWORKED | TROUBLED)
    found: Select[Any] = rows.where(or_(*tests)) if q else rows
    return found


def _chips(show: str) -> list[dict[str, Any]]:
    names = {
        "events": _("Events"), "trouble": _("Events not worked"), "attempts": _("Attempts to pay"),
        "disputes": _("Disputes"), "payouts": _("Payouts"),
    }  # fmt: skip
    waiting = db.session.scalar(select(func.count(GatewayEvent.id)).where(UNWORKED | TROUBLED)) or 0
    return [
        {
            "label": words, "href": web.url_with(show=code, page=None, q=None), "active": show == code,
            "count": waiting if code == "trouble" and waiting else None,
        }
        for code, words in names.items()
    ]  # fmt: skip


def event_state(row: GatewayEvent) -> dict[str, str]:
    """Return what an event is at, in words and tone."""
    if row.worked_at and not row.error:
        return {"label": _("Worked"), "tone": "good", "icon": "check-circle-fill"}
    if row.worked_at:
        return {"label": _("Set aside"), "tone": "warn", "icon": "archive"}
    if row.error:
        return {"label": _("Failing"), "tone": "warn", "icon": "exclamation-triangle-fill"}
    return {"label": _("Waiting"), "tone": "wait", "icon": "hourglass-split"}


def movement(kind: str) -> str:
    """Return what a movement of the provider's balance is called; its code if it has no words."""
    if kind in PAYMENTS:
        return _("Payment")
    if kind in COSTS:
        return _("Fee of the provider")
    names = {
        "refund": _("Refund"), "payment_refund": _("Refund"), "adjustment": _("Dispute"),
        "refund_failure": _("Refund that came back"), "payment_failure_refund": _("Refund that came back"),
        "payout_failure": _("Payout that came back"),
    }  # fmt: skip
    return names.get(kind, kind)


@money.get("/online")
@allow(May.READ_MONEY)
def online() -> str:
    """List what the provider told, what payers tried, what is disputed and what was paid out."""
    show = request.args.get("show", "events")
    show = show if show in {"events", "trouble", "attempts", "disputes", "payouts"} else "events"
    return render_template(
        "office/online.html",
        page=page_of(_shown(show, asked("q"))),
        chips=_chips(show),
        show=show,
        event_state=event_state,
        dispute_reason=words.dispute_reason,
        gateway=gateway.which(),
        live=gateway.live_mode(),
        last=chores.last_runs().get("reconcile"),
        may_act=me().staff_may(May.RECORD_RECEIPTS),
    )


def _event(name: str) -> GatewayEvent:
    row = db.session.scalars(select(GatewayEvent).where(GatewayEvent.event_id == name)).first()
    if row is None:
        raise Missing(_("There is no such event."))
    return row


@money.get("/online/events/<name>")
@allow(May.READ_MONEY)
def event(name: str) -> str:
    """Show an event as it came, what became of it, and its next try."""
    row, g.nav = _event(name), "money.online"
    keys = [f"gateway_event:{name}", *(f"gateway_event:{name}#{n}" for n in range(1, row.replays + 1))]
    work = select(OutboxItem).where(OutboxItem.key.in_(keys)).order_by(OutboxItem.id.desc())
    return render_template(
        "office/event.html",
        event=row,
        event_state=event_state,
        work=db.session.scalars(work).first(),
        body=json.dumps(row.body, ensure_ascii=False, indent=2),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
        foreign=inbox.foreign(row.body),
        may_act=me().staff_may(May.RECORD_RECEIPTS),
    )


@money.post("/online/events/<name>/replay")
@allow(May.RECORD_RECEIPTS)
def replay_event(name: str) -> BaseResponse:
    """Work an event once more."""
    row = _event(name)
    with transaction():
        inbox.replay(row, by=me().person)
    return go("money.event", _("The event is worked again in a moment; nothing is booked twice."), name=name)


@money.post("/online/comparison")
@allow(May.RECORD_RECEIPTS)
def reconcile_now() -> BaseResponse:
    """Compare three days with the provider now."""
    person = me().person
    with transaction():
        if chores.ask("reconcile", by=person.name):
            audit.record("chore.asked", "chore:reconcile", by=person, chore="reconcile")
    return go("money.online", _("The comparison is filed; the worker does it in a moment."))


@money.get("/online/payouts/<uid>")
@allow(May.READ_MONEY)
def payout(uid: str) -> str:
    """Show a payout line by line: what came, what it cost, what arrived."""
    row, g.nav = db.session.scalars(select(Payout).where(Payout.uid == uid)).first(), "money.online"
    if row is None:
        raise Missing(_("There is no such payout."))
    history = db.session.scalars(audit.of_subject(row.subject)).all()
    return render_template("office/payout.html", payout=row, history=history, movement=movement)


@money.get("/online/payouts/file")
@allow(May.READ_MONEY)
def payouts_file() -> Response:
    """Hand out the lines of all payouts as CSV."""
    heads = (
        _("Payout"), _("Arrives"), _("State"), _("Movement"), _("Type"), _("Gross"), _("Fee"), _("After the fee"), _("Payer"),
    )  # fmt: skip

    def row(one: Any) -> tuple[Any, ...]:
        found, line = one
        payer = line.receipt.payer if line.receipt else ""
        return (
            found.payout_id, found.arrives_on, labels.label(found.state), line.txn_id, movement(line.kind), line.gross, line.fee,
            line.net, payer,
        )  # fmt: skip

    lines: Any = select(Payout, PayoutLine).join(PayoutLine).order_by(Payout.id.desc())
    return export.csv_of("payouts", heads, lines, row, by=me().person, rows=True)
