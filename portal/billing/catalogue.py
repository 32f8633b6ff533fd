"""Prices and taxes in force on a day: exactly one price for a product and an audience, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.price_models import (
    MONTHS,
    ON_RECORD,
    RANK,
    AudienceKind,
    Interval,
    PriceVersion,
    TaxRow,
)
from portal.billing.pricing import PriceModel, Taxed, Terms, Tier, add_tax, amount, split
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax category on a day: rate in basis points, or none where exempt."""

    code: str
    bp: int | None
    words: dict[str, str]

    def of(self, gross: int) -> Taxed:
        """Split an inclusive amount (fen) into net and tax."""
        return split(gross, self.bp) if self.bp else Taxed(gross, 0, gross)

    def on(self, net: int) -> Taxed:
        """Put tax on an exclusive amount (fen)."""
        return add_tax(net, self.bp or 0)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who asks for a price: the tier and kind of an organisation, or a person for himself."""

    tier: str = ""
    category: str = ""
    person: bool = False

    def matches(self, kind: AudienceKind, key: str) -> bool:
        """Whether a price of this kind and key is for this asker."""
        return {
            AudienceKind.PUBLIC: True,
            AudienceKind.PERSON: self.person,
            AudienceKind.CATEGORY: bool(key) and key == self.category,
            AudienceKind.TIER: bool(key) and key == self.tier,
        }[kind]


ANYBODY = Audience()


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs on a day; `id` pins the row, `version` counts the rows of its product."""

    product: str
    words: dict[str, str]
    stream: str
    recognition: str
    months: int | None
    tax: Tax
    document: str
    version: int
    id: int = 0
    currency: str = "CNY"
    model: PriceModel = PriceModel.FLAT
    terms: Terms = field(default_factory=Terms)
    inclusive: bool = True
    audience: tuple[AudienceKind, str] = (AudienceKind.PUBLIC, "")
    unit: dict[str, str] = field(default_factory=dict)
    valid_from: date = date.min
    valid_to: date | None = None

    def listed(self, quantity: int = 1, *, quote: int | None = None, agreed: bool = False) -> Money:
        """Return the list amount of a quantity in the price's own terms; ValueError if it cannot be sold so."""
        found = amount(self.model, quantity, self.terms, quote=quote, agreed=agreed)
        return Money(found, self.currency)

    @property
    def amount(self) -> Money:
        """Return what one costs; for a quoted price the least, for a share nothing."""
        if self.model is PriceModel.QUOTED:
            return Money(self.terms.low or 0, self.currency)
        if self.model is PriceModel.SHARE:
            return Money(0, self.currency)
        return self.listed(1)

    def figures(self, due: Money) -> Taxed:
        """Return net, tax and gross of an amount in the price's own terms."""
        return self.tax.of(due.minor) if self.inclusive else self.tax.on(due.minor)


def terms_of(body: dict[str, Any]) -> Terms:
    """Return a price row's amounts as the pure functions take them; ValueError if they make no sense."""
    tiers = tuple(Tier(*step) for step in body.get("tiers", ()))
    plain = {key: body[key] for key in ("flat", "unit", "low", "high", "bp") if body.get(key) is not None}
    return Terms(tiers=tiers, **plain)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Every published row, as kept in memory until the catalogue grows."""

    prices: list[tuple[int, Price, str]]
    taxes: list[tuple[Tax, date, date | None]]


def as_price(row: PriceVersion, tax: Tax) -> Price:
    """Return a price row, published or not, as what the others calculate with."""
    product = row.product
    return Price(
        product=product.code, words=product.words, stream=product.stream, recognition=product.recognition,
        months=MONTHS[row.interval], tax=tax, document=row.document.value, version=row.version, id=row.id,
        currency=row.currency, model=row.model, terms=terms_of(row.terms), inclusive=row.inclusive,
        audience=(row.audience_kind, row.audience), unit=product.unit, valid_from=row.valid_from,
        valid_to=row.valid_to,
    )  # fmt: skip


NO_TAX = Tax("", None, {})


def _read() -> _Kept:
    rows = db.session.scalars(
        select(PriceVersion)
        .where(PriceVersion.state.in_(ON_RECORD))
        .order_by(PriceVersion.product_id, PriceVersion.valid_from, PriceVersion.id)
    )
    prices = [(row.product.place, as_price(row, NO_TAX), row.tax) for row in rows]
    taxes = db.session.scalars(select(TaxRow).where(TaxRow.state.in_(ON_RECORD)).order_by(TaxRow.id))
    kept = [(Tax(row.code, row.bp, row.words), row.valid_from, row.valid_to) for row in taxes]
    return _Kept(sorted(prices, key=lambda one: one[0]), kept)


def _kept() -> _Kept:
    found: _Kept = catalogue.remembered("prices", _read)
    return found


def _holds(start: date, end: date | None, day: date) -> bool:
    return start <= day and (end is None or day < end)


def tax_of(code: str, on: date) -> Tax:
    """Return a tax category as it stands on a day; `Refused` if nobody published one for it."""
    for tax, start, end in _kept().taxes:
        if tax.code == code and _holds(start, end, on):
            return tax
    raise Refused(_l("The tax category %(code)s has no row for %(day)s.", code=code, day=str(on)), status=409)


def _taxed(price: Price, code: str, on: date) -> Price:
    return Price(**{name: getattr(price, name) for name in Price.__slots__} | {"tax": tax_of(code, on)})


def price_of(
    product: str, *, on: date | None = None, audience: Audience = ANYBODY, currency: str = "CNY"
) -> Price:
    """Return the one price of a product on a day for an audience, the most specific; `Refused` if there is none."""
    day = on or clock.today()
    fitting = [
        (RANK[price.audience[0]], price, code)
        for _place, price, code in _kept().prices
        if price.product == product
        and price.currency == currency
        and _holds(price.valid_from, price.valid_to, day)
        and audience.matches(*price.audience)
    ]
    best = max((rank for rank, _price, _code in fitting), default=None)
    found = [(price, code) for rank, price, code in fitting if rank == best]
    if len(found) != 1:
        raise Refused(f"{product} has {'no price' if not found else 'more than one price'} on {day}")
    return _taxed(*found[0], day)


def pinned(price_id: int, *, on: date | None = None) -> Price:
    """Return a published price by its row, with the tax of a day: what was sold keeps its price."""
    for _place, price, code in _kept().prices:
        if price.id == price_id:
            return _taxed(price, code, on or clock.today())
    raise Refused(_l("This price was never published."))


def prices(*, on: date | None = None) -> list[Price]:
    """Return every price in force for everybody, in the order of the catalogue."""
    day = on or clock.today()
    return [
        _taxed(price, code, day)
        for _place, price, code in _kept().prices
        if price.audience[0] is AudienceKind.PUBLIC and _holds(price.valid_from, price.valid_to, day)
    ]


def interval_of(months: int | None) -> Interval:
    """Return the interval of a number of months; ValueError if there is none of that length."""
    for interval, length in MONTHS.items():
        if length == months:
            return interval
    raise ValueError(f"no price lasts {months} months")
