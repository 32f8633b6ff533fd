"""What always holds of licences, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import func, select

from portal.core.db import db
from portal.services.licences import verify_money
from portal.services.licences.models.licence import Hold, Licence, LicenceState, LicenceTool
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent, LicenceFile

TAKES, FREES = {"node.activated"}, {"node.released", "node.reclaimed", "node.moved"}


def verify_licences() -> tuple[int, list[str]]:
    """Return how many licences were looked at and a sentence for each fault."""
    rows = list(db.session.scalars(select(Licence).order_by(Licence.id)))
    found = [*_nodes(rows), *_states(rows), *_tools(rows), *_files(), *verify_money.verify_money()]
    return len(rows), found


def _nodes(rows: Iterable[Licence]) -> Iterable[str]:
    """Live rows are what the copy says, and what the events say: activated − released − reclaimed."""
    counted = (
        select(Node.licence_id, func.count(Node.id))
        .where(Node.released_at.is_(None))
        .group_by(Node.licence_id)
    )
    live: dict[int, int] = dict(db.session.execute(counted).all())
    told, last, many = Counter[int](), Counter[int](), Counter[int]()
    for licence, kind, sequence in db.session.execute(
        select(LicenceEvent.licence_id, LicenceEvent.kind, LicenceEvent.sequence)
    ):
        told[licence] += (kind in TAKES) - (kind in FREES)
        last[licence] = max(last[licence], sequence)
        many[licence] += 1
    for row in rows:
        if live.get(row.id, 0) != row.live_nodes:
            yield f"{row.subject}: {live.get(row.id, 0)} nodes are live, it says {row.live_nodes}"
        if told[row.id] != live.get(row.id, 0):
            yield f"{row.subject}: its events leave {told[row.id]} nodes live, its rows {live.get(row.id, 0)}"
        if not row.sequence == last[row.id] == many[row.id]:
            yield f"{row.subject}: its events are not numbered without a gap"


def _states(rows: Iterable[Licence]) -> Iterable[str]:
    held = set(db.session.scalars(select(Hold.licence_id).where(Hold.lifted_at.is_(None))))
    for row in rows:
        if row.state is LicenceState.ACTIVE and row.id in held:
            yield f"{row.subject}: active, and yet a hold is open"
        if row.state is LicenceState.SUSPENDED and row.id not in held:
            yield f"{row.subject}: suspended, and no hold is open"
        if row.final and row.live_nodes:
            yield f"{row.subject}: its life is over, and nodes are live"


def _tools(rows: Iterable[Licence]) -> Iterable[str]:
    by_id = {row.id: row for row in rows}
    for one in db.session.scalars(select(LicenceTool)):
        row = by_id[one.licence_id]
        if one.org_id != row.org_id or (one.ended_at is not None) != row.final:
            yield f"{row.subject}: its tool {one.tool} does not fit it"


def _files() -> Iterable[str]:
    """A node that a file holds keeps its seat until the file ends."""
    ends: dict[tuple[int, str], list[object]] = defaultdict(list)
    for file in db.session.scalars(select(LicenceFile).where(LicenceFile.returned_at.is_(None))):
        for fingerprint in file.fingerprints:
            ends[file.licence_id, fingerprint].append(file.expires_at)
    for node in db.session.scalars(select(Node).where(Node.offline_until.is_not(None))):
        if node.released_at is None and node.offline_until not in ends[node.licence_id, node.fingerprint]:
            yield f"{node.subject}: held until {node.offline_until} by no file"
