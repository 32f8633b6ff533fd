"""A price as people read it: one sentence, a curve, and what each border of its steps costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portal.billing.catalogue import Price
from portal.billing.pricing import TIERED, PriceModel, Terms, Tier, amount, borders
from portal.core import catalogue
from portal.core.money import Money
from portal.core.words import price as short

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 260, 92, 34, 18


@dataclass(frozen=True, slots=True)
class Border:
    """What a quantity at a border costs, each and in all; `falls` says that one more costs less."""

    quantity: int
    amount: Money
    each: Money
    falls: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve to be drawn: points in the picture, marks along both axes."""

    line: str
    xs: tuple[tuple[float, str], ...]
    ys: tuple[tuple[float, str], ...]
    drops: tuple[tuple[float, float], ...]


def border_table(price: Price) -> list[Border]:
    """Return every border and border + 1 with its amount, and where it falls."""
    found = borders(price.model, price.terms)
    amounts = dict(found)
    return [
        Border(
            q, Money(sum_, price.currency), Money(sum_ // q, price.currency), amounts.get(q + 1, sum_) < sum_
        )
        for q, sum_ in found
    ]


def falls(price: Price) -> list[Border]:
    """Return the borders after which one more costs less than before."""
    return [row for row in border_table(price) if row.falls]


def curve(price: Price) -> Curve | None:
    """Return the curve of a price by quantity; None where there is nothing to draw."""
    if price.model in TIERED:
        ends = [tier.up_to for tier in price.terms.tiers if tier.up_to is not None]
        last = ends[-1] if ends else 10
    elif price.model is PriceModel.PER_UNIT:
        ends, last = [], 15
    else:
        return None
    most = max(last + 2, last * 4 // 3)
    marks = sorted({1, most, *ends, *(end + 1 for end in ends)})
    sums = [amount(price.model, q, price.terms) for q in marks]
    high = max(*sums, 1)

    def x(q: int) -> float:
        return round(LEFT + (WIDTH - LEFT - 16) * (q - 1) / max(1, most - 1), 1)

    def y(sum_: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * sum_ / high, 1)

    line = " ".join(f"{x(q)},{y(sum_)}" for q, sum_ in zip(marks, sums, strict=True))
    drops = [
        (x(q), y(sum_))
        for (q, sum_), after in zip(zip(marks, sums, strict=True), [*sums[1:], high], strict=True)
        if after < sum_
    ]
    levels = [high * step // 4 for step in range(5)]
    ys = tuple((y(sum_), short(Money(sum_ // 100 * 100, price.currency))) for sum_ in levels)
    return Curve(line, tuple(_apart(x, [1, *ends, most])), ys, tuple(drops))


def _apart(x: Any, quantities: list[int]) -> list[tuple[float, str]]:
    """Return the marks of an axis without those that would touch the one before."""
    found: list[tuple[float, str]] = []
    for q in sorted(set(quantities)):
        if not found or x(q) - found[-1][0] > 44:
            found.append((x(q), f"{q:,}"))
    return found


def _step(tier: Tier, currency: str, unit: str) -> str:
    parts = []
    if tier.flat or not tier.unit:
        parts.append(short(Money(tier.flat, currency)))
    if tier.unit:
        parts.append(_("%(sum)s a %(unit)s", sum=short(Money(tier.unit, currency)), unit=unit))
    said = " + ".join(parts)
    if tier.up_to is None:
        return _("above: %(sum)s", sum=said)
    return _("to %(number)s: %(sum)s", number=f"{tier.up_to:,}", sum=said)


def said(price: Price) -> str:
    """Return a price in one sentence of the reader's language."""
    terms: Terms = price.terms
    unit = catalogue.in_words(price.unit) if price.unit else _("unit")
    if price.model in TIERED:
        return _("; ").join(_step(tier, price.currency, unit) for tier in terms.tiers)
    if price.model is PriceModel.PER_UNIT:
        return _("%(sum)s a %(unit)s", sum=short(Money(terms.unit, price.currency)), unit=unit)
    if price.model is PriceModel.SHARE:
        return _("%(share)s of the turnover", share=percent(terms.bp))
    if price.model is PriceModel.QUOTED:
        low = short(Money(terms.low or 0, price.currency))
        if terms.high is None:
            return _("by quote, from %(low)s", low=low)
        return _("by quote, %(low)s to %(high)s", low=low, high=short(Money(terms.high, price.currency)))
    return short(Money(terms.flat, price.currency))


def percent(bp: int | None) -> str:
    """Return basis points as people write them: `6 %`, `12.5 %`."""
    if bp is None:
        return _("exempt")
    whole, rest = divmod(bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


def stream(code: str) -> str:
    """Return what a stream of income is called; its code if the catalogue has none."""
    known = catalogue.entries("stream").get(code)
    return catalogue.in_words(known["name"]) if known else code
