"""Measures of income as pure functions of integers and fractions: shares, diversity, targets; verdicts never see a rounded figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from portal.core.money import half_up

CEILING = Fraction(3, 5)
AT_RISK = Fraction(9, 10)
BUCKETS = ((0, "not_due"), (30, "1_30"), (60, "31_60"), (90, "61_90"))


def rounded(value: Fraction) -> int:
    """Return a fraction as a whole number, half away from zero."""
    return half_up(value.numerator, value.denominator)


def digits(value: Fraction | None, places: int = 6) -> str | None:
    """Return a ratio as text with so many decimals, half up; None where there is nothing to divide by."""
    if value is None:
        return None
    scaled = rounded(value * 10**places)
    sign, size = ("-" if scaled < 0 else ""), str(abs(scaled)).rjust(places + 1, "0")
    return f"{sign}{size[:-places]}.{size[-places:]}"


def share(part: int, whole: int) -> Fraction | None:
    """Return a part of a whole; None if the whole is nothing."""
    return Fraction(part, whole) if whole else None


def hhi(shares: list[Fraction]) -> Fraction:
    """Return the sum of squares of shares, exact."""
    return sum((one * one for one in shares), Fraction(0))


def shannon(shares: list[Fraction]) -> str:
    """Return exp(−Σ p ln p) with six decimals: a second opinion on how many sources there are."""
    with localcontext() as context:
        context.prec = 50
        total = Decimal(0)
        for one in shares:
            if one:
                p = Decimal(one.numerator) / Decimal(one.denominator)
                total -= p * p.ln()
        value = total.exp()
        return digits(Fraction(value)) or ""


@dataclass(frozen=True, slots=True)
class Diversity:
    """How much hangs on the greatest source of a list, negatives counted as nothing."""

    n: int
    total: int
    top: str | None
    shares: tuple[Fraction, ...]
    breached: bool
    headroom: int
    others: int

    def body(self) -> dict[str, Any]:
        """Return the figures under the keys of the report; ratios are None where there is no income."""
        there = bool(self.shares)
        index = hhi(list(self.shares)) if there else None
        spread = None
        if index is not None and self.n > 1:
            spread = (1 - index) / (1 - Fraction(1, self.n))
        return {
            "n": self.n,
            "total": self.total,
            "top": self.top,
            "top_share": digits(max(self.shares) if there else None),
            "hhi": digits(index),
            "hhi_10000": rounded(index * 10_000) if index is not None else None,
            "effective_number": digits(1 / index if index else None),
            "shannon_number": shannon(list(self.shares)) if there else None,
            "diversification_index": digits(spread),
            "limit_breached": self.breached,
            "headroom_top": self.headroom,
            "others_needed": self.others,
        }


def diversity(amounts: Mapping[str, int], limit: Fraction = CEILING) -> Diversity:
    """Return the diversity of amounts by source (fen): breach ⇔ den·v_max ≥ num·T, in integers.

    Headroom is the extra income of the top source at which it touches the ceiling, (L·T − v_max) / (1 − L); others
    needed the extra income of all others that brings it back, v_max / L − T.
    """
    values = {name: max(0, amount) for name, amount in amounts.items()}
    total = sum(values.values())
    if not total:
        return Diversity(len(values), 0, None, (), False, 0, 0)
    top = max(values, key=lambda name: values[name])
    most = values[top]
    breached = limit.denominator * most >= limit.numerator * total
    headroom = 0 if breached or limit >= 1 else rounded((limit * total - most) / (1 - limit))
    others = rounded(Fraction(most) / limit - total) if breached else 0
    shares = tuple(Fraction(value, total) for value in values.values())
    return Diversity(len(values), total, top, shares, breached, headroom, others)


def target(goal: int, actual: int, *, elapsed: int, days: int, months_left: int) -> dict[str, Any]:
    """Return how a target stands: attainment A/T, pace A/(T·w), and what is needed a month."""
    pace = Fraction(actual * days, goal * elapsed) if goal and elapsed else None
    gap = goal - actual
    if pace is None:
        status = "no data"
    else:
        status = "on_track" if pace >= 1 else "at_risk" if pace >= AT_RISK else "behind"
    return {
        "target": goal,
        "actual": actual,
        "attainment": digits(share(actual, goal)),
        "pace": digits(pace),
        "gap": gap,
        "needed_per_month": half_up(gap, months_left) if months_left else None,
        "status": status,
    }


def bucket(days_late: int) -> str:
    """Return the column of ageing for days past due."""
    return next((name for most, name in BUCKETS if days_late <= most), "over_90")
