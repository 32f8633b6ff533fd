"""The buyer's pages of quotes: exactly what was promised, then the button; purchase orders; versions that were replaced."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.billing.changing import Outdated
from portal.billing.issuing import party_of
from portal.billing.models import Party
from portal.billing.price_forms import minor
from portal.core import clock, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, page_of
from portal.core.web import chip, go
from portal.members import uploads
from portal.services.contracts import verbs as contracts
from portal.services.quotes import accepting, customer_orders, drafting, seen, sending
from portal.services.quotes import forms as f
from portal.services.quotes.doors import quotes
from portal.services.quotes.models import CustomerOrder, Q, ServiceQuote
from portal.services.quotes.showing import lines_of

PAGE = "quotes.quote"
GROUPS = {
    "open": (Q.SENT,),
    "accepted": (Q.ACCEPTED,),
    "over": (Q.DECLINED, Q.EXPIRED, Q.WITHDRAWN, Q.SUPERSEDED),
}


@quotes.get("/quotes")
@allow(May.SEE_SERVICES)
def listed() -> str:
    """List the reader's quotes, open ones first to be found."""
    g.nav, group = "quotes.services", asked("state", most=20)
    statement = seen.own_quotes(me())
    if group in GROUPS:
        statement = statement.where(ServiceQuote.state.in_(GROUPS[group]))
    return render_template(
        "services/quotes.html", page=page_of(statement), priced=lambda row: seen.with_prices(me(), row),
        filters=[
            chip("state", code, words, group)
            for code, words in (("open", _("Open for an answer")), ("accepted", _("Accepted")), ("over", _("Over")))
        ],
    )  # fmt: skip


def _page(row: ServiceQuote, status: int = 200, **given: Any) -> Any:
    g.nav, reader = "quotes.services", me()
    accept = given.get("accept") or f.Accept(formdata=None)
    accept.offer(customer_orders.of_party(row.party), row.customer_order.uid if row.customer_order else "")
    accept.digest.data = row.digest
    decline = given.get("decline") or f.Decline(formdata=None)
    decline.offer(accepting.reasons())
    newest = drafting.newest(row)
    gone = row.state is Q.SUPERSEDED and newest.id != row.id
    return render_template(
        "services/quote.html", quote=row, lines=lines_of(row), accept=accept, decline=decline, newest=newest, gone=gone,
        may=accepting.may_accept(reader.person, row) and reader.may(May.ORDER_SERVICES, row.party.org_id),
        priced=seen.with_prices(reader, row), outdated=given.get("outdated", ""), contract=contracts.of_quote(row),
        versions=[one for one in drafting.versions(row) if one.sent_at is not None], today=clock.today(),
    ), 410 if gone and status == 200 else status  # fmt: skip


@quotes.get("/quotes/<uid>")
@allow(May.SEE_SERVICES)
def quote(uid: str) -> Any:
    """Show one version; one that was replaced answers 410 and leads to the newer one."""
    return _page(seen.own_quote(uid))


@quotes.post("/quotes/<uid>/acceptance")
@allow(May.ORDER_SERVICES, fresh=True)
def accept(uid: str) -> Any:
    """Accept the version that was shown; one that moved is answered with 409 and followed by a new version."""
    row, form, reader = seen.own_quote(uid), f.Accept(), me()
    form.offer(customer_orders.of_party(row.party))
    if not form.validate_on_submit():
        return _page(row, 422, accept=form)
    try:
        with transaction():
            fresh = seen.own_quote(uid)
            accepting.accept(
                fresh, digest=form.digest.data or "", by=reader.person, customer_order=_order(fresh.party, form.order.data)
            )  # fmt: skip
    except Outdated as refusal:
        said = str(refusal)
        with transaction():
            accepting.opens_new(seen.own_quote(uid), by="services")
        return _page(seen.own_quote(uid), 409, outdated=said)
    except Refused as refusal:
        form.refused(refusal)
        return _page(seen.own_quote(uid), refusal.status, accept=form)
    return go(PAGE, _("Accepted. This is what happens next."), uid=uid)


