"""Offline files: issuing one borrows the seats of its nodes until it ends, whatever happens; only staff take one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.signing import NoKey
from portal.services.licences import denial, nodes, plans, proving, seats
from portal.services.licences.denial import Denied, Not
from portal.services.licences.judge import Verdict
from portal.services.licences.kinds import VALID, Code, Stage
from portal.services.licences.locking import lock, note, spans
from portal.services.licences.models.ids import naming
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import LicenceFile
from portal.services.licences.seats import Report

_file_id = naming("lf")
A_DAY, A_YEAR = timedelta(days=1), timedelta(days=365)
MOST_A_DAY = 60


def issue(
    licence_id: int, fingerprints: Sequence[str], days: int, *, by: Any, most_days: int | None = None
) -> LicenceFile:
    """Sign a file for nodes, each of which gets or keeps a seat until it ends: all of them or none.

    `most_days` is more than the plan's where two of staff have agreed.
    """
    row = lock(licence_id)
    now = clock.now()
    named = _checked(row, fingerprints, days, most_days, now)
    verdict = _all_may(row, named)
    end = min(now + timedelta(days=days), verdict.over_at or now).replace(microsecond=0)
    if end <= now:
        raise Denied(Code.EXPIRED)
    _borrow(row, verdict, named, end, now, by=by)
    return _written(row, named, now.replace(microsecond=0), end, by=by)


def _checked(
    row: Licence, fingerprints: Sequence[str], days: int, most_days: int | None, now: datetime
) -> list[str]:
    named = list(dict.fromkeys(nodes.checked(one) for one in fingerprints))
    if not 1 <= len(named) <= plans.rule("file_nodes_most"):
        raise Refused(
            _l("A file names 1 to %(most)s nodes.", most=plans.rule("file_nodes_most")), field="fingerprints", status=422
        )  # fmt: skip
    most = most_days or plans.read(row.sold).offline_days
    if not 1 <= days <= most:
        raise Denied(Not.DAYS_TOO_LONG, most=most)
    today = select(func.count(LicenceFile.id)).where(
        LicenceFile.licence_id == row.id, LicenceFile.issued_at > now - A_DAY
    )
    if (db.session.scalar(today) or 0) >= MOST_A_DAY:
        raise Denied(Not.TOO_MANY_REQUESTS, retry_after=3600)
    return named


def _all_may(row: Licence, named: Sequence[str]) -> Verdict:
    """Return the judgement of the licence; refused with the list of nodes that may not."""
    found = {one: nodes.judged(row, one) for one in named}
    refused = []
    for one, verdict in found.items():
        if verdict.code is Code.NODE_UNKNOWN and verdict.stage is Stage.GRACE:
            refused.append({"fingerprint": one, "code": Not.GRACE_NO_NEW_NODES.value})
        elif verdict.code not in {*VALID, Code.NODE_UNKNOWN, Code.LEASE_LAPSED}:
            refused.append({"fingerprint": one, "code": verdict.code.value})
    last = found[named[-1]]
    if refused:
        first = found[refused[0]["fingerprint"]]
        if first.code is Code.NODE_UNKNOWN:
            raise Denied(Not.GRACE_NO_NEW_NODES, refused=refused)
        denied = denial.of(first)
        denied.facts["refused"] = refused
        raise denied
    return last


def _borrow(
    row: Licence, verdict: Verdict, named: Sequence[str], end: datetime, now: datetime, *, by: Any
) -> None:
    fresh = []
    for one in named:
        node = seats.live_node(row.id, one)
        if node is None:
            fresh.append(one)
        else:  # before room is made: a seat that is borrowed is not given on
            node.offline_until = max(end, node.offline_until or end)
    db.session.flush()
    if not fresh:
        return
    try:
        seats.make_room(row, verdict, now, want=len(fresh))
    except Denied as full:
        full.facts["refused"] = [{"fingerprint": one, "code": full.code.value} for one in fresh]
        raise
    verdict = seats.raised(verdict, row, now)
    for one in fresh:
        seats.burn(row, one, verdict.limit, now)
        node = seats.sit(row, verdict, one, Report(), now, key=None, by=by)
        node.offline_until = end


def _written(row: Licence, named: list[str], now: datetime, end: datetime, *, by: Any) -> LicenceFile:
    jti = _file_id()
    body = proving.payload(
        proving.Holder.of(row), spans(row.id), jti=jti, kind="offline", nodes=named, now=now, end=end
    )
    try:
        token, kid = proving.signed(body)
    except NoKey as missing:
        raise Refused(
            _l("Files cannot be signed at the moment. Please try again later."), status=503
        ) from missing  # fmt: skip
    file = LicenceFile(
        licence=row, jti=jti, kid=kid, fingerprints=named, token=token, by_name=str(getattr(by, "name", by))[:120],
        issued_at=now, expires_at=end,
    )  # fmt: skip
    db.session.add(file)
    note(row, "file.issued", by=by, file=jti, nodes=len(named), until=end)
    audit.record("licence.file_issued", row, by=by, org_id=row.org_id, file=jti, nodes=len(named), until=end)
    return file


def give_back(file: LicenceFile, *, reason: str, by: Any) -> None:
    """Free the seats of a file before its end, which staff believe is no longer used: seldom, and with a reason."""
    row = lock(file.licence_id)
    db.session.refresh(file)
    now = clock.now()
    if file.returned_at is not None or file.expires_at <= now:
        raise Refused(_l("This file holds no seat any more."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if returns_left(row) <= 0:
        raise Refused(_l("No more files of this licence can be taken back this year."))
    file.returned_at, file.returned_why = now, reason.strip()[:300]
    db.session.flush()
    others = in_force(row.id, now)
    for one in file.fingerprints:
        if (node := seats.live_node(row.id, one)) is not None:
            node.offline_until = max((x.expires_at for x in others if one in x.fingerprints), default=None)
    note(row, "file.returned", by=by, file=file.jti)
    audit.record("licence.file_returned", row, by=by, org_id=row.org_id, file=file.jti, reason=reason)


def returns_left(row: Licence) -> int:
    """Return how many files of a licence may still be taken back within a year."""
    used = select(func.count(LicenceFile.id)).where(
        LicenceFile.licence_id == row.id, LicenceFile.returned_at > clock.now() - A_YEAR
    )
    return max(0, plans.rule("returns_a_year") - (db.session.scalar(used) or 0))


def in_force(licence_id: int, now: datetime | None = None) -> list[LicenceFile]:
    """Return the files that still hold seats, the first to end first."""
    found = select(LicenceFile).where(
        LicenceFile.licence_id == licence_id, LicenceFile.returned_at.is_(None),
        LicenceFile.expires_at > (now or clock.now()),
    )  # fmt: skip
    return list(db.session.scalars(found.order_by(LicenceFile.expires_at, LicenceFile.id)))
