"""The price desk's discounts, quotes and subscriptions."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing import catalogue, discounting, forms, quoting
from portal.billing import price_forms as f
from portal.billing.curves import percent
from portal.billing.discount_models import DiscountOffer, DiscountState
from portal.billing.issuing import party_of
from portal.billing.models import Party
from portal.billing.price_models import AudienceKind
from portal.billing.price_office import shelf
from portal.billing.pricing import DiscountKind, PriceModel
from portal.billing.quote_models import Quote
from portal.billing.subscription_models import Subscription
from portal.core import audit, clock, files, i18n, labels
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.money import Money
from portal.core.paging import page_of
from portal.core.web import go
from portal.core.words import money


def worth(row: DiscountOffer) -> str:
    """Return what a discount takes off, in words."""
    if row.kind is DiscountKind.PERCENT:
        return percent(row.value)
    return money(Money(row.value)) if row.kind is DiscountKind.FIXED else labels.label(row.kind)


def _discounts(form: f.NewDiscount, status: int = 200) -> Any:
    g.nav, reader = "shelf.products", me()
    form.kind.choices = options((one.value, labels.label(one)) for one in DiscountKind)
    form.audience_kind.choices = options((one.value, labels.label(one)) for one in AudienceKind)
    rows = db.session.scalars(select(DiscountOffer).order_by(DiscountOffer.id.desc())).all()
    return render_template(
        "office/discounts.html", rows=rows, worth=worth, uses=discounting.uses, form=form, mine=reader.person.id,
        may_sell=reader.staff_may(May.SELL), alone=percent(discounting.alone_bp()),
        history=db.session.scalars(audit.of_subject(*(row.subject for row in rows))).all(),
    ), status  # fmt: skip


@shelf.get("/discounts")
@allow(May.READ_MONEY)
def discounts() -> Any:
    """List discounts, coupons and waivers with their uses."""
    form = f.NewDiscount()
    form.starts.data = clock.today()
    return _discounts(form)


def _value(form: f.NewDiscount) -> int:
    kind = DiscountKind(form.kind.data)
    if kind is DiscountKind.WAIVER:
        return 0
    read = f.basis if kind is DiscountKind.PERCENT else f.minor
    found = read(form.value.data, "value")
    if not found:
        raise Refused(_("Please write how much is taken off."), field="value", status=422)
    return found


@shelf.post("/discounts")
@allow(May.SELL)
def offer_discount() -> Any:
    """Write a discount down."""
    form = f.NewDiscount()
    form.kind.choices = options((one.value, "") for one in DiscountKind)
    form.audience_kind.choices = options((one.value, "") for one in AudienceKind)
    if form.validate_on_submit():
        try:
            with transaction():
                made = discounting.offer_discount(
                    by=me().person, kind=DiscountKind(form.kind.data), value=_value(form),
                    words={"en": form.en.data, "zh": form.zh.data}, code=(form.code.data or "").upper() or None,
                    products=[one.strip() for one in (form.products.data or "").split(",") if one.strip()],
                    starts=form.starts.data, ends=form.ends.data, most_uses=form.most_uses.data,
                    audience_kind=AudienceKind(form.audience_kind.data), audience=form.audience.data or "",
                    first_period_only=bool(form.first_period_only.data), reason=form.reason.data or "",
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            waits = made.state is DiscountState.PROPOSED
            said = _("Written down. A second person decides on it.") if waits else _("It may be used.")
            return go("shelf.discounts", said)
    return _discounts(form, 422)


def _discount(uid: str) -> DiscountOffer:
    row = db.session.scalars(select(DiscountOffer).where(DiscountOffer.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such discount."))
    return row


@shelf.post("/discounts/<uid>/approval")
@allow(May.SELL)
def approve_discount(uid: str) -> BaseResponse:
    """Stand for another's discount."""
    row = _discount(uid)
    with transaction():
        discounting.approve_discount(row, by=me().person)
    return go("shelf.discounts", _("It may be used."))


@shelf.post("/discounts/<uid>/refusal")
@allow(May.SELL)
def decline_discount(uid: str) -> BaseResponse:
    """Say no to another's discount."""
    row, why = _discount(uid), forms.Why()
    if not why.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        discounting.decline_discount(row, by=me().person, reason=why.reason.data)
    return go("shelf.discounts", _("The discount is declined."))


@shelf.post("/discounts/<uid>/end")
@allow(May.SELL)
def end_discount(uid: str) -> BaseResponse:
    """End a discount."""
    row = _discount(uid)
    with transaction():
        discounting.end_discount(row, by=me().person)
    return go("shelf.discounts", _("Nobody can use it from now on; what was granted stays."))


