"""The figures of a quote's lines: what each lists, what is taken off, tax part by part; bundles spread over their parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing.catalogue import Audience, Price, price_of
from portal.billing.models import Party
from portal.billing.pricing import WHOLE_BP, OutsideRange, PriceModel
from portal.billing.splitting import parts_of
from portal.core import periods
from portal.core.errors import Refused
from portal.core.money import Money, half_up, spread
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Form, Offer
from portal.services.quotes import plan as plans
from portal.services.quotes.plan import Plan


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be quoted: an offer, how many, its sum where it is quoted, and what is taken off.

    `sum_` is in minor units and the price's own terms, `off_bp` the discount in basis points; `starts` is the first
    day of what lasts; where it is not said, the day of acceptance.
    """

    offer: str
    quantity: int = 1
    sum_: int | None = None
    off_bp: int = 0
    words: dict[str, str] | None = None
    plan: Plan = field(default=plans.NONE)
    starts: date | None = None

    def written(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "offer": self.offer, "quantity": self.quantity, "sum": self.sum_, "off_bp": self.off_bp, "words": self.words,
            "starts": self.starts and str(self.starts), "plan": plans.written(self.plan),
        }  # fmt: skip


def asked(body: dict[str, Any]) -> Ask:
    """Return an ask from JSON."""
    starts = body.get("starts")
    return Ask(
        body["offer"], body["quantity"], body["sum"], body["off_bp"], body["words"], plans.read(body["plan"]),
        date.fromisoformat(starts) if starts else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figured:
    """One line in figures, all in minor units; list = gross + discount, gross = net + tax."""

    offer: str
    bundle: str
    words: dict[str, str]
    price: Price
    quantity: int
    listed: int
    gross: int
    net: int
    tax: int
    plan: Plan
    starts: date | None
    ends: date | None
    outside: bool

    @property
    def inputs(self) -> list[Any]:
        """Return what its figures hang on, for the fingerprint."""
        return [
            self.price.id,
            self.price.tax.code,
            self.price.tax.bp,
            self.quantity,
            self.listed,
            self.gross,
            self.net,
        ]


def _listed(price: Price, ask: Ask) -> tuple[int, bool]:
    """Return the list amount in the price's own terms, and whether it lies outside the range."""
    if price.model is PriceModel.SHARE:
        raise Refused(_l("This is not sold by quote."), field="offer", status=422)
    if price.model is PriceModel.QUOTED and ask.sum_ is None:
        raise Refused(_l("Please write the sum."), field="amount", status=422)
    sum_ = ask.sum_ if price.model is PriceModel.QUOTED else None
    try:
        return price.listed(ask.quantity, quote=sum_).minor, False
    except OutsideRange:
        return price.listed(ask.quantity, quote=sum_, agreed=True).minor, True
    except ValueError:
        raise Refused(
            _l("This quantity cannot be sold at this price."), field="quantity", status=422
        ) from None


def _one(
    offer: Offer, ask: Ask, price: Price, listed: int, left: int, *, outside: bool, bundle: str = "", quantity: int = 1,
    words: dict[str, str] | None = None, starts: date | None = None,
) -> Figured:  # fmt: skip
    """Put one line into figures: each part of payment is taxed by itself, the line is their sum (billing.md example 6)."""
    shares = ask.plan.shares
    taxed = parts_of(left, [one.weight for one in shares], price.tax.bp, inclusive=price.inclusive)
    gross, net, tax = (sum(getattr(one, name) for one in taxed) for name in ("gross", "net", "tax"))
    from_, until = (None, None)
    if price.months is not None and starts is not None:
        from_, until = periods.period(starts, price.months, 0)
    return Figured(
        offer.code, bundle, words or price.words, price, quantity, gross + _more(price, listed, left), gross, net, tax, ask.plan,
        from_, until, outside,
    )  # fmt: skip


def _more(price: Price, listed: int, left: int) -> int:
    """Return what is taken off with tax in it."""
    whole, due = (price.figures(Money(one, price.currency)) for one in (listed, left))
    return whole.gross - due.gross


def _parts(offer: Offer, ask: Ask, listed: int, left: int, who: Audience, starts: date | None) -> list[Figured]:  # fmt: skip
    """Spread a bundle's price over its parts by what each costs alone."""
    alone = [price_of(part.price, audience=who) for part in offer.parts]
    weights = [one.listed(part.quantity).minor for one, part in zip(alone, offer.parts, strict=True)]
    lists, lefts = spread(listed, weights), spread(left, weights)
    found = []
    for part, own, one_list, one_left in zip(offer.parts, alone, lists, lefts, strict=True):
        of = rows.find(part.offer) or offer
        found.append(
            _one(of, ask, own, one_list, one_left, outside=False, bundle=offer.code, quantity=part.quantity, starts=starts)
        )  # fmt: skip
    return found


def figured(ask: Ask, party: Party, *, day: date) -> list[Figured]:
    """Return what an ask costs a payer on a day, as lines in figures; `Refused` for what cannot be sold so."""
    offer, who = rows.one(ask.offer), buyers.audience_of(party)
    if not 0 <= ask.off_bp <= WHOLE_BP or ask.quantity < 1:
        raise Refused(
            _l("Please give a discount from 0 to 100 per cent, and at least one."), field="off", status=422
        )
    plans.check(ask.plan)
    price = price_of(offer.price, audience=who)
    listed, outside = _listed(price, ask)
    left = listed - half_up(listed * ask.off_bp, WHOLE_BP)
    starts = max(ask.starts, day) if ask.starts is not None else None
    if offer.form is Form.BUNDLE:
        return _parts(offer, ask, listed, left, who, starts)
    if offer.form is Form.ENGAGEMENT and price.recognition == "milestone" and not ask.plan.stages:
        raise Refused(
            _l("Work that is accepted step by step needs its milestones."), field="stages", status=422
        )
    return [
        _one(offer, ask, price, listed, left, outside=outside, quantity=ask.quantity, words=ask.words, starts=starts)
    ]  # fmt: skip
