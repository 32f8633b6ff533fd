"""Figures about members, from terms and endings as they were known."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date

from flask_babel import force_locale
from sqlalchemy import select

from portal.core import clock
from portal.core.db import db
from portal.members import terms, tier_verify, wall
from portal.members.belonging import Membership
from portal.members.facts import facts_of
from portal.members.standing import in_force, standing_of

BATCH = 500


def _batches() -> list[list[Membership]]:
    rows = list(db.session.scalars(select(Membership).order_by(Membership.id)))
    return [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]


def members_on(day: date) -> dict[str, int]:
    """Return how many organisations a term covers on a day, by the tier's English name, in order of the tiers."""
    found: Counter[str] = Counter()
    for rows in _batches():
        for facts in facts_of(rows).values():
            term = in_force(facts, day)
            if term is not None:
                found[term.tier] += 1
    order = [*wall.tier_order(), *sorted(found)]
    with force_locale("en"):
        return {wall.tier_name(code): found[code] for code in dict.fromkeys(order) if code in found}


def verify_memberships() -> tuple[int, list[str]]:
    """Check that stored standings equal the facts and that no member's terms overlap."""
    found: list[str] = []
    count, today = 0, clock.today()
    policy = terms.policy_on(today)
    for rows in _batches():
        facts = facts_of(rows)
        for row in rows:
            count += 1
            own = facts[row.id]
            if own.terms and standing_of(own, today, policy) is not row.standing:
                found.append(
                    f"memberships: {row.uid} is kept as {row.standing}, its facts say {standing_of(own, today, policy)}"
                )
            cut = {one.term_id: one.on for one in own.endings}
            spans = sorted((t.start, cut.get(t.id) or t.end or date.max) for t in own.terms)
            if any(first[1] > second[0] for first, second in itertools.pairwise(spans)):
                found.append(f"memberships: {row.uid} has terms that overlap")
    return count, found + tier_verify.verify_tiers()