def _order(party: Party, uid: str | None) -> CustomerOrder | None:
    return next((one for one in customer_orders.of_party(party) if one.uid == uid), None)


@quotes.post("/quotes/<uid>/refusal")
@allow(May.ORDER_SERVICES)
def decline(uid: str) -> Any:
    """Say no to a quote."""
    row, form = seen.own_quote(uid), f.Decline()
    form.offer(accepting.reasons())
    refused = form.carry_out(
        lambda: sending.decline(row, by=me().person, reason=form.reason.data, words=form.words.data or "")
    )
    if refused:
        return _page(seen.own_quote(uid), refused, decline=form)
    return go(PAGE, _("The quote is declined. Thank you for saying why."), uid=uid)


@quotes.get("/quotes/<uid>/pdf")
@allow(May.SEE_SERVICES)
def pdf(uid: str) -> Response:
    """Hand out a version as PDF; it has prices on it."""
    row = seen.own_quote(uid)
    if not seen.with_prices(me(), row):
        raise Missing(_("There is no such quote."))
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)


# ---- The buyer's own orders


def _orders(form: f.GiveOrder | None = None, status: int = 200) -> Any:
    g.nav = "quotes.services"
    org = required_org(me(), May.ORDER_SERVICES)
    party = db.session.scalars(select(Party).where(Party.org_id == org.id)).first()
    known = customer_orders.of_party(party) if party is not None else []
    needs = f.Needs(formdata=None, needed=party is not None and drafting.needs_order(party))
    return render_template(
        "services/orders.html", form=form or f.GiveOrder(formdata=None), needs=needs, org=org,
        orders=[(one, customer_orders.used(one)) for one in known],
    ), status  # fmt: skip


@quotes.get("/orders")
@allow(May.ORDER_SERVICES)
def orders() -> Any:
    """Show the purchase orders of an organisation and what of each is used."""
    return _orders()


@quotes.post("/orders")
@allow(May.ORDER_SERVICES)
def give_order() -> Any:
    """Write a purchase order down."""
    form, org = f.GiveOrder(), required_org(me(), May.ORDER_SERVICES)
    if not form.validate_on_submit():
        return _orders(form, 422)
    try:
        sum_ = minor(form.most.data, "most")
        given = request.files.get("file")
        taken = uploads.check(given) if given is not None and given.filename else None
        content = files.put(taken.data, taken.media_type) if taken is not None else None
        with transaction():
            stored = None
            if content is not None and taken is not None:
                stored = files.StoredFile(
                    sha256=content.sha256, name=taken.name, media_type=content.media_type, size=content.size,
                    purpose="customer_order", org_id=org.id,
                )  # fmt: skip
            customer_orders.give(
                party_of(org), str(form.number.data), by=me().person, ordered_on=form.ordered_on.data,
                reference=form.reference.data or "", most=None if sum_ is None else Money(sum_), file=stored,
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return _orders(form, refusal.status)
    return go("quotes.orders", _("The purchase order is written down; you can choose it when you accept."))


@quotes.post("/orders/setting")
@allow(May.ORDER_SERVICES)
def require_order() -> BaseResponse:
    """Say whether every order must name a purchase order."""
    form, org = f.Needs(), required_org(me(), May.ORDER_SERVICES)
    if not form.validate_on_submit():
        raise Refused(_("Please try again."), status=422)
    with transaction():
        customer_orders.require(party_of(org), bool(form.needed.data), by=me().person)
    return go("quotes.orders", _("Saved."))


@quotes.get("/orders/<uid>/file")
@allow(May.ORDER_SERVICES)
def order_file(uid: str) -> Response:
    """Hand out the file of a purchase order."""
    own = select(Party.id).where(seen.of_reader(me(), May.ORDER_SERVICES))
    row = db.session.scalars(
        select(CustomerOrder).where(CustomerOrder.uid == uid, CustomerOrder.party_id.in_(own))
    ).first()
    if row is None or row.file is None:
        raise Missing(_("There is no such purchase order."))
    return files.send(row.file)
