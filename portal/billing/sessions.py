"""What a payment provider says, as our own plain values: the gateway gives no others away."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the provider has it now.

    `status` is open, complete or expired; `paid`: the money is certain; `failed`: it was promised and did not
    come; `wallet`: Alipay or WeChat Pay; `live`: real money.
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


@dataclass(frozen=True, slots=True)
class SentBack:
    """A refund as the provider has it now: `status` is succeeded, failed or pending; `why` is for failed ones."""

    id: str
    status: str
    why: str = ""
