"""The price desk: what is sold and for how much, drafted, compared, looked at and published by another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import forms, publishing, retiring, shelves
from portal.billing import price_forms as f
from portal.billing import words as said_of
from portal.billing.catalogue import as_price, tax_of
from portal.billing.curves import border_table, curve, falls
from portal.billing.effects import effects
from portal.billing.price_models import PriceState, PriceVersion, Product
from portal.core import audit, clock
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go

shelf = Blueprint("shelf", __name__, url_prefix="/office/prices")


@shelf.get("/")
@allow(May.READ_MONEY)
def products() -> str:
    """List what is sold, with the price of today and what comes."""
    return render_template(
        "office/prices.html",
        groups=shelves.by_stream(),
        waiting=shelves.waiting(),
        me=me().person.id,
        endings=db.session.scalars(retiring.waiting()).all(),
    )


def _product(code: str) -> Product:
    row = db.session.scalars(select(Product).where(Product.code == code)).first()
    if row is None:
        raise Missing(_("There is no such product."))
    return row


def _version(uid: str) -> PriceVersion:
    row = db.session.scalars(select(PriceVersion).where(PriceVersion.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such price."))
    return row


@shelf.get("/products/<code>")
@allow(May.READ_MONEY)
def product(code: str) -> str:
    """Show one product: its prices of today, and all versions as a timeline."""
    row, g.nav = _product(code), "shelf.products"
    return render_template(
        "office/price_product.html",
        product=row,
        current=shelves.current(row),
        versions=shelves.versions(row),
        may_set=me().staff_may(May.SET_PRICES),
        recognition=said_of.recognition,
    )


@shelf.post("/products/<code>/drafts")
@allow(May.SET_PRICES)
def draft(code: str) -> BaseResponse:
    """Begin a draft from a version of the product."""
    row = _product(code)
    source = _version(request.form.get("from", "")) if request.form.get("from") else None
    with transaction():
        base = source or shelves.newest(row)
        fields = publishing.fields_of(base) | {"valid_from": clock.today() + timedelta(days=1)}
        made = publishing.draft_price(row, by=me().person, fields=fields)
    return go("shelf.price", _("A draft with the figures of version %(n)s.", n=base.version), uid=made.uid)


def _page(row: PriceVersion, form: f.Draft, status: int = 200, **more: Any) -> Any:
    g.nav, reader = "shelf.products", me()
    price = as_price(row, tax_of(row.tax, row.valid_from))
    before = publishing.predecessor(row)
    old = as_price(before, tax_of(before.tax, row.valid_from)) if before is not None else None
    words = {"why": forms.Why(), "end": f.Retire(), "ending": retiring.waiting_for(row), **more}
    open_ = row.state in (PriceState.DRAFT, PriceState.PROPOSED)
    return render_template(
        "office/price.html",
        row=row, price=price, form=form, curve=curve(price), borders=border_table(price), falls=falls(price),
        before=before, changes=shelves.differences(before, row) if before is not None else [],
        effects=effects(row, price, old) if open_ else None, mine=row.by_id == reader.person.id,
        reader_id=reader.person.id,
        may_set=reader.staff_may(May.SET_PRICES),
        history=db.session.scalars(audit.of_subject(row.subject)).all(), **words,
    ), status  # fmt: skip


@shelf.get("/<uid>")
@allow(May.READ_MONEY)
def price(uid: str) -> Any:
    """Show one price: as an editor while it is a draft, with what it changes and for whom."""
    row, form = _version(uid), f.Draft()
    form.offer()
    form.show(row)
    return _page(row, form)


@shelf.post("/<uid>")
@allow(May.SET_PRICES)
def save(uid: str) -> Any:
    """Save a draft."""
    row, form = _version(uid), f.Draft()
    form.offer()
    if form.validate_on_submit():
        try:
            with transaction():
                publishing.change_draft(row, by=me().person, fields=form.fields())
        except Refused as refusal:
            form.refused(refusal)
            row = _version(uid)
        else:
            return go("shelf.price", _("Saved. Curve and borders show the draft as it is now."), uid=uid)
    return _page(row, form, 422)


@shelf.post("/<uid>/proposal")
@allow(May.SET_PRICES)
def propose(uid: str) -> BaseResponse:
    """Ask a second person to publish."""
    row = _version(uid)
    with transaction():
        publishing.propose(row, by=me().person)
    return go("shelf.price", _("Proposed. A second person of finance publishes it."), uid=uid)


@shelf.post("/<uid>/publication")
@allow(May.SET_PRICES)
def publish(uid: str) -> BaseResponse:
    """Stand for another's proposal."""
    row = _version(uid)
    with transaction():
        publishing.publish(row, by=me().person)
    return go("shelf.price", _("Published. It holds from its first day and cannot be changed."), uid=uid)


