"""Seats of a locked licence: who is live, whose seat can be had, and what a new node needs. Call under the lock."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select, update

from portal.core import clock
from portal.core.db import Utc, db
from portal.services.licences import plans
from portal.services.licences.denial import Denied, Not
from portal.services.licences.judge import Seat, Verdict, limit_at
from portal.services.licences.kinds import Policy, ReleaseWhy, TermKind
from portal.services.licences.locking import note, spans
from portal.services.licences.models.licence import Licence, LicenceKey, LicenceTerm
from portal.services.licences.models.node import Node

FINGERPRINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{2,127}")
NEAR = 80  # percent of the limit


@dataclass(frozen=True, slots=True)
class Report:
    """What a node says of itself; empty where it says nothing. `run` is made once per start of its process."""

    run: str = ""
    name: str = ""
    machine: str = ""
    platform: str = ""
    accelerator: str = ""
    tool_version: str = ""

    def given(self) -> dict[str, str]:
        """Return what it says, by the names of the columns; the run stands apart."""
        return {
            name: said
            for name in ("name", "platform", "accelerator", "tool_version")
            if (said := getattr(self, name))
        }


def living(licence_id: int) -> ColumnElement[bool]:
    """Return the condition of a licence's live nodes."""
    return (Node.licence_id == licence_id) & Node.released_at.is_(None)


def count(licence_id: int, *more: ColumnElement[bool]) -> int:
    """Count the live nodes of a licence."""
    return db.session.scalar(select(func.count(Node.id)).where(living(licence_id), *more)) or 0


def live_node(licence_id: int, fingerprint: str) -> Node | None:
    """Return the live stay of a fingerprint, as it is now."""
    found = select(Node).where(living(licence_id), Node.fingerprint == fingerprint)
    return db.session.scalars(found.execution_options(populate_existing=True)).first()


def seat_of(node: Node, now: datetime) -> Seat:
    """Return a live node with its place among the live ones: files first, then kept, then the longest there."""

    def place(one: Any) -> tuple[Any, ...]:
        held = one.offline_until is not None and one.offline_until > now
        return (not held, not one.kept, one.activated_at, one.id)

    columns = (Node.offline_until, Node.kept, Node.activated_at, Node.id)
    rows = db.session.execute(select(*columns).where(living(node.licence_id)))
    return Seat(sum(place(one) <= place(node) for one in rows), node.lease_until, node.offline_until)


def make_room(
    row: Licence, verdict: Verdict, now: datetime, *, key: LicenceKey | None = None, want: int = 1
) -> None:
    """Free so many seats, from whoever was silent longest, or refuse; the licence may go over its limit once a year.

    A key may have a cap of its own.
    """
    if key is not None and (most := key.most_nodes) is not None:
        mine = Node.key_id == key.id
        short = count(row.id, mine) + want - most
        if short > 0 and _reclaim(row, short, now, mine) < short:
            raise Denied(Not.KEY_LIMIT_REACHED, limit=most, live=count(row.id, mine))
    live = count(row.id)
    short = live + want - verdict.limit
    if short <= 0:
        return
    live -= _reclaim(row, short, now)
    limit = verdict.limit
    if live + want > limit:
        limit += _overage(row, now)
    if live + want > limit:
        raise Denied(
            Not.NODE_LIMIT_REACHED, words=None, limit=limit, live=live, next_free_at=_next_free(row, now)
        )


def _lapsed(row: Licence, now: datetime, more: tuple[ColumnElement[bool], ...]) -> ColumnElement[bool]:
    """Return the condition of seats that may be given on: silent for a while, and held by no file."""
    before = now - timedelta(seconds=plans.rule("reclaim_after_seconds"))
    found = living(row.id) & (Node.lease_until < before) & ~in_file(now)
    for one in more:
        found = found & one
    return found


def in_file(now: datetime) -> ColumnElement[bool]:
    """Return the condition of a node that a file holds: it cannot be recalled. Never null, it can be turned round."""
    return func.coalesce(Node.offline_until, literal(now, Utc())) > literal(now, Utc())


def _reclaim(row: Licence, want: int, now: datetime, *more: ColumnElement[bool]) -> int:
    """Release silent nodes, the longest silent first; return how many it really were."""
    if row.policy is Policy.NODE_LOCKED:
        return 0
    found, gone = _lapsed(row, now, more), list[Node]()
    while len(gone) < want and (some := _release(found, want - len(gone), now)) is not None:
        gone += some
    for one in sorted(gone, key=lambda one: one.id):
        note(row, "node.reclaimed", by="licences", node=one, fingerprint=one.fingerprint)
    row.live_nodes -= len(gone)
    return len(gone)


