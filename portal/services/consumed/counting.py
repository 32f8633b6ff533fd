"""Counted rights as a customer reads them: granted, held, used, left, expired, and where each comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.core.money import Money
from portal.members import granting
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import Claim, ClaimState
from portal.members.granting import Held

C = ClaimState


@dataclass(frozen=True, slots=True)
class Counted:
    """One counted right. What is granted is used, held, left, or expired; `over` is what a lower tier no longer covers."""

    grant: Grant
    name: str
    granted: int
    used: int
    held: int
    left: int
    expired: int
    over: int
    until: date | None
    worth: Money | None
    claims: Sequence[Claim]

    @property
    def adds_up(self) -> bool:
        """Whether nothing is lost and nothing is had twice."""
        parts = (self.used, self.held, self.left, self.expired, self.over)
        return (
            min(parts) >= 0 and self.used + self.held + self.left + self.expired == self.granted + self.over
        )


def counted(held: Held, on: date) -> Counted | None:
    """Return a grant as it stands on a day; None for a flag, which nobody counts, and for what another grant goes on with."""
    row, granted = held.grant, held.grant.quantity
    if granted is None or held.superseded:
        return None
    used = sum(one.quantity for one in held.claims if one.state is C.USED)
    waits = held.taken - used
    rest = max(0, granted - held.taken)
    left = held.left(on)
    price = held.body.get("list_value")
    return Counted(
        row, granting.benefit_name(row.benefit), granted, used, waits, left, rest - left,
        max(0, held.taken - granted), held.claim_until,
        None if price is None else Money(int(price["amount"]) * used), held.claims,
    )  # fmt: skip


def of(membership: Membership, on: date) -> list[Counted]:
    """Return every counted right of a membership that has begun, what runs first, then by its end."""
    carried = {
        one.grant.follows_id for one in granting.held_by([membership]) if one.grant.follows_id is not None
    }
    found = [
        row
        for one in granting.held_by([membership])
        if one.grant.id not in carried and one.grant.start <= on and (row := counted(one, on)) is not None
    ]
    return sorted(found, key=lambda one: (not one.left and not one.held, one.until or date.max, one.grant.id))


def source(row: Grant) -> str:
    """Return where a grant comes from, as a code: membership, purchase or promise."""
    if row.term_id is not None:
        return "term"
    return "invoice" if row.invoice_id is not None else "early"
