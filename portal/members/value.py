"""Value delivered: what a membership year gave, what of it was used, and what that is worth beside the dues."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select

from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.money import Money, half_up
from portal.core.periods import unused
from portal.core.words import price
from portal.members import allotment, deciding, granting
from portal.members.belonging import Membership, Term
from portal.members.benefit_models import ClaimState
from portal.members.facts import facts_of
from portal.members.granting import Held
from portal.members.standing import EndingCause, Facts

C = ClaimState


@dataclass(frozen=True, slots=True)
class Line:
    """One benefit of a membership year. `granted` is None for a flag, `worth` None without a list value."""

    benefit: str
    name: str
    granted: int | None
    used: int
    open: int
    left: int | None
    worth: Money | None
    claimed_at_all: bool = True


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a membership year gave, beside its dues."""

    term: Term
    until: date | None
    dues: Money
    lines: list[Line] = field(default_factory=list)

    @property
    def worth(self) -> Money:
        """The list value of all that was used."""
        return sum((one.worth for one in self.lines if one.worth is not None), Money(0))

    @property
    def percent(self) -> int | None:
        """The list value of what was used in percent of the dues; None where no dues were charged."""
        return half_up(self.worth.minor * 100, self.dues.minor) if self.dues.minor else None


def delivered(membership: Membership, *, on: date | None = None) -> Delivered | None:
    """Return what the term of a day (or the last before it) gave and how it was used; None before the first term.

    After changes of tier it covers the whole membership year: the terms that a change ended count with the part
    of their dues that was used.
    """
    day, facts = on or clock.today(), facts_of([membership])[membership.id]
    stops = allotment.stops(facts)
    begun = [one for one in facts.terms if one.start <= day and stops[one.id] != one.start]
    if not begun:
        return None
    last = max(begun, key=lambda one: (one.start, one.id))
    chain = _chain(facts, last.id)
    rows = {row.id: row for row in db.session.scalars(select(Term).where(Term.id.in_(chain)))}
    dues = sum((_dues(rows[one], stops[one], last=one == last.id) for one in chain), Money(0))
    first, until = rows[chain[0]].start, stops[last.id]
    held = granting.held_by([membership])
    shown = [one for one in held if _belongs(one, chain, first, until)]
    lines = [_line(one) for one in _without_carried(shown)]
    return Delivered(rows[last.id], until, dues, lines)


def in_words(found: Delivered) -> tuple[str, ...]:
    """Return what was delivered as the lines of a letter, in the reader's language."""
    counted = [
        _("%(benefit)s: %(used)s of %(granted)s used", benefit=one.name, used=one.used, granted=one.granted)
        for one in found.lines
        if one.granted is not None
    ]
    worth = found.worth
    return (
        (*counted, _("List value of what was used: %(sum)s", sum=price(worth))) if worth else tuple(counted)
    )


def _chain(facts: Facts, term: int) -> list[int]:
    """Return the ids of a term and of those that a change of tier ended on the day the next began, first one first."""
    by_id, found = {one.id: one for one in facts.terms}, [term]
    undone = {one.undoes_id for one in facts.reversals if one.undoes_kind == "ending"}
    changes = [one for one in facts.endings if one.cause is EndingCause.TIER_CHANGE and one.id not in undone]
    while True:
        start = by_id[found[0]].start
        earlier = [one.term_id for one in changes if one.on == start and by_id[one.term_id].start < start]
        if not earlier:
            return found
        found.insert(0, max(earlier))


def _dues(term: Term, stop: date | None, *, last: bool) -> Money:
    """Return what a term cost, or the used part of it where a change of tier ended it."""
    if last or stop is None or term.end is None or stop >= term.end:
        return term.charged
    return term.charged - Money(unused(term.charged.minor, term.start, term.end, stop))


def _belongs(held: Held, chain: list[int], first: date, until: date | None) -> bool:
    """Whether a grant is of this membership year: of its terms, or bought within it."""
    row = held.grant
    if row.term_id is not None:
        return row.term_id in chain
    return row.invoice_id is not None and first <= row.start and (until is None or row.start < until)


def _without_carried(held: list[Held]) -> list[Held]:
    carried = {one.grant.follows_id for one in held if one.grant.follows_id is not None}
    return [one for one in held if one.grant.id not in carried]


def _line(held: Held) -> Line:
    used = sum(one.quantity for one in held.claims if one.state is C.USED)
    waits = sum(one.quantity for one in held.claims if one.state in {C.WAITING, C.CLAIMED, C.CONFIRMED})
    granted = held.grant.quantity
    price = held.body.get("list_value")
    return Line(
        benefit=held.grant.benefit, name=catalogue.in_words(held.body.get("name", held.grant.benefit)),
        granted=granted, used=used, open=waits,
        left=None if granted is None else max(0, granted - held.taken),
        worth=None if price is None else Money(int(price["amount"]) * used),
        claimed_at_all=deciding.claimable(held.body),
    )  # fmt: skip
