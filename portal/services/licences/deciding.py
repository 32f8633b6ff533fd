"""What of the steps that two of staff take waits for the second, for lists and the office's home."""

from __future__ import annotations

from sqlalchemy import Select, func, select

from portal.core.db import db
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import LicenceProposal, ProposedState


def of(row: Licence) -> list[LicenceProposal]:
    """Return the proposals about a licence, the newest first."""
    found = select(LicenceProposal).where(LicenceProposal.licence_id == row.id)
    return list(db.session.scalars(found.order_by(LicenceProposal.id.desc())))


def count_waiting() -> Select[int]:
    """Select how many proposals wait."""
    return select(func.count(LicenceProposal.id)).where(LicenceProposal.state == ProposedState.PROPOSED)
