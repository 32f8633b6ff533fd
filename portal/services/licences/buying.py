"""Buying a licence: what an organisation can have, what it costs, the order, and the way back from an unpaid one.

Pages and the API call these. What is read is `offered` and `cost`; `order` and `cancel` are verbs for an owner or
signatory (`access.may_buy`) or staff on behalf, inside `with transaction():`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.accounts.organisations import Organisation
from portal.billing.catalogue import Price
from portal.core.money import Money
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Licence
from portal.services.licences.plans import Plan


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many nodes cost for a year, tax in it: list − off = gross = net + tax.

    `nodes` is the limit wished for, `included` how many of them the membership gives free, `paid` how many the bought
    term adds. `share_bp` is the share of the included ones that is still paid (startups: 5000). `shown` is the hash of
    everything it was computed from: send it back with the order, a moved one is refused (409 QUOTE_STALE).
    """

    plan: Plan
    nodes: int
    included: int
    paid: int
    share_bp: int
    listed: Money
    off: Money
    gross: Money
    net: Money
    tax: Money
    shown: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A plan as an organisation can have it: `licence` is the live one for its tools, `can` says what the page offers.

    `can`: "buy" (order it), "join" (free with the membership, `buying.order` of up to `included` nodes makes no
    invoice), "change" (there is a running contract: see `changing`), "pay" (an order waits for its money: `waiting`).
    `price` is billing's, for `curves.curve(price)`, `curves.border_table(price)`, `curves.said(price)`.
    """

    plan: Plan
    price: Price
    can: str
    licence: Licence | None
    waiting: LicenceQuote | None
    included: int
    share_bp: int
    trial: bool


def offered(org: Organisation) -> list[Offered]:
    """Return every plan of today as this organisation can have it."""
    raise NotImplementedError


def cost(org: Organisation, plan: str, nodes: int) -> Cost:
    """Return what `nodes` in all would cost for a year from the day of the money; `Refused` (422) for 0 or less."""
    raise NotImplementedError


def order(org: Organisation, plan: str, nodes: int, *, by: Any, shown: str | None = None) -> LicenceQuote:
    """Order a licence, or another year of one that ran out: its invoice is issued at once, the term begins when it is settled.

    On approved credit terms, or where nothing is to be paid, it is active at once. `Denied` LICENCE_EXISTS where a
    contract runs, QUOTE_STALE where `shown` says something else than today's cost.
    """
    raise NotImplementedError


def cancel(quote: LicenceQuote, *, by: Any) -> None:
    """Cancel an order that is not paid: the open invoice is taken back; a licence that never had a term is cancelled."""
    raise NotImplementedError


def waiting(licence: Licence) -> LicenceQuote | None:
    """Return the order of a licence that waits for its money (`quote.invoice` is what to pay, `quote.pay_by` until when)."""
    raise NotImplementedError


def from_when(quote: LicenceQuote) -> tuple[date, date]:
    """Return the days `[start, end)` a quote covers, or would if it were paid today."""
    raise NotImplementedError
