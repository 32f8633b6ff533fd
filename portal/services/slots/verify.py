"""What always holds of adaptation slots, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from portal.accounts.groups import group_of
from portal.core.db import db
from portal.services.slots import fairness, queueing
from portal.services.slots.kinds import GIVEN
from portal.services.slots.models import SlotQuarter, SlotRequest


def verify_slots() -> tuple[int, list[str]]:
    """Return how many requests were looked at and a sentence for each fault."""
    found, rule = [], queueing.rule()
    for quarter in db.session.scalars(select(SlotQuarter).order_by(SlotQuarter.id)):
        rows = queueing.given_in(quarter)
        if len(rows) > quarter.slots:
            found.append(f"{quarter.subject}: more slots are given than there are")
        # By the groups of each offer's own day: a company bought since makes no fault.
        groups = Counter(min(group_of(one.org, on=one.offered_on)) for one in rows)
        most = fairness.most_of_group(quarter.slots, rule.share_percent)
        found += [
            f"{quarter.subject}: the group of organisation {key} has more than its share"
            for key, count in sorted(groups.items())
            if count > most
        ]
    rows = list(db.session.scalars(select(SlotRequest).order_by(SlotRequest.id)))
    found += [f"{one.subject}: it passed more than twice" for one in rows if one.passes > 2]
    found += [
        f"{one.subject}: it has a quarter and no slot"
        for one in rows
        if one.state not in GIVEN and one.answer_by is not None
    ]
    return len(rows), found
