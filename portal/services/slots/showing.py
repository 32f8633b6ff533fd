"""The queue in words: the rule as it stands, everybody's place and reason, and the fraction it was compared by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portal.core import catalogue, clock, labels
from portal.services.slots import fairness, queueing
from portal.services.slots.fairness import Placed
from portal.services.slots.kinds import Why
from portal.services.slots.models import SlotQuarter, SlotRequest


@dataclass(frozen=True, slots=True)
class Seen:
    """A request's place in the queue for a quarter, with the reason in words."""

    place: int
    of: int
    now: bool
    words: str
    fraction: str


def fraction(placed: Placed) -> str:
    """Return slots + 1 over the weight as people write it: `4/6`, `2/1.5`."""
    top, halves = placed.ratio
    return f"{top}/{halves / 2:g}"


def seen(placed: Placed, of: int) -> Seen:
    """Return a place in words."""
    said = labels.label(placed.why)
    if placed.why is Why.RATIO or (placed.why is Why.SMALL and not placed.now):
        said = _(
            "%(why)s: (slots of your group in 12 months + 1) ÷ weight is %(fraction)s",
            why=labels.label(Why.RATIO), fraction=fraction(placed),
        )  # fmt: skip
    return Seen(placed.place, of, placed.now, said, fraction(placed))


def places(quarter: SlotQuarter) -> list[tuple[SlotRequest, Seen]]:
    """Return everybody who waits for a quarter in order, with place and reason."""
    rows = queueing.line(quarter)
    return [(row, seen(placed, len(rows))) for row, placed in rows]


def rule() -> list[str]:
    """Return the rule in sentences, with the numbers in force today."""
    numbers, small = queueing.rule(), catalogue.policy("slots.small")
    weights = catalogue.policy("slots.weights")
    tiers = catalogue.entries("tier")
    said = [
        _("%(tier)s %(weight)s", tier=catalogue.in_words(tiers[code]["name"]), weight=weight)
        for code, weight in weights.items()
        if code in tiers
    ]
    return [
        _("Whoever has waited more than %(days)s days goes first, the oldest request before all.", days=numbers.long_days),
        _(
            "Then %(count)s slot of each quarter goes to a small member (%(who)s).",
            count=numbers.small_slots, who=_small(small),
        ),
        _("Then the smallest (slots of the corporate group in 12 months + 1) ÷ weight; ties by the day of the request."),
        _(
            "Weights: %(weights)s, other members %(other)s; half as much again for chip vendors in chip adaptation and model companies in migration. Who is no member has what is left.",
            weights=_(", ").join(said), other=weights["other"],
        ),
        _(
            "One corporate group has at most %(percent)s %% of a quarter's slots, at least one.",
            percent=numbers.share_percent,
        ),
    ]  # fmt: skip


def _small(small: dict[str, Any]) -> str:
    names = [catalogue.entries("tier").get(code) for code in small["tiers"]]
    names += [catalogue.entries("category").get(code) for code in small["categories"]]
    return _(", ").join(catalogue.in_words(one["name"]) for one in names if one is not None)


def table(quarter: SlotQuarter) -> dict[str, Any]:
    """Return a quarter with its slots and its queue, for the command line and programs."""
    given, today = queueing.given_in(quarter), clock.today()
    most = fairness.most_of_group(quarter.slots, queueing.rule().share_percent)
    return {
        "quarter": quarter.code, "slots": quarter.slots, "person_days": quarter.person_days, "most_of_group": most,
        "given": [
            {"id": one.uid, "organisation": one.org.legal_name, "kind": one.kind.value, "state": one.state.value}
            for one in given
        ],
        "queue": [
            {
                "place": placed.place, "id": row.uid, "organisation": row.org.legal_name, "kind": row.kind.value,
                "asked_on": row.asked_on.isoformat(), "days": (today - row.asked_on).days, "now": placed.now,
                "why": placed.why.value, "fraction": fraction(placed),
            }
            for row, placed in queueing.line(quarter)
        ],
    }  # fmt: skip
