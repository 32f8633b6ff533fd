"""Who would lose a seat at a lower limit: asked before fewer nodes are chosen."""

from __future__ import annotations

from sqlalchemy import select

from portal.core import clock
from portal.core.db import db
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node


def who_would_be_over(licence: Licence, nodes: int) -> list[Node]:
    """Return the live nodes that would be over a limit of `nodes`, the first to stop first.

    The order is that of `judge`: who is held by a file stays longest, then who is kept, then who came first.
    """
    now = clock.now()
    rows = db.session.scalars(
        select(Node).where(Node.licence_id == licence.id, Node.released_at.is_(None)).order_by(Node.id)
    ).all()

    def place(one: Node) -> tuple[bool, bool, object, int]:
        held = one.offline_until is not None and one.offline_until > now
        return (not held, not one.kept, one.activated_at, one.id)

    return list(reversed(sorted(rows, key=place)[max(0, nodes) :]))
