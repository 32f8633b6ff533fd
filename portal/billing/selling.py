"""What goes on an order and on an invoice: an item at its price, and the parts a line is invoiced in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portal.billing.catalogue import Price
from portal.billing.models import OrderLine
from portal.billing.pricing import Taxed
from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Item:
    """What is ordered: a price, how many, and what is taken off it with the words for that."""

    price: Price
    quantity: int = 1
    discount: Money = field(default_factory=lambda: Money(0))
    discount_words: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] | None = None
    quote: int | None = None
    agreed: bool = False

    def figures(self) -> tuple[Money, Money, Taxed]:
        """Return list and discount with tax in them, and what is due; ValueError for what the price cannot sell.

        The discount comes in the price's own terms; on paper list − discount = gross also for exclusive prices.
        """
        listed = self.price.listed(self.quantity, quote=self.quote, agreed=self.agreed)
        left = listed - self.discount if self.discount else listed  # a plain 0 has no currency of its own
        if left.minor < 0:
            raise ValueError("a discount is at most the price")
        due = self.price.figures(left)
        whole = Money(self.price.figures(listed).gross, listed.currency)
        return whole, whole - Money(due.gross, listed.currency), due


@dataclass(frozen=True, slots=True)
class Part:
    """What an invoice says of an order line: all of it, one instalment, or what a change gives back (negative)."""

    line: OrderLine
    gross: Money
    net: Money
    tax: Money
    list_amount: Money
    discount: Money
    words: dict[str, str]
    discount_words: dict[str, str] = field(default_factory=dict)
    quantity: int = 1
    printed: dict[str, Any] | None = None
    since: date | None = None


def whole_of(line: OrderLine) -> Part:
    """Return an order line as it is invoiced at once."""
    return Part(
        line.credits or line, line.gross, line.net, line.tax, line.list_amount, line.discount, line.words, line.discount_words,
        line.quantity,
        line.printed,
    )  # fmt: skip
