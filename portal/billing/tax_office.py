"""The price desk's taxes: dated rows, proposed by one and published by another."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import forms, publishing
from portal.billing import price_forms as f
from portal.billing.curves import percent
from portal.billing.price_models import TaxRow
from portal.billing.price_office import shelf
from portal.core import audit
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go


def _page(form: f.TaxDraft, status: int = 200) -> Any:
    g.nav, reader = "shelf.products", me()
    rows = db.session.scalars(select(TaxRow).order_by(TaxRow.code, TaxRow.version.desc())).all()
    return render_template(
        "office/taxes.html", rows=rows, percent=percent, form=form, why=forms.Why(formdata=None),
        mine=reader.person.id, may_set=reader.staff_may(May.SET_PRICES),
        history=db.session.scalars(audit.of_subject(*(row.subject for row in rows))).all(),
    ), status  # fmt: skip


@shelf.get("/taxes")
@allow(May.READ_MONEY)
def taxes() -> Any:
    """Show every tax category with its rows."""
    return _page(f.TaxDraft())


@shelf.post("/taxes")
@allow(May.SET_PRICES)
def propose_tax() -> Any:
    """Propose a new row of a tax category."""
    form = f.TaxDraft()
    if status := form.carry_out(
        lambda: publishing.propose_tax(
            form.code.data,
            bp=f.basis(form.rate.data, "rate"),
            by=me().person,
            words={"en": form.en.data, "zh": form.zh.data},
            valid_from=form.valid_from.data,
        )
    ):
        return _page(form, status)
    return go("shelf.taxes", _("Proposed. A second person of finance publishes it."))


def _row(uid: str) -> TaxRow:
    row = db.session.scalars(select(TaxRow).where(TaxRow.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such row."))
    return row


@shelf.post("/taxes/<uid>/publication")
@allow(May.SET_PRICES)
def publish_tax(uid: str) -> BaseResponse:
    """Stand for another's row."""
    row = _row(uid)
    with transaction():
        publishing.publish(row, by=me().person)
    return go("shelf.taxes", _("Published. It holds from its first day and cannot be changed."))


@shelf.post("/taxes/<uid>/drop")
@allow(May.SET_PRICES)
def drop_tax(uid: str) -> BaseResponse:
    """Give a proposal up."""
    row = _row(uid)
    with transaction():
        publishing.send_back(row, by=me().person, reason="")
        publishing.drop(row, by=me().person)
    return go("shelf.taxes", _("The draft is dropped."))
