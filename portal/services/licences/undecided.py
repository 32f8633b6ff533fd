"""What waits for a decision of staff about licences: proposals of another, transfers, nodes that were closed unpaid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.core import labels
from portal.core.db import db
from portal.services.licences import granting
from portal.services.licences.models.deal import LicenceTransfer, TransferState
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import LicenceProposal


@dataclass(frozen=True, slots=True)
class Undecided:
    """One thing to decide: what, about which licence, since when, and whether this reader may (not his own)."""

    licence: Licence
    what: str
    reason: str
    by: str
    since: datetime
    mine: bool
    proposal: LicenceProposal | None = None
    transfer: LicenceTransfer | None = None


def undecided(reader: Reader) -> list[Undecided]:
    """Return what waits for a decision about licences, the oldest first; nothing for who does not run them."""
    if not reader.staff_may(May.RUN_LICENCES):
        return []
    me = reader.person.id
    found = [
        Undecided(
            one.licence, str(labels.label(one.verb)), one.reason, one.by.name, one.created_at, one.by_id != me, proposal=one
        )
        for one in granting.waiting()
    ]  # fmt: skip
    rows = select(LicenceTransfer).where(
        LicenceTransfer.state.in_([TransferState.AGREED, TransferState.CHECKED])
    )
    found += [
        Undecided(
            one.licence, str(labels.label(one.state)), one.reason, one.given_by.name, one.created_at, one.first_id != me,
            transfer=one,
        )
        for one in db.session.scalars(rows.order_by(LicenceTransfer.id))
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.since)
