"""Buying a licence and changing its number of nodes: the exact figures first, and the same figures are what is booked."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.billing import curves
from portal.core.db import transaction
from portal.core.errors import Forbidden, Refused
from portal.core.paging import asked, number
from portal.core.web import go
from portal.services.licences import access, buying, changing, granting, ranking
from portal.services.licences.buying import Offered
from portal.services.licences.models.deal import DealState
from portal.services.licences.models.licence import Licence
from portal.services.licences.pages import licences, page
from portal.services.licences.planning import Way

BUYS = (May.PAY, May.SIGN)
MOST = 100_000


def _offers(status: int = 200, trouble: str = "") -> Any:
    g.nav = "licences.listed"
    reader = me()
    org = required_org(reader, May.SEE_ORG)
    offers = buying.offered(org)
    chosen = next((one for one in offers if one.plan.code == asked("plan", most=60)), None)
    cost, wished = None, number("nodes", 0)
    if chosen is not None and chosen.can == "buy" and wished:
        try:
            cost = buying.cost(org, chosen.plan.code, min(wished, MOST))
        except Refused as refusal:
            trouble, status = str(refusal), refusal.status
    return render_template(
        "licences/buy.html", org=org, offers=offers, chosen=chosen, cost=cost, wished=wished or "", trouble=trouble,
        may_buy=access.may_buy(reader, org.id), may_try=org.id in reader.orgs(May.MANAGE_LICENCES), curves=curves,
    ), status  # fmt: skip


@licences.get("/new")
@allow(May.SEE_ORG)
def offers() -> Any:
    """Show every plan as the organisation can have it, and what so many nodes cost."""
    return _offers()


@licences.post("/new")
@allow(*BUYS)
def order() -> Any:
    """Order a licence at the figures that were shown."""
    org = required_org(me(), May.SEE_ORG)
    if not access.may_buy(me(), org.id):
        raise Forbidden(_("Owners and signatories order licences."))
    plan, nodes = request.form.get("plan", "")[:60], _whole("nodes")
    try:
        with transaction():
            row = buying.order(
                org, plan, nodes, by=me().person, shown=request.form.get("shown", "")[:64] or None, language=str(get_locale())
            )  # fmt: skip
            uid = row.uid
    except Refused as refusal:
        return _offers(refusal.status, str(refusal))
    return go("licences.number_page", _("Ordered. It begins as soon as its invoice is paid."), uid=uid)


def _whole(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


@licences.post("/trial")
@allow(May.MANAGE_LICENCES)
def try_out() -> Any:
    """Start the one trial of a plan."""
    org = required_org(me(), May.MANAGE_LICENCES)
    try:
        with transaction():
            uid = granting.start_trial(org, request.form.get("plan", "")[:60], by=me().person).uid
    except Refused as refusal:
        return _offers(refusal.status, str(refusal))
    return go("licences.licence", _("The trial runs. Make a key, and start the first node."), uid=uid)


def _number(row: Licence, status: int = 200, trouble: str = "") -> Any:
    wished, change = number("nodes", 0), None
    deal = buying.waiting(row) or changing.open_quote(row)
    if wished and deal is None and not row.final:
        try:
            change = changing.preview(row, min(wished, MOST))
        except Refused as refusal:
            trouble, status = str(refusal), refusal.status
    offer = _offer_of(row)
    reader = me()
    return page(
        "licences/number.html", row, "number", status, wished=wished or "", change=change, trouble=trouble, deal=deal, has=changing.now(row),
        next_nodes=changing.next_nodes(row), history=changing.history(row), offer=offer, curves=curves, Way=Way, State=DealState,
        over=ranking.who_would_be_over(row, wished) if change is not None and wished < row.live_nodes else [],
        may_buy=access.may_buy(reader, row.org_id),
        may_accept=deal is not None and access.may_accept(reader, row.org_id, deal.gross),
    )  # fmt: skip


def _offer_of(row: Licence) -> Offered | None:
    return next((one for one in buying.offered(row.org) if one.plan.code == row.plan), None)


@licences.get("/<uid>/number")
@allow(May.SEE_ORG, May.READ_LICENCES)
def number_page(uid: str) -> Any:
    """Show how many nodes a licence has, what a change costs and from when, and what was bought so far."""
    return _number(access.seen(uid))


@licences.post("/<uid>/number")
@allow(May.PAY, May.SIGN, May.SELL)
def change_number(uid: str) -> Any:
    """Write the figures of a change down to be accepted; fewer nodes are noted for the next year."""
    row, nodes = access.bought_for(uid), _whole("nodes")
    try:
        with transaction():
            way = changing.preview(row, nodes).way
            if way is Way.AT_RENEWAL:
                changing.ask_for_next(row, nodes, by=me().person)
            else:
                changing.quote(row, nodes, by=me().person, language=str(get_locale()))
    except Refused as refusal:
        return _number(access.bought_for(uid), refusal.status, str(refusal))
    words = (
        _("The next year has %(nodes)s nodes.", nodes=nodes)
        if way is Way.AT_RENEWAL
        else _("These figures hold until they expire: please accept them.")
    )
    return go("licences.number_page", words, uid=uid)


@licences.post("/<uid>/number/acceptance")
@allow(May.PAY, May.SIGN, May.SELL)
def accept_number(uid: str) -> Any:
    """Accept the figures of a change."""
    row = access.bought_for(uid)
    quote = changing.open_quote(row)
    if quote is None or quote.state is not DealState.OFFERED:
        return go("licences.number_page", _("There is nothing to accept."), tone="info", uid=uid)
    access.refuse_accept(quote)
    try:
        with transaction():
            changing.accept(quote, by=me().person)
    except Refused as refusal:
        return _number(access.bought_for(uid), refusal.status, str(refusal))
    return go("licences.number_page", _("Accepted. What was shown is what is invoiced."), uid=uid)


@licences.post("/<uid>/number/withdrawal")
@allow(May.PAY, May.SIGN, May.SELL)
def withdraw_number(uid: str) -> BaseResponse:
    """Take a change or an unpaid order back."""
    row = access.bought_for(uid)
    order_, quote = buying.waiting(row), changing.open_quote(row)
    with transaction():
        if order_ is not None:
            buying.cancel(order_, by=me().person)
        elif quote is not None:
            changing.withdraw(quote, by=me().person)
    return go("licences.number_page", _("Taken back."), uid=uid)


@licences.post("/<uid>/number/same-again")
@allow(May.PAY, May.SIGN, May.SELL)
def same_again(uid: str) -> BaseResponse:
    """Let the next year have what runs."""
    row = access.bought_for(uid)
    with transaction():
        changing.forget_next(row, by=me().person)
    return go("licences.number_page", _("The next year has what runs now."), uid=uid)
