"""What a payment provider says, as our own plain values: the gateway gives no others away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the provider has it now.

    `status` is open, complete or expired; `paid`: the money is certain; `failed`: it was promised and did not
    come; `wallet`: Alipay or WeChat Pay; `live`: real money; `customer`, `method` and `card`: what could be kept of
    the card that paid; `why`: what the bank said against it.
    """

    id: str
    url: str
    status: str
    paid: bool
    failed: bool
    amount: Money
    reference: str
    payment: str
    wallet: bool
    live: bool
    customer: str = ""
    method: str = ""
    card: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class SentBack:
    """A refund as the provider has it now: `status` is succeeded, failed or pending; `why` is for failed ones."""

    id: str
    status: str
    why: str = ""
    uid: str = ""
    payment: str = ""
    amount: Money = field(default_factory=lambda: Money(0))


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute as the provider has it now; `names` are the payment's intent and charge."""

    id: str
    names: tuple[str, ...]
    amount: Money
    reason: str
    status: str
    answer_by: datetime | None
    live: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement of the provider's balance; `names` are the payment's intent and charge it belongs to."""

    id: str
    kind: str
    gross: Money
    fee: Money
    net: Money
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout as the provider has it now, with the movements it is the sum of."""

    id: str
    amount: Money
    arrives_on: date
    status: str
    live: bool
    lines: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Recent:
    """What the provider knows of the last days: sessions, events as sent, payouts."""

    sessions: tuple[Session, ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    payouts: tuple[str, ...] = ()
