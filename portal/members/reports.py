"""Figures about members, from terms and endings as they were known."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date, datetime

from flask_babel import force_locale
from sqlalchemy import select

from portal.core import clock
from portal.core.db import db
from portal.members import histories, renewal_checks, terms, tier_verify, wall
from portal.members.belonging import Membership
from portal.members.facts import facts_of
from portal.members.spans import place
from portal.members.standing import standing_of, stops

BATCH = 500


def _batches() -> list[list[Membership]]:
    rows = list(db.session.scalars(select(Membership).order_by(Membership.id)))
    return [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]


def members_on(day: date, *, known: datetime | None = None) -> dict[str, int]:
    """Return how many organisations a term covers on a day, by the tier's English name, in order of the tiers.

    Terms and endings count as they were recorded by `known`, by default now.
    """
    order = wall.tier_order()
    ranks = {code: n for n, code in enumerate(order)}
    found: Counter[str] = Counter()
    for spans in histories.spans(known=known).values():
        held = place(spans, day, ranks)
        if held is not None:
            found[held.tier] += 1
    with force_locale("en"):
        return {
            wall.tier_name(code): found[code]
            for code in dict.fromkeys([*order, *sorted(found)])
            if code in found
        }


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
            until = {term: stop or date.max for term, (stop, _ending) in stops(own).items()}
            spans = sorted((t.start, until[t.id]) for t in own.terms if t.start < until[t.id])
            if any(first[1] > second[0] for first, second in itertools.pairwise(spans)):
                found.append(f"memberships: {row.uid} has terms that overlap")
    return count, found + renewal_checks.check() + tier_verify.verify_tiers()
