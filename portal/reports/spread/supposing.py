"""What if: amounts added or taken, dated and with a term, seen on every basis; nothing is stored, nothing asks the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from portal.core.periods import earned, nth

DAY = timedelta(days=1)
BASES = ("booked", "net_invoiced", "collected_net", "recognised")


@dataclass(frozen=True, slots=True)
class Change:
    """An amount (fen, net; below nothing takes away) signed on a day in a stream, of a payer if one is named.

    With a term of months it is earned day by day from the day it is signed; without one on that day.
    """

    stream: str
    amount: int
    signed: date
    months: int = 0
    payer: str = ""

    def on(self, basis: str, start: date, end: date, due_days: int) -> int:
        """Return what of it falls into `[start, end)` on a basis; it is invoiced when signed and paid when due."""
        if basis == "recognised" and self.months:
            stop = nth(self.signed, self.months, 1)
            return earned(self.amount, self.signed, stop, end - DAY) - earned(
                self.amount, self.signed, stop, start - DAY
            )
        day = self.signed + timedelta(days=due_days) if basis == "collected_net" else self.signed
        return self.amount if start <= day < end else 0


def changed(
    amounts: Mapping[str, int], changes: Iterable[Change], basis: str, start: date, end: date, *, due_days: int,
    groups: Mapping[str, str] | None = None, by_payer: bool = False,
) -> dict[str, int]:  # fmt: skip
    """Return amounts by source with the changes in them: by stream, by group, or by payer (who is not named pays anew)."""
    found = dict(amounts)
    for n, one in enumerate(changes, 1):
        if by_payer:
            key = one.payer or f"new:{n}"
        else:
            key = groups.get(one.stream, one.stream) if groups is not None else one.stream
        if part := one.on(basis, start, end, due_days):
            found[key] = found.get(key, 0) + part
    return found
