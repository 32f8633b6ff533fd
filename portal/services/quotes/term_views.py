"""Services that go on, for both sides: the customer's tick and notice, the staff's early end by two."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing.models import Party
from portal.billing.subscription_models import Subscription
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go
from portal.services.offers import rows
from portal.services.quotes import forms as f
from portal.services.quotes import seen, terms
from portal.services.quotes.doors import quote_office, quotes
from portal.services.quotes.term_models import ServiceEnding, ServiceTerm


def own_term(uid: str, what: May = May.ORDER_SERVICES) -> ServiceTerm:
    """Return one service of the reader's organisations; foreign ones look missing."""
    own = select(Party.id).where(seen.of_reader(me(), what))
    row = db.session.scalars(
        select(ServiceTerm)
        .join(Subscription, ServiceTerm.subscription_id == Subscription.id)
        .where(ServiceTerm.uid == uid, Subscription.party_id.in_(own))
    ).first()
    if row is None:
        raise Missing(_("There is no such service."))
    return row


@quotes.post("/terms/<uid>/tick")
@allow(May.ORDER_SERVICES)
def tick(uid: str) -> BaseResponse:
    """Let a service renew by itself, or only by a click."""
    row = own_term(uid)
    with transaction():
        terms.choose(row, by_itself=not row.by_itself, by=me().person)
    return go("quotes.services", _("Saved."))


@quotes.post("/terms/<uid>/notice")
@allow(May.ORDER_SERVICES)
def leave(uid: str) -> BaseResponse:
    """Give notice for the end of the period."""
    row, why = own_term(uid), f.Why()
    if not why.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        terms.leave(row, by=me().person, reason=str(why.reason.data))
    return go("quotes.services", _("It ends with the period that is paid for. You can take this back until then."))  # fmt: skip


@quotes.post("/terms/<uid>/continuation")
@allow(May.ORDER_SERVICES)
def stay(uid: str) -> BaseResponse:
    """Take the notice back."""
    row = own_term(uid)
    with transaction():
        terms.stay(row, by=me().person)
    return go("quotes.services", _("The service goes on."))


# ---- Staff


def _any(uid: str) -> ServiceTerm:
    row = db.session.scalars(select(ServiceTerm).where(ServiceTerm.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such service."))
    return row


@quote_office.get("/terms")
@allow(May.READ_SERVICES)
def services() -> str:
    """List the services that customers subscribed to, with what is proposed about them."""
    g.nav = "quote_office.pipeline"
    page = page_of(select(ServiceTerm).order_by(ServiceTerm.id.desc()))
    waiting = db.session.scalars(
        select(ServiceEnding).where(ServiceEnding.done_at.is_(None)).order_by(ServiceEnding.id)
    ).all()
    return render_template(
        "office/services/terms.html", page=page, ends={one.id: terms.last_period(one).end for one in page.items},
        waiting=waiting, title_of=rows.title_of, mine=me().person.id, may_credit=me().staff_may(May.CREDIT),
    )  # fmt: skip


@quote_office.route("/terms/<uid>/ending", methods=["GET", "POST"])
@allow(May.CREDIT, May.MANAGE_WORK)
def end_early(uid: str) -> Any:
    """Propose to end a service before its period."""
    g.nav, row, form = "quote_office.pipeline", _any(uid), f.EndEarly()
    status = 200
    if form.is_submitted():
        status = form.carry_out(
            lambda: terms.propose_ending(
                row, last_day=form.last_day.data, by=me().person, reason=str(form.reason.data)
            )
        )
        if not status:
            return go("quote_office.services", _("Proposed. A second person confirms it."))
    return render_template(
        "office/services/ending.html", row=row, form=form, period=terms.last_period(row), title=rows.title_of(row.offer)
    ), status  # fmt: skip


@quote_office.post("/endings/<uid>/confirmation")
@allow(May.CREDIT, May.MANAGE_WORK)
def confirm_ending(uid: str) -> BaseResponse:
    """Confirm another's proposal to end a service early."""
    row = db.session.scalars(select(ServiceEnding).where(ServiceEnding.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such service."))
    with transaction():
        terms.confirm_ending(row, by=me().person)
    return go("quote_office.services", _("The service ends early; the credit note is issued."))
