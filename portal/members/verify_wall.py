"""The invariant of the wall: whoever belongs on it is shown, and anybody else shown waits to be removed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from portal.accounts.consents import LISTING, PERSON_SHOWN
from portal.accounts.organisations import Organisation
from portal.accounts.privacy_models import Consent
from portal.core.db import db
from portal.members import wall
from portal.members.belonging import Membership
from portal.members.standing import Standing
from portal.members.wall_models import AT_ONCE, WallChange, WallChangeKind, WallEdition, WallEntry

K = WallChangeKind


def verify_wall() -> tuple[int, list[str]]:
    """Check what is shown, the record of editions, and the consents behind; return how many are shown."""
    shown = set(db.session.scalars(wall.shown().with_only_columns(Membership.org_id)))
    shown |= set(db.session.scalars(wall.shown(people=True).with_only_columns(Membership.org_id)))
    return len(shown), [*_belonging(shown), *_record(), *_releases(), *_words()]


def _belonging(shown: set[int]) -> list[str]:
    """Compare what the wall's query gives with each member's own facts."""
    found: list[str] = []
    listed = set(wall.listed_standings())
    published = set(db.session.scalars(select(WallEntry.org_id)))
    rows = db.session.execute(
        select(Organisation, Membership.standing).join(Membership, Membership.org_id == Organisation.id)
    )
    for org, standing in rows:
        right = org.unclaimed or standing in listed
        if org.listing_consent and right and org.id not in shown:
            found.append(f"wall: {org.uid} is listed and consents, and is not shown")
        if org.id not in shown or (org.listing_consent and right):
            continue
        if not org.listing_consent:
            found.append(f"wall: {org.uid} is shown without consent")
        elif standing is Standing.EXPELLED:
            found.append(f"wall: {org.uid} is shown and expelled")
        elif org.id not in published:
            found.append(f"wall: {org.uid} is shown without a right to it, and its removal does not wait")
    return found


def _record() -> list[str]:
    """Replay the changes of all editions: they end in the entries as published, and editions are numbered without a gap."""
    numbers = list(db.session.scalars(select(WallEdition.n).order_by(WallEdition.n)))
    found = (
        [] if numbers == list(range(1, len(numbers) + 1)) else ["wall: the editions are not numbered 1, 2, 3"]
    )
    replayed: dict[int, tuple[Any, bool]] = {}
    rows = select(WallChange.org_id, WallChange.kind, WallChange.after).order_by(WallChange.id)
    for org_id, kind, after in db.session.execute(rows):
        replayed[org_id] = (after, kind is K.HELD)
    kept = {
        org_id: (body, held is not None)
        for org_id, body, held in db.session.execute(
            select(WallEntry.org_id, WallEntry.body, WallEntry.held_by_id)
        )
    }
    present = {org_id: state for org_id, state in replayed.items() if state[0] is not None}
    for org_id in sorted(present.keys() | kept.keys()):
        if present.get(org_id) != kept.get(org_id):
            found.append(f"wall: the entry of organisation {org_id} is not what its editions say")
    return found


def _releases() -> list[str]:
    """A removal that waited was released by somebody else than whoever published it as waiting."""
    held, gone = aliased(WallChange), aliased(WallChange)
    since = (
        select(func.max(held.id))
        .where(held.org_id == gone.org_id, held.id < gone.id)
        .correlate(gone)
        .scalar_subquery()
    )
    before, after = aliased(WallEdition), aliased(WallEdition)
    rows = db.session.execute(
        select(gone.org_id, after.n, before.by_id, after.by_id)
        .join(held, held.id == since)
        .join(before, before.id == held.edition_id)
        .join(after, after.id == gone.edition_id)
        .where(gone.kind == K.REMOVED, gone.reason.not_in(AT_ONCE), held.kind == K.HELD)
    )
    return [
        f"wall: edition {n} removes organisation {org_id}, which waited, without a second person"
        for org_id, n, first, second in rows
        if second is None or second == first
    ]


def _words() -> list[str]:
    """Nobody is listed whose last word in the ledger is that he takes his consent back."""
    last = (
        select(func.max(Consent.id))
        .where(Consent.purpose.in_((LISTING, PERSON_SHOWN)))
        .group_by(Consent.org_id, Consent.purpose, _whose())
    )
    rows = db.session.execute(
        select(Consent, Organisation.uid)
        .join(
            Organisation,
            (Organisation.id == Consent.org_id)
            | (Consent.org_id.is_(None) & (Organisation.person_id == Consent.person_id)),
        )
        .where(Consent.id.in_(last), Consent.withdrawn, Organisation.listing_consent)
    )
    return [f"wall: {uid} is listed, and its last word takes the consent back" for _row, uid in rows]


def _whose() -> Any:
    """Return who a word is about: the person, unless it is an organisation's."""
    return case((Consent.org_id.is_(None), Consent.person_id), else_=0)
