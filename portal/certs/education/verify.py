"""What always holds of continuing education, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select

from portal.certs.education import checking, renewing
from portal.certs.models.award import AwardState
from portal.certs.models.education import EducationEntry, EducationRenewal, EducationState, RenewalState
from portal.core.db import db

R = RenewalState


def verify_education() -> tuple[int, list[str]]:
    """Return how many entries were looked at, and a sentence for each fault."""
    rows = list(db.session.scalars(select(EducationEntry).order_by(EducationEntry.id)))
    used: dict[int, list[EducationEntry]] = defaultdict(list)
    for row in rows:
        if row.renewal_id is not None:
            used[row.renewal_id].append(row)
    found = [fault for row in rows for fault in _entry(row)]
    for asked in db.session.scalars(select(EducationRenewal).order_by(EducationRenewal.id)):
        found += _renewal(asked, used.get(asked.id, []))
    return len(rows), found


def _entry(row: EducationEntry) -> list[str]:
    found = []
    accepted = row.state in (EducationState.ACCEPTED, EducationState.COUNTED)
    if accepted and not row.draw:
        found.append(f"{row.subject}: accepted without a draw")
    if accepted and row.draw and checking.drawn(row.draw, row.share or 0) != (row.second_id is not None):
        found.append(f"{row.subject}: the draw and the second look do not fit")
    return found


def _renewal(row: EducationRenewal, used: list[EducationEntry]) -> list[str]:
    alive = row.state in (R.ASKED, R.GRANTED)
    found = []
    if alive and sum(one.counted or 0 for one in used) != row.points:
        found.append(f"{row.subject}: its entries do not add up to its points")
    if used and not alive:
        found.append(f"{row.subject}: it came to nothing and still holds entries")
    if any(
        one.person_id != row.award.person_id or not row.first_day <= one.done_on <= row.last_day
        for one in used
    ):
        found.append(f"{row.subject}: it counts an entry of somebody else, or outside its months")
    made = renewing.award_of(row)
    if (row.state is R.GRANTED) != (made is not None):
        found.append(f"{row.subject}: its state and its award do not fit")
    if made is not None and made.renews_id != row.award_id and made.state is not AwardState.REVOKED:
        found.append(f"{row.subject}: its award does not renew the one it was asked for")
    return found
