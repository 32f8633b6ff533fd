"""Buying at a fixed price in one page: drafted, sent and accepted in one transaction, once however often it is sent."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.changing import Outdated
from portal.billing.models import Party
from portal.billing.pricing import PriceModel
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Form, Offer
from portal.services.quotes import accepting, drafting, sending
from portal.services.quotes.figures import Ask, Figured, figured
from portal.services.quotes.models import CustomerOrder, ServiceQuote

SOLD_AT_ONCE = (Form.SUBSCRIPTION, Form.BUNDLE, Form.UNITS, Form.COPY)


def fixed(offer: Offer) -> bool:
    """Whether an offer has a price that anybody can take as it stands."""
    try:
        price = buyers.price_for(offer, None)
    except Refused:
        return False
    return offer.form in SOLD_AT_ONCE and price.model not in (PriceModel.QUOTED, PriceModel.SHARE)


def preview(party: Party, ask: Ask) -> tuple[list[Figured], str]:
    """Return what would be ordered, to the fen, and the word that names these figures."""
    lines = figured(ask, party, day=clock.today())
    return lines, drafting.seen_word(party, lines)


def buy(
    party: Party, ask: Ask, *, seen: str, once: str, by: Person, language: str, customer_order: CustomerOrder | None = None
) -> ServiceQuote:  # fmt: skip
    """Buy an offer at its price; `seen` names the figures that were shown, `once` the page they were shown on."""
    offer = rows.one(ask.offer)
    if not fixed(offer) or ask.sum_ is not None or ask.off_bp:
        raise Refused(_l("This is sold by quote: please ask us for one."), status=422)
    if not buyers.open_to(offer, party):
        raise Refused(_l("This offer is not open to you by itself. Please ask us for a quote."), status=422)
    about = f"purchase:{once}"
    drafting.hold_numbers()
    there = db.session.scalars(select(ServiceQuote).where(ServiceQuote.about == about)).first()
    if there is not None:
        return there
    _lines, word = preview(party, ask)
    if word != seen:
        raise Outdated(_l("The price has changed while you looked. These are the figures of today."))
    quote = drafting.draft(
        party, [ask], by="purchase", title=offer.name, language=language, about=about, note=""
    )
    accepting.refuse_unless_allowed(quote, by)
    quote = sending.send(quote, by="purchase")
    return accepting.accept(quote, digest=quote.digest, by=by, customer_order=customer_order)
