"""Publishing the wall: each edition is compared with the last; many removals at once wait for a second pair of eyes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, not_, or_, select
from sqlalchemy.orm import contains_eager

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.members import wall, wall_letters
from portal.members.belonging import Membership
from portal.members.standing import Standing
from portal.members.wall_models import (
    AT_ONCE,
    RemovalReason,
    WallChange,
    WallChangeKind,
    WallEdition,
    WallEntry,
)

K, R = WallChangeKind, RemovalReason
TOGETHER = 500
BY_STANDING = {
    Standing.EXPELLED: R.EXPELLED, Standing.LAPSED: R.LAPSED, Standing.RESIGNED: R.RESIGNED,
    Standing.SUSPENDED: R.SUSPENDED, Standing.NONE: R.TAKEN_OFF, Standing.APPLICANT: R.TAKEN_OFF,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gone:
    """An entry of the last edition whose holder belongs on the wall no more, and why."""

    entry: WallEntry
    reason: RemovalReason

    @property
    def counted(self) -> bool:
        """Whether it counts among the removals that may have to wait."""
        return self.reason not in AT_ONCE


@dataclass(frozen=True, slots=True)
class Step:
    """What publishing does to one entry."""

    kind: WallChangeKind
    org_id: int
    reason: RemovalReason | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def last() -> WallEdition | None:
    """Return the edition that was published last."""
    return db.session.scalars(select(WallEdition).order_by(WallEdition.n.desc()).limit(1)).first()


def without_check() -> int:
    """Return how many removals an edition may make before they wait."""
    return int(catalogue.policy("wall.removals_without_check"))


def gone() -> list[Gone]:
    """Return the entries of the last edition that belong on the wall no more, by id."""
    rows = db.session.execute(
        select(WallEntry, Organisation.listing_consent, Membership.standing)
        .join(Organisation, Organisation.id == WallEntry.org_id)
        .outerjoin(Membership, Membership.org_id == Organisation.id)
        .where(or_(Membership.id.is_(None), not_(wall.entitled())))
        .order_by(WallEntry.id)
        .execution_options(populate_existing=True)
    )
    return [Gone(entry, _reason(bool(consent), standing)) for entry, consent, standing in rows]


def _reason(consent: bool, standing: Standing | None) -> RemovalReason:
    if not consent:
        return R.CONSENT_WITHDRAWN
    return BY_STANDING.get(standing, R.OTHER) if standing is not None else R.OTHER


def present(row: Membership) -> dict[str, Any]:
    """Return what an edition keeps of an entry; of a person no name, so that nothing of him outlives his consent."""
    body = wall.entry(row)
    return {**body, "name": None, "homepage": None} if row.org.person_id is not None else body


def _entitled() -> Any:
    """Select everybody who belongs on the wall, with what the last edition said."""
    return (
        select(Membership, WallEntry)
        .join(Membership.org)
        .outerjoin(WallEntry, WallEntry.org_id == Organisation.id)
        .where(wall.entitled())
        .options(contains_eager(Membership.org))
        .order_by(Membership.id)
        .execution_options(populate_existing=True)
    )


def steps(released: Collection[int] = ()) -> Iterator[Step]:
    """Return, entry by entry, what publishing now would do; `released` are holders whose removal need wait no more."""
    yield from _removals(gone(), released)
    at = 0
    while rows := db.session.execute(_entitled().where(Membership.id > at).limit(TOGETHER)).all():
        at = rows[-1][0].id
        for row, entry in rows:
            body = present(row)
            if entry is None:
                yield Step(K.ADDED, row.org_id, None, None, body)
            elif entry.held_by_id is not None:
                yield Step(K.RESTORED, row.org_id, None, entry.body, body)
            elif entry.body != body:
                yield Step(K.CHANGED, row.org_id, None, entry.body, body)


def _removals(found: list[Gone], released: Collection[int]) -> Iterator[Step]:
    waits = [one for one in found if one.counted and one.entry.org_id not in released]
    hold = len(waits) > without_check()
    for one in found:
        org_id = one.entry.org_id
        if one in waits and (hold or one.entry.held_by_id is not None):
            if one.entry.held_by_id is None:
                yield Step(K.HELD, org_id, one.reason, one.entry.body, one.entry.body)
        else:
            yield Step(K.REMOVED, org_id, one.reason, one.entry.body, None)


def publish(*, by: Person | None = None, released: Collection[int] = ()) -> WallEdition | None:
    """Publish what has changed since the last edition; None if nothing has. Without `by` the portal does it."""
    before = db.session.scalars(
        select(WallEdition)
        .order_by(WallEdition.n.desc())
        .limit(1)
        .with_for_update(of=WallEdition)
        .execution_options(populate_existing=True)
    ).first()
    edition: WallEdition | None = None
    number, counts = (before.n if before else 0) + 1, dict.fromkeys(K, 0)
    pending: list[Step] = []
    for step in steps(released):
        if edition is None:
            edition = WallEdition(n=number, day=clock.today(), by=by)
            db.session.add(edition)
        counts[step.kind] += 1
        pending.append(step)
        if len(pending) == TOGETHER:
            _write(edition, pending)
            pending = []
    if edition is None:
        return None
    _write(edition, pending)
    said = {kind.value: many for kind, many in counts.items() if many}
    audit.record("wall.published", edition, by=by or "publish_wall", edition=number, **said)
    if counts[K.HELD]:
        wall_letters.removals_wait(edition, counts[K.HELD])
    return edition


def _write(edition: WallEdition, some: list[Step]) -> None:
    db.session.flush()
    rows = db.session.scalars(select(WallEntry).where(WallEntry.org_id.in_([one.org_id for one in some])))
    known = {row.org_id: row for row in rows}
    for one in some:
        db.session.add(
            WallChange(
                edition=edition, org_id=one.org_id, kind=one.kind, reason=one.reason, before=one.before,
                after=one.after,
            )
        )  # fmt: skip
        entry = known.get(one.org_id)
        if one.after is None:
            if entry is not None:
                db.session.delete(entry)
        elif entry is None:
            db.session.add(WallEntry(org_id=one.org_id, body=one.after))
        else:
            entry.body, entry.reason = one.after, one.reason
            entry.held_by = edition if one.kind is K.HELD else None
    db.session.flush()


def waiting() -> list[WallEntry]:
    """Return the removals that wait, the oldest first."""
    rows = select(WallEntry).where(WallEntry.held_by_id.is_not(None))
    return list(db.session.scalars(rows.order_by(WallEntry.held_by_id, WallEntry.id)))


def release(org_uids: Collection[str], *, by: Person) -> WallEdition:
    """Let removals happen that waited, as a second person: nobody releases what his own edition held."""
    rows = db.session.scalars(
        select(WallEntry)
        .join(Organisation, Organisation.id == WallEntry.org_id)
        .where(and_(WallEntry.held_by_id.is_not(None), Organisation.uid.in_(org_uids)))
    ).all()
    if not rows or len(rows) < len(set(org_uids)):
        raise Refused(
            _l("Please choose removals that wait; the list may have changed meanwhile."), status=422
        )
    if any(row.held_by is not None and row.held_by.by_id == by.id for row in rows):
        raise Forbidden(
            _l("You published the edition that holds these; a second member of staff releases them.")
        )
    chosen = {row.org_id for row in rows}
    audit.record("wall.released", "wall_edition:0", by=by, organisations=sorted(org_uids))
    edition = publish(by=by, released=chosen)
    if edition is None:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    return edition
