"""Licences of an organisation that turned out to be a duplicate go to the entry that is kept."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.merge_models import Merge
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.services.licences.models.deal import LicenceTransfer
from portal.services.licences.models.licence import Licence, LicenceTool


def install() -> None:
    """Say what stands in the way of a merge."""
    if obstacle not in merging.OBSTACLES:
        merging.OBSTACLES.append(obstacle)


def obstacle(duplicate: Organisation, kept: Organisation) -> object | None:
    """Return why two entries cannot become one: both have a live licence for one tool."""
    mine, theirs = (
        set(
            db.session.scalars(
                select(LicenceTool.tool).where(LicenceTool.org_id == org.id, LicenceTool.ended_at.is_(None))
            )
        )
        for org in (duplicate, kept)
    )
    if mine & theirs:
        return _l("Both have a licence for the same tool: please revoke or transfer one of them first.")
    return None


def on_merged(merge: Merge) -> None:
    """Move the cells of licences, their tools and their transfers."""
    moved: tuple[tuple[Any, str], ...] = (
        (Licence, "org_id"), (LicenceTool, "org_id"), (LicenceTransfer, "to_org_id")
    )  # fmt: skip
    for kind, column in moved:
        rows = select(kind).where(getattr(kind, column) == merge.duplicate_id).order_by(kind.id)
        for row in db.session.scalars(rows).all():
            merging.move(merge, row, column, merge.kept_id)
