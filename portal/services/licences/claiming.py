"""Nodes claim, renew and say goodbye. A renewal is one UPDATE without the lock; all else waits its turn at the licence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.core import clock
from portal.core.db import db
from portal.services.licences import denial, facts, seats
from portal.services.licences.denial import Denied, Not
from portal.services.licences.facts import Found
from portal.services.licences.judge import Ask, Span, Verdict, judge, limit_at
from portal.services.licences.kinds import VALID, Code, ReleaseWhy, RuleKind, Stage
from portal.services.licences.locking import lock, note, spans
from portal.services.licences.models.licence import Licence, LicenceKey
from portal.services.licences.models.node import Node, NodeRule, NodeRun
from portal.services.licences.seats import Report

SHARED_AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seated:
    """A node that has a seat: whether it is new, until when its proof may run, and the terms if they were just read."""

    licence_id: int
    fingerprint: str
    new: bool
    code: Code
    lease_until: datetime
    lease_seconds: int
    terms: tuple[Span, ...] = ()


def renewable(found: Found | None, ask: Ask, report: Report, now: datetime) -> Verdict | None:
    """Return the judgement of a live node that may go on; None if the licence must be asked under its lock.

    Raises `Denied` where the answer is clear without it.
    """
    verdict = judge(found.facts if found else None, ask, now)
    if verdict.code in VALID or verdict.code is Code.LEASE_LAPSED:
        assert found is not None
        return None if _shares(found, report, now) else verdict
    if verdict.code is not Code.NODE_UNKNOWN:
        raise denial.of(verdict)
    return None


def renew(found: Found, verdict: Verdict, ask: Ask, report: Report, now: datetime) -> Seated | None:
    """Extend a live node's lease in one statement; None if it lost its seat meanwhile."""
    assert found.node_id is not None
    assert verdict.over_at is not None
    until = min(now + timedelta(seconds=found.lease_seconds), verdict.over_at)
    machine = {}
    if report.machine and report.machine != found.machine:
        machine = {"machine": report.machine, "other_machine": found.machine, "machine_at": now}
    run = {"run": report.run} if report.run else {}
    if report.run and report.run != found.run:
        if _said_goodbye(found.licence_id, ask.fingerprint, report.run):
            raise Denied(Not.NODE_RELEASED)
        _note_run(found.node_id, report.run, now)
        if found.run and found.seen_at is not None:
            _note_run(found.node_id, found.run, found.seen_at)
    statement = (
        update(Node)
        .where(Node.id == found.node_id, Node.released_at.is_(None))
        .values(
            lease_until=case((Node.lease_until < until, until), else_=Node.lease_until), seen_at=now, key_id=found.key_id,
            **run, **machine, **report.given(),
        )
        .returning(Node.lease_until)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    lease = db.session.scalar(statement)
    return None if lease is None else renewed(found, verdict, ask, lease, now)


def renewed(found: Found, verdict: Verdict, ask: Ask, lease: datetime, now: datetime) -> Seated:
    """Return what a node is told whose lease now stands as the row says."""
    assert verdict.over_at is not None
    # It never falls, and what was promised before a term was closed is no longer told.
    kept = min(lease, verdict.over_at)
    seat = found.facts.seat
    assert seat is not None
    after = replace(found.facts, seat=replace(seat, lease_until=kept))
    code = judge(after, ask, now).code
    return Seated(
        found.licence_id, ask.fingerprint, False, code, kept, found.lease_seconds, found.facts.terms
    )


def claim(licence_id: int, digests: Sequence[str], ask: Ask, report: Report) -> Seated:
    """Give a node a seat under the lock of its licence, or refuse; the clock is read after the lock was had."""
    row = lock(licence_id)
    now = clock.now()
    found = facts.within(digests, ask, now)
    verdict = judge(found.facts if found else None, ask, now)
    if found is None or (verdict.code is not Code.NODE_UNKNOWN and found.node_id is None):
        raise denial.of(verdict)
    if found.node_id is not None:
        return _met(row, found, verdict, ask, report, now)
    _refuse_released(row, ask.fingerprint, report.run, now)
    if verdict.stage is Stage.GRACE:
        raise Denied(Not.GRACE_NO_NEW_NODES)
    seats.burn(row, ask.fingerprint, verdict.limit, now)
    key = db.session.get_one(LicenceKey, found.key_id)
    seats.make_room(row, verdict, now, key=key)
    verdict = seats.raised(verdict, row, now)
    node = seats.sit(row, verdict, ask.fingerprint, report, now, key=key, by="node")
    over = row.live_nodes > seats_lasting(row, now)
    code = Code.VALID_OVERAGE if over else Code.VALID
    return Seated(row.id, ask.fingerprint, True, code, node.lease_until, row.lease_seconds)


def seats_lasting(row: Licence, now: datetime) -> int:
    """Return the limit without what was lent."""
    return limit_at(spans(row.id), now, lasting=True)


def _met(row: Licence, found: Found, verdict: Verdict, ask: Ask, report: Report, now: datetime) -> Seated:
    """Renew a node that is live already: another request of it was faster, or two machines share its name."""
    if verdict.code not in VALID and verdict.code is not Code.LEASE_LAPSED:
        raise denial.of(verdict)
    shared = _shares(found, report, now)
    seated = renew(found, verdict, ask, report, now)
    if seated is None:
        raise Denied(Not.NODE_RELEASED)
    if shared:
        node = db.session.get_one(Node, found.node_id, populate_existing=True)
        node.shared_at = now
        note(row, "node.shared", by="licences", node=node, fingerprint=node.fingerprint)
    return seated


def _shares(found: Found, report: Report, now: datetime) -> bool:
    """Whether two machines use one fingerprint by turns within a lease, and nobody was told today."""
    if not report.machine or report.machine == found.machine or report.machine != found.other_machine:
        return False
    if found.machine_at is None or now - found.machine_at > timedelta(seconds=found.lease_seconds):
        return False
    return found.shared_at is None or now - found.shared_at > SHARED_AGAIN


def _said_goodbye(licence_id: int, fingerprint: str, run: str) -> bool:
    """Whether a run ended its stay by itself: what still arrives from it is an old packet."""
    stays = select(Node.id).where(Node.licence_id == licence_id, Node.fingerprint == fingerprint)
    left = select(Node.id).where(
        Node.licence_id == licence_id, Node.fingerprint == fingerprint, Node.released_run == run
    )
    ended = select(NodeRun.id).where(
        NodeRun.node_id.in_(stays), NodeRun.run == run, NodeRun.ended_at.is_not(None)
    )
    return db.session.scalar(left.limit(1)) is not None or db.session.scalar(ended.limit(1)) is not None


def _refuse_released(row: Licence, fingerprint: str, run: str, now: datetime) -> None:
    if run and _said_goodbye(row.id, fingerprint, run):
        raise Denied(Not.NODE_RELEASED)
    until = db.session.scalar(
        select(NodeRule.until).where(
            NodeRule.licence_id == row.id, NodeRule.fingerprint == fingerprint, NodeRule.kind == RuleKind.BARRED,
            NodeRule.ended_at.is_(None), NodeRule.until > now,
        )
    )  # fmt: skip
    if until is not None:
        raise Denied(Not.NODE_RELEASED, retry_after=max(1, -int(-(until - now).total_seconds() // 1)))


def _note_run(node_id: int, run: str, at: datetime, *, ended: bool = False) -> None:
    """Note when a process on a machine reported last."""
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = build(NodeRun).values(node_id=node_id, run=run, seen_at=at, ended_at=at if ended else None)
    later = case((NodeRun.seen_at < made.excluded.seen_at, made.excluded.seen_at), else_=NodeRun.seen_at)
    ends = func.coalesce(NodeRun.ended_at, made.excluded.ended_at)
    db.session.execute(
        made.on_conflict_do_update(
            index_elements=["node_id", "run"], set_={"seen_at": later, "ended_at": ends}
        )
    )


def goodbye(licence_id: int, fingerprint: str, run: str) -> None:
    """Let a node give back its seat; said again, it changes nothing. Other processes of its machine keep it."""
    row = lock(licence_id)
    now = clock.now()
    node = seats.live_node(row.id, fingerprint)
    if node is None:
        return
    seats.refuse_borrowed(node, now)
    if run and _others(node, run, now - timedelta(seconds=row.lease_seconds)):
        _note_run(node.id, run, now, ended=True)
        node.run = "" if node.run == run else node.run
        return
    seats.refuse_moves(row, limit_at(spans(row.id), now), now)
    seats.leave(row, node, ReleaseWhy.BY_NODE, now, by="node", run=run)


def _others(node: Node, run: str, since: datetime) -> bool:
    """Whether another process of the machine reported within the lease."""
    if node.run and node.run != run and node.seen_at > since:
        ended = select(NodeRun.id).where(
            NodeRun.node_id == node.id, NodeRun.run == node.run, NodeRun.ended_at.is_not(None)
        )
        if db.session.scalar(ended) is None:
            return True
    others = select(NodeRun.id).where(
        NodeRun.node_id == node.id, NodeRun.run != run, NodeRun.seen_at > since, NodeRun.ended_at.is_(None)
    )
    return db.session.scalar(others.limit(1)) is not None
