"""The verdict on the largest source, in integers; what is printed beside it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from portal.reports.measures import Diversity, digits, diversity, hhi, rounded, shannon

TENTHS = 1000  # of a percent in the whole, as shares are printed


class Verdict(StrEnum):
    """What the ceiling says of a list of sources."""

    PASSES = "passes"
    WATCH = "watch"
    BREACH = "breach"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Limits:
    """The ceiling that a source may not reach, and from where on it is watched."""

    ceiling: Fraction = Fraction(3, 5)
    watch: Fraction = Fraction(11, 20)


@dataclass(frozen=True, slots=True)
class Judged:
    """A list of sources with its measures: `plain` is the sum with negatives, `cut` the sources taken as nothing."""

    amounts: Mapping[str, int]
    limits: Limits
    n: int
    found: Diversity
    verdict: Verdict
    cut: tuple[str, ...]

    @property
    def plain(self) -> int:
        """The sum of all amounts, negatives too."""
        return sum(self.amounts.values())

    @property
    def total(self) -> int:
        """The sum that shares are parts of, negatives as nothing."""
        return self.found.total

    @property
    def most(self) -> int:
        """What the largest source brought."""
        return max(0, self.amounts[self.found.top]) if self.found.top is not None else 0

    @property
    def top_share(self) -> Fraction | None:
        """The share of the largest source; None where there is nothing to divide."""
        return max(self.found.shares) if self.found.shares else None

    @property
    def hhi(self) -> Fraction | None:
        """Σ p², exact."""
        return hhi(list(self.found.shares)) if self.found.shares else None

    @property
    def effective(self) -> Fraction | None:
        """1 / HHI: as many equal sources would be as concentrated."""
        return 1 / self.hhi if self.hhi else None

    @property
    def shannon(self) -> str | None:
        """exp(−Σ p ln p) with six decimals."""
        return shannon(list(self.found.shares)) if self.found.shares else None

    @property
    def normalised(self) -> Fraction | None:
        """(1 − HHI) / (1 − 1/n), n the size of the list; no value for a list of one."""
        if self.hhi is None or self.n < 2:
            return None
        return (1 - self.hhi) / (1 - Fraction(1, self.n))

    def share_of(self, name: str) -> Fraction | None:
        """Return a source's share, negatives as nothing."""
        return Fraction(max(0, self.amounts.get(name, 0)), self.total) if self.total else None

    def ranked(self) -> list[tuple[str, int]]:
        """Return the sources with their amounts, the largest first, equals in the order of the list."""
        return sorted(self.amounts.items(), key=lambda one: -one[1])

    def of_largest(self, count: int) -> Fraction | None:
        """Return the share of so many largest sources together."""
        shares = sorted(self.found.shares, reverse=True)[:count]
        return sum(shares, Fraction(0)) if shares else None

    def body(self) -> dict[str, object]:
        """Return the measures as text with six decimals, for files."""
        return {
            "sum": self.plain, "total": self.total, "n": self.n, "top": self.found.top,
            "top_share": digits(self.top_share), "hhi": digits(self.hhi),
            "hhi_10000": None if self.hhi is None else rounded(self.hhi * 10_000),
            "effective_number": digits(self.effective), "shannon_number": self.shannon,
            "normalised": digits(self.normalised), "verdict": self.verdict.value,
            "headroom": self.found.headroom, "others_needed": self.found.others,
        }  # fmt: skip


def judge(amounts: Mapping[str, int], limits: Limits, *, n: int | None = None) -> Judged:
    """Judge amounts by source (fen), negatives as nothing; n is the size of the list, by default that of the amounts."""
    found = diversity(amounts, limits.ceiling)
    most = max((max(0, amount) for amount in amounts.values()), default=0)
    if not found.total:
        verdict = Verdict.NO_DATA
    elif found.breached:
        verdict = Verdict.BREACH
    elif reaches(most, found.total, limits.watch):
        verdict = Verdict.WATCH
    else:
        verdict = Verdict.PASSES
    cut = tuple(name for name, amount in amounts.items() if amount < 0)
    return Judged(dict(amounts), limits, len(amounts) if n is None else n, found, verdict, cut)


def reaches(part: int, whole: int, bound: Fraction) -> bool:
    """Whether a part reaches a share of the whole: den·part ≥ num·whole, in integers."""
    return bound.denominator * part >= bound.numerator * whole


def printed(share: Fraction, bound: Fraction) -> tuple[int, bool]:
    """Return a share in tenths of a percent, half up, and whether it prints as the bound without reaching it."""
    tenths = rounded(share * TENTHS)
    return tenths, tenths == rounded(bound * TENTHS) and share < bound


def points(share: Fraction, benchmark: Fraction) -> Fraction:
    """Return how many points of percent a share lies above (or, negative, below) a benchmark."""
    return (share - benchmark) * 100


def off(share: Fraction, benchmark: Fraction, most: Fraction) -> bool:
    """Whether a share lies further from a benchmark than so many points, on either side."""
    return abs(points(share, benchmark)) > most
