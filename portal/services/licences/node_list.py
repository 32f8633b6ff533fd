"""The nodes of a licence as people look through them: searched, narrowed by how they stand, released many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.licences import nodes
from portal.services.licences.kinds import NodeStand, RuleKind
from portal.services.licences.models.licence import Licence, LicenceKey
from portal.services.licences.models.node import Node, NodeRule
from portal.services.licences.seats import in_file

MOST_AT_ONCE = 200
STANDS = (NodeStand.LEASED, NodeStand.LAPSED, NodeStand.BORROWED, NodeStand.RELEASED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which nodes: words of fingerprint or name, how they stand (empty: live), platform, the key they came by."""

    q: str = ""
    stand: str = ""
    platform: str = ""
    key: str = ""


def stands(stand: NodeStand, now: datetime) -> ColumnElement[bool]:
    """Return the condition of nodes that stand so at an instant."""
    live = Node.released_at.is_(None)
    conditions = {
        NodeStand.RELEASED: Node.released_at.is_not(None),
        NodeStand.BORROWED: live & in_file(now),
        NodeStand.LEASED: live & ~in_file(now) & (Node.lease_until > now),
        NodeStand.LAPSED: live & ~in_file(now) & (Node.lease_until <= now),
    }
    return conditions[stand]


def matching(row: Licence, wanted: Wanted) -> Select[Node]:
    """Select the nodes that are wanted, the newest first."""
    now = clock.now()
    found = select(Node).where(Node.licence_id == row.id)
    stand = next((one for one in STANDS if one.value == wanted.stand), None)
    found = found.where(Node.released_at.is_(None) if stand is None else stands(stand, now))
    if wanted.q:
        columns = (Node.fingerprint, Node.name)
        found = found.where(or_(*(one.icontains(wanted.q, autoescape=True) for one in columns)))
    if wanted.platform:
        found = found.where(Node.platform == wanted.platform)
    if wanted.key:
        key = select(LicenceKey.id).where(LicenceKey.licence_id == row.id, LicenceKey.uid == wanted.key)
        found = found.where(Node.key_id.in_(key))
    return found.order_by(Node.id.desc())


def platforms(row: Licence) -> list[str]:
    """Return the platforms of the live nodes."""
    seen = select(Node.platform).where(
        Node.licence_id == row.id, Node.released_at.is_(None), Node.platform != ""
    )
    return list(db.session.scalars(seen.distinct().order_by(Node.platform).limit(20)))


def counts(row: Licence) -> dict[NodeStand, int]:
    """Return how many nodes stand how, now."""
    now = clock.now()
    live = (NodeStand.LEASED, NodeStand.LAPSED, NodeStand.BORROWED)
    asked = select(*(func.count(Node.id).filter(stands(one, now)) for one in live))
    numbers = db.session.execute(asked.where(Node.licence_id == row.id, Node.released_at.is_(None))).one()
    return dict(zip(live, numbers, strict=True))


def chosen(row: Licence, uids: Sequence[str]) -> list[Node]:
    """Return the live nodes among those chosen, in the order of the list."""
    wanted = list(dict.fromkeys(uids))[:MOST_AT_ONCE]
    found = select(Node).where(Node.licence_id == row.id, Node.uid.in_(wanted), Node.released_at.is_(None))
    return list(db.session.scalars(found.order_by(Node.id.desc())))


def release_many(row: Licence, uids: Sequence[str], *, by: Any) -> tuple[int, list[tuple[str, str]]]:
    """Release nodes one by one; return how many, and each that stayed with the reason in words."""
    done, stayed = 0, []
    for node in chosen(row, uids):
        try:
            with db.session.begin_nested():
                done += nodes.release(node, by=by)
        except Refused as refusal:
            db.session.expire_all()
            stayed.append((node.fingerprint, str(refusal)))
    return done, stayed


def rules(row: Licence, kind: RuleKind) -> list[NodeRule]:
    """Return the open rules of a kind on the fingerprints of a licence."""
    found = select(NodeRule).where(
        NodeRule.licence_id == row.id, NodeRule.kind == kind, NodeRule.ended_at.is_(None)
    )
    return list(db.session.scalars(found.order_by(NodeRule.fingerprint, NodeRule.id)))


def stays(row: Licence, fingerprint: str) -> list[Node]:
    """Return the stays of a fingerprint, the newest first."""
    found = select(Node).where(Node.licence_id == row.id, Node.fingerprint == fingerprint)
    return list(db.session.scalars(found.order_by(Node.id.desc()).limit(50)))
