"""What a quantity costs, what a discount takes off, and how tax is taken out or put on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.core.money import half_up, spread, whole

WHOLE_BP = 10_000  # basis points in the whole


def _natural(value: object, what: str) -> int:
    """A whole number that is not negative."""
    number = whole(value, what)
    if number < 0:
        raise ValueError(f"{what} may not be negative")
    return number


@dataclass(frozen=True, slots=True)
class Taxed:
    """One line's figures in minor units; net + tax = gross always."""

    net: int
    tax: int
    gross: int

    def __post_init__(self) -> None:
        if whole(self.net, "net") + whole(self.tax, "tax") != whole(self.gross, "gross"):
            raise ValueError("net and tax do not make the gross")

    def __add__(self, other: Taxed) -> Taxed:
        # Sums of a document are sums of its lines; tax is never recomputed on the total.
        return Taxed(self.net + other.net, self.tax + other.tax, self.gross + other.gross)

    def __neg__(self) -> Taxed:
        return Taxed(-self.net, -self.tax, -self.gross)


def split(gross: int, bp: int) -> Taxed:
    """Take the tax out of a gross amount (minor units) at `bp` basis points; exempt is 0.

    net = half_up(gross·10000, 10000+bp), tax = gross − net (billing.md §1). ValueError for a negative rate.
    """
    net = half_up(whole(gross, "gross") * WHOLE_BP, WHOLE_BP + _natural(bp, "tax rate"))
    return Taxed(net, gross - net, gross)


def add_tax(net: int, bp: int) -> Taxed:
    """Put tax on a net amount (minor units) at `bp` basis points; exempt is 0.

    tax = half_up(net·bp, 10000) (billing.md §1). ValueError for a negative rate.
    """
    tax = half_up(whole(net, "net") * _natural(bp, "tax rate"), WHOLE_BP)
    return Taxed(net, tax, net + tax)


class PriceModel(StrEnum):
    """How a price turns a quantity into an amount (billing.md §2)."""

    FLAT = "flat"
    PER_UNIT = "per_unit"
    VOLUME = "volume"
    GRADUATED = "graduated"
    BAND = "band"
    QUOTED = "quoted"
    SHARE = "share"


TIERED = frozenset({PriceModel.VOLUME, PriceModel.GRADUATED, PriceModel.BAND})


class OutsideRange(ValueError):
    """A quote lies outside the price's range and no second person has agreed to it."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `up_to` (None: open): `unit` each plus `flat` once, in minor units."""

    up_to: int | None
    unit: int
    flat: int = 0

    def __post_init__(self) -> None:
        _natural(self.unit, "unit price")
        _natural(self.flat, "flat price")
        if self.up_to is not None and whole(self.up_to, "tier border") < 1:
            raise ValueError("a tier ends at 1 or above")


