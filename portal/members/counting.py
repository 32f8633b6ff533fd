"""How many facts a membership has: they only grow, so their number is its version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from portal.core.db import db
from portal.members.belonging import Ending, Hold, Membership, Reversal, Term


def count_of(membership: Membership | None, *, since: datetime | None = None) -> int:
    """Return how many terms, endings, holds and reversals are on record (after an instant); 0 without a membership."""
    if membership is None:
        return 0

    def count(kind: Any, mine: Any, *joins: Any) -> Any:
        found = select(func.count(kind.id)).where(mine)
        for one in joins:
            found = found.join(one)
        if since is not None:
            found = found.where(kind.recorded_at > since)
        return found.scalar_subquery()

    own = membership.id
    row = db.session.execute(
        select(
            count(Term, Term.membership_id == own), count(Ending, Term.membership_id == own, Term),
            count(Hold, Hold.membership_id == own), count(Reversal, Reversal.membership_id == own),
        )
    ).one()  # fmt: skip
    return sum(int(part) for part in row)
