"""A small increase is taken back on its own day, before anybody invoices it: it costs nothing and leaves nothing."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.models import Instalment
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.licences import contracts, documents, life, renewing, taking
from portal.services.licences.kinds import ClosedWhy
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import CHANGES, DealState, LicenceQuote

D = DealState


def undo(quote: LicenceQuote, *, by: Any, reason: str) -> None:
    """Take a small increase back on its day, before it is invoiced: the part to be invoiced becomes nothing."""
    row = lock(quote.licence_id)
    fresh = taking.locked(quote.id)
    lines = list(
        {one.order_line.id: one.order_line for one in fresh.lines if one.order_line is not None}.values()
    )
    parts = db.session.scalars(
        select(Instalment)
        .where(Instalment.order_line_id.in_([one.id for one in lines]))
        .order_by(Instalment.id)
    ).all()
    if (
        fresh.state is not D.DONE
        or fresh.starts_on != clock.today()
        or any(one.invoice_line_id for one in parts)
    ):
        raise Refused(_l("A small increase can be taken back on its own day only."))
    if _later(fresh):
        raise Refused(_l("Another change rests on this one: please take that back first."))
    for line in lines:
        term = contracts.term_of(line)
        if term is not None:
            life.close_term(term, clock.now(), ClosedWhy.UNPAID, by=by)
    documents.uncollect(lines, list(parts))
    taking.end(fresh, row, by=by, reason=reason)
    renewing.offer_again(row, by=by)


def _later(quote: LicenceQuote) -> bool:
    found = select(LicenceQuote.id).where(
        LicenceQuote.licence_id == quote.licence_id, LicenceQuote.id > quote.id,
        LicenceQuote.state.in_([D.OFFERED, D.ORDERED, D.DONE]), LicenceQuote.kind.in_(CHANGES),
    )  # fmt: skip
    return db.session.scalar(found.limit(1)) is not None
