"""What the price desk shows: products by stream, versions of one, and what differs between two."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from portal.billing import retiring
from portal.billing.catalogue import Price, as_price, tax_of
from portal.billing.curves import said
from portal.billing.discount_models import DiscountOffer, DiscountState
from portal.billing.price_models import (
    ON_RECORD,
    AudienceKind,
    PriceState,
    PriceVersion,
    Product,
    TaxRow,
)
from portal.billing.quote_models import Quote, QuoteState
from portal.core import catalogue, clock, labels
from portal.core.db import db
from portal.core.money import Money
from portal.core.words import day


def _holds(row: PriceVersion) -> bool:
    today = clock.today()
    return (
        row.state in ON_RECORD and row.valid_from <= today and (row.valid_to is None or row.valid_to > today)
    )


def versions(product: Product) -> list[PriceVersion]:
    """Return every version of a product, the newest first."""
    return list(
        db.session.scalars(
            select(PriceVersion)
            .where(PriceVersion.product_id == product.id)
            .order_by(PriceVersion.version.desc())
        )
    )


def newest(product: Product) -> PriceVersion:
    """Return the version a new draft begins with: that of today for everybody, else the newest."""
    rows = versions(product)
    public = [row for row in rows if _holds(row) and row.audience_kind is AudienceKind.PUBLIC]
    return (public or rows)[0]


def whom(row: PriceVersion) -> str:
    """Return for whom a price is, in words."""
    if row.audience_kind in (AudienceKind.TIER, AudienceKind.CATEGORY):
        body = catalogue.entries(row.audience_kind.value).get(row.audience)
        return catalogue.in_words(body["name"]) if body else row.audience
    return labels.label(row.audience_kind)


def as_shown(row: PriceVersion) -> dict[str, Any]:
    """Return a version with what it says in words."""
    price = as_price(row, tax_of(row.tax, max(row.valid_from, clock.today())))
    return {"row": row, "price": price, "said": said(price), "whom": whom(row)}


def current(product: Product) -> list[dict[str, Any]]:
    """Return the prices of today, those for everybody first."""
    return [as_shown(row) for row in versions(product)[::-1] if _holds(row)]


def by_stream() -> list[tuple[str, list[dict[str, Any]]]]:
    """Return every product with its prices of today and the next change, by stream."""
    rows = db.session.scalars(select(PriceVersion).order_by(PriceVersion.valid_from, PriceVersion.id)).all()
    products = db.session.scalars(select(Product).order_by(Product.place, Product.id)).all()
    groups: dict[str, list[dict[str, Any]]] = {}
    today = clock.today()
    for product in products:
        own = [row for row in rows if row.product_id == product.id]
        ahead = [row for row in own if row.state in ON_RECORD and row.valid_from > today]
        open_ = [row for row in own if row.state in (PriceState.DRAFT, PriceState.PROPOSED)]
        groups.setdefault(product.stream, []).append(
            {
                "product": product,
                "now": [as_shown(row) for row in own if _holds(row)],
                "next": as_shown(ahead[0]) if ahead else None,
                "open": open_,
            }
        )
    return list(groups.items())


def waiting() -> list[PriceVersion]:
    """Return the proposals that wait for a second person."""
    return list(
        db.session.scalars(
            select(PriceVersion).where(PriceVersion.state == PriceState.PROPOSED).order_by(PriceVersion.id)
        )
    )


def count_waiting() -> Select[int]:
    """Select how many prices, taxes, discounts and quotes wait for a second person."""
    parts: list[Any] = [
        select(func.count(PriceVersion.id)).where(PriceVersion.state == PriceState.PROPOSED),
        retiring.count_waiting(),
        select(func.count(TaxRow.id)).where(TaxRow.state == PriceState.PROPOSED),
        select(func.count(DiscountOffer.id)).where(DiscountOffer.state == DiscountState.PROPOSED),
        select(func.count(Quote.id)).where(Quote.state == QuoteState.IN_APPROVAL),
    ]
    total = parts[0].scalar_subquery()
    for part in parts[1:]:
        total = total + part.scalar_subquery()
    return select(total)


def _facts(row: PriceVersion) -> list[tuple[str, str]]:
    shown = as_shown(row)
    return [
        (_("Price"), shown["said"]),
        (_("How it is priced"), labels.label(row.model)),
        (_("How often"), labels.label(row.interval)),
        (_("Sold to"), shown["whom"]),
        (_("Currency"), row.currency),
        (_("Tax category"), f"{row.tax} · {catalogue.in_words(shown['price'].tax.words)}"),
        (_("The amounts include tax"), _("Yes") if row.inclusive else _("No")),
        (_("Paper for the payer"), labels.label(row.document)),
        (_("In force from"), day(row.valid_from)),
        (_("Until"), day(row.valid_to) if row.valid_to else _("no end")),
    ]


def differences(old: PriceVersion, new: PriceVersion) -> list[tuple[str, str, str, bool]]:
    """Return each fact of two versions: label, old, new, and whether they differ."""
    return [
        (label, was, now, was != now)
        for (label, was), (_label, now) in zip(_facts(old), _facts(new), strict=True)
    ]


def side_by_side(old: Price, new: Price) -> list[tuple[int, Money | None, Money | None]]:
    """Return what quantities cost in two versions: one, and every border of either and one beyond."""
    ends = {tier.up_to for price in (old, new) for tier in price.terms.tiers if tier.up_to is not None}
    marks = sorted({1, *ends, *(end + 1 for end in ends)})

    def sum_(price: Price, q: int) -> Money | None:
        try:
            return price.listed(q)
        except ValueError:
            return None

    return [(q, sum_(old, q), sum_(new, q)) for q in marks]
