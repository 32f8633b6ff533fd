"""The lock of a licence, which whatever changes it takes by its first statement; and its numbered events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.events import publish
from portal.services.licences.events import LicenceHappened
from portal.services.licences.judge import Entitlement, Facts, HoldSpan, Span
from portal.services.licences.models.licence import Hold, Licence, LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent


def lock(licence_id: int) -> Licence:
    """Take a licence for a change, and return it as it is now: nothing that was read before counts.

    An UPDATE and not SELECT FOR UPDATE, which SQLite drops in silence.
    """
    taken = (
        update(Licence)
        .where(Licence.id == licence_id)
        .values(rev=Licence.rev + 1)
        .returning(Licence)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    row = db.session.scalars(taken).first()
    if row is None:
        raise Missing(_l("There is no such licence."))
    return row


def note(
    row: Licence, kind: str, /, *, by: Any, node: Node | None = None, once: str | None = None, **detail: Any
) -> bool:
    """Write one numbered event of a locked licence; with `once`, only if none of that name stands. False if so."""
    if once is not None and db.session.scalar(
        select(LicenceEvent.id).where(LicenceEvent.licence_id == row.id, LicenceEvent.once == once)
    ):
        return False
    row.sequence += 1
    made = LicenceEvent(
        licence=row, sequence=row.sequence, kind=kind, at=clock.now(), by_name=str(getattr(by, "name", by))[:120],
        detail={name: _told(value) for name, value in detail.items()}, node=node, once=once,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    publish(LicenceHappened(made))
    return True


def _told(value: Any) -> Any:
    """Return what an event says as programs read it: instants by RFC 3339 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return audit.plain(value)


def spans(licence_id: int) -> tuple[Span, ...]:
    """Return the terms of a licence as `judge` reads them."""
    rows = db.session.scalars(
        select(LicenceTerm)
        .where(LicenceTerm.licence_id == licence_id)
        .order_by(LicenceTerm.id)
        .execution_options(populate_existing=True)
    )
    return tuple(span(row) for row in rows)


def span(row: LicenceTerm) -> Span:
    """Return a term as `judge` reads it."""
    return Span(
        row.kind, row.nodes, row.starts_at, row.ends_at, row.closed_at, row.closed_why, row.grace_days
    )


def facts_of(row: Licence) -> Facts:
    """Return what is known of a licence without a key or a node."""
    holds = db.session.scalars(
        select(Hold).where(Hold.licence_id == row.id, Hold.lifted_at.is_(None)).order_by(Hold.id)
    )
    return Facts(
        row.state.value, row.policy, row.warn_days, row.live_nodes, terms=spans(row.id),
        holds=tuple(HoldSpan(one.reason, one.starts_at, one.lifted_at) for one in holds),
        tools=tuple(Entitlement(one.tool, tuple(one.features), one.most_version) for one in row.tools),
    )  # fmt: skip
