"""The price desk begins a subscription for a payer: chosen, looked at period by period, then begun."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import DateField, IntegerField
from wtforms.validators import NumberRange

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import catalogue, subscribing
from portal.billing.catalogue import Price
from portal.billing.curves import said
from portal.billing.models import Party
from portal.billing.price_models import PriceVersion, Product
from portal.billing.price_office import shelf
from portal.billing.pricing import PriceModel
from portal.billing.sell_office import payer
from portal.billing.subscribing import Ahead
from portal.billing.subscription_models import Renewal, Subscription, SubscriptionState
from portal.core import catalogue as settings
from portal.core import clock, i18n, labels
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, options, text_field
from portal.core.web import go

BACK, AHEAD = timedelta(days=31), timedelta(days=366)
LIVE = (SubscriptionState.ACTIVE, SubscriptionState.ENDING)


class Begin(Form):
    """A subscription to begin."""

    party = text_field(
        _l("Payer"), longest=200, description=_l("The name or tax number of the organisation.")
    )
    price = choice_field(_l("Product and price"))
    quantity = IntegerField(
        _l("Quantity"), default=1, validators=[NumberRange(1, 10**6, _l("Please write a whole number."))]
    )
    anchor = DateField(_l("First day"), validators=[REQUIRED])
    renewal = choice_field(_l("Price of later periods"))

    def offer(self) -> Begin:
        """Fill the lists with what is sold today and renews."""
        self.price.choices = options((str(price.id), _said(price)) for price in sold())
        self.renewal.choices = options((one.value, labels.label(one)) for one in Renewal)
        return self


def sold() -> list[Price]:
    """Return the prices for everybody that renew and need no quote; dues come with a membership and never from here."""
    quoted = {PriceModel.QUOTED, PriceModel.SHARE}
    renews = (one for one in catalogue.prices() if one.months is not None and one.stream != "dues")
    return [one for one in renews if one.model not in quoted]


def _said(price: Price) -> str:
    words = price.words["zh" if i18n.language().startswith("zh") else "en"]
    every = labels.label(catalogue.interval_of(price.months))
    return f"{words} · {said(price)} · {every}"


def _chosen(form: Begin) -> Price:
    found = next((one for one in sold() if str(one.id) == form.price.data), None)
    if found is None:
        raise Refused(_("This price is not sold any more: please choose again."), field="price", status=422)
    try:
        found.listed(form.quantity.data or 0)
    except ValueError:
        raise Refused(
            _("This quantity cannot be sold at this price."), field="quantity", status=422
        ) from None
    return found


def _day(form: Begin) -> date:
    today = clock.today()
    day: date | None = form.anchor.data
    if day is None or not today - BACK <= day <= today + AHEAD:
        raise Refused(
            _("Please choose a first day from 31 days ago to a year ahead."), field="anchor", status=422
        )
    return day


def _new_to(party: Party, price: Price) -> None:
    """Refuse a second subscription of a payer to the same product: the first is changed instead."""
    db.session.scalars(select(Party).where(Party.id == party.id).with_for_update(of=Party)).one()
    same = (
        select(Subscription.id)
        .join(PriceVersion, PriceVersion.id == Subscription.price_id)
        .join(Product)
        .where(
            Subscription.party_id == party.id,
            Subscription.state.in_(LIVE),
            Product.code == price.product,
        )
    )
    if db.session.scalar(same.limit(1)) is not None:
        raise Refused(
            _("This payer has a subscription to this already: change that one."), field="price", status=422
        )


def _preview(form: Begin) -> tuple[list[Ahead], str]:
    """Return the first periods as they would be, or why there are none; nothing is written."""
    try:
        price = _chosen(form)
        return subscribing.ahead(price, form.quantity.data, _day(form)), ""
    except Refused as refusal:
        return [], str(refusal)


def _page(form: Begin, status: int = 200) -> Any:
    g.nav = "shelf.products"
    asked = bool(request.values.get("price")) and not form.errors
    periods, problem = _preview(form) if asked else ([], "")
    return render_template(
        "office/subscription_new.html", form=form, periods=periods, problem=problem,
        lead=int(settings.policy("subscription.lead_days")), follows=form.renewal.data == Renewal.LATEST.value,
    ), status  # fmt: skip


@shelf.get("/subscriptions/new")
@allow(May.SELL)
def new_subscription() -> Any:
    """Show the form, and what the first periods would be."""
    form = Begin(request.args, meta={"csrf": True}).offer()
    if not request.args:
        form.anchor.data, form.quantity.data = clock.today(), 1
        form.renewal.data = str(settings.policy("subscription.renewal"))
    return _page(form)


@shelf.post("/subscriptions/new")
@allow(May.SELL)
def begin_subscription() -> Any:
    """Begin a subscription, its first period invoiced at once; or only look at the periods."""
    form = Begin().offer()
    if "look" in request.form:
        return _page(form)
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        with transaction():
            price, party = _chosen(form), payer(form.party.data)
            _new_to(party, price)
            made = subscribing.subscribe(
                party, price, by=me().person, quantity=form.quantity.data, anchor=_day(form),
                renewal=Renewal(form.renewal.data),
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return _page(form, refusal.status)
    return go("shelf.subscription", _("Begun: the first period is invoiced."), uid=made.uid)
