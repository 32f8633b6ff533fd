"""What compute statements keep of people, and what follows when companies merge."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.merging import OrganisationsMerged
from portal.core import personal
from portal.core.db import db
from portal.core.personal import Keeping, Purpose
from portal.services.statements.models import ComputeSeller


def install() -> None:
    """Put the columns into the register: whoever disputed or set a rate stands there as proof."""
    personal.holds(Purpose.MONEY, Keeping.BOOKS, "compute_file.file_id", "compute_statement.note")


def on_merged(event: OrganisationsMerged) -> None:
    """Let what a merged company sold belong to the one that is kept, unless that one sells itself."""
    merge = event.merge
    if db.session.scalar(select(ComputeSeller.id).where(ComputeSeller.org_id == merge.kept.id)) is not None:
        return
    for row in db.session.scalars(
        select(ComputeSeller).where(ComputeSeller.org_id == merge.duplicate.id).order_by(ComputeSeller.id)
    ).all():
        merging.move(merge, row, "org_id", merge.kept.id)