@shelf.get("/quotes")
@allow(May.READ_MONEY)
def quotes() -> str:
    """List quotes, the newest first."""
    g.nav = "shelf.products"
    return render_template(
        "office/quotes.html",
        page=page_of(select(Quote).order_by(Quote.id.desc())),
        may_sell=me().staff_may(May.SELL),
    )


def _quote(uid: str) -> Quote:
    row = db.session.scalars(select(Quote).where(Quote.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such quote."))
    return row


def payer(asked: str) -> Party:
    """Return the party of one organisation by its name or number; `Refused` unless exactly one fits."""
    text = asked.strip()
    found = db.session.scalars(
        select(Organisation)
        .where(
            or_(Organisation.search_text.icontains(text, autoescape=True), Organisation.legal_name == text)
        )
        .order_by(Organisation.id)
        .limit(6)
    ).all()
    exact = [one for one in found if text in (one.legal_name, one.legal_key)]
    if len(exact or found) != 1:
        names = "; ".join(one.legal_name for one in found[:5])
        said = _("Several fit: %(names)s", names=names) if found else _("Nobody of this name is here.")
        raise Refused(said, field="party", status=422)
    return party_of((exact or list(found))[0])


@shelf.route("/quotes/new", methods=["GET", "POST"])
@allow(May.SELL)
def new_quote() -> Any:
    """Write a quote and send it."""
    form, g.nav = f.NewQuote(), "shelf.products"
    sold = [
        price for price in catalogue.prices() if price.months is None and price.model is not PriceModel.SHARE
    ]
    form.product.choices = options(
        (price.product, price.words["zh" if i18n.language().startswith("zh") else "en"]) for price in sold
    )
    if form.validate_on_submit():
        given = {"en": form.en.data or form.zh.data, "zh": form.zh.data or form.en.data}
        try:
            with transaction():
                made = quoting.draft_quote(
                    payer(form.party.data), catalogue.price_of(form.product.data), by=me().person,
                    language="zh_Hans_CN", quantity=form.quantity.data, sum_=f.minor(form.amount.data, "amount"),
                    words=given if given["en"] else None, note=form.note.data or "", halves=bool(form.halves.data),
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("shelf.quote", _("The quote is written down."), uid=made.uid)
    return render_template("office/quote_new.html", form=form), 422 if form.errors else 200


@shelf.get("/quotes/<uid>")
@allow(May.READ_MONEY)
def quote(uid: str) -> str:
    """Show one quote with its exact figures."""
    row, g.nav, reader = _quote(uid), "shelf.products", me()
    return render_template(
        "office/quote.html", quote=row, mine=row.by_id == reader.person.id, may_sell=reader.staff_may(May.SELL),
        why=forms.Why(), history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


@shelf.get("/quotes/<uid>/pdf")
@allow(May.READ_MONEY)
def quote_pdf(uid: str) -> Response:
    """Hand out a quote as PDF."""
    row = _quote(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


@shelf.post("/quotes/<uid>/approval")
@allow(May.SELL)
def approve_quote(uid: str) -> BaseResponse:
    """Stand for another's quote outside the range."""
    row = _quote(uid)
    with transaction():
        quoting.approve_quote(row, by=me().person)
    return go("shelf.quote", _("The quote is on its way."), uid=uid)


@shelf.post("/quotes/<uid>/withdrawal")
@allow(May.SELL)
def withdraw_quote(uid: str) -> BaseResponse:
    """Take a quote back."""
    row, why = _quote(uid), forms.Why()
    if not why.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        quoting.withdraw_quote(row, by=me().person, reason=why.reason.data)
    return go("shelf.quote", _("The quote is withdrawn."), uid=uid)


@shelf.get("/subscriptions")
@allow(May.READ_MONEY)
def subscriptions() -> str:
    """List subscriptions, the newest first."""
    g.nav = "shelf.products"
    page = page_of(select(Subscription).order_by(Subscription.id.desc()))
    return render_template("office/subscriptions.html", page=page, may_sell=me().staff_may(May.SELL))


@shelf.get("/subscriptions/<uid>")
@allow(May.READ_MONEY)
def subscription(uid: str) -> str:
    """Show one subscription with its periods, changes and history."""
    row, g.nav = (
        db.session.scalars(select(Subscription).where(Subscription.uid == uid)).first(),
        "shelf.products",
    )
    if row is None:
        raise Missing(_("There is no such subscription."))
    changes = db.session.scalars(
        select(Quote).where(Quote.subscription_id == row.id).order_by(Quote.id.desc())
    )
    return render_template(
        "office/subscription.html", row=row, changes=changes.all(),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip
