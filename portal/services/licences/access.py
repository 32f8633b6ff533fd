"""Which licences a reader sees, and which he manages: foreign ones look missing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.access import Reader, me, scoped
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Forbidden, Missing
from portal.services.licences.models.licence import Licence


def visible(reader: Reader | None) -> Select[Licence]:
    """Select the licences a reader may see: staff all, others those of their organisations."""
    found: Select[Licence] = scoped(
        select(Licence), Licence.org_id, reader, own=May.SEE_ORG, staff=May.READ_LICENCES
    )
    return found


def seen(uid: str) -> Licence:
    """Return one licence of those the reader may see."""
    row = db.session.scalars(visible(me()).where(Licence.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such licence."))
    return row


def managed(uid: str) -> Licence:
    """Return one licence whose keys, nodes and files the reader manages."""
    row = seen(uid)
    if not may_manage(me(), row):
        raise Forbidden(_l("Owners and technical contacts manage licences."))
    return row


def owned(uid: str) -> Licence:
    """Return one licence whose keys the reader makes and ends: for its organisation alone, never as staff."""
    row = seen(uid)
    if row.org_id not in me().orgs(May.MANAGE_LICENCES):
        raise Forbidden(_l("Owners and technical contacts manage licences."))
    return row


def may_manage(reader: Reader, row: Licence) -> bool:
    """Whether the reader manages a licence, for its organisation or as staff."""
    return row.org_id in reader.orgs(May.MANAGE_LICENCES) or reader.staff_may(May.RUN_LICENCES)


def run(uid: str) -> Licence:
    """Return one licence for what staff alone do."""
    row = seen(uid)
    if not me().staff_may(May.RUN_LICENCES):
        raise Forbidden(_l("Only staff may do this."))
    return row
