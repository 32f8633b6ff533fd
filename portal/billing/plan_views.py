"""Subscriptions and quotes as their payer sees them: exact figures first, then the button."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.billing import changing, plans_seen, quoting, subscribing
from portal.billing import price_forms as f
from portal.billing.catalogue import Audience, price_of
from portal.billing.changing import Outdated
from portal.billing.curves import border_table, curve
from portal.billing.quote_models import Quote
from portal.core import clock, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go

plans = Blueprint("plans", __name__)


@plans.get("/subscriptions")
@signed_in
def subscriptions() -> str:
    """List the reader's subscriptions and the quotes that wait for an answer."""
    return render_template(
        "billing/subscriptions.html",
        rows=db.session.scalars(plans_seen.visible_subscriptions(me())).all(),
        quotes=db.session.scalars(plans_seen.open_quotes(me())).all(),
    )


def _page(uid: str, form: f.Change, status: int = 200) -> Any:
    row = plans_seen.visible_subscription(uid)
    form.plan.choices = plans_seen.choices(row)
    price = plans_seen.price_now(row)
    return render_template(
        "billing/subscription.html", row=row, form=form, curve=curve(price), borders=border_table(price),
        price=price, running=subscribing.period_on(row, clock.today()), may=plans_seen.may_decide(me(), row.party),
        changes=db.session.scalars(
            select(Quote).where(Quote.subscription_id == row.id).order_by(Quote.id.desc())
        ).all(),
    ), status  # fmt: skip


@plans.get("/subscriptions/<uid>")
@signed_in
def subscription(uid: str) -> Any:
    """Show one subscription: its periods, and what a change would cost."""
    row, form = plans_seen.visible_subscription(uid), f.Change()
    form.plan.data, form.quantity.data = row.price.product.code, row.quantity
    return _page(uid, form)


@plans.post("/subscriptions/<uid>/quotes")
@signed_in
def ask_change(uid: str) -> Any:
    """Write down what a change would cost."""
    row, form = plans_seen.own_subscription(uid), f.Change()
    form.plan.choices = plans_seen.choices(row)
    if form.validate_on_submit():
        try:
            with transaction():
                price = price_of(form.plan.data, audience=Audience(**row.asked))
                made = changing.quote_change(row, price, by=me().person, quantity=form.quantity.data)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("plans.quote", uid=made.uid)
    return _page(uid, form, 422)


@plans.post("/subscriptions/<uid>/end")
@signed_in
def end(uid: str) -> BaseResponse:
    """Let a subscription end with its last period."""
    row = plans_seen.own_subscription(uid)
    with transaction():
        subscribing.end_subscription(row, by=me().person)
    return go("plans.subscription", _("It ends with the period that is paid for."), uid=uid)


@plans.post("/subscriptions/<uid>/continuation")
@signed_in
def keep(uid: str) -> BaseResponse:
    """Take the end back."""
    row = plans_seen.own_subscription(uid)
    with transaction():
        subscribing.keep_subscription(row, by=me().person)
    return go("plans.subscription", _("It renews by itself again."), uid=uid)


@plans.get("/quotes")
@signed_in
def quotes() -> str:
    """List the reader's quotes."""
    return render_template("billing/quotes.html", page=page_of(plans_seen.visible_quotes(me())))


def _quote_page(row: Quote, status: int = 200, said: str = "") -> Any:
    return render_template(
        "billing/quote.html", quote=row, may=plans_seen.may_decide(me(), row.party), outdated=said
    ), status


@plans.get("/quotes/<uid>")
@signed_in
def quote(uid: str) -> Any:
    """Show one quote: exactly what accepting it would issue."""
    return _quote_page(plans_seen.visible_quote(uid))


@plans.post("/quotes/<uid>/acceptance")
@signed_in
def accept(uid: str) -> Any:
    """Accept a quote; one that moved is answered with a new one (409)."""
    row, by = plans_seen.own_quote(uid), me().person
    try:
        with transaction():
            done = quoting.accept(row, by=by)
    except Outdated as refusal:
        said = str(refusal)
        with transaction():
            fresh = quoting.replace(plans_seen.own_quote(uid), by=by)
        return _quote_page(fresh or plans_seen.visible_quote(uid), 409, said)
    if done.invoice is not None and done.invoice.gross:
        return go("billing.invoice", _("Accepted. This is the invoice."), uid=done.invoice.uid)
    return go("plans.quote", _("Accepted."), uid=uid)


@plans.post("/quotes/<uid>/refusal")
@signed_in
def decline(uid: str) -> BaseResponse:
    """Say no to a quote."""
    row = plans_seen.own_quote(uid)
    with transaction():
        quoting.decline_quote(row, by=me().person)
    return go("plans.quote", _("The quote is declined."), uid=uid)


@plans.get("/quotes/<uid>/pdf")
@signed_in
def quote_pdf(uid: str) -> Response:
    """Hand out a quote as PDF."""
    row = plans_seen.visible_quote(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)
