"""How much of a benefit is given and left, what a period of capacity is, and who comes next in a queue: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from portal.core.periods import nth
from portal.members.standing import Facts

MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
NOTHING = -1
Group = tuple[str, str]


def given(body: Mapping[str, Any], tier: str, category: str) -> int | None:
    """Return how many a definition gives at a tier to a category: None for a flag, `NOTHING` if none.

    An entry of `cells` (tier, then category) stands for itself; else what `tiers` and `categories` give is added.
    """
    cell = body.get("cells", {}).get(tier, {})
    if category in cell:
        return _count(cell[category])
    tables = ((body.get("tiers", {}), tier), (body.get("categories", {}), category))
    found = [table[key] for table, key in tables if key in table]
    if not found:
        return NOTHING
    return None if None in found else sum(int(one) for one in found)


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def available(
    quantity: int | None,
    *,
    taken: int,
    start: date,
    until: date | None,
    on: date,
    claim_by: date | None = None,
) -> int:
    """Return how many may still be claimed on a day: quantity − taken within [start, until), else 0.

    A flag counts as one. `claim_by` is the last day for new claims. More taken than granted (a lower tier now)
    leaves 0 and takes nothing back.
    """
    open_now = start <= on and (until is None or on < until) and (claim_by is None or on <= claim_by)
    return max(0, (1 if quantity is None else quantity) - taken) if open_now else 0


def last_claim_day(body: Mapping[str, Any], start: date) -> date | None:
    """Return the last day on which a grant that starts then may be claimed; None for its whole time."""
    if (day := body.get("claim_by")) is not None:
        return day if isinstance(day, date) else date.fromisoformat(str(day))
    if (days := body.get("claim_days")) is not None:
        return start + timedelta(days=int(days) - 1)
    return None


def stops(facts: Facts) -> dict[int, date | None]:
    """Return the first day without each term: its end, or the earliest ending said and not undone."""
    undone = {one.undoes_id for one in facts.reversals if one.undoes_kind == "ending"}
    said = [one for one in facts.endings if one.id not in undone]
    found: dict[int, date | None] = {}
    for term in facts.terms:
        days = [one.on for one in said if one.term_id == term.id]
        found[term.id] = min([*days, *([term.end] if term.end else [])], default=None)
    return found


def span(per: str, day: date) -> tuple[date, date]:
    """Return the period of capacity [start, end) that a day lies in; ValueError for a word that names none."""
    if per not in MONTHS:
        raise ValueError(f"a capacity is per {', '.join(MONTHS)}, not {per}")
    length = MONTHS[per]
    start = date(day.year, (day.month - 1) // length * length + 1, 1)
    return start, nth(start, length, 1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim in the queue: when it was made, for how many, and its tier and category."""

    id: int
    at: datetime
    quantity: int
    group: Group


@dataclass(frozen=True, slots=True)
class Shares:
    """How the places of a queue are shared out: weights of tiers and of categories, 1 where none is said."""

    tiers: Mapping[str, int]
    categories: Mapping[str, int]

    def weight(self, group: Group) -> int:
        """Return what a tier and category weigh together."""
        return self.tiers.get(group[0], 1) * self.categories.get(group[1], 1)


def shares_of(body: Mapping[str, Any]) -> Shares | None:
    """Return the shares a definition sets; None where the order of claiming alone counts."""
    said = body.get("shares")
    return None if said is None else Shares(said.get("tiers", {}), said.get("categories", {}))


def in_line(waiting: Iterable[Waiting], taken: Mapping[Group, int], shares: Shares | None) -> list[Waiting]:
    """Return a queue in the order in which it is served.

    Without shares in order of claiming. With shares the next place goes to the tier and category that would then
    have the least for its weight, counting what it holds already; within it, and on a tie, to the earliest claim.
    """
    left = sorted(waiting, key=lambda one: (one.at, one.id))
    if shares is None:
        return left
    held, found = dict(taken), []
    while left:
        heads = _heads(left)
        first = min(heads, key=lambda one: (_then(one, held, shares), one.at, one.id))
        held[first.group] = held.get(first.group, 0) + first.quantity
        left.remove(first)
        found.append(first)
    return found


def _heads(left: Sequence[Waiting]) -> list[Waiting]:
    found: dict[Group, Waiting] = {}
    for one in left:
        found.setdefault(one.group, one)
    return list(found.values())


def _then(one: Waiting, held: Mapping[Group, int], shares: Shares) -> Fraction:
    return Fraction(held.get(one.group, 0) + one.quantity, shares.weight(one.group))


def served(queue: Sequence[Waiting], places: int) -> list[Waiting]:
    """Return who of a queue gets a place now: from the front, whole claims, and nobody overtakes one too large."""
    found: list[Waiting] = []
    for one in queue:
        if one.quantity > places:
            break
        places -= one.quantity
        found.append(one)
    return found
