"""What a change of tier would do, computed from what runs: day, lines, seats, benefits, and all it rests on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts import contacts
from portal.billing import recognition
from portal.billing.catalogue import Price, price_of
from portal.billing.models import OrderLine
from portal.billing.pricing import Taxed
from portal.billing.quote_models import LineRole
from portal.core import catalogue, clock
from portal.core.errors import Refused
from portal.core.money import half_up
from portal.members import quotes, tier_terms
from portal.members.belonging import Membership, Term, TermKind
from portal.members.quotes import Change, Direction
from portal.members.tier_models import When

KINDS = {
    Direction.UP: TermKind.UPGRADE,
    Direction.DOWN: TermKind.DOWNGRADE,
    Direction.ACROSS: TermKind.RECLASS,
}
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of the preview before it is written; `list` and `discount` are fen with tax in them."""

    role: LineRole
    term: Term
    words: Names
    discount_words: Names
    list: int
    discount: int
    figures: Taxed
    starts: date
    ends: date
    line: OrderLine | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change would do."""

    membership: Membership
    term: Term
    tier: str
    kind: TermKind
    takes_effect: When
    day: date
    price: Price
    yearly: int
    lines: tuple[Planned, ...]
    seats: tuple[dict[str, Any], ...]
    benefits: tuple[dict[str, Any], ...]
    inputs: dict[str, Any]

    @property
    def total(self) -> Taxed:
        """Return what is to be paid; below zero what comes back."""
        return sum((one.figures for one in self.lines), Taxed(0, 0, 0))

    @property
    def fingerprint(self) -> str:
        """Return the hash of what it was computed from."""
        text = json.dumps(self.inputs, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def names_of(tier: str) -> Names:
    """Return what a tier is called in both languages."""
    body = catalogue.entries("tier").get(tier) or catalogue.entries("imported_tier").get(tier) or {}
    said = body.get("name", tier)
    return dict(said) if isinstance(said, dict) else {"en": said, "zh": said}


def rank_of(tier: str) -> int | None:
    """Return the rank of a tier, 0 the highest: what it says itself, else its place; none for imported ones."""
    ours = catalogue.entries("tier")
    return int(ours[tier].get("rank", list(ours).index(tier))) if tier in ours else None


def open_to(membership: Membership) -> list[str]:
    """Return the tiers that a member may change to: those for its kind of holder, but its own."""
    holder = "person" if membership.org.person_id is not None else "organisation"
    return [
        code
        for code, body in catalogue.entries("tier").items()
        if body.get("holder", "organisation") == holder and code != membership.tier
    ]


def direction_to(old: str, new: str) -> Direction:
    """Return which way a change from one tier to another goes."""
    return quotes.direction(rank_of(old), rank_of(new))


def plan(membership: Membership, tier: str, *, day: date | None = None, when: When | None = None) -> Plan:
    """Compute what a change to a tier would be, from a day on or with the next term; `Refused` if it cannot be."""
    on = day or clock.today()
    term, later = tier_terms.running(membership, on)
    if tier == term.tier or tier not in catalogue.entries("tier"):
        raise Refused(_l("Please choose another tier than the present one."), field="tier", status=422)
    way = direction_to(term.tier, tier)
    chosen = when or When(catalogue.policy(f"tier_change.{way.value}"))
    price = price_of(catalogue.entry("tier", tier)["product"], on=max(on, clock.today()))
    yearly = price.figures(price.amount).gross
    if chosen is When.NOW:
        affected, effective = [term, *later], on
    else:
        affected, effective = later, later[0].start if later else _end(term)
    lines = tuple(
        line for one in affected for line in _lines(one, max(effective, one.start), tier, price, yearly)
    )
    seats, benefits = _seats(term.tier, tier), _benefits(membership, term.tier, tier, effective)
    inputs = {
        "membership": membership.uid, "term": term.uid, "tier": tier, "when": chosen.value, "day": str(effective),
        "price": [price.id, yearly, price.tax.bp],
        "terms": [[one.uid, str(one.end)] for one in (term, *later)],
        "lines": [[one.role.value, one.term.uid, one.list, one.discount, one.figures.gross] for one in lines],
        "seats": [[one["role"], one["old"], one["new"]] for one in seats],
        "benefits": [[one["code"], one["old"], one["new"]] for one in benefits],
    }  # fmt: skip
    return Plan(
        membership, term, tier, KINDS[way], chosen, effective, price, yearly, lines, seats, benefits, inputs
    )


def _end(term: Term) -> date:
    if term.end is None:
        raise ValueError("a term without an end has no next one")
    return term.end


def _lines(term: Term, day: date, tier: str, price: Price, yearly: int) -> list[Planned]:
    """Return what is given back of one term and what its days cost at the new tier."""
    line, end = tier_terms.line_of(term), _end(term)
    keep = line is None or catalogue.policy("waiver.on_upgrade") == "keep"
    left = tier_terms.held(line, day)
    change = quotes.changed(tier_terms.as_running(term), yearly, day, keep_waiver=keep, left=left)
    found = [_charge(term, change, day, end, tier, price, paid_before=line is None)]
    if change.unused and line is not None:
        found.insert(0, _credit(term, change, day, end, line))
    return found


def _credit(term: Term, change: Change, day: date, end: date, line: OrderLine) -> Planned:
    net, tax = recognition.charged(recognition.charges(line)[-1])
    back = half_up(tax * change.unused, net + tax)
    names, days = names_of(term.tier), _days(day, end)
    words = {"en": f"Not used: {names['en']} {days}", "zh": f"未使用部分：{names['zh']} {days}"}
    figures = -Taxed(change.unused - back, back, change.unused)
    return Planned(LineRole.CREDIT, term, words, {}, -change.unused, 0, figures, day, end, line)


def _charge(
    term: Term, change: Change, day: date, end: date, tier: str, price: Price, *, paid_before: bool
) -> Planned:
    days, old = _days(day, end), names_of(term.tier)
    words = {"en": f"{price.words['en']} {days}", "zh": f"{price.words['zh']} {days}"}
    said = (
        {"en": f"Paid before, for {old['en']}", "zh": f"{old['zh']}已缴会费抵扣"}
        if paid_before
        else {"en": f"Waiver kept, for {old['en']}", "zh": f"沿用{old['zh']}会费豁免"}
    )
    return Planned(
        LineRole.CHARGE, term, words, said if change.discount else {}, change.new, change.discount,
        price.tax.of(change.charged), day, end,
    )  # fmt: skip


def _days(day: date, end: date) -> str:
    return f"{day} – {end - timedelta(days=1)}"


def _seats(old: str, new: str) -> tuple[dict[str, Any], ...]:
    """Return the key contacts that a change wins and loses: least and most people of a role, before and after."""
    before = {role.value: list(bound) for role, bound in contacts.bounds(old).items()}
    after = {role.value: list(bound) for role, bound in contacts.bounds(new).items()}
    differing = quotes.compared(before, after, [0, 0])
    return tuple({"role": role, "old": pair[0], "new": pair[1]} for role, pair in differing.items())


def given_by(tier: str, category: str, *, on: date) -> dict[str, int | None]:
    """Return the benefits of a tier for a category, with how many of each; None is uncounted."""
    found: dict[str, int | None] = {}
    for code, body in catalogue.entries("benefit", on=on).items():
        pairs = ((body.get("tiers", {}), tier), (body.get("categories", {}), category))
        given = [table[key] for table, key in pairs if key in table]
        if given:
            found[code] = None if None in given else sum(given)
    return found


def _benefits(membership: Membership, old: str, new: str, on: date) -> tuple[dict[str, Any], ...]:
    category, named = membership.org.category, catalogue.entries("benefit", on=on)
    without: int | None = 0
    differing = quotes.compared(given_by(old, category, on=on), given_by(new, category, on=on), without)
    return tuple(
        {"code": code, "name": dict(named[code]["name"]), "old": pair[0], "new": pair[1]}
        for code, pair in differing.items()
    )
