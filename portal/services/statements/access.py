"""Which statements a reader may see; those of others look missing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Missing
from portal.services.statements.models import NO_STATEMENT, ComputeSeller, ComputeStatement


def own(reader: Reader) -> Select[Any]:
    """Select the statements of the organisations whose sales a reader reports."""
    return (
        select(ComputeStatement)
        .join(ComputeSeller, ComputeStatement.seller_id == ComputeSeller.id)
        .where(ComputeSeller.org_id.in_(reader.orgs(May.REPORT_SALES)))
    )


def own_statement(uid: str) -> ComputeStatement:
    """Return one statement of the reader's organisation."""
    return _one(own(me()).where(ComputeStatement.uid == uid))


def any_statement(uid: str) -> ComputeStatement:
    """Return one statement for staff, whose door was checked before."""
    return _one(select(ComputeStatement).where(ComputeStatement.uid == uid))


def any_seller(uid: str) -> ComputeSeller:
    """Return one seller for staff."""
    row = db.session.scalars(select(ComputeSeller).where(ComputeSeller.uid == uid)).first()
    if row is None:
        raise Missing(NO_STATEMENT)
    return row


def _one(statement: Select[Any]) -> ComputeStatement:
    row: ComputeStatement | None = db.session.scalars(statement).first()
    if row is None:
        raise Missing(NO_STATEMENT)
    return row