def _release(found: ColumnElement[bool], want: int, now: datetime) -> list[Node] | None:
    """Release the nodes longest silent; fewer than wanted if one renewed at this moment, None if none is silent."""
    oldest = list(
        db.session.scalars(select(Node.id).where(found).order_by(Node.lease_until, Node.id).limit(want))
    )
    if not oldest:
        return None
    gone = (
        update(Node)
        .where(Node.id.in_(oldest), found)  # a renewal may have come between: it keeps the seat
        .values(released_at=now, released_why=ReleaseWhy.RECLAIMED)
        .returning(Node)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return list(db.session.scalars(gone))


def _next_free(row: Licence, now: datetime) -> datetime | None:
    """Return when the next seat can be had if its node stays silent; None where nobody's is given on."""
    if row.policy is Policy.NODE_LOCKED:
        return None
    after = timedelta(seconds=plans.rule("reclaim_after_seconds"))
    free = func.min(func.coalesce(Node.offline_until, Node.lease_until))
    leases = select(func.min(Node.lease_until)).where(living(row.id), ~in_file(now))
    files = select(free).where(living(row.id), in_file(now))
    ends = [one + after for one in (db.session.scalar(leases),) if one is not None]
    ends += [one for one in (db.session.scalar(files),) if one is not None]
    return min(ends, default=None)


def _overage(row: Licence, now: datetime) -> int:
    """Write the overage of this contract year, if the plan has one and it was not used; return its nodes."""
    plan = plans.read(row.sold)
    if plan.overage is None:
        return 0
    terms = spans(row.id)
    lasting = limit_at(terms, now, lasting=True)
    year = _contract_year(row, now)
    source = f"overage:{row.uid}:{year}"
    if db.session.scalar(select(LicenceTerm.id).where(LicenceTerm.source == source)):
        return 0
    nodes = max(1, lasting * plan.overage.percent // 100)
    term = LicenceTerm(
        licence=row, kind=TermKind.OVERAGE, nodes=nodes, starts_at=now, ends_at=now + timedelta(days=plan.overage.days),
        source=source,
    )  # fmt: skip
    db.session.add(term)
    note(row, "licence.overage_started", by="licences", nodes=nodes, until=term.ends_at)
    return nodes


def _contract_year(row: Licence, now: datetime) -> int:
    """Return how many whole years have passed since the first term began."""
    first = db.session.scalar(select(func.min(LicenceTerm.starts_at)).where(LicenceTerm.licence_id == row.id))
    begin, today = clock.day_of(first or now), clock.day_of(now)
    return today.year - begin.year - ((today.month, today.day) < (begin.month, begin.day))


def burn(row: Licence, fingerprint: str, limit: int, now: datetime) -> None:
    """Count a fingerprint that this licence never saw; too many on one day are refused: they change at each start."""
    if db.session.scalar(
        select(Node.id).where(Node.licence_id == row.id, Node.fingerprint == fingerprint).limit(1)
    ):
        return
    today = clock.day_of(now)
    if row.fuse_day != today:
        row.fuse_day, row.fuse_count = today, 0
    if row.fuse_count >= max(plans.rule("new_nodes_least"), 2 * limit):
        tomorrow = clock.start_of(today + timedelta(days=1))
        raise Denied(Not.TOO_MANY_NEW_NODES, retry_after=max(1, int((tomorrow - now).total_seconds())))
    row.fuse_count += 1


def sit(
    row: Licence, verdict: Verdict, fingerprint: str, report: Report, now: datetime, *, key: LicenceKey | None, by: Any
) -> Node:  # fmt: skip
    """Give a free seat to a node: its row, its event, and the marks of a licence that fills up."""
    assert verdict.over_at is not None
    node = Node(
        licence=row, key=key, fingerprint=fingerprint, activated_at=now, seen_at=now, run=report.run, machine=report.machine,
        lease_until=min(now + timedelta(seconds=row.lease_seconds), verdict.over_at), name=report.name,
        platform=report.platform, accelerator=report.accelerator, tool_version=report.tool_version,
    )  # fmt: skip
    db.session.add(node)
    db.session.flush()
    row.live_nodes += 1
    note(row, "node.activated", by=by, node=node, fingerprint=fingerprint, name=report.name)
    _mark(row, verdict.limit, now)
    return node


def _mark(row: Licence, limit: int, now: datetime) -> None:
    """Tell, once a day, that a licence fills up."""
    today = clock.day_of(now)
    if row.live_nodes >= limit:
        note(row, "licence.limit_reached", by="licences", once=f"limit_reached:{today}", limit=limit)
    elif row.live_nodes * 100 >= limit * NEAR:
        note(
            row,
            "licence.limit_near",
            by="licences",
            once=f"limit_near:{today}",
            limit=limit,
            live=row.live_nodes,
        )


def leave(row: Licence, node: Node, why: ReleaseWhy, now: datetime, *, by: Any, run: str = "") -> None:
    """End a stay: the seat is free."""
    node.released_at, node.released_why, node.released_run = now, why, run
    row.live_nodes -= 1
    kind = "node.moved" if why is ReleaseWhy.MOVED else "node.released"
    note(row, kind, by=by, node=node, fingerprint=node.fingerprint, why=why)


def refuse_borrowed(node: Node, now: datetime) -> None:
    """Refuse to free a seat that a file holds: the file works until its end, whatever is said here."""
    if node.offline_until is not None and node.offline_until > now:
        raise Denied(Not.SEAT_BORROWED, until=node.offline_until)


def refuse_moves(row: Licence, limit: int, now: datetime) -> None:
    """Refuse another change of nodes where the policy counts them."""
    if row.policy is not Policy.NODE_LOCKED:
        return
    since = now - timedelta(days=plans.rule("moves_days"))
    gone = (ReleaseWhy.BY_NODE, ReleaseWhy.BY_PERSON, ReleaseWhy.MOVED)
    used = db.session.scalar(
        select(func.count(Node.id)).where(
            Node.licence_id == row.id, Node.released_at > since, Node.released_why.in_(gone)
        )
    )
    if (used or 0) >= max(plans.rule("moves_least"), limit * plans.rule("moves_percent") // 100):
        raise Denied(Not.MOVE_LIMIT_REACHED)


def raised(verdict: Verdict, row: Licence, now: datetime) -> Verdict:
    """Return a verdict with the limit after terms were added under the lock."""
    return replace(verdict, limit=limit_at(spans(row.id), now))