@shelf.post("/<uid>/return")
@allow(May.SET_PRICES)
def send_back(uid: str) -> Any:
    """Send a proposal back to be changed."""
    row, why = _version(uid), forms.Why()
    if not why.validate_on_submit():
        form = f.Draft(formdata=None)
        form.offer()
        form.show(row)
        return _page(row, form, 422, why=why)
    with transaction():
        publishing.send_back(row, by=me().person, reason=why.reason.data)
    return go("shelf.price", _("It is a draft again."), uid=uid)


@shelf.post("/<uid>/drop")
@allow(May.SET_PRICES)
def drop(uid: str) -> BaseResponse:
    """Give a draft up."""
    row = _version(uid)
    with transaction():
        publishing.drop(row, by=me().person)
    return go("shelf.product", _("The draft is dropped."), code=row.product.code)


@shelf.post("/<uid>/retirement")
@allow(May.SET_PRICES)
def retire(uid: str) -> Any:
    """Propose to end a published price."""
    row, end = _version(uid), f.Retire()
    if end.validate_on_submit():
        try:
            with transaction():
                retiring.propose_ending(row, on=end.on.data, by=me().person, reason=end.reason.data)
        except Refused as refusal:
            end.refused(refusal)
            row = _version(uid)
        else:
            return go(
                "shelf.price", _("Proposed. It is sold until a second person of finance ends it."), uid=uid
            )
    form = f.Draft(formdata=None)
    form.offer()
    form.show(row)
    return _page(row, form, 422, end=end)


@shelf.post("/<uid>/retirement/confirmation")
@allow(May.SET_PRICES)
def end_price(uid: str) -> BaseResponse:
    """Stand for another's proposal to end a price."""
    row = _version(uid)
    with transaction():
        retiring.end_price(row, by=me().person)
    return go("shelf.price", _("It is not sold from that day on."), uid=uid)


@shelf.post("/<uid>/retirement/refusal")
@allow(May.SET_PRICES)
def keep_price(uid: str) -> BaseResponse:
    """Go on selling at the price."""
    row = _version(uid)
    with transaction():
        retiring.keep_price(row, by=me().person)
    return go("shelf.price", _("It is sold as before."), uid=uid)


@shelf.get("/<uid>/comparison")
@allow(May.READ_MONEY)
def compare(uid: str) -> str:
    """Put two versions of a product side by side."""
    row, g.nav = _version(uid), "shelf.products"
    others = [one for one in shelves.versions(row.product) if one.uid != row.uid]
    asked = request.args.get("with", "")
    other = next((one for one in others if one.uid == asked), None) or publishing.predecessor(row)
    other = other or (others[0] if others else row)
    sides = [as_price(one, tax_of(one.tax, one.valid_from)) for one in (other, row)]
    return render_template(
        "office/price_compare.html", row=row, other=other, others=others, changes=shelves.differences(other, row),
        curves=[curve(one) for one in sides], table=shelves.side_by_side(*sides),
    )  # fmt: skip
