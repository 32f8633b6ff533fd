"""The parts of a licence by the names they have outside: its keys, nodes, files, holds and proposals."""

from __future__ import annotations

from typing import Any, TypeVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.core.db import Model, db
from portal.core.errors import Missing
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Hold, Licence, LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceFile, LicenceProposal

Part = TypeVar("Part", bound=Model)
MISSING: dict[type[Any], Any] = {
    LicenceKey: _l("There is no such key."),
    Node: _l("There is no such node."),
    LicenceFile: _l("There is no such file."),
    Hold: _l("There is no such suspension."),
    LicenceProposal: _l("There is no such proposal."),
    LicenceQuote: _l("There is no such quote."),
}


def found(row: Licence, kind: type[Part], uid: str) -> Part:
    """Return a part of a licence by its name outside; one of another licence looks missing."""
    table: Any = kind
    named = table.jti if table is LicenceFile else table.uid
    part: Part | None = db.session.scalars(
        select(table).where(table.licence_id == row.id, named == uid)
    ).first()
    if part is None:
        raise Missing(MISSING[kind])
    return part
