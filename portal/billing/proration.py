"""What a change in the middle of a period gives back and charges, to the fen (billing.md §3, example 5)."""

from __future__ import annotations

from datetime import date

from portal.billing.pricing import Taxed, add_tax, split
from portal.core.money import half_up
from portal.core.periods import unused


def credit(net: int, tax: int, start: date, end: date, day: date) -> Taxed:
    """Return what is left of an invoiced line on the morning of `day`, as negative figures in minor units.

    n = unused(line net), tax = half_up(line tax · n, line net), of a line of tax alone unused(tax): from what was invoiced,
    never from list.
    """
    left = unused(net, start, end, day)
    # A step of rounding alone may be a line of −1: the denominator of half_up is positive, so both signs turn
    back = half_up(tax * left * (1 if net > 0 else -1), abs(net)) if net else unused(tax, start, end, day)
    return -Taxed(left, back, left + back)


def charge(full: int, start: date, end: date, day: date, bp: int | None, *, inclusive: bool = True) -> Taxed:
    """Return what the days from `day` on cost of a full price for the whole contract period, then its tax.

    `full` is in the price's own terms; the denominator is always the whole period.
    """
    part = unused(full, start, end, day)
    return split(part, bp or 0) if inclusive else add_tax(part, bp or 0)
