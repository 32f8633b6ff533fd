"""Keys of a licence: made and shown once, ended at once or on a day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, or_, select

from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.licences import keys, plans
from portal.services.licences.locking import lock, note
from portal.services.licences.models.licence import LicenceKey, LicenceState

MOST = 100


def make(
    licence_id: int, *, label: str, by: Any, most_nodes: int | None = None, ends_at: datetime | None = None
) -> tuple[LicenceKey, str]:
    """Make a key; return its row and the key itself, which nobody can read again."""
    row = lock(licence_id)
    if row.state not in (LicenceState.ACTIVE, LicenceState.SUSPENDED):
        raise Refused(_l("A key can be made once the licence is active."))
    if len(list(db.session.scalars(alive(row.id)))) >= MOST:
        raise Refused(_l("There are many keys already. Please end one first."), status=422)
    if ends_at is not None and ends_at <= clock.now():
        raise Refused(_l("This day is over."), field="ends_at", status=422)
    secret = keys.fresh(plans.prefix())
    body = keys.read(secret)
    assert body is not None
    made = LicenceKey(
        licence=row, key_hash=keys.digest(body), hint=body[: keys.GROUP], label=label.strip()[:80],
        by_name=str(getattr(by, "name", by))[:120], most_nodes=most_nodes, ends_at=ends_at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    note(row, "key.created", by=by, key=made.uid, label=made.label, hint=made.hint)
    audit.record("licence.key_made", row, by=by, org_id=row.org_id, key=made.uid, label=made.label)
    return made, secret


def end(key: LicenceKey, *, by: Any, at: datetime | None = None) -> None:
    """End a key at once, or at a given day; ended already, it stays as it is."""
    row = lock(key.licence_id)
    db.session.refresh(key)
    now = clock.now()
    moment = max(at or now, now)
    if key.ends_at is not None and key.ends_at <= moment:
        return
    key.ends_at = moment
    note(row, "key.ended", by=by, key=key.uid, at=moment)
    audit.record("licence.key_ended", row, by=by, org_id=row.org_id, key=key.uid, at=moment)


def alive(licence_id: int) -> Select[LicenceKey]:
    """Select the keys of a licence that open something now."""
    return (
        select(LicenceKey)
        .where(
            LicenceKey.licence_id == licence_id,
            or_(LicenceKey.ends_at.is_(None), LicenceKey.ends_at > clock.now()),
        )
        .order_by(LicenceKey.id)
    )
