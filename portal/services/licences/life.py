"""The life of a licence: ordered, active with its first term, suspended by holds, revoked, cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal.accounts.organisations import Organisation
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.services.licences import plans
from portal.services.licences.denial import Denied, Not
from portal.services.licences.kinds import KEEPS, ClosedWhy, HoldReason, Policy, ReleaseWhy, TermKind
from portal.services.licences.locking import lock, note
from portal.services.licences.models.licence import (
    Hold,
    Licence,
    LicenceState,
    LicenceTerm,
    LicenceTool,
)
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceFile

S = LicenceState


def order(org: Organisation, plan: str, *, by: Any) -> Licence:
    """Open a licence that waits for its first term; refused where one of its tools has a live licence already."""
    sold = plans.sold(plan)
    read = plans.read(sold)
    row = Licence(
        org=org, plan=plan, sold=sold, policy=read.policy, lease_seconds=read.lease_seconds, warn_days=plans.rule("warn_days")
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(row)
            for one in read.tools:
                db.session.add(
                    LicenceTool(
                        licence=row,
                        org=org,
                        tool=one["tool"],
                        features=list(one.get("features", [])),
                        most_version=one.get("most_version", ""),
                    )
                )
    except IntegrityError as error:
        raise Denied(Not.LICENCE_EXISTS) from error
    row = lock(row.id)
    note(row, "licence.ordered", by=by, plan=plan)
    audit.record("licence.ordered", row, by=by, org_id=org.id, plan=plan)
    return row


def live_for(org: Organisation, tool: str) -> Licence | None:
    """Return the live licence of an organisation for a tool."""
    return db.session.scalars(
        select(Licence)
        .join(LicenceTool)
        .where(LicenceTool.org_id == org.id, LicenceTool.tool == tool, LicenceTool.ended_at.is_(None))
    ).first()


def add_term(
    licence_id: int, kind: TermKind, nodes: int, *, start: datetime, end: datetime, source: str, by: Any,
    grace_days: int | None = None,
) -> LicenceTerm | None:  # fmt: skip
    """Write a term, the first of which activates the licence; None if this source wrote its term already."""
    row = lock(licence_id)
    if db.session.scalar(select(LicenceTerm.id).where(LicenceTerm.source == source)) is not None:
        return None
    if row.final:
        raise Refused(_l("The life of this licence is over."))
    grace = 0
    if kind in KEEPS:
        grace = plans.read(row.sold).grace_days if grace_days is None else grace_days
    term = LicenceTerm(
        licence=row, kind=kind, nodes=nodes, starts_at=start, ends_at=end, source=source, grace_days=grace
    )
    db.session.add(term)
    if row.state is S.PENDING and kind in KEEPS:
        move(row, S.ACTIVE)
        note(row, "licence.activated", by=by)
    note(row, "licence.term_added", by=by, kind=kind, nodes=nodes, starts_at=start, ends_at=end)
    audit.record(
        "licence.term_added", row, by=by, org_id=row.org_id, term_kind=kind, nodes=nodes, written_for=source
    )
    return term


def close_term(term: LicenceTerm, at: datetime, why: ClosedWhy, *, by: Any) -> None:
    """End a term before its day, with the increases that stand on it."""
    row = lock(term.licence_id)
    db.session.refresh(term)
    for one in [term, *_on_top(term)]:
        if one.closed_at is not None:
            continue
        one.closed_at, one.closed_why = max(one.starts_at, min(at, one.ends_at)), why
        note(row, "licence.term_closed", by=by, kind=one.kind, nodes=one.nodes, at=one.closed_at, why=why)
    db.session.flush()
    audit.record(
        "licence.term_closed", row, by=by, org_id=row.org_id, written_for=term.source, closed_why=why
    )


def _on_top(term: LicenceTerm) -> list[LicenceTerm]:
    if term.kind is not TermKind.BASE:
        return []
    found = select(LicenceTerm).where(
        LicenceTerm.licence_id == term.licence_id, LicenceTerm.kind == TermKind.INCREASE,
        LicenceTerm.starts_at >= term.starts_at, LicenceTerm.ends_at <= term.ends_at,
    )  # fmt: skip
    return list(db.session.scalars(found.order_by(LicenceTerm.id)))


def suspend(
    licence_id: int, reason: HoldReason, *, words: tuple[str, str], source: str, by: Any, notice: timedelta | None = None,
) -> Hold | None:  # fmt: skip
    """Open a hold (English and Chinese words), in force after the notice; None if this source holds it already.

    Nodes keep their seats and go on by themselves once the last hold is lifted.
    """
    row = lock(licence_id)
    if row.state not in (S.ACTIVE, S.SUSPENDED):
        raise Refused(_l("Only an active licence can be suspended."))
    held = select(Hold.id).where(Hold.licence_id == row.id, Hold.source == source, Hold.lifted_at.is_(None))
    if db.session.scalar(held) is not None:
        return None
    if notice is None:
        days = 0 if reason is HoldReason.ABUSE else plans.rule("hold_notice_days")
        notice = timedelta(days=days)
    hold = Hold(
        licence=row, reason=reason, words_en=words[0], words_zh=words[1], source=source,
        by_name=str(getattr(by, "name", by))[:120], starts_at=clock.now() + notice,
    )  # fmt: skip
    db.session.add(hold)
    if row.state is S.ACTIVE:
        move(row, S.SUSPENDED)
    note(row, "licence.suspended", by=by, reason=reason, from_at=hold.starts_at)
    audit.record(
        "licence.suspended",
        row,
        by=by,
        org_id=row.org_id,
        reason=reason,
        start=hold.starts_at,
        words=words[0],
    )
    return hold


def lift(hold: Hold, *, by: Any) -> bool:
    """Lift a hold; with the last one every node goes on without a claim. False if it was lifted already."""
    row = lock(hold.licence_id)
    db.session.refresh(hold)
    if hold.lifted_at is not None:
        return False
    hold.lifted_at, hold.lifted_by = clock.now(), str(getattr(by, "name", by))[:120]
    db.session.flush()
    left = select(Hold.id).where(Hold.licence_id == row.id, Hold.lifted_at.is_(None)).limit(1)
    if row.state is S.SUSPENDED and db.session.scalar(left) is None:
        move(row, S.ACTIVE)
        note(row, "licence.reinstated", by=by, reason=hold.reason)
    audit.record("licence.hold_lifted", row, by=by, org_id=row.org_id, reason=hold.reason)
    return True


def open_holds(licence_id: int) -> list[Hold]:
    """Return what a licence is suspended for, the oldest first."""
    found = select(Hold).where(Hold.licence_id == licence_id, Hold.lifted_at.is_(None)).order_by(Hold.id)
    return list(db.session.scalars(found))


def revoke(licence_id: int, *, reason: str, by: Any, second: str) -> Licence:
    """End a licence for good: its nodes are released, its files listed as revoked, its row stays."""
    row = lock(licence_id)
    move(row, S.REVOKED)
    now = clock.now()
    _empty(row, ReleaseWhy.REVOKED, now)
    files = update(LicenceFile).where(
        LicenceFile.licence_id == row.id, LicenceFile.expires_at > now, LicenceFile.revoked_at.is_(None)
    )
    db.session.execute(files.values(revoked_at=now).execution_options(synchronize_session=False))
    note(row, "licence.revoked", by=by)
    audit.record("licence.revoked", row, by=by, org_id=row.org_id, second=second, reason=reason)
    return row


def cancel(licence_id: int, *, by: Any) -> Licence:
    """Cancel an order that nobody paid."""
    row = lock(licence_id)
    move(row, S.CANCELLED)
    _empty(row, ReleaseWhy.REVOKED, clock.now())
    note(row, "licence.cancelled", by=by)
    audit.record("licence.cancelled", row, by=by, org_id=row.org_id)
    return row


def supersede(licence_id: int, successor: Licence, *, by: Any) -> Licence:
    """End a licence whose terms went to another: its nodes are released, its keys open nothing any more."""
    row = lock(licence_id)
    move(row, S.SUPERSEDED)
    row.replaced_by = successor
    _empty(row, ReleaseWhy.TRANSFERRED, clock.now())
    note(row, "licence.superseded", by=by, by_licence=successor.uid)
    audit.record("licence.superseded", row, by=by, org_id=row.org_id, by_licence=successor.uid)
    return row


def change(row: Licence, *, name: str | None, lease_seconds: int | None, by: Any) -> Licence:
    """Give a licence a name of the customer's own, or another lease within the range of its policy."""
    row = lock(row.id)
    low, high = (plans.SHORTEST, 604_800) if row.policy is Policy.NODE_LOCKED else plans.FLOATING
    if lease_seconds is not None and not low <= lease_seconds <= high:
        raise Refused(_l("This lease is not possible."), field="lease_seconds", status=422)
    row.name = row.name if name is None else name.strip()
    row.lease_seconds = row.lease_seconds if lease_seconds is None else lease_seconds
    audit.record("licence.changed", row, by=by, org_id=row.org_id, name=row.name, lease=row.lease_seconds)
    return row


def _empty(row: Licence, why: ReleaseWhy, now: datetime) -> None:
    """Release every node of a licence whose life is over, and let its tools be licensed anew."""
    gone = (
        update(Node)
        .where(Node.licence_id == row.id, Node.released_at.is_(None))
        .values(released_at=now, released_why=why)
        .returning(Node)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    for node in sorted(db.session.scalars(gone), key=lambda one: one.id):
        note(row, "node.released", by="licences", node=node, fingerprint=node.fingerprint, why=why)
    row.live_nodes = 0
    for one in row.tools:
        one.ended_at = now
    db.session.flush()
