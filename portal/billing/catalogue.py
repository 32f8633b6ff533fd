"""Prices and taxes in force on a day, read from the dated catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.billing.pricing import Taxed, split
from portal.core import catalogue, clock
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


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs on a day, tax included; `version` pins the row it was read from."""

    product: str
    words: dict[str, str]
    stream: str
    recognition: str
    months: int | None
    amount: Money
    tax: Tax
    document: str
    version: int


def tax_of(code: str, on: date) -> Tax:
    """Return a tax category as it stands on a day."""
    body = catalogue.entry("tax", code, on=on)
    return Tax(code, body.get("bp"), body["words"])


def price_of(product: str, *, on: date | None = None) -> Price:
    """Return the one price of a product on a day; `Refused` if it is not sold then."""
    day = on or clock.today()
    body = catalogue.entries("price", on=day).get(product)
    if body is None or body.get("amount") is None:
        raise Refused(f"{product} has no price on {day}")
    return Price(
        product=product,
        words=body["words"],
        stream=body["stream"],
        recognition=body["recognition"],
        months=body.get("months"),
        amount=Money(body["amount"]),
        tax=tax_of(body["tax"], day),
        document=body["document"],
        version=catalogue.version_of("price", product, on=day),
    )


def prices(*, on: date | None = None) -> list[Price]:
    """Return every price in force, in the order of the catalogue."""
    day = on or clock.today()
    return [price_of(code, on=day) for code in catalogue.entries("price", on=day)]
