"""Which quotes a reader may see; those of others look missing."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, false, or_, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.billing.access import of_orgs
from portal.billing.models import Party
from portal.core.db import db
from portal.core.errors import Missing
from portal.services.quotes.models import BEFORE, ServiceQuote


def of_reader(reader: Reader, what: May = May.SEE_SERVICES) -> ColumnElement[bool]:
    """Say that a row's party is one of those for which a reader may do something, or the reader himself."""
    himself = Party.person_id == reader.person.id if reader.personal else false()
    return or_(of_orgs(reader.orgs(what)), himself)


def own_quotes(reader: Reader) -> Select[Any]:
    """Select the versions that went out to a reader, the newest first."""
    own = select(Party.id).where(of_reader(reader))
    return (
        select(ServiceQuote)
        .where(ServiceQuote.party_id.in_(own), ServiceQuote.state.not_in(BEFORE), ServiceQuote.sent_at.is_not(None))
        .order_by(ServiceQuote.id.desc())
    )  # fmt: skip


def own_quote(uid: str) -> ServiceQuote:
    """Return one version that went out to the reader."""
    return _one(own_quotes(me()).where(ServiceQuote.uid == uid))


def any_quote(uid: str) -> ServiceQuote:
    """Return one version for staff, whose door was checked before."""
    return _one(select(ServiceQuote).where(ServiceQuote.uid == uid))


def _one(statement: Select[Any]) -> ServiceQuote:
    row: ServiceQuote | None = db.session.scalars(statement).first()
    if row is None:
        raise Missing(_l("There is no such quote."))
    return row


def with_prices(reader: Reader, row: ServiceQuote) -> bool:
    """Whether a reader sees sums: whoever orders or pays does; technical people see the work alone."""
    if row.party.org is None:
        return row.party.person_id == reader.person.id
    return reader.may(May.ORDER_SERVICES, row.party.org_id) or reader.may(May.READ_SERVICES)