@dataclass(frozen=True, slots=True)
class Terms:
    """The amounts of a price row in minor units, `bp` in basis points; each model reads only its own.

    flat → `flat`; per_unit → `unit`; volume, graduated, band → `tiers`; quoted → `low`, `high` (None: no
    bound); share → `bp`.
    """

    flat: int = 0
    unit: int = 0
    tiers: tuple[Tier, ...] = ()
    low: int | None = None
    high: int | None = None
    bp: int = 0

    def __post_init__(self) -> None:
        for what in ("flat", "unit", "bp"):
            _natural(getattr(self, what), what)
        for what in ("low", "high"):
            if getattr(self, what) is not None:
                _natural(getattr(self, what), what)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the range of a quote is empty")
        if self.tiers:
            check_tiers(self.tiers)


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Raise ValueError unless there are tiers, their borders rise and only the last is open."""
    if not tiers or tiers[-1].up_to is not None:
        raise ValueError("the last tier must be open")
    previous = 0
    for tier in tiers[:-1]:
        if tier.up_to is None or tier.up_to <= previous:
            raise ValueError("tiers must rise, and only the last may be open")
        previous = tier.up_to


def _holding(tiers: Sequence[Tier], q: int) -> Tier:
    """The tier that holds the q-th unit."""
    return next(tier for tier in tiers if tier.up_to is None or q <= tier.up_to)


def _graduated(tiers: Sequence[Tier], q: int) -> int:
    """Over the tiers entered: flat + units inside · unit."""
    total = below = 0
    for tier in tiers:
        top = q if tier.up_to is None else min(q, tier.up_to)
        total += tier.flat + (top - below) * tier.unit
        if top == q:
            break
        below = top
    return total


def _quoted(quote: int | None, terms: Terms, agreed: bool) -> int:
    """The sum named on the order, if it lies in the range or a second person agreed."""
    if quote is None:
        raise ValueError("this price is set on the order")
    sum_ = _natural(quote, "quote")
    low_ok = terms.low is None or terms.low <= sum_
    high_ok = terms.high is None or sum_ <= terms.high
    if not (agreed or (low_ok and high_ok)):
        raise OutsideRange("the quote is outside the range of this price")
    return sum_


def amount(
    model: PriceModel,
    q: int,
    terms: Terms,
    *,
    quote: int | None = None,
    agreed: bool = False,
    base: int | None = None,
) -> int:
    """Amount in minor units for quantity `q` ≥ 1, in the price's own terms (net or gross), billing.md §2.

    `quote` is the whole sum set on the order (quoted), `agreed` says that a second person took it outside
    the range; `base` is the turnover a share is taken of, in minor units. Raises ValueError for a quantity
    the model cannot sell, missing tiers, quote or base; OutsideRange for a quote nobody else agreed to.
    """
    if whole(q, "quantity") < 1:
        raise ValueError("a quantity is 1 or more")
    if model in TIERED:
        check_tiers(terms.tiers)
        if model is PriceModel.GRADUATED:
            return _graduated(terms.tiers, q)
        tier = _holding(terms.tiers, q)
        return tier.flat + q * tier.unit if model is PriceModel.VOLUME else tier.flat
    if model is PriceModel.PER_UNIT:
        return q * terms.unit
    if model is PriceModel.QUOTED:
        return _quoted(quote, terms, agreed)
    if model is PriceModel.SHARE:
        if base is None:
            raise ValueError("a share needs its base")
        return half_up(whole(base, "base") * terms.bp, WHOLE_BP)
    if q != 1:
        raise ValueError("a flat price is sold once")
    return terms.flat


def borders(model: PriceModel, terms: Terms) -> list[tuple[int, int]]:
    """(quantity, amount in minor units) at every border and one beyond, for the price editor's warning.

    Empty for models without tiers.
    """
    if model not in TIERED:
        return []
    ends = [tier.up_to for tier in terms.tiers if tier.up_to is not None]
    marks = sorted({*ends, *(end + 1 for end in ends)})
    return [(q, amount(model, q, terms)) for q in marks]


class DiscountKind(StrEnum):
    """What a discount's value means: basis points, minor units, or everything."""

    PERCENT = "percent"
    FIXED = "fixed"
    WAIVER = "waiver"


@dataclass(frozen=True, slots=True)
class Discount:
    """One discount: `value` in basis points (percent) or minor units (fixed), unused for a waiver.

    `lines` are the positions it may touch; None means all.
    """

    kind: DiscountKind
    value: int = 0
    lines: frozenset[int] | None = None

    def __post_init__(self) -> None:
        _natural(self.value, "discount")
        if self.kind is DiscountKind.PERCENT and self.value > WHOLE_BP:
            raise ValueError("more than 100 % cannot be taken off")


@dataclass(frozen=True, slots=True)
class Reduced:
    """A line after discounts in minor units; `taken` has one figure per discount, in the order given."""

    listed: int
    taken: tuple[int, ...]

    @property
    def discount(self) -> int:
        """All that is taken off, ≥ 0."""
        return sum(self.taken)

    @property
    def due(self) -> int:
        """What is left, ≥ 0; tax is computed on this."""
        return self.listed - self.discount


# A waiver is −100 % of list, so nothing is left for the others; percent before fixed.
_TURN = {DiscountKind.WAIVER: 0, DiscountKind.PERCENT: 1, DiscountKind.FIXED: 2}


def apply_discounts(listed: Sequence[int], discounts: Sequence[Discount]) -> list[Reduced]:
    """Apply discounts to list amounts (minor units, in the price's own terms), one result per line.

    billing.md §3: percents are each taken on list, half_up(list·bp, 10000), and never below zero; then
    fixed sums, at most what is left, `spread` over the eligible lines by what is left of each. The order in
    which discounts are passed decides only between equals. Raises ValueError for a negative list amount.
    """
    left = [_natural(sum_, "list amount") for sum_ in listed]
    taken = [[0] * len(discounts) for _ in listed]
    for n in sorted(range(len(discounts)), key=lambda i: _TURN[discounts[i].kind]):
        for line, cut in enumerate(_cuts(discounts[n], listed, left)):
            taken[line][n] = cut
            left[line] -= cut
    return [Reduced(sum_, tuple(row)) for sum_, row in zip(listed, taken, strict=True)]


def _cuts(discount: Discount, listed: Sequence[int], left: Sequence[int]) -> list[int]:
    """What one discount takes off each line, never more than is left of it."""
    open_ = [sum_ if discount.lines is None or i in discount.lines else 0 for i, sum_ in enumerate(left)]
    if discount.kind is DiscountKind.WAIVER:
        return open_
    if discount.kind is DiscountKind.FIXED:
        # Weighted by what is left, and at most all of it, no part can exceed its own line.
        return spread(min(discount.value, sum(open_)), open_)
    return [
        min(rest, half_up(sum_ * discount.value, WHOLE_BP)) for rest, sum_ in zip(open_, listed, strict=True)
    ]
