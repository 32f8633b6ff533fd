"""The public page of offers and prices, and one offer with its price and how it is bought."""

from __future__ import annotations

import secrets
from typing import Any

from flask import render_template
from flask_babel import gettext as _

from portal.accounts.access import Reader, allow, me, who
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import acting_for
from portal.billing.catalogue import Price, price_of
from portal.billing.changing import Outdated
from portal.billing.issuing import known_party, party_of
from portal.billing.models import Party
from portal.billing.pricing import PriceModel
from portal.core import i18n
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.money import Money
from portal.core.web import go, public
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Offer
from portal.services.quotes import buying, customer_orders
from portal.services.quotes import forms as f
from portal.services.quotes.doors import offers
from portal.services.quotes.figures import Ask, Figured


def _price(offer: Offer, party: Party | None) -> Price | None:
    try:
        return buyers.price_for(offer, party)
    except Refused:
        return None


@offers.get("/")
@public
def listed() -> str:
    """Show what can be bought and what it costs: at everybody's price, or at the reader's own."""
    reader = who()
    org = acting_for(reader) if reader is not None else None
    party = as_payer(org) if org is not None else None
    found = [(one, _price(one, party)) for one in rows.shown()]
    return render_template(
        "public/offers.html", offers=[(one, price) for one, price in found if price is not None], party=party,
        fixed=buying.fixed, models=PriceModel,
    )  # fmt: skip


def as_payer(org: Organisation) -> Party:
    """Return an organisation as who would pay, for a page that only looks: a new one is not written down."""
    return known_party(org) or Party(org=org, title=org.legal_name)


def _orgs(reader: Reader) -> dict[str, Organisation]:
    found = (db.session.get_one(Organisation, one) for one in sorted(reader.orgs(May.ORDER_SERVICES)))
    return {one.uid: one for one in found}


@offers.get("/<code>")
@public
def offer(code: str) -> Any:
    """Show one offer, and let whoever may buy it at its price do so."""
    return _page(_shown(code))


def _shown(code: str) -> Offer:
    found = rows.one(code)
    if found.hidden:
        raise Missing(_("There is no such offer."))
    return found


def _page(found: Offer, form: f.Buy | None = None, status: int = 200, said: str = "") -> Any:
    reader = who()
    orgs = _orgs(reader) if reader is not None else {}
    org = acting_for(reader) if reader is not None else None
    org = org if org is not None and org.uid in orgs else next(iter(orgs.values()), None)
    given = form or f.Buy(formdata=None)
    _offer(given, orgs, org)
    lines: list[Figured] = []
    word, refusal = "", ""
    chosen = orgs.get(given.party.data) or org
    party = as_payer(chosen) if chosen is not None else None
    if party is not None and buying.fixed(found):
        try:
            lines, word = buying.preview(party, Ask(found.code, quantity=given.quantity.data or 1))
        except Refused as problem:
            refusal = str(problem)
    given.seen.data = word
    given.once.data = given.once.data or secrets.token_hex(16)
    return render_template(
        "public/offer.html", offer=found, form=given, lines=lines, outdated=said, refusal=refusal, party=party,
        price=_price(found, party), fixed=buying.fixed(found), org=org, reader_here=reader is not None,
        open=party is None or buyers.open_to(found, party), parts=_parts(found),
        late=buyers.overdue(party) if party is not None else [], of=Money,
    ), status  # fmt: skip


def _offer(form: f.Buy, orgs: dict[str, Organisation], org: Organisation | None) -> None:
    form.party.choices = options((uid, one.name) for uid, one in orgs.items())
    if not form.party.data and org is not None:
        form.party.data = org.uid
    party = known_party(orgs[form.party.data]) if form.party.data in orgs else None
    known = customer_orders.of_party(party) if party is not None else []
    form.order.choices = options([("", _("None")), *((one.uid, one.number) for one in known)])


def _parts(found: Offer) -> list[tuple[str, int]]:
    """Return what a bundle holds: name and quantity."""
    tongue = "zh" if i18n.language().startswith("zh") else "en"
    return [(price_of(part.price).words[tongue], part.quantity) for part in found.parts]


@offers.post("/<code>")
@allow(May.ORDER_SERVICES, fresh=True)
def buy(code: str) -> Any:
    """Buy an offer at its price; figures that moved are shown anew (409), two clicks are one order."""
    found, reader, form = _shown(code), me(), f.Buy()
    orgs = _orgs(reader)
    _offer(form, orgs, None)
    if not form.validate_on_submit() or form.party.data not in orgs:
        return _page(found, form, 422)
    try:
        with transaction():
            party = party_of(orgs[form.party.data])
            order = next((one for one in customer_orders.of_party(party) if one.uid == form.order.data), None)
            made = buying.buy(
                party, Ask(found.code, quantity=form.quantity.data), seen=form.seen.data or "", once=form.once.data[:64],
                by=reader.person, language=i18n.language(), customer_order=order,
            )  # fmt: skip
    except Outdated as refusal:
        return _page(found, form, 409, str(refusal))
    except Refused as refusal:
        form.refused(refusal)
        return _page(found, form, refusal.status)
    return go("quotes.quote", _("Ordered. This is what happens next."), uid=made.uid)
